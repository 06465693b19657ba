//! `accel engines list`.

use crate::support::run;

#[test]
fn every_engine_is_told_with_what_would_help() {
    let list = run(&["engines", "list", "--format", "json"]).ended(0).json();
    let engines = list["engines"].as_array().unwrap();
    let names: Vec<_> = engines.iter().map(|it| it["engine"].as_str().unwrap()).collect();
    assert_eq!(names, ["rten", "ort", "openvino", "browser", "simulator"]);
    let embedded = &engines[0];
    assert_eq!(embedded["compiled_in"], true);
    assert_eq!(embedded["platforms"][0]["available"], true);
    assert!(embedded["version"].as_str().unwrap().starts_with("0."));
    for engine in engines {
        for it in engine["platforms"].as_array().unwrap() {
            let told = it["reason"].is_string() && it["remedy"].is_string();
            assert_eq!(it["available"] == false, told, "{engine}");
        }
    }
    let folder = list["engines_folders"][0]["path"].as_str().unwrap();
    assert!(folder.ends_with("none"), "{folder}");
    assert_eq!(list["engines_folders"][0]["exists"], false);
}

#[test]
fn people_get_a_table_without_colours_in_a_pipe() {
    let text = run(&["engines", "list"]).ended(0).says(&[
        "engine",
        "rten",
        "ort",
        "openvino (npu)",
        "webgpu",
        "webnn",
        "simulator",
        "accel engines install",
    ]);
    assert!(!text.stdout.contains('\u{1b}'), "{}", text.stdout);
    assert!(text.stdout.lines().all(|it| !it.ends_with(' ')), "{}", text.stdout);
}

#[test]
fn help_teaches_and_completions_complete() {
    run(&["--help"]).ended(0).says(&["Examples:", "Exit codes:", "accel engines install"]);
    run(&["run", "--help"]).ended(0).says(&["--task", "--graph", "fill-mask"]);
    run(&["engines", "install", "--help"]).ended(0).says(&["onnxruntime-gpu", "--dry-run"]);
    run(&["completions", "bash"]).ended(0).says(&["accel", "openvino"]);
    run(&[]).ended(2).complains(&["Usage"]);
}
