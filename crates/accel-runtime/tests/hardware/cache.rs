//! The cache of detection: believed while it may be, and never a reason to fail.

use std::fs;

use accel_runtime::hardware::{CacheOptions, detect_cached};
use serde_json::{Value, json};
use tempfile::TempDir;

fn options(folder: &TempDir) -> CacheOptions {
    CacheOptions { path: Some(folder.path().join("deep/hardware.json")), ..CacheOptions::default() }
}

/// Changes what is in the cache.
fn edit(options: &CacheOptions, change: impl FnOnce(&mut Value)) {
    let path = options.path.as_ref().unwrap();
    let mut cached: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut cached);
    fs::write(path, cached.to_string()).unwrap();
}

#[test]
fn what_lasts_comes_from_the_cache_and_what_changes_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    let first = detect_cached(&options);
    assert!(!first.from_cache && first.notes.is_empty(), "{:?}", first.notes);
    edit(&options, |it| {
        it["bundle"]["files"]["/proc/sys/kernel/osrelease"] = json!("9.9.9-cached\n");
        it["bundle"]["files"]["/proc/meminfo"] = json!("MemTotal: 1 kB\nMemAvailable: 1 kB\n");
    });
    let second = detect_cached(&options);
    assert!(second.from_cache);
    if cfg!(target_os = "linux") {
        assert_eq!(second.inventory.system.kernel.value.as_deref(), Some("9.9.9-cached"));
        assert!(second.inventory.memory.available_bytes.value.unwrap() > 1024, "read anew");
    }
    let third = detect_cached(&CacheOptions { refresh: true, ..options });
    assert!(!third.from_cache);
    assert_ne!(third.inventory.system.kernel.value.as_deref(), Some("9.9.9-cached"));
    let left: Vec<_> = fs::read_dir(folder.path().join("deep")).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file is left: {left:?}");
}

#[test]
fn a_cache_of_another_state_of_the_machine_does_not_hold() {
    type Change = (&'static str, fn(&mut Value));
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    let changes: [Change; 8] = [
        ("start", |it| it["key"]["/proc/sys/kernel/random/boot_id"] = json!("another")),
        ("driver", |it| it["key"]["/proc/driver/nvidia/version"] = json!("another")),
        ("device", |it| it["key"]["pci"] = json!("another")),
        ("variable", |it| it["key"]["CUDA_VISIBLE_DEVICES"] = json!("another")),
        ("program", |it| it["key"]["program"] = json!("0.0.1")),
        ("age", |it| {
            it["recorded_at"] = json!(it["recorded_at"].as_u64().unwrap() - 7 * 24 * 3600 - 60);
        }),
        ("future", |it| it["recorded_at"] = json!(u64::MAX)),
        ("format", |it| it["version"] = json!(999)),
    ];
    for (what, change) in changes {
        detect_cached(&options);
        assert!(detect_cached(&options).from_cache, "{what}");
        edit(&options, change);
        assert!(!detect_cached(&options).from_cache, "{what}");
    }
    detect_cached(&options);
    edit(&options, |it| {
        it["recorded_at"] = json!(it["recorded_at"].as_u64().unwrap() - 6 * 24 * 3600);
    });
    assert!(detect_cached(&options).from_cache, "six days are not too many");
}

#[test]
fn a_damaged_cache_is_a_note_and_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    detect_cached(&options);
    let path = options.path.as_ref().unwrap();
    let whole = fs::read(path).unwrap();
    for damaged in [&b"{"[..], b"", b"\xff\xfe\0", &whole[..whole.len() / 2], b"[]"] {
        fs::write(path, damaged).unwrap();
        let it = detect_cached(&options);
        assert!(!it.from_cache);
        assert!(it.notes.iter().any(|it| it.contains("written anew")), "{:?}", it.notes);
        assert!(detect_cached(&options).from_cache, "it was mended");
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    // A file stands where the folder would be, which stops root too.
    let options =
        CacheOptions { path: Some(file.join("hardware.json")), ..CacheOptions::default() };
    let it = detect_cached(&options);
    assert!(it.notes.iter().any(|it| it.contains("cannot be written")), "{:?}", it.notes);
    assert_eq!(it.inventory.platforms.len(), 7);
}
