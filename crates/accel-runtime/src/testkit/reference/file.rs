//! Files of a reference, and what is said when one is unusable.

use std::path::Path;

use crate::{Error, Result};

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::MissingFile {
            path: path.to_owned(),
            what: "the recorded reference".to_owned(),
            remedy:
                "record it with tools/fixtures/make.py, or take `model_dir` out of the registry"
                    .to_owned(),
        },
        _ => Error::Io { path: path.to_owned(), source: error },
    })
}

pub(super) fn damaged(path: &Path, reason: String) -> Error {
    Error::InvalidFile {
        path: path.to_owned(),
        reason,
        remedy: "record it again with tools/fixtures/make.py".to_owned(),
    }
}
