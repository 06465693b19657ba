//! Whatever operation the disk dies in, every file is whole: as it was, or as it should be.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use accelgen::sync::{self, Disk, RealDisk, State, WriteOptions};
use accelgen::{FileSet, Kind, Request, generate};

use crate::synthetic::{REAL, SIMULATION, parse, yaml};

/// Dies at a chosen operation, in the middle of it if it is a write, and stays dead.
struct DyingDisk {
    operations_left: Cell<usize>,
}

impl DyingDisk {
    fn spend(&self) -> io::Result<()> {
        match self.operations_left.get() {
            0 => Err(io::Error::other("the plug is out")),
            left => {
                self.operations_left.set(left - 1);
                Ok(())
            }
        }
    }
}

impl Disk for DyingDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        RealDisk.read(path)
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.spend()?;
        RealDisk.create_dir_all(path)
    }
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.spend() {
            // A process that is killed while writing leaves a part of the file.
            RealDisk.write(path, &bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        RealDisk.write(path, bytes)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.spend()?;
        RealDisk.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.spend()?;
        RealDisk.remove_file(path)
    }
    fn remove_empty_dir(&self, path: &Path) -> io::Result<()> {
        self.spend()?;
        RealDisk.remove_empty_dir(path)
    }
}

fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn no_file_is_ever_half_written() {
    let old_registry = parse(&yaml(SIMULATION, false));
    let registry = parse(&yaml(REAL, false));
    let request =
        || Request { models: Some(["tiny_encoder".to_owned()].into()), ..Request::default() };
    let old: FileSet = generate(&old_registry, &request()).unwrap();
    let new: FileSet = generate(&registry, &request()).unwrap();
    let mut deaths = 0;
    for operations in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        sync::write_all(&old_registry, root, &old).unwrap();
        // An orphan, so that removal is among what can die.
        let mut orphan = old.files.values().next().unwrap().text.clone();
        orphan.push_str("// an orphan\n");
        std::fs::write(root.join("src/skills/gone.rs"), &orphan).unwrap();

        let disk = DyingDisk { operations_left: Cell::new(operations) };
        let compared = sync::compare(&disk, root, &new, &registry).unwrap();
        let options = WriteOptions { prune: true, force: false };
        let died = sync::write(&disk, root, &new, &compared, options).is_err();

        for (path, bytes) in tree(root) {
            let temporary = path.rsplit('/').next().is_some_and(|it| it.starts_with(".accelgen-"));
            if temporary {
                continue;
            }
            let whole = old.files.get(&path).is_some_and(|it| it.text.as_bytes() == bytes)
                || new.files.get(&path).is_some_and(|it| it.text.as_bytes() == bytes)
                || (path == "src/skills/gone.rs" && bytes == orphan.as_bytes());
            assert!(whole, "{path} is neither old nor new after {operations} operations");
        }
        // The next run on a sound disk mends everything, left-over temporary files included.
        let compared = sync::compare(&RealDisk, root, &new, &registry).unwrap();
        sync::write(&RealDisk, root, &new, &compared, options).unwrap();
        let after = sync::compare(&RealDisk, root, &new, &registry).unwrap();
        assert!(after.iter().all(|it| it.state == State::Current), "{after:?}");
        assert_eq!(tree(root).len(), new.files.len());
        if !died {
            break;
        }
        deaths += 1;
    }
    // A folder, a write and a rename for each of the changed files at the least.
    assert!(deaths > 40, "only {deaths} operations could die");
}

#[test]
fn whatever_a_module_file_names_is_there_before_it() {
    let registry = parse(&yaml(REAL, false));
    let request =
        Request { models: Some(["tiny_encoder".to_owned()].into()), ..Request::default() };
    let files = generate(&registry, &request).unwrap();
    let (indexes, cells): (Vec<_>, Vec<_>) =
        files.files.iter().partition(|(_, it)| it.origin.kind == Kind::Index);
    for operations in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let there = |(path, _): &(&String, _)| folder.path().join(path).exists();
        let disk = DyingDisk { operations_left: Cell::new(operations) };
        let compared = sync::compare(&disk, folder.path(), &files, &registry).unwrap();
        let written = sync::write(&disk, folder.path(), &files, &compared, WriteOptions::default());
        assert!(!indexes.iter().any(there) || cells.iter().all(there), "after {operations}");
        if written.is_ok() {
            break;
        }
    }
}

#[test]
fn a_link_is_never_written_through() {
    let registry = parse(&yaml(REAL, false));
    let files = generate(&registry, &Request::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("src/skills")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("src/skills/tiny_eye"))
        .unwrap();
    let error = sync::write_all(&registry, folder.path(), &files).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn a_stranger_in_the_way_stops_everything_before_the_first_write() {
    let registry = parse(&yaml(REAL, false));
    let files = generate(&registry, &Request::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stranger = folder.path().join("tests/models/tiny_film/webgpu.rs");
    std::fs::create_dir_all(stranger.parent().unwrap()).unwrap();
    std::fs::write(&stranger, "fn mine() {}").unwrap();
    let error = sync::write_all(&registry, folder.path(), &files).unwrap_err();
    assert!(error.to_string().contains("webgpu.rs"), "{error}");
    assert_eq!(tree(folder.path()).len(), 1, "something was written");
    assert_eq!(std::fs::read_to_string(&stranger).unwrap(), "fn mine() {}");
}

/// At the first rename, another generator removes what it takes for left over.
struct SharedDisk {
    disturbed: Cell<bool>,
}

impl Disk for SharedDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        RealDisk.read(path)
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_dir_all(path)
    }
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        RealDisk.write(path, bytes)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if !self.disturbed.replace(true) {
            RealDisk.remove_file(from)?;
            RealDisk.remove_empty_dir(from.parent().unwrap())?;
        }
        RealDisk.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_file(path)
    }
    fn remove_empty_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_empty_dir(path)
    }
}

#[test]
fn another_generator_that_tidies_up_does_no_harm() {
    let registry = parse(&yaml(REAL, false));
    let files = generate(&registry, &Request::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let disk = SharedDisk { disturbed: Cell::new(false) };
    let compared = sync::compare(&disk, folder.path(), &files, &registry).unwrap();
    sync::write(&disk, folder.path(), &files, &compared, WriteOptions::default()).unwrap();
    assert!(disk.disturbed.get());
    let after = sync::compare(&RealDisk, folder.path(), &files, &registry).unwrap();
    assert!(after.iter().all(|it| it.state == State::Current), "{after:?}");
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_temporary_file_is_not_followed() {
    let registry = parse(&yaml(REAL, false));
    let files = generate(&registry, &Request::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    std::fs::write(&victim, "mine").unwrap();
    let temporary = format!("src/.accelgen-lib.rs-{}.tmp", std::process::id());
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::os::unix::fs::symlink(&victim, folder.path().join(temporary)).unwrap();
    sync::write_all(&registry, folder.path(), &files).unwrap();
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "mine");
    assert!(folder.path().join("src/lib.rs").symlink_metadata().unwrap().is_file());
}
