//! Files of a bounded size: what models and catalogues say of themselves.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use accel_core::Config;

use crate::failure::Failure;

/// The most bytes that are read; the largest configurations have some hundred thousand. A device
/// or a pipe has no size of its own, so it is counted while it is read.
const MOST_BYTES: u64 = 16 << 20;

/// The text of a file, without the mark that some editors put first; `None` when there is no such
/// file.
///
/// # Errors
/// A file that cannot be read, is larger than 16 MiB or is not UTF-8.
pub(crate) fn text(path: &Path) -> Result<Option<String>, Failure> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|it| unreadable(path, &it.to_string()))?,
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|it| unreadable(path, &it.to_string()))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(unreadable(path, &format!("it has more than {MOST_BYTES} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|it| unreadable(path, &it.to_string()))?;
    Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
}

/// A model's `config.json` or a file like it; `None` when there is no such file.
///
/// # Errors
/// As [`text`]; what is not a JSON object.
pub(crate) fn config(path: &Path) -> Result<Option<Config>, Failure> {
    let Some(text) = text(path)? else { return Ok(None) };
    let parsed = serde_json::from_str(&text);
    parsed.map(Some).map_err(|it| unreadable(path, &format!("it is not a JSON object: {it}")))
}

/// A file that was named and is not there.
pub(crate) fn absent(path: &Path) -> Failure {
    Failure::input("unreadable", format!("there is no file {}", path.display()))
}

fn unreadable(path: &Path, why: &str) -> Failure {
    Failure::input("unreadable", format!("cannot read {}: {why}", path.display()))
}
