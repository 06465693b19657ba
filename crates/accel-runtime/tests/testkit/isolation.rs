//! Cases that take their process down, or do not end: each is one failed case, and the others
//! have their own result.
#![expect(
    clippy::exit,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "what a library does to its process is what these tests are about"
)]

use std::time::Duration;

use accel_runtime::testkit::{self as tk, Arguments, Isolate, Probe, Settings, Verdict};
use accel_runtime::{CaseName, CaseReport, Outcome, Stage};
use tempfile::TempDir;

use crate::cells;

/// As a vendor's library does on an internal error.
fn aborts(probe: &Probe<'_>) -> Verdict {
    probe.load()?;
    eprintln!("a driver's last words");
    std::process::abort();
}

/// What a library prints is no report.
fn prints(probe: &Probe<'_>) -> Verdict {
    probe.load()?;
    println!("accel-case-report of its own? no: {{}}");
    print!("half a line");
    probe.measure("process_id", f64::from(std::process::id()));
    Ok(())
}

fn hangs(probe: &Probe<'_>) -> Verdict {
    probe.load()?;
    loop {
        std::thread::park();
    }
}

const CASES: &[tk::Case] = &[
    tk::Case::new(CaseName::Loads, prints),
    tk::Case::new(CaseName::Embeds, aborts),
    tk::Case::new(CaseName::FillsMasks, prints),
    tk::Case::new(CaseName::Measures, prints),
];
const BERT: tk::Cell = tk::Cell { cases: CASES, ..cells::BERT };
const VIT: tk::Cell = tk::Cell {
    cases: &[
        tk::Case::new(CaseName::Loads, hangs),
        tk::Case::new(CaseName::MatchesReference, tk::matches_reference),
    ],
    ..cells::VIT
};
const SUITE: tk::Suite = tk::Suite { root: cells::ROOT, cells: &[&BERT, &VIT] };

/// Where the workers of the tests below begin; in an ordinary run there is nothing to do.
#[test]
fn worker() {
    if tk::serve_if_worker(&SUITE).is_some() {
        // The harness would print its own summary of this one test; nobody reads it.
        std::process::exit(0);
    }
}

fn run(isolate: Isolate, filter: Option<&str>, threads: usize, timeout: Duration) -> tk::Run {
    let folder = TempDir::new().unwrap();
    let arguments = Arguments {
        logfile: Some(folder.path().join("log.txt").to_str().unwrap().to_owned()),
        test_threads: Some(threads),
        filter: filter.map(ToOwned::to_owned),
        ..Arguments::default()
    };
    let program = std::env::current_exe().unwrap().into_os_string();
    let test = ["isolation::worker", "--exact", "--nocapture"].map(Into::into);
    let worker = [program].into_iter().chain(test).collect();
    let report = Some(folder.path().join("report.jsonl"));
    let settings = Settings { isolate, worker, timeout, report, ..Settings::default() };
    tk::run(&SUITE, &arguments, &settings).unwrap()
}

fn process(report: &CaseReport) -> u32 {
    assert!(matches!(report.outcome, Outcome::Passed { .. }), "{:?}", report.outcome);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a u32")]
    let id = report.measurements["process_id"] as u32;
    id
}

#[test]
fn a_crash_is_one_failed_case_with_a_name() {
    for threads in [1, 4] {
        let run = run(Isolate::Everything, Some("bert"), threads, Duration::from_mins(1));
        let [loads, embeds, fills, measures] = &run.reports[..] else {
            panic!("{:?}", run.reports)
        };
        assert!(run.failed && run.problems.is_empty(), "{:?}", run.problems);
        assert_eq!((run.counts.passed, run.counts.failed), (3, 1), "{:?}", run.reports);
        let Outcome::Failed { stage: Stage::Crash, message } = &embeds.outcome else {
            panic!("{:?}", embeds.outcome)
        };
        assert!(message.contains("a driver's last words"), "{message}");
        #[cfg(unix)]
        assert!(message.contains("SIGABRT"), "{message}");
        for report in [loads, fills, measures] {
            assert_ne!(process(report), std::process::id());
        }
        if threads == 1 {
            // The worker that died was the one before; one worker serves all that follow.
            assert_ne!(process(loads), process(fills));
            assert_eq!(process(fills), process(measures));
        }
    }
}

#[test]
fn a_hang_is_one_failed_case_and_its_process_is_gone() {
    let run = run(Isolate::Everything, Some("vit"), 1, Duration::from_secs(4));
    let [loads, matches] = &run.reports[..] else { panic!("{:?}", run.reports) };
    let Outcome::Failed { stage: Stage::Timeout, message } = &loads.outcome else {
        panic!("{:?}", loads.outcome)
    };
    assert!(message.contains("ACCEL_TIMEOUT_SECONDS"), "{message}");
    assert!(matches!(matches.outcome, Outcome::Passed { .. }), "{:?}", matches.outcome);
}

/// rten is Rust, and its cells stay in the process unless everything is asked for.
#[test]
fn engines_that_cannot_crash_are_not_isolated() {
    let run = run(Isolate::Libraries, Some("bert::cpu::loads"), 1, Duration::from_mins(1));
    assert_eq!(process(&run.reports[0]), std::process::id());
}
