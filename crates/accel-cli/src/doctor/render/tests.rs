use accel_core::Platform;
use accel_core::diagnosis::{
    Check, Code, Component, ENTRIES, Finding, Location, Matrix, MatrixCell, MatrixRow, Report,
    Severity, Verdict, Worth,
};
use serde_json::Value;

use super::{Shown, text};
use crate::console::Paint;
use crate::doctor::DoctorFormat;

/// What a model may be called by somebody who means harm.
const HOSTILE: &str =
    "</script><script>alert(1)</script>\n# title\r\u{1b}[2J\u{202e}`|\"'><img src=x>\0 [a](b)";

fn report() -> Report {
    let finding = Finding::new(Code::CorruptModel, format!("it is {HOSTILE}"))
        .on(Platform::Cuda)
        .of(HOSTILE)
        .because(HOSTILE)
        .seen(HOSTILE, HOSTILE)
        .advise(HOSTILE)
        .remedy(HOSTILE)
        .instead(HOSTILE, HOSTILE)
        .at(Some(Location { file: HOSTILE.to_owned(), line: 7 }));
    let check = Check {
        component: Component::Run,
        what: HOSTILE.to_owned(),
        platform: Some(Platform::Cpu),
        model: Some(HOSTILE.to_owned()),
        verdict: Verdict::Passed,
        detail: HOSTILE.to_owned(),
    };
    let findings = vec![
        finding,
        Finding::new(Code::NoDevice, "none").on(Platform::Rocm),
        Finding::new(Code::Crash, "it died"),
    ];
    let cell = MatrixCell { worth: Worth::Impossible, reason: HOSTILE.to_owned() };
    let matrix = Matrix {
        platforms: vec![Platform::Cpu],
        rows: vec![MatrixRow { model: HOSTILE.to_owned(), cells: vec![cell] }],
    };
    Report { matrix: Some(matrix), ..Report::new("accel 1", findings, vec![check]) }
}

fn shown(format: DoctorFormat) -> String {
    text(&Shown { report: &report(), registry: None }, format, Paint::NONE)
}

#[test]
fn nothing_hostile_reaches_a_terminal_or_a_page() {
    for (format, _) in DoctorFormat::FILES {
        let text = shown(format);
        let hidden = |it: char| (it.is_control() && it != '\n') || it == '\u{202e}';
        if matches!(format, DoctorFormat::Json | DoctorFormat::Sarif) {
            // A direction mark is text there; whoever shows it makes it harmless.
            assert!(!text.chars().any(|it| it.is_control() && it != '\n'), "{format:?}");
            continue;
        }
        assert!(!text.chars().any(hidden), "{format:?}: {text}");
        if format != DoctorFormat::Human {
            assert!(!text.contains("<script") && !text.contains("<img"), "{format:?}: {text}");
            assert!(!text.contains("\n# title"), "{format:?}");
        }
    }
    assert!(shown(DoctorFormat::Md).contains("\\[a\\]\\(b\\)"));
    assert!(shown(DoctorFormat::Html).contains("&lt;/script&gt;"));
}

#[test]
fn people_read_the_worst_first_and_what_helps() {
    let text = shown(DoctorFormat::Human);
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part:?} in {text}"));
    assert!(at("critical (1)") < at("error (1)") && at("error (1)") < at("info (1)"));
    assert!(at("fine (1)") < at("1 critical, 1 error, 1 info"));
    assert!(text.contains("ACC0716") && text.contains("accel explain"), "{text}");
    let nothing = Report::new("accel 1", Vec::new(), Vec::new());
    let nothing = Shown { report: &nothing, registry: None };
    assert_eq!(super::text(&nothing, DoctorFormat::Human, Paint::NONE), "nothing is wrong\n");
}

#[test]
fn json_is_the_report() {
    let read: Report = serde_json::from_str(&shown(DoctorFormat::Json)).unwrap();
    assert_eq!(read, report());
}

/// What the schema of SARIF 2.1.0 requires, and what readers of it go by.
#[test]
fn sarif_has_the_required_structure() {
    let document: Value = serde_json::from_str(&shown(DoctorFormat::Sarif)).unwrap();
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "accel doctor");
    let rules = driver["rules"].as_array().unwrap();
    assert_eq!(rules.len(), ENTRIES.len());
    for rule in rules {
        for field in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[field]["text"].as_str().is_some_and(|it| !it.is_empty()), "{rule}");
        }
        assert!(rule["name"].as_str().unwrap().chars().all(|it| it.is_ascii_alphanumeric()));
        assert!(rule.get("helpUri").is_none());
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        for location in result["locations"].as_array().unwrap() {
            let place = &location["physicalLocation"];
            assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            let safe = |it: char| it.is_ascii_alphanumeric() || "-._~/:%".contains(it);
            assert!(uri.chars().all(safe), "{uri}");
        }
    }
    let corrupt = results.iter().find(|it| it["ruleId"] == "ACC0305").unwrap();
    let region = &corrupt["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region["startLine"], 7);
}

#[test]
fn what_has_no_place_of_its_own_is_in_the_registry_or_its_file() {
    let findings = vec![
        Finding::new(Code::NoDevice, "none"),
        Finding::new(Code::Unreadable, "gone").seen("file", "/m y/model.onnx"),
    ];
    let report = Report::new("accel 1", findings, Vec::new());
    let uris = |registry| -> Vec<Value> {
        let shown = Shown { report: &report, registry };
        let text = text(&shown, DoctorFormat::Sarif, Paint::NONE);
        let document: Value = serde_json::from_str(&text).unwrap();
        let results = document["runs"][0]["results"].as_array().unwrap().clone();
        let place =
            |it: &Value| it["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone();
        results.iter().map(place).collect()
    };
    assert_eq!(uris(None), [Value::from("file:///m%20y/model.onnx"), Value::Null]);
    assert_eq!(uris(Some("r.yaml")), ["r.yaml", "r.yaml"]);
}

#[test]
fn ten_thousand_findings_are_no_problem() {
    let finding = |i: usize| {
        Finding::new(Code::MissingFile, format!("file {i} is missing"))
            .of(format!("model{}", i % 100))
            .severity([Severity::Error, Severity::Warning][i % 2])
    };
    // Each one twice: doubles go.
    let findings: Vec<_> = (0..10_000).chain(0..10_000).map(finding).collect();
    let report = Report::new("accel 1", findings, Vec::new());
    assert_eq!((report.counts.error, report.counts.warning), (5_000, 5_000));
    for (format, _) in DoctorFormat::FILES {
        let shown = Shown { report: &report, registry: Some("r.yaml") };
        let text = text(&shown, format, Paint::NONE);
        assert!(text.contains("file 9999 is missing"), "{format:?}");
    }
}
