//! A whole test binary.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use accel_core::{CaseName, CaseReport, Outcome, Stage, Variant};
use libtest_mimic::{Arguments, Failed, FormatSetting, Trial};

use super::decide::{Decision, SkipCause, decide};
use super::execute::{report, run_case_as, run_case_within};
use super::report::{self as report_file, Report};
use super::settings::{REPORT, Settings, UsageError};
use super::summary::{Counts, Line, render};
use super::worker::{Workers, isolates, serve_if_worker};
use super::{Case, Cell, Suite};
use crate::ModelSource;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// One entry for every selected case.
    pub reports: Vec<CaseReport>,
    /// How many ended in each way.
    pub counts: Counts,
    /// The table for people; empty when tests were only listed.
    pub summary: String,
    /// Why the run as a whole failed, besides failed tests.
    pub problems: Vec<String>,
    /// Whether a test failed.
    pub failed: bool,
}

/// The `main` of a generated test binary.
pub fn main(suite: &Suite) -> ExitCode {
    if let Some(code) = serve_if_worker(suite) {
        return code;
    }
    let arguments = Arguments::from_args();
    let outcome = Settings::from_env().and_then(|it| Ok((run(suite, &arguments, &it)?, it)));
    match outcome {
        Ok((run, settings)) => {
            // Under nextest every process runs one test, and JSON is for machines.
            let quiet = settings.nextest || arguments.format == Some(FormatSetting::Json);
            // A closed pipe must not turn a verdict into a panic.
            if !quiet {
                let _ = std::io::stdout().write_all(run.summary.as_bytes());
            }
            for problem in &run.problems {
                let _ = writeln!(std::io::stderr(), "error: {problem}");
            }
            if run.failed || !run.problems.is_empty() {
                // What libtest ends with when a test failed.
                ExitCode::from(101)
            } else {
                ExitCode::SUCCESS
            }
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs the cases of `suite` that `arguments` select, or lists them.
///
/// # Errors
/// When the suite, the arguments or the settings make no sense; then nothing has run.
pub fn run(suite: &Suite, arguments: &Arguments, settings: &Settings) -> Result<Run, UsageError> {
    check(suite)?;
    let names: Vec<_> = suite.cells.iter().map(|it| (it.spec.model, it.spec.platform)).collect();
    settings.check_requirements(&names)?;

    let planned = plan(suite, settings);
    let ledger = Arc::new(Ledger::new(planned.len()));
    let trials: Vec<_> = planned
        .iter()
        .enumerate()
        .map(|(index, it)| it.trial(index, arguments, settings, &ledger))
        .collect();
    let selected: Vec<_> =
        (0..trials.len()).filter(|it| !arguments.is_filtered_out(&trials[*it])).collect();
    let ignored: Vec<_> =
        selected.iter().copied().filter(|it| arguments.is_ignored(&trials[*it])).collect();

    if arguments.list {
        // nextest starts no process for an ignored test, but lists them once, before any runs.
        if settings.nextest && arguments.ignored {
            ledger.open(settings, true)?;
            for it in &planned {
                if let Decision::Skip(cause) = &it.decision {
                    ledger.append(&it.skipped(cause)).map_err(UsageError)?;
                }
            }
        }
        let listed = libtest_mimic::run(arguments, trials);
        return Ok(Run::new(Vec::new(), String::new(), Vec::new(), listed.has_failed()));
    }

    ledger.open(settings, !settings.nextest)?;
    for index in selected.iter().filter(|it| !ignored.contains(it)) {
        if let Some(workers) = &planned[*index].workers {
            workers.announce();
        }
    }
    for index in ignored {
        // Ignored for another reason (`--bench`) leaves no trace, and that fails the run below.
        if let Decision::Skip(cause) = &planned[index].decision {
            ledger.enter(index, planned[index].skipped(cause)).map_err(UsageError)?;
        }
    }
    let conclusion = libtest_mimic::run(arguments, trials);

    let entries = ledger.entries();
    let mut problems: Vec<_> = selected
        .iter()
        .filter(|it| entries[**it].is_none())
        .map(|it| format!("{} was planned and selected, and left no result", planned[*it].name()))
        .collect();
    let lines: Vec<_> = selected
        .iter()
        .filter_map(|it| {
            let report = entries[*it].as_ref()?;
            Some(Line { report, skip: planned[*it].skip_cause(report) })
        })
        .collect();
    let summary = render(&lines);
    let reports: Vec<_> = lines.iter().map(|it| it.report.clone()).collect();
    if let Some(path) = settings.report.as_deref().filter(|_| !settings.nextest) {
        problems.extend(missing_lines(path, &reports));
    }
    Ok(Run::new(reports, summary, problems, conclusion.has_failed()))
}

impl Run {
    fn new(reports: Vec<CaseReport>, summary: String, problems: Vec<String>, failed: bool) -> Self {
        let mut counts = Counts::default();
        for it in &reports {
            counts.add(&it.outcome);
        }
        Self { reports, counts, summary, problems, failed }
    }
}

/// Refuses suites in which a test could vanish or could not fail.
fn check(suite: &Suite) -> Result<(), UsageError> {
    let refuse = |what: String| Err(UsageError(format!("{what}; generate the tests again")));
    if suite.cells.is_empty() {
        return refuse("the suite has no cells".to_owned());
    }
    let mut seen = BTreeSet::new();
    for cell in suite.cells {
        let name = format!("{}::{}", cell.spec.model, cell.spec.platform);
        if cell.cases.is_empty() {
            return refuse(format!("cell {name} has no cases"));
        }
        for case in cell.cases {
            if !seen.insert((cell.spec.model, cell.spec.platform, case.name)) {
                return refuse(format!("{name}::{} is planned twice", case.name));
            }
        }
        for (case, _) in cell.expected_failures {
            if !cell.cases.iter().any(|it| it.name == *case) {
                return refuse(format!(
                    "{name} expects `{case}` to fail, which is none of its cases"
                ));
            }
        }
    }
    Ok(())
}

/// A case of a cell, and what is to become of it.
struct Planned {
    cell: Cell,
    case: Case,
    decision: Decision,
    /// Where its cell's cases run, if not in this process.
    workers: Option<Arc<Workers>>,
}

fn plan(suite: &Suite, settings: &Settings) -> Vec<Planned> {
    let mut planned = Vec::new();
    for cell in suite.cells {
        let cell = Cell { options: settings.options(cell.options), ..**cell };
        let decision = decide(&cell, Path::new(suite.root), settings);
        let isolated = matches!(decision, Decision::Run(_)) && isolates(&cell, settings);
        let workers = isolated.then(|| Arc::new(Workers::new(settings)));
        for case in cell.cases {
            let (decision, workers) = (decision.clone(), workers.clone());
            planned.push(Planned { cell, case: *case, decision, workers });
        }
    }
    planned
}

impl Planned {
    fn name(&self) -> String {
        format!("{}::{}::{}", self.cell.spec.model, self.cell.spec.platform, self.case.name)
    }

    fn skipped(&self, cause: &SkipCause) -> CaseReport {
        self.report(Outcome::Skipped { reason: cause.reason() })
    }

    fn failed(&self, stage: Stage, message: String) -> CaseReport {
        self.report(Outcome::Failed { stage, message })
    }

    fn report(&self, outcome: Outcome) -> CaseReport {
        report(&self.cell, self.case.name, outcome, BTreeMap::new(), 0.0)
    }

    fn skip_cause(&self, report: &CaseReport) -> Option<&SkipCause> {
        match (&self.decision, &report.outcome) {
            (Decision::Skip(cause), Outcome::Skipped { .. }) => Some(cause),
            _ => None,
        }
    }

    /// What stands in brackets before the test's name.
    fn kind(&self, arguments: &Arguments) -> &'static str {
        // nextest takes the whole line of this list as the test's name; a name must not change
        // with the machine.
        if arguments.list && arguments.format == Some(FormatSetting::Terse) {
            return "";
        }
        match &self.decision {
            Decision::Skip(cause) => cause.kind(),
            Decision::Simulate { .. } => "simulated",
            _ if self.cell.spec.variant == Variant::Simulation => "simulated",
            _ if self.cell.expected_failure(self.case.name).is_some() => "expected to fail",
            _ => "",
        }
    }

    fn trial(
        &self,
        index: usize,
        arguments: &Arguments,
        settings: &Settings,
        ledger: &Arc<Ledger>,
    ) -> Trial {
        let (cell, case, timeout) = (self.cell, self.case, settings.timeout);
        let ledger = Arc::clone(ledger);
        let kind = self.kind(arguments);
        let name = self.name();
        match &self.decision {
            Decision::Run(dir) => {
                let dir = dir.clone();
                let workers = self.workers.clone();
                Trial::test(name, move || {
                    let report = match &workers {
                        Some(workers) => workers.run(&cell, &case),
                        None => run_case_within(&cell, &case, ModelSource::dir(dir), timeout),
                    };
                    finish(&ledger, index, report)
                })
                .with_kind(kind)
            }
            Decision::Simulate { dir, reason } => {
                let (dir, reason) = (dir.clone(), reason.clone());
                Trial::test(name, move || {
                    let source = ModelSource::dir(dir);
                    let report = run_case_as(&cell, &case, source, timeout, Some(reason));
                    finish(&ledger, index, report)
                })
                .with_kind(kind)
            }
            Decision::Refuse(failure) => {
                let report = self.failed(failure.stage, failure.message.clone());
                Trial::test(name, move || finish(&ledger, index, report)).with_kind(kind)
            }
            Decision::Skip(why) => {
                // Reached only when ignored tests are asked for.
                let message = format!("asked to run all the same, it cannot: {}", why.reason());
                let report = self.failed(Stage::Resolve, message);
                Trial::test(name, move || finish(&ledger, index, report))
                    .with_kind(kind)
                    .with_ignored_flag(true)
            }
        }
    }
}

/// Enters the result, and turns it into the harness's.
fn finish(ledger: &Ledger, index: usize, report: CaseReport) -> Result<(), Failed> {
    let failed = match &report.outcome {
        Outcome::Failed { stage, message } => Some(format!("failed at {stage}: {message}")),
        _ => None,
    };
    ledger.enter(index, report)?;
    failed.map_or(Ok(()), |message| Err(message.into()))
}

/// Results as they come, and the report file that they go to.
struct Ledger {
    entries: Mutex<Vec<Option<CaseReport>>>,
    report: Mutex<Option<Report>>,
}

impl Ledger {
    fn new(planned: usize) -> Self {
        Self { entries: Mutex::new(vec![None; planned]), report: Mutex::new(None) }
    }

    fn open(&self, settings: &Settings, empty: bool) -> Result<(), UsageError> {
        let Some(path) = &settings.report else {
            return Ok(());
        };
        let opened = if empty { Report::start(path) } else { Report::resume(path) };
        let report = opened.map_err(|error| UsageError(format!("{REPORT}: {error}")))?;
        *locked(&self.report) = Some(report);
        Ok(())
    }

    fn enter(&self, index: usize, report: CaseReport) -> Result<(), String> {
        self.append(&report)?;
        locked(&self.entries)[index] = Some(report);
        Ok(())
    }

    fn append(&self, report: &CaseReport) -> Result<(), String> {
        match &*locked(&self.report) {
            Some(file) => {
                file.append(report).map_err(|error| format!("cannot write the report: {error}"))
            }
            None => Ok(()),
        }
    }

    fn entries(&self) -> Vec<Option<CaseReport>> {
        locked(&self.entries).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the report file lacks of `reports`.
fn missing_lines(path: &Path, reports: &[CaseReport]) -> Vec<String> {
    let lines = match report_file::read(path) {
        Ok(it) => it,
        Err(error) => return vec![format!("{REPORT} cannot be read back: {error}")],
    };
    let missing = |it: &&CaseReport| !lines.contains_key(&report_file::key(it));
    let name = |it: &CaseReport| -> (String, CaseName) {
        (format!("{}::{}", it.model, it.platform), it.case)
    };
    reports
        .iter()
        .filter(missing)
        .map(name)
        .map(|(cell, case)| format!("{cell}::{case} has no line in {}", path.display()))
        .collect()
}
