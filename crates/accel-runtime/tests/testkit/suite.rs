//! Whole runs: which cases are selected, what they end in, what is left behind.

use std::fs;
use std::path::{Path, PathBuf};

use accel_runtime::testkit::{self as tk, Arguments, Probe, Requirement, Settings, Verdict};
use accel_runtime::{CaseName, CaseReport, Outcome, Platform, Stage};
use tempfile::TempDir;

use crate::cells;

fn fails(probe: &Probe<'_>) -> Verdict {
    probe.load()?;
    Err(tk::Failure::mismatch("on purpose"))
}

const LOADS: &[tk::Case] = &[tk::Case::new(CaseName::Loads, tk::loads)];
const TWO: &[tk::Case] =
    &[tk::Case::new(CaseName::Loads, tk::loads), tk::Case::new(CaseName::Embeds, fails)];

const BERT: tk::Cell = tk::Cell {
    cases: TWO,
    expected_failures: &[(CaseName::Embeds, "a known defect")],
    ..cells::BERT
};
const ROCM: tk::Cell = tk::Cell { cases: TWO, ..cells::ROCM };
const CLIP: tk::Cell = tk::Cell { cases: LOADS, ..cells::CLIP };
const SIMULATED: tk::Cell = tk::Cell { cases: LOADS, ..cells::SIMULATED };
const SUITE: tk::Suite = tk::Suite { root: cells::ROOT, cells: &[&BERT, &ROCM, &CLIP, &SIMULATED] };

/// A folder for the harness's own output and for reports.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("log.txt")
    }

    fn report(&self) -> PathBuf {
        self.0.path().join("reports/report.jsonl")
    }

    fn arguments(&self) -> Arguments {
        let logfile = Some(self.log().to_str().unwrap().to_owned());
        Arguments { logfile, ..Arguments::default() }
    }

    fn settings(&self) -> Settings {
        Settings { report: Some(self.report()), ..Settings::default() }
    }
}

fn lines(path: &Path) -> Vec<CaseReport> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

fn names(reports: &[CaseReport]) -> Vec<String> {
    reports
        .iter()
        .map(|it| format!("{}::{}::{} {}", it.model, it.platform, it.case, it.outcome.name()))
        .collect()
}

const PLAIN: [&str; 6] = [
    "bert::cpu::loads passed",
    "bert::cpu::embeds expected-failure",
    "bert::rocm::loads skipped",
    "bert::rocm::embeds skipped",
    "clip::cpu::loads skipped",
    "bert::webnn::loads simulated",
];

#[test]
fn a_plain_run_counts_every_case_once() {
    let place = Place::new();
    let run = tk::run(&SUITE, &place.arguments(), &place.settings()).unwrap();
    assert_eq!(names(&run.reports), PLAIN);
    let counts = tk::Counts {
        passed: 1,
        simulated: 1,
        skipped: 3,
        expected_failures: 1,
        ..Default::default()
    };
    assert_eq!(run.counts, counts);
    assert!(!run.failed && run.problems.is_empty(), "{:?}", run.problems);

    let log = fs::read_to_string(place.log()).unwrap();
    let log = log.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(log.contains("3 passed; 0 failed; 3 ignored"), "{log}");
    assert!(log.contains("[simulated] bert::webnn::loads"), "{log}");
    assert!(log.contains("[skipped: no engine] bert::rocm::loads"), "{log}");
    assert!(log.contains("[expected to fail] bert::cpu::embeds"), "{log}");

    let mut reported = names(&lines(&place.report()));
    let mut planned = PLAIN.map(str::to_owned).to_vec();
    reported.sort_unstable();
    planned.sort_unstable();
    assert_eq!(reported, planned);
}

