//! `accel doctor`: on a machine with no engine but the embedded one.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{accel, finish, fixtures, run};

fn findings<'a>(report: &'a Value, code: &str) -> Vec<&'a Value> {
    report["findings"].as_array().unwrap().iter().filter(|it| it["code"] == code).collect()
}

#[track_caller]
fn one<'a>(report: &'a Value, code: &str) -> &'a Value {
    let found = findings(report, code);
    assert_eq!(found.len(), 1, "{code} in {report:#}");
    found[0]
}

#[test]
fn a_machine_without_accelerators_is_fine() {
    let report = run(&["doctor", "--test-hardware", "--format", "json"]).ended(0).json();
    assert_eq!(report["counts"]["critical"], 0);
    assert_eq!(report["counts"]["error"], 0);
    let ran: Vec<_> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["what"] == "run a tiny graph" && it["verdict"] == "passed")
        .collect();
    assert_eq!(ran.len(), 1, "{report:#}");
    assert_eq!(ran[0]["platform"], "cpu");
    assert!(ran[0]["detail"].as_str().unwrap().contains("rten"));
    // What nobody misses is told, with what would bring it.
    for finding in report["findings"].as_array().unwrap() {
        assert_eq!(finding["severity"], "info", "{finding:#}");
        assert!(!finding["recommendations"].as_array().unwrap().is_empty());
    }
    let openvino: Vec<_> = report["findings"].as_array().unwrap().iter().collect();
    let openvino = openvino.iter().find(|it| it["platform"] == "openvino").unwrap();
    assert_eq!(openvino["remedy"], "accel engines install openvino");
}

