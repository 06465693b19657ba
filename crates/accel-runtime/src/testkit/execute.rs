//! One case, from start to outcome.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use accel_core::{
    CaseName, CaseReport, Engine as EngineName, Outcome, REPORT_VERSION, Stage, Variant,
};

use super::probe::{Notes, Probe};
use super::reference::Reference;
use super::settings::{Settings, TIMEOUT_SECONDS};
use super::{Case, Cell, Failure, Verdict};
use crate::ModelSource;
use crate::engine::simulator::Prediction;
use crate::engine::{Engine, SimulatorEngine};

/// Held for reading by ordinary cases and for writing by cases that measure: a latency taken
/// while other cases load the machine says nothing.
static QUIET: RwLock<()> = RwLock::new(());

/// Runs one case on the model of `source` and tells how it ended.
///
/// `source` may carry an engine of its own or lead to a tampered folder: that is how
/// falsification tests show that a case can fail.
pub fn run_case(cell: &Cell, case: &Case, source: ModelSource) -> CaseReport {
    // `main` refuses a timeout that means nothing; here there is nobody to refuse it to.
    let timeout = Settings::from_env().unwrap_or_default().timeout;
    run_case_within(cell, case, source, timeout)
}

/// [`run_case`], with the time that it may take.
pub fn run_case_within(
    cell: &Cell,
    case: &Case,
    source: ModelSource,
    timeout: Duration,
) -> CaseReport {
    let reason = match cell.spec.variant {
        Variant::Simulation => Some(cell.spec.reason.to_owned()),
        Variant::Real => None,
    };
    run_case_as(cell, case, source, timeout, reason)
}

/// [`run_case_within`], on the simulator for the reason given if there is one.
pub(super) fn run_case_as(
    cell: &Cell,
    case: &Case,
    source: ModelSource,
    timeout: Duration,
    simulated: Option<String>,
) -> CaseReport {
    let _lock = alone_if_it_measures(case.name);
    let start = Instant::now();
    let attempt = attempt_within(*cell, *case, source, timeout, simulated.clone());
    let elapsed_ms = start.elapsed().as_secs_f64() * 1e3;
    let measurements = attempt.notes.measurements.clone();
    let outcome = judge(cell, case.name, attempt, simulated);
    report(cell, case.name, outcome, measurements, elapsed_ms)
}

/// Waits until `case` may run: alone if it measures, else beside others that do not.
pub(super) fn alone_if_it_measures(
    case: CaseName,
) -> (Option<RwLockWriteGuard<'static, ()>>, Option<RwLockReadGuard<'static, ()>>) {
    match case {
        CaseName::Measures | CaseName::RecordsDeviceMemory | CaseName::RecordsFirstRun => {
            (Some(QUIET.write().unwrap_or_else(PoisonError::into_inner)), None)
        }
        _ => (None, Some(QUIET.read().unwrap_or_else(PoisonError::into_inner))),
    }
}

/// What is said of a case that did not end in time, and of what became of it.
pub(super) fn timed_out(timeout: Duration, what: &str) -> String {
    format!(
        "the case did not end within {} s; {what}. Raise {TIMEOUT_SECONDS} if the machine is slow",
        timeout.as_secs_f64()
    )
}

/// The report line of a case.
pub(super) fn report(
    cell: &Cell,
    case: CaseName,
    outcome: Outcome,
    mut measurements: BTreeMap<String, f64>,
    elapsed_ms: f64,
) -> CaseReport {
    // JSON has no other numbers; `judge` has already made them a failure.
    measurements.retain(|_, value| value.is_finite());
    CaseReport {
        version: REPORT_VERSION,
        model: cell.spec.model.to_owned(),
        platform: cell.spec.platform,
        variant: cell.spec.variant,
        case,
        outcome,
        measurements,
        elapsed_ms,
    }
}

/// What came of running a case.
struct Attempt {
    verdict: Verdict,
    notes: Notes,
}

impl Attempt {
    fn failed(stage: Stage, message: impl Into<String>) -> Self {
        Self { verdict: Err(Failure::new(stage, message)), notes: Notes::default() }
    }
}

/// Runs the case on a thread of its own, because a thread that hangs cannot be stopped, only left.
fn attempt_within(
    cell: Cell,
    case: Case,
    source: ModelSource,
    timeout: Duration,
    simulated: Option<String>,
) -> Attempt {
    let (sender, receiver) = mpsc::channel();
    let name = format!("{}::{}::{}", cell.spec.model, cell.spec.platform, case.name);
    let body = move || {
        // The receiver is gone when the case took too long; then nobody wants to know.
        let _ = sender.send(match simulated {
            Some(reason) => simulate(&cell, &case, source, &reason),
            None => attempt(&cell, &case, &source, None),
        });
    };
    if let Err(error) = thread::Builder::new().name(name).spawn(body) {
        return Attempt::failed(Stage::Crash, format!("no thread for the case: {error}"));
    }
    match receiver.recv_timeout(timeout) {
        Ok(attempt) => attempt,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Attempt::failed(Stage::Timeout, timed_out(timeout, "its thread was left behind"))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Attempt::failed(Stage::Crash, "the case's thread ended without a result")
        }
    }
}

