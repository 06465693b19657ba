//! What is on disk, beside what should be.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::{Compared, Disk, State, is_temporary};
use crate::error::Error;
use crate::files::{CellFile, FileSet};
use crate::format::HEADER_START;
use crate::plan::every_cell_file;
use crate::registry::Registry;

/// The folders below the output directory in which every file is ours or a problem.
const OWNED: [&str; 2] = ["src", "tests"];

/// Compares the output directory with what should be there, in the order of paths: every file of
/// `files`, and every file in the folders that we own which nothing in the registry stands for.
/// Our files of cells that the registry has but `files` does not are left out: they are not in
/// question.
///
/// # Errors
/// [`Error::SymbolicLink`] when a folder on the way is one; [`Error::Io`] when the system refuses.
pub fn compare(
    disk: &dyn Disk,
    root: &Path,
    files: &FileSet,
    registry: &Registry,
) -> Result<Vec<Compared>, Error> {
    let known = every_cell_file(registry).iter().map(CellFile::path).collect();
    compare_beside(disk, root, files, &known)
}

/// As [`compare`], for a folder in which nothing but `files` belongs, such as cargo's `OUT_DIR`.
///
/// # Errors
/// As [`compare`].
pub fn compare_owned(
    disk: &dyn Disk,
    root: &Path,
    files: &FileSet,
) -> Result<Vec<Compared>, Error> {
    compare_beside(disk, root, files, &BTreeSet::new())
}

/// Compares; files of ours at the paths of `known` are out of question.
fn compare_beside(
    disk: &dyn Disk,
    root: &Path,
    files: &FileSet,
    known: &BTreeSet<String>,
) -> Result<Vec<Compared>, Error> {
    let found = walk(root)?;
    refuse_misfits(root, files, &found)?;
    let mut compared = BTreeMap::new();
    for (path, file) in &files.files {
        let state = match found.get(path) {
            None | Some(Entry::Folder) => State::Missing,
            Some(Entry::Other) => State::NotOurs { in_the_way: true },
            Some(Entry::File) => {
                let full = root.join(path);
                match disk.read(&full).map_err(Error::io("read", &full))? {
                    None => State::Missing,
                    Some(bytes) if bytes == file.text.as_bytes() => State::Current,
                    Some(bytes) if is_ours(&bytes) => {
                        State::Stale { found: String::from_utf8_lossy(&bytes).into_owned() }
                    }
                    Some(_) => State::NotOurs { in_the_way: true },
                }
            }
        };
        compared.insert(path.clone(), (state, Some(file.origin.clone())));
    }
    for (path, entry) in &found {
        if compared.contains_key(path) {
            continue;
        }
        let ours = match entry {
            Entry::Folder => continue,
            Entry::Other => false,
            Entry::File if is_temporary(path) => true,
            Entry::File => {
                let full = root.join(path);
                let bytes = disk.read(&full).map_err(Error::io("read", &full))?;
                bytes.is_some_and(|it| is_ours(&it))
            }
        };
        // Nobody else's file is passed over, even where a file of ours may lie.
        let state = match ours {
            true if known.contains(path) => continue,
            true => State::Orphaned,
            false => State::NotOurs { in_the_way: false },
        };
        compared.insert(path.clone(), (state, None));
    }
    Ok(compared
        .into_iter()
        .map(|(path, (state, origin))| Compared { path, state, origin })
        .collect())
}

/// The cell files of the registry that are on disk, whatever is in them.
///
/// # Errors
/// As [`compare`].
pub fn present_cells(root: &Path, registry: &Registry) -> Result<BTreeSet<CellFile>, Error> {
    let found = walk(root)?;
    let known = every_cell_file(registry);
    let is_there =
        |it: &CellFile| matches!(found.get(&it.path()), Some(Entry::File | Entry::Other));
    Ok(known.into_iter().filter(is_there).collect())
}

/// What lies below a folder that we own.
#[derive(Clone, Copy)]
enum Entry {
    Folder,
    File,
    /// A link, a pipe, or whatever has a name that is no text: never ours, and never read.
    Other,
}

/// Refuses what no write can replace: a folder where a file belongs, or the other way about.
fn refuse_misfits(
    root: &Path,
    files: &FileSet,
    found: &BTreeMap<String, Entry>,
) -> Result<(), Error> {
    for path in files.files.keys() {
        if let Some(Entry::Folder) = found.get(path) {
            return Err(Error::InTheWay { path: root.join(path), is: "folder", wanted: "file" });
        }
        for (end, _) in path.match_indices('/') {
            let folder = path.get(..end).unwrap_or_default();
            if let Some(Entry::File | Entry::Other) = found.get(folder) {
                let path = root.join(folder);
                return Err(Error::InTheWay { path, is: "file", wanted: "folder" });
            }
        }
    }
    Ok(())
}

fn is_ours(bytes: &[u8]) -> bool {
    bytes.starts_with(HEADER_START.as_bytes())
}

/// Everything below the folders that we own.
fn walk(root: &Path) -> Result<BTreeMap<String, Entry>, Error> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<String> = OWNED.iter().map(|it| (*it).to_owned()).collect();
    while let Some(folder) = folders.pop() {
        let full = root.join(&folder);
        if full.is_symlink() {
            return Err(Error::SymbolicLink { path: full });
        }
        #[expect(clippy::disallowed_methods, reason = "sync reads the output directory")]
        let entries = match std::fs::read_dir(&full) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("list", &full)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(Error::io("list", &full))?;
            let kind = entry.file_type().map_err(Error::io("look at", &entry.path()))?;
            let name = entry.file_name();
            let path = format!("{folder}/{}", name.display());
            if kind.is_symlink() && entry.path().is_dir() {
                return Err(Error::SymbolicLink { path: entry.path() });
            }
            let entry = match name.to_str() {
                Some(_) if kind.is_dir() => {
                    folders.push(path.clone());
                    Entry::Folder
                }
                Some(_) if kind.is_file() => Entry::File,
                _ => Entry::Other,
            };
            found.insert(path, entry);
        }
    }
    Ok(found)
}
