//! What a case may end in.

use std::fs;
use std::sync::mpsc;
use std::time::Duration;

use accel_runtime::testkit::{self as tk, Failure, Probe, Verdict};
use accel_runtime::{CaseName, CaseReport, ModelSource, Outcome, Precision, Stage, Tolerance};
use tempfile::TempDir;

use crate::cells;

fn run(cell: &tk::Cell, case: fn(&Probe<'_>) -> Verdict) -> CaseReport {
    let source = ModelSource::dir(format!("{}/{}", cells::ROOT, cell.spec.model_dir));
    tk::run_case(cell, &tk::Case::new(CaseName::Loads, case), source)
}

#[track_caller]
fn failed(report: &CaseReport, stage: Stage, what: &str) {
    match &report.outcome {
        Outcome::Failed { stage: is, message } => {
            assert_eq!(*is, stage, "{message}");
            assert!(message.contains(what), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

fn mismatch(probe: &Probe<'_>) -> Verdict {
    probe.load()?;
    Err(Failure::mismatch("two is not three"))
}

const EXPECTED_TO_FAIL: tk::Cell =
    tk::Cell { expected_failures: &[(CaseName::Loads, "upstream issue 7")], ..cells::BERT };

#[test]
fn a_pass_says_where_it_ran() {
    let report = run(&cells::BERT, tk::loads);
    let Outcome::Passed { engine, device, placement, .. } = &report.outcome else {
        panic!("{:?}", report.outcome);
    };
    assert!(engine.starts_with("rten 0."), "{engine}");
    assert!(device.starts_with("CPU"), "{device}");
    assert!(placement.contains("on cpu"), "{placement}");
    assert!(report.elapsed_ms > 0.0);
    assert_eq!((report.model.as_str(), report.case), ("bert", CaseName::Loads));
}

#[test]
fn a_failure_keeps_its_stage() {
    failed(&run(&cells::BERT, mismatch), Stage::Mismatch, "two is not three");
}

#[test]
fn an_expected_failure_is_one_only_when_it_fails() {
    let reason = "upstream issue 7".to_owned();
    let report = run(&EXPECTED_TO_FAIL, mismatch);
    assert_eq!(report.outcome, Outcome::ExpectedFailure { reason });

    let report = run(&EXPECTED_TO_FAIL, tk::loads);
    failed(&report, Stage::Mismatch, "passes though the registry expects it to fail");
    failed(&report, Stage::Mismatch, "remove the entry");
}

#[test]
fn a_model_that_is_not_found_is_no_expected_failure() {
    let case = tk::Case::new(CaseName::Loads, tk::loads);
    let report = tk::run_case(&EXPECTED_TO_FAIL, &case, ModelSource::dir("no/such/folder"));
    failed(&report, Stage::Resolve, "reference.json");
}

#[test]
fn a_wrong_device_a_crash_and_a_hang_are_never_expected() {
    for stage in [Stage::Load, Stage::Compile, Stage::Run, Stage::Mismatch] {
        assert!(matches!(expected_at(stage), Outcome::ExpectedFailure { .. }), "{stage}");
    }
    for stage in [Stage::Placement, Stage::Timeout, Stage::Crash, Stage::Resolve] {
        assert!(matches!(expected_at(stage), Outcome::Failed { .. }), "{stage}");
    }
}

/// What a failure at `stage` ends in where the registry expects one.
fn expected_at(stage: Stage) -> Outcome {
    let case: fn(&Probe<'_>) -> Verdict = match stage {
        Stage::Load => |_| Err(Failure::new(Stage::Load, "no")),
        Stage::Compile => |_| Err(Failure::new(Stage::Compile, "no")),
        Stage::Run => |_| Err(Failure::new(Stage::Run, "no")),
        Stage::Mismatch => |_| Err(Failure::new(Stage::Mismatch, "no")),
        Stage::Placement => |_| Err(Failure::new(Stage::Placement, "no")),
        Stage::Timeout => |_| Err(Failure::new(Stage::Timeout, "no")),
        Stage::Crash => |_| panic!("no"),
        Stage::Resolve => |_| Err(Failure::new(Stage::Resolve, "no")),
    };
    run(&EXPECTED_TO_FAIL, case).outcome
}

#[test]
fn a_panic_is_a_crash_and_keeps_its_words() {
    let report = run(&cells::BERT, |_| panic!("index {} is out of bounds", 7));
    failed(&report, Stage::Crash, "index 7 is out of bounds");
}

#[test]
fn a_case_that_hangs_is_left_behind() {
    fn hangs(probe: &Probe<'_>) -> Verdict {
        probe.load()?;
        let (_sender, receiver) = mpsc::channel::<()>();
        // Nothing is ever sent, and the sender lives as long as this waits.
        let _ = receiver.recv();
        Ok(())
    }
    let source = ModelSource::dir(format!("{}/fixtures/bert", cells::ROOT));
    let case = tk::Case::new(CaseName::Loads, hangs);
    let report = tk::run_case_within(&cells::BERT, &case, source, Duration::from_millis(200));
    failed(&report, Stage::Timeout, "ACCEL_TIMEOUT_SECONDS");
    assert!(report.elapsed_ms >= 200.0);
}

#[test]
fn a_case_that_loads_nothing_proves_nothing() {
    failed(&run(&cells::BERT, |_| Ok(())), Stage::Placement, "without loading the skill");
}

#[test]
fn a_figure_that_is_no_number_is_a_failure_and_not_in_the_report() {
    let report = run(&cells::BERT, |probe| {
        probe.load()?;
        probe.measure("good_ms", 1.0);
        probe.measure("bad_ms", f64::NAN);
        Ok(())
    });
    failed(&report, Stage::Mismatch, "`bad_ms` is NaN");
    assert_eq!(report.measurements.keys().collect::<Vec<_>>(), ["good_ms"]);
    // The line can be read again, which a NaN would have prevented.
    let line = serde_json::to_string(&report).unwrap();
    let read: CaseReport = serde_json::from_str(&line).unwrap();
    assert_eq!((read.outcome, read.measurements), (report.outcome, report.measurements));
}

#[test]
fn a_precision_without_a_tolerance_or_a_file_is_not_found() {
    failed(&run(&cells::BERT, tk::fp16_matches_reference), Stage::Resolve, "fp16");
    let untold = tk::Cell { tolerances: &[], ..cells::BERT };
    failed(&run(&untold, tk::matches_reference), Stage::Resolve, "no tolerance of `bert`");
}

#[test]
fn a_precision_in_name_only_is_noticed() {
    const TOLERANT: tk::Cell = tk::Cell {
        tolerances: &[
            cells::TOLERANCES[0],
            (Precision::Fp16, Tolerance { max_abs: 0.02, min_cosine: 0.999, min_sqnr_db: 30.0 }),
        ],
        ..cells::BERT
    };
    let dir = TempDir::new().unwrap();
    let fixture = format!("{}/fixtures/bert", cells::ROOT);
    fs::create_dir(dir.path().join("onnx")).unwrap();
    for entry in fs::read_dir(&fixture).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    for name in ["model.onnx", "model_fp16.onnx"] {
        let graph = format!("{fixture}/onnx/model.onnx");
        fs::copy(graph, dir.path().join("onnx").join(name)).unwrap();
    }
    let case = tk::Case::new(CaseName::Fp16MatchesReference, tk::fp16_matches_reference);
    let report = tk::run_case(&TOLERANT, &case, ModelSource::dir(dir.path()));
    failed(&report, Stage::Mismatch, "the very bits of fp32");
}

#[test]
fn a_case_of_another_kind_of_skill_fails() {
    failed(&run(&cells::BERT, tk::classifies_images), Stage::Resolve, "an image classifier");
    failed(&run(&cells::GRAPH, tk::embeds), Stage::Resolve, "a text encoder");
    failed(&run(&cells::VIT, tk::generates_text), Stage::Resolve, "a text generator");
}

#[test]
fn cases_without_a_proof_do_not_pass() {
    failed(&run(&cells::BERT, tk::reuses_compiled_model), Stage::Resolve, "no cache");
    failed(&run(&cells::BERT, tk::int8_matches_reference), Stage::Resolve, "int8");
}

#[test]
fn a_simulation_ends_in_simulated_and_its_figures_say_so() {
    for case in cells::SIMULATED.cases {
        let source = ModelSource::dir(format!("{}/fixtures/bert", cells::ROOT));
        let report = tk::run_case(&cells::SIMULATED, case, source);
        let reason = "no machine with this device".to_owned();
        assert_eq!(report.outcome, Outcome::Simulated { reason }, "{}", case.name);
        let figures = &report.measurements;
        assert!(
            figures.keys().all(|it| it.starts_with("host.") || it.starts_with("predicted_")),
            "{figures:?}"
        );
        if report.case == CaseName::MatchesReference {
            let [low, expected, high] =
                ["low", "expected", "high"].map(|it| figures[&format!("predicted_ms_{it}")]);
            assert!(0.0 < low && low <= expected && expected <= high, "{figures:?}");
            assert!(figures.keys().any(|it| it.ends_with("max_abs")), "{figures:?}");
        }
        let line = serde_json::to_string(&report).unwrap();
        assert!(line.contains(r#""outcome":"simulated""#), "{line}");
    }
}

/// A cell of a simulation whose load forgets to simulate.
#[test]
fn a_real_run_does_not_pass_for_a_simulation() {
    const FORGETFUL: tk::Cell = tk::Cell { spec: &cells::SIMULATED_SPEC, ..cells::BERT };
    let source = ModelSource::dir(format!("{}/fixtures/bert", cells::ROOT))
        .with_engine(std::sync::Arc::new(accel_runtime::engine::RtenEngine::new()));
    let case = tk::Case::new(CaseName::Loads, tk::loads);
    failed(&tk::run_case(&FORGETFUL, &case, source), Stage::Placement, "ran for real");
}
