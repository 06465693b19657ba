//! Answers that are kept: one JSON file, read and written only with `--model-db`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use accel_core::classify::knowledge;
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::facts::Facts;
use crate::failure::Failure;

/// The version of the file.
const VERSION: u32 = 1;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    version: u32,
    /// Hash of what an answer follows from → the answer.
    answers: BTreeMap<String, Answer>,
}

/// The file, locked against other processes until it is dropped.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    content: Content,
    changed: bool,
    /// Held: processes take turns from reading to writing, so that no answer is lost.
    _lock: File,
}

impl Database {
    /// Opens the file at `path`; one that is not there is empty.
    ///
    /// # Errors
    /// A file that is not such, or of another version; a folder that cannot be written.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        // What has no end, such as a device, would be read without end.
        if path.exists() && !path.is_file() || path.file_name().is_none() {
            return Err(broken(path, "it is not a file"));
        }
        let lock_path = beside(path, ".lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(Failure::io("create", &lock_path))?;
        lock.lock().map_err(Failure::io("lock", &lock_path))?;
        let content = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Content { version: VERSION, answers: BTreeMap::new() }
            }
            Err(error) => return Err(broken(path, &error.to_string())),
            Ok(bytes) => read(&bytes).map_err(|it| broken(path, &it))?,
        };
        Ok(Self { path: path.to_owned(), content, changed: false, _lock: lock })
    }

    /// The answer that is kept for these facts.
    pub(super) fn get(&self, facts: &Facts) -> Option<Answer> {
        self.content.answers.get(&key(facts)).cloned()
    }

    /// Keeps an answer.
    pub(super) fn put(&mut self, facts: &Facts, answer: &Answer) {
        self.content.answers.insert(key(facts), answer.clone());
        self.changed = true;
    }

    /// Writes what has changed: beside the file, and then in its place, so that it is whole
    /// whenever the process dies.
    ///
    /// # Errors
    /// What the system refuses.
    pub(super) fn close(self) -> Result<(), Failure> {
        if !self.changed {
            return Ok(());
        }
        let new = beside(&self.path, ".new");
        let text = serde_json::to_string_pretty(&self.content)
            .map_err(|it| Failure::failed("io", it.to_string()))?;
        let write = |path: &Path| {
            let mut file = File::create(path)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")
        };
        write(&new).map_err(Failure::io("write", &new))?;
        fs::rename(&new, &self.path).map_err(Failure::io("replace", &self.path))
    }
}

fn read(bytes: &[u8]) -> Result<Content, String> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|it| it.to_string())?;
    if head.version != VERSION {
        return Err(format!("its version is {}, this program knows {VERSION}", head.version));
    }
    serde_json::from_slice(bytes).map_err(|it| it.to_string())
}

fn broken(path: &Path, why: &str) -> Failure {
    Failure::input(
        "corrupt-model-db",
        format!(
            "{} is not a file of answers: {why}; remove it, or name another with --model-db",
            path.display()
        ),
    )
}

/// A path with something at its end.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A hash of everything that an answer follows from: the facts, those of its config included, and
/// this program with its tables.
fn key(facts: &Facts) -> String {
    let facts = serde_json::to_string(facts).unwrap_or_default();
    let program = format!("{} {:016x} ", env!("CARGO_PKG_VERSION"), knowledge::fingerprint());
    // FNV-1a of 128 bits.
    let hash = program
        .bytes()
        .chain(facts.bytes())
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
        });
    format!("{hash:032x}")
}
