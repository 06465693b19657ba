//! Cases in a process of their own, so that an engine that takes its process down fails one case
//! and not the run.
//!
//! ```text
//! run ──case's name──> worker: the same executable, told by a variable which cell it serves
//!     <──report line──        one case after the other, until its input ends
//! ```
//!
//! A worker that dies fails the case it was at, with what the system says of its end; a worker
//! that hangs is killed. Either way the next case gets a fresh one.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use accel_core::{CaseReport, Engine, Outcome, Stage, Variant};

use super::decide::{Decision, decide};
use super::execute::{alone_if_it_measures, report, run_case_as, run_case_within, timed_out};
use super::settings::{Isolate, Settings, TIMEOUT_SECONDS};
use super::{Case, Cell, Failure, Suite};
use crate::{Availability, ModelSource, availability};

/// Tells a process which cell it serves, as `bert::cuda`.
pub(super) const WORKER: &str = "ACCEL_WORKER";

/// What a report begins with in a worker's output, where libraries may print, too.
const MARK: &str = "accel-case-report ";

/// How much longer than a case may take its worker is waited for: it says itself when the time
/// is over, unless it cannot.
const GRACE: Duration = Duration::from_secs(10);

/// How long a process may take to end once it has nothing to do, and its last words to arrive.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lines of a worker's errors that are kept, to be shown when it dies.
const LAST_WORDS: usize = 12;

/// Serves a cell of `suite` if this process was started to; otherwise there is nothing to do.
///
/// [`main`](super::main) does this by itself. A test that runs a suite with other
/// [`Settings::worker`]s calls it where these begin.
pub fn serve_if_worker(suite: &Suite) -> Option<ExitCode> {
    let name = std::env::var(WORKER).ok()?;
    Some(match Settings::from_env() {
        Ok(settings) => serve(suite, &name, &settings),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    })
}

/// Whether the cases of `cell` run in workers: where its engine is a vendor's library, which can
/// take its process down, unless the settings say otherwise. Under nextest every case has a process
/// of its own already.
pub(super) fn isolates(cell: &Cell, settings: &Settings) -> bool {
    if settings.worker.is_empty() || settings.nextest {
        return false;
    }
    match settings.isolate {
        Isolate::Nothing => false,
        Isolate::Everything => true,
        Isolate::Libraries => {
            let engine = match availability(&cell.options) {
                Availability::Available { engine } | Availability::Unavailable { engine, .. } => {
                    engine
                }
            };
            // A simulation runs on the embedded engine, which is Rust.
            cell.spec.variant == Variant::Real && matches!(engine, Engine::Ort | Engine::Openvino)
        }
    }
}

