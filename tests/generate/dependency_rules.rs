//! Who may depend on whom, and how much a `build.rs` user pays, over `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The edges of the workspace: crate → the workspace crates that it may use in what it ships
/// (normal and build dependencies). Everything else fails.
const ALLOWED: [(&str, &[&str]); 7] = [
    ("accel-cli", &["accel-core", "accel-runtime"]),
    ("accel-core", &[]),
    ("accelgen", &["accel-core"]),
    ("accel-runtime", &["accel-core"]),
    ("generated", &["accel-runtime"]),
    ("downstream", &["accel-runtime", "accelgen"]),
    ("tasks", &["accel-runtime", "generated"]),
];

/// Crates that a generator has no business with.
const ENGINES: [&str; 4] = ["accel-runtime", "rten", "ort", "openvino"];

/// The most crates that a `build.rs` may pay for, `accelgen` itself included.
const BUDGET: usize = 25;

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn workspace_edges_are_the_allowed_ones() {
    let metadata: Value = serde_json::from_str(&cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
        "--offline",
        "--locked",
    ]))
    .unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeSet<&str> = packages.iter().map(|it| it["name"].as_str().unwrap()).collect();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    assert_eq!(names, allowed.keys().copied().collect(), "every crate has its line in ALLOWED");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = dependency["name"].as_str().unwrap();
            let ships = dependency["kind"].as_str() != Some("dev");
            if ships && names.contains(to) {
                assert!(allowed[name].contains(&to), "{name} may not depend on {to}");
            }
        }
    }
}

#[test]
fn the_generator_is_light_and_sees_no_engine() {
    let tree = cargo(&[
        "tree",
        "--package",
        "accelgen",
        "--no-default-features",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--offline",
        "--locked",
    ]);
    let crates: BTreeSet<&str> =
        tree.lines().filter_map(|it| it.split_whitespace().next()).collect();
    assert!(crates.contains("tera"), "this is not the tree that it should be: {crates:?}");
    assert!(crates.len() <= BUDGET, "{} crates, {BUDGET} allowed: {crates:?}", crates.len());
    for engine in ENGINES {
        assert!(!crates.contains(engine), "the generator must not see {engine}");
    }
}
