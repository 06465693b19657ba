//! The ONNX project's own backend tests through every engine of this machine: each case ends
//! with the recorded result or with a typed error that names the operator, the type or the
//! operator set. A wrong result fails the test.
//!
//! ```text
//! python tools/operator_cases.py /some/folder
//! ACCEL_OPERATOR_CASES=/some/folder cargo test -p accel-runtime --features testkit --test operators
//! ```
//!
//! `ACCEL_OPERATOR_BROWSER=1` has a browser run them, too, on WebGPU and WebNN, which takes minutes.
//! `ACCEL_OPERATOR_REPORT` names a file that gets a line of JSON for every case and engine.
//! What rten refuses is recorded in `rten.txt`; `ACCEL_OPERATOR_RECORD=1` writes it anew.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]
#![expect(clippy::print_stdout, reason = "the counts of a run")]

mod cases;
mod compare;
#[path = "../support/engine.rs"]
mod engine;
mod outcome;
mod report;
mod worker;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use accel_runtime::{GraphOptimization, Precision, SessionOptions};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

const CASES: &str = "ACCEL_OPERATOR_CASES";

/// Set to run the cases in a browser as well.
const BROWSER: &str = "ACCEL_OPERATOR_BROWSER";

/// Every engine that this crate can drive; a browser's two kinds of session are told apart.
const NAMES: [&str; 5] = ["rten", "ort", "openvino", "webgpu", "webnn"];

/// Those that a browser runs.
const IN_A_BROWSER: [&str; 2] = ["webgpu", "webnn"];

/// The options that an engine is asked for with.
fn options(engine: &str) -> SessionOptions {
    SessionOptions {
        precision: Precision::Fp32,
        graph_optimization: GraphOptimization::All,
        threads: 1,
        max_batch: 1,
        memory_limit_bytes: 0,
        // Which nodes a device leaves to the processor is another test's matter.
        cpu_fallback_percent: 100,
        device: engine::device(engine),
    }
}

fn main() -> ExitCode {
    let folder = env::var_os(CASES).map(PathBuf::from);
    if let (Ok(range), Some(folder)) = (env::var(worker::RANGE), &folder) {
        worker::work(&range, folder);
        return ExitCode::SUCCESS;
    }
    let mut arguments = Arguments::from_args();
    // Each test uses all processors.
    arguments.test_threads = Some(1);
    let trials = NAMES.map(|engine| {
        let folder = folder.clone();
        Trial::ignorable_test(engine, move || run(engine, folder.as_deref()))
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn run(engine: &str, folder: Option<&Path>) -> Result<Completion, Failed> {
    let Some(folder) = folder else {
        return Ok(Completion::ignored_with(format!(
            "{CASES} is not set; `python tools/operator_cases.py DIR` writes the cases, then set \
             it to DIR"
        )));
    };
    if !folder.is_absolute() {
        return Err(format!("{CASES} is not an absolute path: {}", folder.display()).into());
    }
    if IN_A_BROWSER.contains(&engine) && env::var_os(BROWSER).is_none() {
        return Ok(Completion::ignored_with(format!(
            "a browser takes minutes for them all; {BROWSER}=1 has it do so"
        )));
    }
    if let Some(reason) = engine::missing(engine, &options(engine))? {
        return Ok(Completion::ignored_with(reason));
    }
    let lines = worker::run_all(engine, &cases::open(folder)?);
    report::append(&lines)?;
    println!("{}", report::table(&lines));
    report::verdict(&lines)?;
    if engine == "rten" {
        report::compare_with_recorded(&lines)?;
    }
    Ok(Completion::Completed)
}