/// Serves the cell that `name` names: runs the cases that are asked for on standard input, one a
/// line, and writes a report line of each, until the input ends.
fn serve(suite: &Suite, name: &str, settings: &Settings) -> ExitCode {
    let found = suite.cells.iter().find(|it| cell_name(it) == name);
    let Some(cell) = found else {
        let _ = writeln!(std::io::stderr(), "error: {WORKER} is `{name}`, which is no cell");
        return ExitCode::from(2);
    };
    let cell = &Cell { options: settings.options(cell.options), ..**cell };
    let decision = decide(cell, Path::new(suite.root), settings);
    for line in std::io::stdin().lines() {
        let Ok(line) = line else { break };
        let Some(case) = cell.cases.iter().find(|it| it.name.name() == line) else {
            let _ = writeln!(std::io::stderr(), "error: {name} has no case `{line}`");
            return ExitCode::from(2);
        };
        let report = match &decision {
            Decision::Run(dir) => {
                run_case_within(cell, case, ModelSource::dir(dir), settings.timeout)
            }
            Decision::Simulate { dir, reason } => {
                let (source, reason) = (ModelSource::dir(dir), Some(reason.clone()));
                run_case_as(cell, case, source, settings.timeout, reason)
            }
            // The process that asked saw it otherwise.
            Decision::Skip(skip) => failed(cell, case, Stage::Resolve, skip.reason(), 0.0),
            Decision::Refuse(Failure { stage, message }) => {
                failed(cell, case, *stage, message.clone(), 0.0)
            }
        };
        let Ok(text) = serde_json::to_string(&report) else { return ExitCode::FAILURE };
        let mut stdout = std::io::stdout().lock();
        // First a line end: a library may have printed half a line.
        if writeln!(stdout, "\n{MARK}{text}").and_then(|()| stdout.flush()).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

fn cell_name(cell: &Cell) -> String {
    format!("{}::{}", cell.spec.model, cell.spec.platform)
}

fn failed(cell: &Cell, case: &Case, stage: Stage, message: String, elapsed_ms: f64) -> CaseReport {
    let outcome = Outcome::Failed { stage, message };
    report(cell, case.name, outcome, std::collections::BTreeMap::new(), elapsed_ms)
}

/// The workers of one cell: as many as threads ask for at once, idle ones kept for the next case.
#[derive(Debug)]
pub(super) struct Workers {
    state: Mutex<State>,
    command: Vec<std::ffi::OsString>,
    timeout: Duration,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Worker>,
    /// Cases of the cell that are still to come; none, and idle workers go.
    remaining: usize,
}

impl Workers {
    /// Workers as `settings` start them, for no cases yet.
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            state: Mutex::default(),
            command: settings.worker.clone(),
            timeout: settings.timeout,
        }
    }

    /// Announces one more case that will be run.
    pub(super) fn announce(&self) {
        self.state().remaining += 1;
    }

    /// Runs one case in a worker.
    pub(super) fn run(&self, cell: &Cell, case: &Case) -> CaseReport {
        let _lock = alone_if_it_measures(case.name);
        let start = Instant::now();
        let idle = self.state().idle.pop();
        let worker = idle.map_or_else(|| Worker::start(&self.command, cell, self.timeout), Ok);
        let answer = worker.and_then(|mut worker| {
            let answer = worker.ask(case, self.timeout)?;
            Ok((answer, worker))
        });
        let (report, worker) = match answer {
            Ok((report, worker)) => {
                let hangs =
                    |it: &Outcome| matches!(it, Outcome::Failed { stage: Stage::Timeout, .. });
                // What hangs in it would slow down the next case.
                let worker = Some(worker).filter(|_| !hangs(&report.outcome));
                (report, worker)
            }
            Err(Failure { stage, message }) => {
                let elapsed_ms = start.elapsed().as_secs_f64() * 1e3;
                (failed(cell, case, stage, message, elapsed_ms), None)
            }
        };
        let mut state = self.state();
        state.remaining = state.remaining.saturating_sub(1);
        state.idle.extend(worker);
        let done = if state.remaining == 0 { std::mem::take(&mut state.idle) } else { Vec::new() };
        drop(state);
        drop(done);
        report
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A process that serves one cell.
#[derive(Debug)]
struct Worker {
    process: Child,
    requests: Option<ChildStdin>,
    /// Reports; the other end goes when the process ends.
    reports: mpsc::Receiver<CaseReport>,
    errors: Arc<Mutex<VecDeque<String>>>,
    error_reader: Option<thread::JoinHandle<()>>,
}

impl Worker {
    fn start(
        command: &[std::ffi::OsString],
        cell: &Cell,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| {
            Failure::new(Stage::Crash, format!("cannot start a process for the case: {error}"))
        };
        let Some((program, arguments)) = command.split_first() else {
            return Err(cannot(std::io::Error::other("its executable is not known")));
        };
        let mut process = Command::new(program)
            .args(arguments)
            .env(WORKER, cell_name(cell))
            .env(TIMEOUT_SECONDS, timeout.as_secs().max(1).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        let requests = process.stdin.take();
        let (sender, reports) = mpsc::channel();
        if let Some(stdout) = process.stdout.take() {
            thread::spawn(move || {
                for line in lossy_lines(stdout) {
                    // Anything else is what a library prints.
                    let report = line.strip_prefix(MARK).map(serde_json::from_str);
                    if let Some(Ok(report)) = report
                        && sender.send(report).is_err()
                    {
                        return;
                    }
                }
            });
        }
        let errors = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&errors);
        let error_reader = process.stderr.take().map(|stderr| {
            thread::spawn(move || {
                for line in lossy_lines(stderr) {
                    let _ = writeln!(std::io::stderr(), "{line}");
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.push_back(line);
                    if kept.len() > LAST_WORDS {
                        kept.pop_front();
                    }
                }
            })
        });
        Ok(Self { process, requests, reports, errors, error_reader })
    }

    /// Has a case run. After an error the worker is of no use any more.
    fn ask(&mut self, case: &Case, timeout: Duration) -> Result<CaseReport, Failure> {
        let asked = self
            .requests
            .as_mut()
            .is_some_and(|it| writeln!(it, "{}", case.name).and_then(|()| it.flush()).is_ok());
        if !asked {
            return Err(self.died());
        }
        match self.reports.recv_timeout(timeout.saturating_add(GRACE)) {
            Ok(report) if report.case == case.name => Ok(report),
            Ok(report) => {
                let message = format!("its process answered for the case `{}`", report.case);
                Err(Failure::new(Stage::Crash, message))
            }
            Err(mpsc::RecvTimeoutError::Timeout) => Err(Failure::new(
                Stage::Timeout,
                timed_out(timeout, "its process did not answer and was killed"),
            )),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(self.died()),
        }
    }

    /// How the process ended, with what it said last.
    fn died(&mut self) -> Failure {
        let end = self.end();
        if let Some(reader) = self.error_reader.take() {
            // A grandchild may hold the other end open; what is there by then has to do.
            within(PATIENCE, || reader.is_finished().then_some(()));
        }
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let last: Vec<_> = errors.iter().map(String::as_str).collect();
        let last = match last.join("\n") {
            words if words.trim().is_empty() => "it said nothing".to_owned(),
            words => format!("its last words:\n{words}"),
        };
        Failure::new(Stage::Crash, format!("the case took its process down ({end}); {last}"))
    }
}

impl Worker {
    /// Ends the process: by the end of its input, so that engines can tidy up, and by force if that
    /// does not help. Gives what the system says of the end.
    fn end(&mut self) -> String {
        drop(self.requests.take());
        let status = within(PATIENCE, || self.process.try_wait().transpose());
        let status = status.unwrap_or_else(|| {
            let _ = self.process.kill();
            self.process.wait()
        });
        status.map_or_else(|it| it.to_string(), |it| it.to_string())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// What `ready` gives once it gives something, if it does so in time.
fn within<T>(time: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let it = ready();
        if it.is_some() || start.elapsed() >= time {
            return it;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Lines, whatever bytes are in them: vendors' messages are not all UTF-8.
fn lossy_lines(stream: impl std::io::Read) -> impl Iterator<Item = String> {
    BufReader::new(stream)
        .split(b'\n')
        .map_while(Result::ok)
        .map(|it| String::from_utf8_lossy(&it).trim_end_matches('\r').to_owned())
}
