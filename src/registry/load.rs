//! The only part of the registry that touches the disk.

#![expect(clippy::disallowed_methods, reason = "it reads the registry's file")]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{MAX_BYTES, Problems, Registry, parse};

/// Why there is no registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the registry {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is a folder, a pipe or a device.
    #[error("the registry {} is not a file; name the YAML file itself", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is larger than any registry.
    #[error("the registry {} has {bytes} bytes, more than {MAX_BYTES}; is it the right file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The file is not text.
    #[error("the registry {} is not UTF-8 at byte {at}; save it as UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The first byte that is not.
        at: usize,
    },
    /// The file is text, but not a valid registry.
    #[error(transparent)]
    Invalid(#[from] Problems),
}

/// Reads and checks the registry at `path`, which is also what problems call it.
///
/// # Errors
/// [`LoadError`]; a file that is too large is refused before it is read.
pub fn load(path: &Path) -> Result<Registry, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(LoadError::NotAFile { path: path.to_owned() });
    }
    let too_large = |bytes| LoadError::TooLarge { path: path.to_owned(), bytes };
    let limit = MAX_BYTES as u64;
    if metadata.len() > limit {
        return Err(too_large(metadata.len()));
    }
    // The file may have grown since.
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(path).map_err(failed)?.take(limit + 1);
    file.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    let text = String::from_utf8(bytes).map_err(|error| LoadError::NotUtf8 {
        path: path.to_owned(),
        at: error.utf8_error().valid_up_to(),
    })?;
    Ok(parse(&text, &path.display().to_string())?)
}
