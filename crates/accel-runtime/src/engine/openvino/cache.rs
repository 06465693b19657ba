//! Where OpenVINO keeps compiled models.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::library::Device;
use super::options::Property;
use crate::engine::locate;
use crate::model::GraphFiles;
use crate::{Error, Result};

/// A place for one compiled model, this process's until it is dropped.
///
/// OpenVINO maps the file that it finds and writes a new one in place: a reader that meets a
/// writer dies. So loads of one model wait for each other, whatever processes they are in, and a
/// compiled model is written elsewhere and moved here when it is whole.
#[derive(Debug)]
pub(super) struct Place {
    /// Where it lies when it is whole.
    folder: PathBuf,
    /// Where it is written when it is not there yet.
    unfinished: Option<PathBuf>,
    /// Closing the file unlocks it.
    _lock: File,
}

impl Place {
    /// The place for what is compiled from these files with these options by this version for
    /// this device.
    ///
    /// OpenVINO names the file in it by what the model computes. The place keeps apart what that
    /// name may leave out.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] where nothing can be kept; [`Error::Io`] when the model cannot be
    /// read.
    pub(super) fn claim(
        graph: &GraphFiles,
        version: &str,
        devices: &[Device],
        properties: &[Property],
    ) -> Result<Self> {
        let folder = folder(graph, version, devices, properties)?;
        let cannot = |what: &Path, error: io::Error| {
            refuse(format!(
                "{} cannot be made ({error}); set XDG_CACHE_HOME to a folder that may be \
                 written, or give false",
                what.display()
            ))
        };
        let parent = folder.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(parent).map_err(|error| cannot(parent, error))?;
        let lock = folder.with_extension("lock");
        let opened = File::create(&lock).and_then(|it| it.lock().map(|()| it));
        let opened = opened.map_err(|error| cannot(&lock, error))?;
        let unfinished = (!folder.is_dir()).then(|| folder.with_extension("unfinished"));
        if let Some(unfinished) = &unfinished {
            // What a process left that was ended while it compiled.
            _ = fs::remove_dir_all(unfinished);
            fs::create_dir(unfinished).map_err(|error| cannot(unfinished, error))?;
        }
        Ok(Self { folder, unfinished, _lock: opened })
    }

    /// The folder that OpenVINO is to use.
    pub(super) fn folder(&self) -> &Path {
        self.unfinished.as_deref().unwrap_or(&self.folder)
    }

    /// Makes what was compiled the one that later loads find.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] when the system does not let it be moved.
    pub(super) fn keep(mut self) -> Result<()> {
        let Some(unfinished) = self.unfinished.take() else {
            return Ok(());
        };
        fs::rename(&unfinished, &self.folder).map_err(|error| {
            refuse(format!("{} cannot be moved to its place ({error})", unfinished.display()))
        })
    }
}

impl Drop for Place {
    /// A model that did not compile leaves nothing.
    fn drop(&mut self) {
        if let Some(unfinished) = &self.unfinished {
            _ = fs::remove_dir_all(unfinished);
        }
    }
}

fn refuse(reason: String) -> Error {
    Error::InvalidOption { option: "model_cache", given: "true".to_owned(), reason }
}

/// Where it lies: a key of all that it depends on.
fn folder(
    graph: &GraphFiles,
    version: &str,
    devices: &[Device],
    properties: &[Property],
) -> Result<PathBuf> {
    let user = user_folder().ok_or_else(|| {
        refuse("the system names no folder for caches; set XDG_CACHE_HOME, or give false".into())
    })?;
    let mut key = Key::new();
    for it in devices {
        key.add(&it.name);
        key.add(&it.full_name);
    }
    for it in properties {
        key.add(it.key.as_ref());
        key.add(&it.value);
    }
    for file in std::iter::once(&graph.path).chain(&graph.external_data) {
        let io = |source| Error::Io { path: file.clone(), source };
        let metadata = file.metadata().map_err(io)?;
        key.add(&file.canonicalize().map_err(io)?.to_string_lossy());
        key.add(&metadata.len().to_string());
        let modified = metadata.modified().map_err(io)?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        key.add(&since.as_nanos().to_string());
    }
    Ok(user.join("openvino").join(version).join(key.text()))
}

/// This user's cache of what engines compile.
fn user_folder() -> Option<PathBuf> {
    let caches = if cfg!(windows) {
        locate::variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        locate::variable("HOME").map(|it| it.join("Library/Caches"))
    } else {
        locate::variable("XDG_CACHE_HOME")
            .or_else(|| locate::variable("HOME").map(|it| it.join(".cache")))
    };
    caches.map(|it| it.join("accel"))
}

/// A key of texts, each ended, so that their order and borders count: FNV-1a of 128 bits, which
/// stays the same from one build to the next.
struct Key(u128);

impl Key {
    const fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn add(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }

    fn text(&self) -> String {
        format!("{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    fn key(texts: &[&str]) -> String {
        let mut key = Key::new();
        for it in texts {
            key.add(it);
        }
        key.text()
    }

    #[test]
    fn order_and_borders_count() {
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
        let all = [key(&["a", "b"]), key(&["b", "a"]), key(&["ab"]), key(&["ab", ""]), key(&[])];
        for (i, it) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other != it), "{all:?}");
        }
    }
}