/// As [`attempt`] on the simulator, and adds what the runs would have taken on the device. What
/// the case measured was measured on the host, and its names say so.
fn simulate(cell: &Cell, case: &Case, source: ModelSource, reason: &str) -> Attempt {
    let engine = Arc::new(SimulatorEngine::default().recording());
    let source = match source.own_engine() {
        None => source.with_engine(Arc::clone(&engine) as Arc<dyn Engine>),
        Some(_) => source,
    };
    let mut attempt = attempt(cell, case, &source, Some(reason));
    let measured = std::mem::take(&mut attempt.notes.measurements);
    let names = measured.into_iter().map(|(name, value)| {
        let is_predicted = name.starts_with(PREDICTED);
        (if is_predicted { name } else { format!("host.{name}") }, value)
    });
    attempt.notes.measurements = names.collect();
    if let Some(prediction) = engine.prediction() {
        attempt.notes.measurements.extend(predicted(&prediction));
    }
    attempt
}

/// What names of predicted figures begin with.
const PREDICTED: &str = "predicted_";

#[expect(clippy::cast_precision_loss, reason = "counts of runs and nodes")]
fn predicted(prediction: &Prediction) -> [(String, f64); 9] {
    let (run, load) = (prediction.predicted_ms, prediction.predicted_load_ms);
    [
        ("ms_low", run.low),
        ("ms_expected", run.expected),
        ("ms_high", run.high),
        ("load_ms_low", load.low),
        ("load_ms_expected", load.expected),
        ("load_ms_high", load.high),
        ("runs", prediction.runs as f64),
        ("flops", prediction.flops),
        ("nodes_without_cost", prediction.nodes_without_cost.len() as f64),
    ]
    .map(|(name, value)| (format!("{PREDICTED}{name}"), value))
}

fn attempt(cell: &Cell, case: &Case, source: &ModelSource, simulated: Option<&str>) -> Attempt {
    let reference = match Reference::open(source.path()) {
        Ok(it) => it,
        Err(error) => {
            return Attempt { verdict: Err(error.into()), notes: Notes::default() };
        }
    };
    let probe = Probe::new(cell, source, &reference, simulated);
    let verdict = catch_unwind(AssertUnwindSafe(|| (case.run)(&probe))).unwrap_or_else(|panic| {
        Err(Failure::new(Stage::Crash, format!("the case panicked: {}", words(panic.as_ref()))))
    });
    Attempt { verdict, notes: probe.into_notes() }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it did not say why")
}

fn judge(cell: &Cell, case: CaseName, attempt: Attempt, simulated: Option<String>) -> Outcome {
    let expected = cell.expected_failure(case);
    let verdict = attempt.verdict.and_then(|()| honest(&attempt.notes, simulated));
    match (verdict, expected) {
        (Err(failure), Some(reason)) if can_be_expected(failure.stage) => {
            Outcome::ExpectedFailure { reason: reason.to_owned() }
        }
        (Err(Failure { stage, message }), _) => Outcome::Failed { stage, message },
        (Ok(_), Some(reason)) => Outcome::Failed {
            stage: Stage::Mismatch,
            message: format!(
                "passes though the registry expects it to fail ({reason}): remove the entry"
            ),
        },
        (Ok(passed), None) => passed,
    }
}

/// Whether a failure can be one that the registry expects. What was not even found was not tried;
/// and no registry entry makes it acceptable that a device quietly became another, that a run does
/// not end or that it takes the process down.
const fn can_be_expected(stage: Stage) -> bool {
    match stage {
        Stage::Load | Stage::Compile | Stage::Run | Stage::Mismatch => true,
        Stage::Resolve | Stage::Placement | Stage::Timeout | Stage::Crash => false,
    }
}

/// The outcome of a case that holds, if what it noted bears it out.
fn honest(notes: &Notes, simulated: Option<String>) -> Result<Outcome, Failure> {
    if let Some((name, value)) = notes.measurements.iter().find(|(_, value)| !value.is_finite()) {
        return Err(Failure::mismatch(format!("measurement `{name}` is {value}")));
    }
    let Some(placement) = &notes.placement else {
        return Err(Failure::new(
            Stage::Placement,
            "the case ended well without loading the skill, so it proves nothing",
        ));
    };
    Ok(match simulated {
        Some(_) if placement.engine != EngineName::Simulator => {
            return Err(Failure::new(
                Stage::Placement,
                format!("it was to be simulated, and ran for real ({placement})"),
            ));
        }
        Some(reason) => Outcome::Simulated { reason },
        None => {
            let placed: Vec<_> =
                placement.nodes.iter().map(|(on, count)| format!("{count} on {on}")).collect();
            let engine = format!("{} {}", placement.engine, placement.engine_version);
            let (device, software) = (placement.device.clone(), placement.software);
            let on_host: usize = placement.host_nodes.iter().map(|(_, count)| count).sum();
            let on_host = match on_host {
                0 => String::new(),
                count => format!("; {count} of shape arithmetic on the host"),
            };
            let placement =
                format!("nodes: {}{on_host}; {}", placed.join(", "), placement.evidence);
            let fallback_percent = notes.fallback_percent;
            if fallback_percent > 0.0 {
                Outcome::PassedWithFallback {
                    engine,
                    device,
                    placement,
                    software,
                    fallback_percent,
                }
            } else {
                Outcome::Passed { engine, device, placement, software }
            }
        }
    })
}
