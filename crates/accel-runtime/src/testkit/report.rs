//! The report: one JSON line for every planned case that the filter selected.
//!
//! In one process (`cargo test`) the file is emptied first, and read back at the end: a selected
//! case without a line fails the run. Under nextest every test is a process of its own, and each
//! appends its line with one write in append mode, so that lines never mix; skipped cases, for
//! which nextest starts no process, are written while nextest lists the ignored tests, which it
//! does once and before any test runs. A retried test leaves a line for every attempt: readers
//! take the last line of a case. `cargo nextest list` begins a report, too.
//!
//! A relative path counts from the folder that tests run in, which is their package's.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use accel_core::{CaseName, CaseReport, Platform};

/// What identifies a case in a report.
pub type Key = (String, Platform, CaseName);

/// The key of a line.
pub fn key(report: &CaseReport) -> Key {
    (report.model.clone(), report.platform, report.case)
}

/// A report being written.
#[derive(Debug)]
pub struct Report {
    file: File,
    path: PathBuf,
}

impl Report {
    /// Opens `path`, emptied, creating the folders above it.
    ///
    /// # Errors
    /// When the file cannot be written; the message names it.
    pub fn start(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| naming(folder, &error))?;
        }
        File::create(path).map_err(|error| naming(path, &error))?;
        Self::resume(path)
    }

    /// Opens `path` for more lines.
    ///
    /// # Errors
    /// When the file cannot be written; the message names it.
    pub fn resume(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(|error| naming(path, &error))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends one line, in a single write: other processes may be appending too.
    ///
    /// # Errors
    /// When the line cannot be written whole; the message names the file.
    pub fn append(&self, report: &CaseReport) -> io::Result<()> {
        let mut line = serde_json::to_vec(report)?;
        line.push(b'\n');
        let written = (&self.file).write(&line).map_err(|error| naming(&self.path, &error))?;
        if written != line.len() {
            let error = io::Error::new(io::ErrorKind::WriteZero, "only a part was written");
            return Err(naming(&self.path, &error));
        }
        Ok(())
    }
}

/// Reads a report back: the last line of every case.
///
/// # Errors
/// When the file cannot be read, or a line is not a [`CaseReport`]; the message names the line.
pub fn read(path: &Path) -> io::Result<BTreeMap<Key, CaseReport>> {
    let text = std::fs::read_to_string(path).map_err(|error| naming(path, &error))?;
    let mut cases = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let report: CaseReport = serde_json::from_str(line).map_err(|error| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{}:{}: not a report line: {error}", path.display(), number + 1),
            )
        })?;
        cases.insert(key(&report), report);
    }
    Ok(cases)
}

fn naming(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
