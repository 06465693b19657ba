//! `accel hardware`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::{Run, accel, finish, fixtures, run};

/// A recorded machine of the runtime's tests.
fn machine(name: &str) -> String {
    let path = fixtures().join("../crates/accel-runtime/tests/hardware/bundles");
    path.join(name).with_extension("json").display().to_string()
}

fn replay(name: &str) -> Run {
    run(&["hardware", "--replay", &machine(name)]).ended(0)
}

/// Detection with a cache of its own.
fn hardware(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = accel();
    command.args(["hardware", "--cache"]).arg(cache(folder)).args(arguments);
    command
}

fn cache(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("cache.json")
}

#[test]
fn this_machine_is_told_as_one_document_and_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let json = finish(&mut hardware(&folder, &["--format", "json"])).ended(0).json();
    assert_eq!(json["platforms"].as_array().unwrap().len(), 7);
    assert_eq!(json["platforms"][0]["platform"], "cpu");
    assert_eq!(json["platforms"][0]["available"], true);
    let threads = std::thread::available_parallelism().unwrap().get();
    assert_eq!(json["cpu"]["usable_cores"]["value"], threads);
    assert!(cache(&folder).is_file());
    let text = finish(&mut hardware(&folder, &[])).ended(0);
    text.says(&["System", "Processor", "Memory", "Devices", "Engines", "Platforms", "✓ cpu"]);
}

#[test]
fn tables_are_plain_in_a_pipe_and_at_most_a_hundred_columns_wide() {
    let folder = fixtures().join("../crates/accel-runtime/tests/hardware/bundles");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = finish(accel().args(["hardware", "--replay"]).arg(&path)).ended(0).stdout;
        assert!(!text.contains('\u{1b}'), "{text}");
        for line in text.lines() {
            // A path is one word, which is not broken.
            let breakable = line.trim().contains(' ');
            assert!(line.chars().count() <= 100 || !breakable, "{}: {line}", path.display());
            assert!(!line.ends_with(' '), "{}: {line:?}", path.display());
        }
    }
}

#[test]
fn recorded_machines_are_judged_anywhere() {
    replay("a100-mig").says(&["cuda:0", "MIG 3g.20gb", "one slice at most", "✓ cuda"]);
    replay("mi300x").says(&["rocm:1", "gfx942", "✓ rocm", "✗ cuda"]);
    replay("pod-cgroup-v2").says(&[
        "kubernetes",
        "4.0 GiB, of which 2.0 GiB is used",
        "1.500 cores",
    ]);
    replay("m3-max").says(&["Apple M3 Max", "40 cores", "✓ mps"]);
    let json = run(&["hardware", "--format", "json", "--replay", &machine("lunar-lake")]).json();
    let ids: Vec<&Value> = json["devices"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, ["openvino:GPU", "openvino:NPU"]);
}

#[test]
fn what_was_recorded_replays_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record.json");
    let path = record.to_str().unwrap();
    let here =
        finish(&mut hardware(&folder, &["--format", "json", "--record", path])).ended(0).json();
    let there = run(&["hardware", "--format", "json", "--replay", path]).ended(0).json();
    for part in ["cpu", "platforms", "devices"] {
        assert_eq!(here[part], there[part], "{part}");
    }
    let text = fs::read_to_string(&record).unwrap();
    if let Ok(host) = fs::read_to_string("/proc/sys/kernel/hostname") {
        let host = host.trim();
        assert!(host.len() < 3 || !text.contains(&format!("\"{host}\"")), "{text}");
    }
    let nowhere = folder.path().join("none/record.json");
    finish(&mut hardware(&folder, &["--record", nowhere.to_str().unwrap()]))
        .ended(1)
        .complains(&["cannot write the record"]);
}

#[test]
fn the_cache_is_used_refreshed_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    finish(&mut hardware(&folder, &[])).ended(0);
    let first = fs::read(cache(&folder)).unwrap();
    finish(&mut hardware(&folder, &[])).ended(0);
    assert_eq!(fs::read(cache(&folder)).unwrap(), first, "what holds is left as it is");
    finish(&mut hardware(&folder, &["--refresh"])).ended(0);
    fs::write(cache(&folder), "{").unwrap();
    finish(&mut hardware(&folder, &[])).ended(0).complains(&["note:", "written anew"]);
    assert!(fs::read(cache(&folder)).unwrap().len() > 100);
    // Without any place for a cache, nothing fails.
    run(&["hardware"]).ended(0).says(&["✓ cpu"]);
    let mut home = accel();
    home.env("XDG_CACHE_HOME", folder.path().join("xdg")).arg("hardware");
    finish(&mut home).ended(0);
    #[cfg(target_os = "linux")]
    assert!(folder.path().join("xdg/accel/hardware.json").is_file());
}

#[test]
fn files_that_are_no_records_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.json");
    for text in
        ["", "{}", "null", "{\"format\": \"accel-hardware-bundle\", \"version\": 99}", "\u{0}"]
    {
        fs::write(&path, text).unwrap();
        let it =
            run(&["hardware", "--format", "json", "--replay", path.to_str().unwrap()]).ended(2);
        assert_eq!(it.json()["error"]["code"], "unreadable", "{text}");
        it.complains(&["is not usable", "--record"]);
    }
    fs::write(&path, vec![b' '; 5 << 20]).unwrap();
    run(&["hardware", "--replay", path.to_str().unwrap()]).ended(2).complains(&["more than"]);
    run(&["hardware", "--replay", "none.json"]).ended(2).complains(&["none.json"]);
    run(&["hardware", "--replay", "x", "--refresh"]).ended(2).complains(&["cannot be used with"]);
    run(&["hardware", "--replai", "x"]).ended(2).complains(&["--replay"]);
    run(&["hardware", "--help"]).ended(0).says(&["Examples:", "--record", "jq"]);
}
