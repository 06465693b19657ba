//! [`FileSet`] ↔ disk: the only module that reads or writes the output directory.
//!
//! First everything is compared, then everything that may be refused is refused, and only then is
//! the first byte written. A file appears under its name complete or not at all: it is written
//! beside its place and renamed. That holds when the process is killed at any moment; it is not a
//! promise about power loss, for which every file would have to be flushed.

mod compare;
mod disk;

use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files::{FileSet, Kind, Origin};
use crate::registry::Registry;

pub use compare::{compare, compare_owned, present_cells};
pub use disk::{Disk, RealDisk};

/// How a file on disk relates to the generated one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is not there.
    Missing,
    /// It is there with other contents.
    Stale {
        /// What is there; replacement characters where it is not UTF-8.
        found: String,
    },
    /// It is there, byte for byte.
    Current,
    /// It is ours, and nothing in the registry stands for it.
    Orphaned,
    /// It lies among our files, and accelgen did not write it.
    NotOurs {
        /// Whether it stands where a generated file belongs.
        in_the_way: bool,
    },
}

/// One file of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Below the output directory, with forward slashes.
    pub path: String,
    /// How it relates.
    pub state: State,
    /// Where the generated file comes from; none for orphans and strangers.
    pub origin: Option<Origin>,
}

/// What writing may do beside creating and changing files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Remove orphaned files.
    pub prune: bool,
    /// Overwrite files that are not ours where generated ones belong.
    pub force: bool,
}

/// What was done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Written where nothing was.
    Created,
    /// Written over other contents.
    Changed,
    /// Left alone: it was right already.
    Unchanged,
    /// Removed.
    Removed,
    /// Left alone: it is not ours, or pruning was not asked for.
    Kept,
}

/// Brings the output directory to what `compared` says; see [`compare`].
///
/// # Errors
/// [`Error::NotOurs`] before anything is written, when a file that accelgen did not write stands
/// in the way and `force` is off; [`Error::Io`] when the system refuses, after which every file
/// is either as it was or as it should be.
pub fn write(
    disk: &dyn Disk,
    root: &Path,
    files: &FileSet,
    compared: &[Compared],
    options: WriteOptions,
) -> Result<Vec<Done>, Error> {
    refuse_strangers(root, compared, options)?;
    let mut done = vec![Done::Kept; compared.len()];
    // Modules before the index files that name them, removals last: a kill in between leaves a
    // tree in which every named module exists.
    for indexes in [false, true] {
        for (it, done) in compared.iter().zip(&mut done) {
            let is_index = it.origin.as_ref().is_some_and(|it| it.kind == Kind::Index);
            if is_index != indexes {
                continue;
            }
            let Some(file) = files.files.get(&it.path) else { continue };
            *done = match it.state {
                State::Current => Done::Unchanged,
                State::Missing => Done::Created,
                State::Stale { .. } | State::NotOurs { .. } => Done::Changed,
                State::Orphaned => continue,
            };
            if *done != Done::Unchanged {
                write_file(disk, &root.join(&it.path), &file.text)?;
            }
        }
    }
    if options.prune {
        for (it, done) in compared.iter().zip(&mut done) {
            if it.state == State::Orphaned {
                let path = root.join(&it.path);
                disk.remove_file(&path).map_err(Error::io("remove", &path))?;
                *done = Done::Removed;
                remove_empty_parents(disk, root, &path);
            }
        }
    }
    Ok(done)
}

/// Refuses when a file that accelgen did not write stands in the way and `force` is off.
pub(crate) fn refuse_strangers(
    root: &Path,
    compared: &[Compared],
    options: WriteOptions,
) -> Result<(), Error> {
    let in_the_way: Vec<PathBuf> = compared
        .iter()
        .filter(|it| it.state == State::NotOurs { in_the_way: true })
        .map(|it| root.join(&it.path))
        .collect();
    if options.force || in_the_way.is_empty() {
        return Ok(());
    }
    Err(Error::NotOurs { paths: in_the_way })
}

/// Compares and writes in one go, on the real disk; orphans stay.
///
/// # Errors
/// As [`compare`] and [`write()`].
pub fn write_all(registry: &Registry, root: &Path, files: &FileSet) -> Result<Vec<Done>, Error> {
    let compared = compare(&RealDisk, root, files, registry)?;
    write(&RealDisk, root, files, &compared, WriteOptions::default())
}

/// The name under which a file is written before it is renamed.
const TEMPORARY_PREFIX: &str = ".accelgen-";
const TEMPORARY_SUFFIX: &str = ".tmp";

fn is_temporary(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with(TEMPORARY_PREFIX) && name.ends_with(TEMPORARY_SUFFIX)
}

fn write_file(disk: &dyn Disk, path: &Path, text: &str) -> Result<(), Error> {
    match try_write(disk, path, text) {
        // Another generator that prunes takes what is not finished for left over, as well as a
        // folder that is still empty. It does so once.
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            try_write(disk, path, text)
        }
        result => result,
    }
}

fn try_write(disk: &dyn Disk, path: &Path, text: &str) -> Result<(), Error> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    disk.create_dir_all(folder).map_err(Error::io("create folder", folder))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // The process id keeps two generators at work on one folder out of each other's way.
    let temporary =
        folder.join(format!("{TEMPORARY_PREFIX}{name}-{}{TEMPORARY_SUFFIX}", std::process::id()));
    disk.write(&temporary, text.as_bytes()).map_err(Error::io("write", &temporary))?;
    disk.rename(&temporary, path).map_err(Error::io("write", path))
}

/// Removes the folders that a removed file leaves empty, up to the output directory.
fn remove_empty_parents(disk: &dyn Disk, root: &Path, path: &Path) {
    for folder in path.ancestors().skip(1).take_while(|it| *it != root) {
        if disk.remove_empty_dir(folder).is_err() {
            return;
        }
    }
}
