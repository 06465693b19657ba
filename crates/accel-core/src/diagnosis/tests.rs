use std::collections::BTreeSet;

use super::{
    Code, Component, Counts, ENTRIES, FallbackLevel, FallbackPolicy, Finding, Report, Severity,
    dedup, exit_code, severity_of_unusable, sort, visible,
};
use crate::{Platform, Vocabulary as _};

/// Every code that there ever was. Lines are added, and none goes away: a number that was printed
/// once is in somebody's notes.
const EVER: &str = include_str!("codes_ever.txt");

#[test]
fn codes_are_unique_and_never_reused_or_dropped() {
    let ever: Vec<_> = EVER.lines().collect();
    let now: Vec<_> = Code::MEMBERS.iter().map(|(id, name)| format!("{id} {name}")).collect();
    assert_eq!(now, ever, "a new code gets a line in codes_ever.txt; no line changes or goes away");
    let numbers: BTreeSet<_> = Code::ALL.iter().map(|it| it.name()).collect();
    assert_eq!(numbers.len(), ENTRIES.len());
}

#[test]
fn every_code_stands_in_its_range_and_has_text() {
    for (code, entry) in Code::ALL.iter().zip(ENTRIES) {
        assert_eq!(code.entry(), entry);
        assert_eq!(*code, entry.code);
        let digits = code.name().strip_prefix("ACC").unwrap();
        assert_eq!(digits.len(), 4, "{code}");
        assert_eq!(digits[..2], format!("{:02}", entry.component.number()), "{code}");
        assert!(!entry.title.ends_with('.') && entry.title.len() <= 80, "{code}");
        assert!(entry.meaning.ends_with('.') && entry.meaning.len() >= 20, "{code}");
        assert!(!entry.causes.is_empty() && !entry.remedies.is_empty(), "{code}");
        for text in entry.causes.iter().chain(entry.remedies) {
            assert!(text.ends_with('.') && !text.contains('\n'), "{code}: {text}");
        }
    }
    for component in Component::ALL {
        assert!(ENTRIES.iter().any(|it| it.component == *component), "{component}");
    }
}

#[test]
fn findings_are_sorted_by_severity_and_said_once() {
    let finding = |severity, message: &str| Finding::new(Code::Load, message).severity(severity);
    let mut findings = vec![
        finding(Severity::Info, "a"),
        finding(Severity::Critical, "c"),
        finding(Severity::Error, "b"),
        finding(Severity::Error, "a"),
        finding(Severity::Critical, "c"),
    ];
    assert_eq!(exit_code(&findings), 1);
    sort(&mut findings);
    dedup(&mut findings);
    let seen: Vec<_> = findings.iter().map(|it| (it.severity, it.message.as_str())).collect();
    // The `a` of less weight went.
    assert_eq!(seen, [(Severity::Critical, "c"), (Severity::Error, "a"), (Severity::Error, "b")]);
    let report = Report::new("test", findings, Vec::new());
    assert_eq!(report.counts, Counts { critical: 1, error: 2, warning: 0, info: 0 });
}

#[test]
fn only_errors_and_worse_are_a_failure() {
    for (severity, code) in Severity::ALL.iter().zip([1, 1, 0, 0]) {
        assert_eq!(exit_code(&[Finding::new(Code::Load, "").severity(*severity)]), code);
    }
    assert_eq!(exit_code(&[]), 0);
}

#[test]
fn what_nobody_wants_is_no_problem() {
    assert_eq!(severity_of_unusable(false, false, false), Severity::Info);
    assert_eq!(severity_of_unusable(false, true, false), Severity::Warning);
    assert_eq!(severity_of_unusable(false, false, true), Severity::Error);
    assert_eq!(severity_of_unusable(true, false, false), Severity::Error);
}

#[test]
fn advice_comes_first_and_its_command_is_the_remedy() {
    let finding = Finding::new(Code::EngineMissing, "no")
        .on(Platform::Cuda)
        .advise("run `accel engines install onnxruntime-gpu`, or let `X` name it");
    assert_eq!(finding.remedy.as_deref(), Some("accel engines install onnxruntime-gpu"));
    assert!(finding.recommendations[0].starts_with("Run `accel"));
    assert!(finding.recommendations[0].ends_with("name it."));
    assert_eq!(finding.recommendations.len(), 1 + Code::EngineMissing.entry().remedies.len());
    let unknown = "cuba".parse::<Platform>().unwrap_err().finding();
    assert_eq!(unknown.code, Code::UnknownName);
    assert!(unknown.recommendations[0].contains("cuda"));
}

#[test]
fn errors_of_this_crate_have_codes() {
    let config = crate::Config::default();
    let request = crate::estimate::Request::new(crate::estimate::Workload {
        precision: crate::Precision::Fp32,
        batch: 1,
        context: 1,
    });
    let error = crate::estimate::estimate(&config, &request).unwrap_err();
    assert_eq!(error.finding().code, Code::NoEstimate);
    let code = |list: &[&str]| {
        crate::select::parse_priority(list.iter().copied()).unwrap_err().finding().code
    };
    assert_eq!(code(&[]), Code::WrongDevice);
    assert_eq!(code(&["cuba"]), Code::UnknownName);
    let unknown = crate::classify::classify(&crate::classify::ModelFacts::default()).unwrap_err();
    assert_eq!(unknown.finding().code, Code::UnknownKind);
}

#[test]
fn every_level_of_fallback_has_its_own_code() {
    let codes: BTreeSet<_> = FallbackLevel::ALL.iter().map(|it| it.code()).collect();
    assert_eq!(codes.len(), 5);
    assert_eq!(FallbackPolicy::default(), FallbackPolicy::Strict);
}

#[test]
fn nothing_hides_in_a_text() {
    assert_eq!(visible("bert-base é 漢"), "bert-base é 漢");
    assert_eq!(visible("a\nb\tc"), "a b c");
    assert_eq!(visible("\u{1b}[31m\u{202e}x\0"), "\\u{1b}[31m\\u{202e}x\\u{0}");
}

#[test]
fn a_report_survives_json() {
    let finding = Finding::new(Code::NoDevice, "</script>\u{1b}")
        .on(Platform::Rocm)
        .of("m\n")
        .seen("a", "b")
        .instead("ROCm", "CPU");
    let report = Report::new("test", vec![finding], Vec::new());
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.contains("\"ACC0101\""), "{text}");
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

#[cfg(feature = "schema")]
#[test]
fn the_committed_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../accel-cli/schemas/doctor.schema.json");
    let schema = schemars::schema_for!(Report);
    let now = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("ACCEL_WRITE_SCHEMA").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        committed == now,
        "write it again: ACCEL_WRITE_SCHEMA=1 cargo test -p accel-core --features schema schema"
    );
}
