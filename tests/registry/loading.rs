//! The one part that touches the disk.

use std::fs::{self, File};
use std::io::Write as _;

use accelgen::registry::{LoadError, MAX_BYTES, load};

use super::support::{BASE, valid};

#[test]
fn a_file_is_read_and_named_in_its_problems() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models.yaml");
    fs::write(&path, BASE).unwrap();
    assert_eq!(load(&path).unwrap(), valid(BASE));
    fs::write(&path, "").unwrap();
    let error = load(&path).unwrap_err();
    assert!(matches!(error, LoadError::Invalid(_)));
    assert!(error.to_string().contains("models.yaml:1:1: error[E108]"), "{error}");
}

#[test]
fn a_file_of_a_hundred_megabytes_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.yaml");
    File::create(&path).unwrap().set_len(100_000_000).unwrap();
    let error = load(&path).unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { bytes: 100_000_000, .. }), "{error}");
    File::create(&path).unwrap().set_len(MAX_BYTES as u64).unwrap();
    assert!(matches!(load(&path).unwrap_err(), LoadError::Invalid(_)));
}

#[test]
fn what_is_no_readable_text_file_is_an_error_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(load(folder.path()).unwrap_err(), LoadError::NotAFile { .. }));
    let missing = folder.path().join("missing.yaml");
    let error = load(&missing).unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }));
    assert!(error.to_string().contains("missing.yaml"), "{error}");
    let binary = folder.path().join("binary.yaml");
    File::create(&binary).unwrap().write_all(b"version: \xff").unwrap();
    assert!(matches!(load(&binary).unwrap_err(), LoadError::NotUtf8 { at: 9, .. }));
}