#[test]
fn skips_say_why_and_what_to_do() {
    let place = Place::new();
    let run = tk::run(&SUITE, &place.arguments(), &Settings::default()).unwrap();
    let reasons: Vec<_> = run
        .reports
        .iter()
        .filter_map(|it| match &it.outcome {
            Outcome::Skipped { reason } => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    let [rocm, _, clip] = reasons[..] else { panic!("{reasons:?}") };
    assert!(rocm.contains("ROCm: ") && rocm.contains("AMD GPU"), "{rocm}");
    assert!(clip.contains("no reference recorded for `clip`"), "{clip}");
    assert!(clip.contains("tools/fixtures/make.py"), "{clip}");

    // The table of a run shows them too.
    let summary = &run.summary;
    assert!(summary.contains("bert  cpu       1 passed, 1 failed as expected"), "{summary}");
    assert!(summary.contains("skipped    2  ROCm: "), "{summary}");
    assert!(summary.contains("(clip)"), "{summary}");
    assert!(
        summary.ends_with("outcomes: 1 passed, 1 simulated, 1 failed as expected, 3 skipped\n"),
        "{summary}"
    );
}

#[test]
fn a_skip_never_turns_green() {
    for (ignored, include_ignored, failed) in [(true, false, 3), (false, true, 3)] {
        let place = Place::new();
        let arguments = Arguments { ignored, include_ignored, ..place.arguments() };
        let run = tk::run(&SUITE, &arguments, &place.settings()).unwrap();
        assert!(run.failed);
        assert_eq!(run.counts.failed, failed);
        assert_eq!(run.counts.skipped, 0);
        let message = run.reports.iter().find_map(|it| match &it.outcome {
            Outcome::Failed { message, .. } if it.model == "clip" => Some(message.as_str()),
            _ => None,
        });
        assert!(message.unwrap().contains("no reference recorded for `clip`"), "{message:?}");
        assert_eq!(lines(&place.report()).len(), run.reports.len());
    }
}

#[test]
fn required_platforms_fail_where_they_would_be_skipped() {
    let place = Place::new();
    let require = vec![
        Requirement { model: None, platform: Platform::Rocm },
        Requirement { model: Some("bert".to_owned()), platform: Platform::Cpu },
    ];
    let settings = Settings { require, ..place.settings() };
    let run = tk::run(&SUITE, &place.arguments(), &settings).unwrap();
    assert!(run.failed);
    // Both cases of ROCm; not clip on the CPU, since only bert was asked for there.
    assert_eq!((run.counts.failed, run.counts.skipped, run.counts.passed), (2, 1, 1));
    for it in run.reports.iter().filter(|it| it.platform == Platform::Rocm) {
        let Outcome::Failed { stage: Stage::Resolve, message } = &it.outcome else {
            panic!("{it:?}")
        };
        assert!(message.contains("ACCEL_REQUIRE asks for `rocm`"), "{message}");
    }

    let require = vec![Requirement { model: None, platform: Platform::Cpu }];
    let settings = Settings { require, ..Settings::default() };
    let run = tk::run(&SUITE, &place.arguments(), &settings).unwrap();
    assert_eq!(run.counts.failed, 1, "{:?}", names(&run.reports));
}

#[test]
fn what_is_absent_is_simulated_on_request_and_never_where_it_is_required() {
    let place = Place::new();
    let settings = Settings { simulate_missing: true, ..place.settings() };
    let arguments = Arguments { filter: Some("bert::rocm".to_owned()), ..place.arguments() };
    let run = tk::run(&SUITE, &arguments, &settings).unwrap();
    // The second case fails on the simulator as it would anywhere.
    assert_eq!(names(&run.reports), ["bert::rocm::loads simulated", "bert::rocm::embeds failed"]);
    let Outcome::Simulated { reason } = &run.reports[0].outcome else { panic!() };
    assert!(reason.contains("ACCEL_SIMULATE_MISSING") && reason.contains("ROCm"), "{reason}");
    assert!(run.summary.contains("1 simulated"), "{}", run.summary);
    assert!(!run.summary.contains("passed"), "{}", run.summary);
    assert_eq!(run.counts.passed, 0);

    let require = vec![Requirement { model: None, platform: Platform::Rocm }];
    let run = tk::run(&SUITE, &arguments, &Settings { require, ..settings }).unwrap();
    assert_eq!(names(&run.reports), ["bert::rocm::loads failed", "bert::rocm::embeds failed"]);
}

#[test]
fn a_filter_selects_what_is_reported() {
    let place = Place::new();
    let filter = Some("rocm".to_owned());
    let arguments = Arguments { filter, ..place.arguments() };
    let run = tk::run(&SUITE, &arguments, &place.settings()).unwrap();
    assert_eq!(names(&run.reports), PLAIN[2..4]);
    assert_eq!(lines(&place.report()).len(), 2);

    // Reasons are no part of a test's name: clip is skipped for want of a reference, not "engine".
    let filter = Some("bert::cpu::loads".to_owned());
    let arguments = Arguments { filter, exact: true, ..place.arguments() };
    let run = tk::run(&SUITE, &arguments, &place.settings()).unwrap();
    assert_eq!(names(&run.reports), PLAIN[..1]);
    // The report is this run's, not the one before's.
    assert_eq!(names(&lines(&place.report())), PLAIN[..1]);
}

#[test]
fn nextest_gets_steady_names_and_every_line() {
    let place = Place::new();
    let settings = Settings { nextest: true, ..place.settings() };
    let format = Some(tk::FormatSetting::Terse);
    // Left over from the run before; listing the ignored tests begins a new report.
    fs::create_dir_all(place.report().parent().unwrap()).unwrap();
    fs::write(place.report(), "stale\n").unwrap();

    let list = Arguments { list: true, format, ..place.arguments() };
    tk::run(&SUITE, &list, &settings).unwrap();
    let all = fs::read_to_string(place.log()).unwrap();
    assert!(all.lines().any(|it| it == "bert::rocm::loads: test"), "{all}");
    assert!(!all.contains('['), "a reason in a name: {all}");

    let list = Arguments { ignored: true, ..list };
    tk::run(&SUITE, &list, &settings).unwrap();
    assert_eq!(names(&lines(&place.report())), PLAIN[2..5]);

    // Then one process a test, as nextest starts them.
    for name in ["bert::cpu::loads", "bert::cpu::embeds", "bert::webnn::loads"] {
        let filter = Some(name.to_owned());
        let arguments = Arguments { filter, exact: true, ..place.arguments() };
        let run = tk::run(&SUITE, &arguments, &settings).unwrap();
        assert!(!run.failed && run.problems.is_empty());
    }
    assert_eq!(lines(&place.report()).len(), PLAIN.len());
    assert_eq!(tk::report::read(&place.report()).unwrap().len(), PLAIN.len());
}

#[test]
fn listing_leaves_the_report_alone() {
    let place = Place::new();
    for ignored in [false, true] {
        let list = Arguments { list: true, ignored, ..place.arguments() };
        tk::run(&SUITE, &list, &place.settings()).unwrap();
        assert!(!place.report().exists());
    }
}

#[test]
fn a_case_without_a_result_fails_the_run() {
    // `--bench` makes the harness pass over every test.
    let place = Place::new();
    let arguments = Arguments { bench: true, ..place.arguments() };
    let run = tk::run(&SUITE, &arguments, &place.settings()).unwrap();
    assert!(!run.failed);
    assert_eq!(run.problems.len(), 3, "{:?}", run.problems);
    assert!(run.problems[0].contains("bert::cpu::loads was planned and selected"));
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_anything_runs() {
    let place = Place::new();
    let report = Some(place.0.path().to_owned());
    let settings = Settings { report, ..Settings::default() };
    let error = tk::run(&SUITE, &place.arguments(), &settings).unwrap_err();
    assert!(error.to_string().contains("ACCEL_REPORT"), "{error}");
}

#[test]
fn a_report_with_a_foreign_line_is_an_error() {
    let place = Place::new();
    fs::write(place.log(), "{\"outcome\": \"green\"}\n").unwrap();
    let error = tk::report::read(&place.log()).unwrap_err();
    assert!(error.to_string().contains(":1: not a report line"), "{error}");
}

#[test]
fn a_folder_that_the_registry_names_is_no_reason_to_skip() {
    const SPEC: accel_runtime::SkillSpec =
        accel_runtime::SkillSpec { model_dir: "fixtures/gone", ..cells::BERT_SPEC };
    const GONE: tk::Cell = tk::Cell { spec: &SPEC, cases: LOADS, ..cells::BERT };
    let place = Place::new();
    let suite = tk::Suite { root: cells::ROOT, cells: &[&GONE] };
    let run = tk::run(&suite, &place.arguments(), &Settings::default()).unwrap();
    let [CaseReport { outcome: Outcome::Failed { stage, message }, .. }] = &run.reports[..] else {
        panic!("{:?}", run.reports)
    };
    assert_eq!(*stage, Stage::Resolve);
    assert!(message.contains("reference.json"), "{message}");
}

#[test]
fn suites_in_which_a_test_could_vanish_are_refused() {
    const EMPTY: tk::Cell = tk::Cell { cases: &[], ..cells::BERT };
    const STALE: tk::Cell = tk::Cell {
        cases: LOADS,
        expected_failures: &[(CaseName::Embeds, "long gone")],
        ..cells::BERT
    };
    let refused = |cells: &'static [&'static tk::Cell], what: &str| {
        let suite = tk::Suite { root: cells::ROOT, cells };
        let error = tk::run(&suite, &Arguments::default(), &Settings::default()).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    };
    refused(&[], "no cells");
    refused(&[&EMPTY], "bert::cpu has no cases");
    refused(&[&CLIP, &CLIP], "clip::cpu::loads is planned twice");
    refused(&[&STALE], "expects `embeds` to fail");

    let require = vec![Requirement { model: None, platform: Platform::Cuda }];
    let settings = Settings { require, ..Settings::default() };
    let error = tk::run(&SUITE, &Arguments::default(), &settings).unwrap_err();
    assert!(error.to_string().contains("no such cell"), "{error}");
}

/// The folder decides which models are tested, and it is its models that are: the one here is
/// damaged, which the registry's is not.
#[test]
fn models_of_another_folder_take_the_place_of_the_registrys() {
    let place = Place::new();
    let models = TempDir::new().unwrap();
    let model_dir = Some(models.path().to_owned());
    fs::create_dir(models.path().join("bert")).unwrap();
    let settings = Settings { model_dir, ..Settings::default() };
    let run = tk::run(&SUITE, &place.arguments(), &settings).unwrap();
    assert_eq!(names(&run.reports)[..2], ["bert::cpu::loads failed", "bert::cpu::embeds failed"]);
    let Outcome::Failed { stage: Stage::Resolve, message } = &run.reports[0].outcome else {
        panic!("{:?}", run.reports[0].outcome);
    };
    assert!(message.contains(models.path().to_str().unwrap()), "{message}");
    let Outcome::Skipped { reason } = &run.reports[4].outcome else {
        panic!("{:?}", run.reports[4].outcome);
    };
    assert!(reason.contains("ACCEL_MODEL_DIR") && reason.contains("`clip`"), "{reason}");
}
