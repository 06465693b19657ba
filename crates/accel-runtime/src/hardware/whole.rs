//! Files that appear whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Writes beside `path` and renames, so that no reader ever sees a part.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().ok_or_else(|| io::Error::other("it does not name a file"))?;
    let mut beside = name.to_owned();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    beside.push(format!(".{}-{number}.tmp", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)
        .and_then(|mut it| it.write_all(bytes))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Nothing to do about a leftover that cannot be removed either.
        let _ = fs::remove_file(&beside);
    }
    written
}