#[test]
fn a_platform_that_is_asked_for_and_absent_is_an_error() {
    let report = run(&["doctor", "--platform", "openvino", "--format", "json"]).ended(1).json();
    let finding = report["findings"].as_array().unwrap();
    let finding = finding.iter().find(|it| it["platform"] == "openvino").unwrap();
    assert_eq!(finding["severity"], "error");
    assert!(!report.to_string().contains("webgpu"), "nothing else was asked for");
    run(&["doctor", "--platform", "openvno"]).ended(2).complains(&["did you mean `openvino`?"]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_engine_that_is_there_and_broken_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libonnxruntime.so");
    fs::write(&library, "no library").unwrap();
    let mut command = accel();
    command.args(["doctor", "--format", "json"]).env("ACCEL_ONNXRUNTIME", &library);
    let report = finish(&mut command).ended(1).json();
    let finding = findings(&report, "ACC0202")[0];
    assert_eq!(finding["severity"], "error");
    assert!(finding["message"].as_str().unwrap().contains("libonnxruntime.so"), "{finding:#}");
}

#[test]
fn a_model_is_looked_at_and_loaded() {
    let report =
        run(&["doctor", "--model", "bert", "--matrix", "--format", "json"]).ended(0).json();
    let checks = report["checks"].as_array().unwrap();
    let of_bert: Vec<_> = checks.iter().filter(|it| it["model"] == "bert").collect();
    assert!(of_bert.len() >= 4, "{report:#}");
    assert!(of_bert.iter().all(|it| it["verdict"] == "passed"), "{of_bert:#?}");
    let row = &report["matrix"]["rows"][0];
    assert_eq!(row["model"], "bert");
    assert_eq!(row["cells"][0]["worth"], "loads");
    assert_eq!(row["cells"].as_array().unwrap().len(), 7);
}

/// A copy of a fixture that can be damaged.
fn copy(of: &str) -> tempfile::TempDir {
    fn all(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let target = to.join(path.file_name().unwrap());
            if path.is_dir() {
                all(&path, &target);
            } else {
                fs::copy(&path, target).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    all(&fixtures().join(of), &folder.path().join("model"));
    folder
}

fn looked_at(folder: &Path, code: i32) -> Value {
    let mut command = accel();
    command.args(["doctor", "--format", "json", "--model"]).arg(folder.join("model"));
    finish(&mut command).ended(code).json()
}

#[test]
fn what_is_wrong_with_a_model_is_found() {
    let folder = copy("bert");
    let file = |name: &str| folder.path().join("model").join(name);

    let graph = fs::read(file("onnx/model.onnx")).unwrap();
    fs::write(file("onnx/model.onnx"), &graph[..graph.len() / 2]).unwrap();
    let report = looked_at(folder.path(), 1);
    assert!(!findings(&report, "ACC0305").is_empty(), "{report:#}");
    fs::write(file("onnx/model.onnx"), &graph).unwrap();

    let tokenizer = fs::read(file("tokenizer.json")).unwrap();
    fs::remove_file(file("tokenizer.json")).unwrap();
    let report = looked_at(folder.path(), 1);
    let missing = one(&report, "ACC0302");
    assert!(missing["message"].as_str().unwrap().contains("tokenizer.json"), "{missing:#}");
    assert_eq!(missing["platform"], "cpu");
    one(&report, "ACC0601");
    fs::write(file("tokenizer.json"), tokenizer).unwrap();

    let config = fs::read_to_string(file("config.json")).unwrap();
    let conflicting = config.replace("\"model_type\": \"bert\"", "\"model_type\": \"vit\"");
    assert_ne!(config, conflicting);
    fs::write(file("config.json"), conflicting).unwrap();
    let report = looked_at(folder.path(), 0);
    let conflict = one(&report, "ACC0402");
    assert_eq!(conflict["severity"], "warning");
    assert_eq!(conflict["wanted"], "image_classifier");

    fs::write(file("config.json"), "{\"model_type\": \"frobnicator\"}").unwrap();
    let report = looked_at(folder.path(), 1);
    one(&report, "ACC0401");

    fs::write(file("config.json"), "{").unwrap();
    one(&looked_at(folder.path(), 1), "ACC0304");
    fs::remove_dir_all(folder.path().join("model")).unwrap();
    one(&looked_at(folder.path(), 1), "ACC0301");
}

#[test]
fn findings_about_models_name_their_line_in_the_registry() {
    let folder = copy("bert");
    let registry = folder.path().join("registry.yaml");
    let text = "version: 1\nmodels:\n  # a comment\n  good:\n    model_dir: model\n  gone:\n    \
                model_dir: nowhere\n  damaged:\n    model_dir: damaged\n";
    fs::write(&registry, text).unwrap();
    fs::create_dir(folder.path().join("damaged")).unwrap();
    let doctor = |format: &str, code| {
        let mut command = accel();
        command.args(["doctor", "--all", "--format", format, "--models"]).arg(folder.path());
        finish(command.arg("--registry").arg(&registry)).ended(code)
    };
    let report = doctor("json", 1).json();
    assert_eq!(one(&report, "ACC0903")["location"]["line"], 6);
    assert_eq!(one(&report, "ACC0302")["location"]["line"], 8);
    // The folder that the registry names is not looked at twice.
    assert!(!report["checks"].as_array().unwrap().iter().any(|it| it["model"] == "model"));

    let sarif: Value = serde_json::from_str(&doctor("sarif", 1).stdout).unwrap();
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.ends_with("registry.yaml") && uri.starts_with("file:///"), "{uri}");
        let line = place["region"]["startLine"].as_u64().unwrap();
        let expected = match result["ruleId"].as_str().unwrap() {
            "ACC0903" => 6,
            "ACC0302" => 8,
            _ => 1,
        };
        assert_eq!(line, expected, "{result:#}");
    }
    let mut command = accel();
    command.args(["doctor", "--model", "absent", "--format", "json", "--registry"]).arg(&registry);
    let report = finish(&mut command).ended(1).json();
    assert_eq!(one(&report, "ACC0902")["location"]["line"], 1);
    run(&["doctor", "--registry", "/nowhere.yaml"])
        .ended(2)
        .complains(&["/nowhere.yaml", "ACC0901"]);
}

#[test]
fn names_that_mean_harm_are_shown_harmless_in_every_format() {
    let name = "</script><b>x\u{1b}[31m\n# y";
    for format in ["human", "md", "html"] {
        let run = run(&["doctor", "--model", name, "--format", format]).ended(1);
        assert!(!run.stdout.contains('\u{1b}') && !run.stdout.contains("\n# y"), "{}", run.stdout);
        assert!(format == "human" || !run.stdout.contains("<b>"), "{}", run.stdout);
    }
    let report = run(&["doctor", "--model", name, "--format", "json"]).ended(1).json();
    assert_eq!(one(&report, "ACC0301")["model"], name);
}

#[test]
fn every_format_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().join("new/reports");
    let mut command = accel();
    finish(command.args(["doctor", "--output-dir"]).arg(&reports)).ended(0).says(&["fine"]);
    let mut names: Vec<_> = fs::read_dir(&reports)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["doctor.html", "doctor.json", "doctor.md", "doctor.sarif", "doctor.txt"]);
    for name in ["doctor.json", "doctor.sarif"] {
        let text = fs::read_to_string(reports.join(name)).unwrap();
        serde_json::from_str::<Value>(&text).unwrap();
    }
    let html = fs::read_to_string(reports.join("doctor.html")).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
    assert!(!html.contains("http://") && !html.contains("https://"), "nothing is fetched");
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "kept").unwrap();
    let mut command = accel();
    command.args(["doctor", "--platform", "cpu", "--output-dir"]).arg(file.join("below"));
    finish(&mut command).ended(1).complains(&["cannot make the folder", "ACC1002"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::Stdio;

    let mut child = accel()
        .args(["doctor", "--platform", "cpu", "--format", "sarif"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn a_probe_that_takes_too_long_is_a_finding() {
    // Loading takes longer than the shortest limit only where the machine is slow; either way
    // doctor ends in time and says what happened.
    let report = run(&["doctor", "--test-hardware", "--timeout", "1", "--format", "json"]);
    let document: Value = serde_json::from_str(&report.stdout).unwrap();
    let late = findings(&document, "ACC0717").len();
    assert_eq!(report.code, i32::from(late > 0));
    run(&["doctor", "--timeout", "0"]).ended(2);
}

#[test]
fn wrong_use_is_told_and_help_teaches() {
    run(&["doctor", "--all", "--model", "bert"]).ended(2).complains(&["cannot be used with"]);
    run(&["doctor", "--all", "--models", "/nowhere"]).ended(2).complains(&["no model below"]);
    run(&["doctor", "--help"]).ended(0).says(&["--test-hardware", "Exit codes:", "critical"]);
    let human = run(&["doctor", "--platform", "cuda"]).ended(1).says(&["error (1)", "ACC0"]);
    assert!(!human.stdout.contains('\u{1b}'));
    assert!(human.stdout.lines().all(|it| !it.ends_with(' ')), "{}", human.stdout);
}
