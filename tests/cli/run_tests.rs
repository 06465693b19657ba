//! `--run-tests`, with a stand-in for cargo that leaves the report of the test's choice.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Project, Run, finish};

/// Notes how it was called; gives `lines.jsonl` as the report and ends as `code` says.
const CARGO: &str = r#"#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
cat "$(dirname "$0")/lines.jsonl" > "$ACCEL_REPORT"
echo "cargo's own words"
exit "$(cat "$(dirname "$0")/code")"
"#;

const PASSED: &str = r#""outcome":"passed","engine":"rten","device":"cpu","placement":"all""#;
const SKIPPED: &str = r#""outcome":"skipped","reason":"no such device""#;
const FAILED: &str = r#""outcome":"failed","stage":"mismatch","message":"off by one""#;

fn line(model: &str, platform: &str, case: &str, outcome: &str) -> String {
    format!(
        r#"{{"version":1,"model":"{model}","platform":"{platform}","variant":"real","case":"{case}",{outcome},"elapsed_ms":1.5}}"#
    )
}

/// A project with a package around its output, and a cargo that reports `lines`.
fn project(lines: &[String], code: u8) -> Project {
    let project = Project::new();
    project.write("generated/Cargo.toml", "[package]\nname = \"generated\"\n");
    project.write("bin/cargo", CARGO);
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(project.path("bin/cargo"), executable).unwrap();
    let lines: Vec<&str> = lines.iter().flat_map(|it| [it.as_str(), "\n"]).collect();
    project.write("bin/lines.jsonl", &lines.concat());
    project.write("bin/code", &code.to_string());
    project
}

fn run(project: &Project, arguments: &str) -> Run {
    let mut command = project.command("");
    command.env("CARGO", project.path("bin/cargo")).args(arguments.split_whitespace());
    finish(&mut command)
}

fn calls(project: &Project) -> Vec<String> {
    let calls = project.read("bin/calls");
    calls.lines().map(|it| it.split(" --test models ").nth(1).unwrap().to_owned()).collect()
}

#[test]
fn outcomes_of_the_chosen_cells_are_shown() {
    let lines = [
        line("bert", "cpu", "loads", PASSED),
        line("bert", "cpu", "measures", PASSED),
        line("bert", "cuda", "loads", SKIPPED),
        line("distilbert", "cpu", "loads", FAILED),
    ];
    let project = project(&lines, 0);
    let ended = run(&project, "--generate bert --platform cpu,cuda --run-tests").ended(0);
    let table = ended.stdout.split("removed\n\n").nth(1).unwrap();
    insta::assert_snapshot!(table, @r"
    model  platform  passed  with fallback  simulated  skipped  expected-failure  failed  ran by
    bert   cpu       2       0              0          0        0                 0       rten on cpu
    bert   cuda      0       0              0          1        0                 0
    skipped 1 on cuda (bert): no such device
    ");
    assert!(!ended.stdout.contains("cargo's own words"));
    assert!(project.path("generated/src/skills/bert/cpu.rs").exists());
    run(&project, "--generate bert --platform cpu --run-tests --debug")
        .ended(0)
        .complains(&["cargo's own words", "debug: ran the tests"]);
}

#[test]
fn failures_end_in_one_and_are_in_the_json() {
    let lines = [line("bert", "cpu", "loads", FAILED)];
    let project = project(&lines, 101);
    run(&project, "--generate bert --platform cpu --run-tests")
        .ended(1)
        .says(&["bert::cpu::loads failed at mismatch: off by one"]);
    let document =
        run(&project, "--generate bert --platform cpu --run-tests --format json").ended(1).json();
    let tests = &document["tests"];
    assert_eq!(tests["cells"][0]["failed"], 1);
    assert_eq!(tests["failures"][0]["message"], "off by one");
    assert_eq!(tests["problem"], serde_json::Value::Null);
}

#[test]
fn silence_is_a_failure() {
    let lines = [line("bert", "cpu", "loads", PASSED)];
    let project = project(&lines, 0);
    run(&project, "--generate bert --platform cpu,cuda --run-tests")
        .ended(1)
        .says(&["bert::cuda left no result"]);
}

#[test]
fn a_build_that_fails_is_shown() {
    let project = project(&[], 101);
    run(&project, "--generate bert --platform cpu --run-tests")
        .ended(1)
        .says(&["cargo test failed:", "cargo's own words"]);
}

#[test]
fn exactly_the_chosen_cells_are_run() {
    let lines = [line("bert", "cpu", "loads", PASSED)];
    let project = project(&lines, 0);
    run(&project, "--all --quiet");
    for (flags, expected) in [
        ("--all", vec!["--"]),
        ("--generate bert", vec!["-- bert:: --skip distilbert::"]),
        ("--generate bert --platform cpu", vec!["-- bert::cpu:: --skip distilbert::"]),
        ("--generate distilbert --platform cpu", vec!["-- distilbert::cpu::"]),
        ("--all --platform cpu,cuda", vec!["-- ::cpu::", "-- ::cuda::"]),
        ("--generate qwen3,distilbert", vec!["-- distilbert::", "-- qwen3::"]),
    ] {
        let _ = std::fs::remove_file(project.path("bin/calls"));
        run(&project, &format!("{flags} --run-tests"));
        assert_eq!(calls(&project), expected, "{flags}");
    }
}

#[test]
fn without_a_package_nothing_is_written() {
    let project = Project::new();
    run(&project, "--all --run-tests").ended(2).complains(&["Cargo.toml", "name = \"models\""]);
    assert!(!project.path("generated").exists());
}

#[test]
fn without_cargo_there_is_advice() {
    let project = project(&[], 0);
    let mut command = project.command("");
    command.env("CARGO", "no-such-cargo").args(["--generate", "bert", "--run-tests"]);
    finish(&mut command).ended(2).complains(&["no-such-cargo", "install Rust"]);
}
