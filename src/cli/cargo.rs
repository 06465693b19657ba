//! `--run-tests`: runs generated tests through cargo and collects their report.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use accel_core::{CaseReport, Platform};
use indicatif::{ProgressBar, ProgressStyle};

use super::console::{Console, count};
use super::failure::Failure;
use super::outcomes::TestReport;
use super::places;
use crate::error::Error;
use crate::files::Kind;
use crate::registry::Registry;
use crate::sync;

/// The test target of the generated package.
const TARGET: &str = "models";
/// How much of cargo's output is shown when it fails.
const TAIL_LINES: usize = 30;

/// Refuses before anything is written when there is no package to test.
pub(super) fn check_package(output: &Path) -> Result<(), Failure> {
    let manifest = output.join("Cargo.toml");
    if manifest.is_file() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--run-tests needs a package around the generated files, and there is no {}; write one named `generated` with a dependency on accel-runtime and\n\n  [[test]]\n  name = \"{TARGET}\"\n  path = \"tests/main.rs\"\n  harness = false\n\nor leave --run-tests out",
        manifest.display()
    )))
}

/// Runs the tests of the chosen cells.
pub(super) fn run(
    output: &Path,
    registry: &Registry,
    chosen: &[(&str, Platform)],
    console: Console,
) -> Result<TestReport, Failure> {
    let present = present_tests(output, registry)?;
    let wanted: BTreeSet<(String, Platform)> =
        chosen.iter().map(|(model, platform)| ((*model).to_owned(), *platform)).collect();
    let filters = filters(&present, &wanted);
    if !console.progress() {
        console.note(&format!("running the tests of {}", count(wanted.len(), "cell")));
    }
    let progress = Progress::new(console, wanted.len());
    let mut reports = BTreeMap::new();
    let mut problem = None;
    for filter in &filters {
        let (lines, failed) = run_once(output, filter, console, &progress)?;
        let any_failed = lines.iter().any(|it| it.outcome.name() == "failed");
        for it in lines {
            reports.insert((it.model.clone(), it.platform, it.case), it);
        }
        if let Some(tail) = failed.filter(|_| !any_failed) {
            problem.get_or_insert(tail);
        }
    }
    progress.finish();
    let reports: Vec<CaseReport> = reports.into_values().collect();
    let mut report = TestReport::new(chosen, &reports);
    report.problem = problem;
    Ok(report)
}

/// The cells whose test files are in the output directory.
fn present_tests(
    output: &Path,
    registry: &Registry,
) -> Result<BTreeSet<(String, Platform)>, Error> {
    let present = sync::present_cells(output, registry)?;
    let tests = present.into_iter().filter(|it| it.kind != Kind::Skill);
    Ok(tests.map(|it| (it.model, it.platform)).collect())
}

/// What a run of the test binary is told to select: names that contain `filter` (all when there is
/// none) and none of `skip`.
#[derive(Debug, PartialEq, Eq)]
struct Filter {
    filter: Option<String>,
    skip: Vec<String>,
}

/// As few runs as select exactly the wanted cells: the harness takes one filter a run.
fn filters(
    present: &BTreeSet<(String, Platform)>,
    wanted: &BTreeSet<(String, Platform)>,
) -> Vec<Filter> {
    if present == wanted {
        return vec![Filter { filter: None, skip: Vec::new() }];
    }
    let models: BTreeSet<&str> = present.iter().map(|(model, _)| model.as_str()).collect();
    let platforms: BTreeSet<Platform> = wanted.iter().map(|(_, it)| *it).collect();
    let whole = |of: &dyn Fn(&(String, Platform)) -> bool| {
        present.iter().filter(|it| of(it)).all(|it| wanted.contains(it))
    };
    if platforms.iter().all(|platform| whole(&|it| it.1 == *platform)) {
        let filter = |it: &Platform| Filter { filter: Some(format!("::{it}::")), skip: Vec::new() };
        return platforms.iter().map(filter).collect();
    }
    // Filters match anywhere: `bert::` is in the names of `distilbert` too.
    let skip = |model: &str| -> Vec<String> {
        let longer = models.iter().filter(|it| **it != model && it.ends_with(model));
        longer.map(|it| format!("{it}::")).collect()
    };
    let mut filters = Vec::new();
    for model in wanted.iter().map(|(model, _)| model.as_str()).collect::<BTreeSet<_>>() {
        if whole(&|it| it.0 == model) {
            filters.push(Filter { filter: Some(format!("{model}::")), skip: skip(model) });
            continue;
        }
        for (_, platform) in wanted.iter().filter(|it| it.0 == model) {
            let filter = Some(format!("{model}::{platform}::"));
            filters.push(Filter { filter, skip: skip(model) });
        }
    }
    filters
}

/// One run of the test binary: its report lines, and the end of cargo's output if it failed.
fn run_once(
    output: &Path,
    filter: &Filter,
    console: Console,
    progress: &Progress,
) -> Result<(Vec<CaseReport>, Option<String>), Failure> {
    let io = |what: &'static str| Error::io(what, Path::new("a temporary file"));
    let report = tempfile::NamedTempFile::new().map_err(io("create"))?;
    let mut log = tempfile::tempfile().map_err(io("create"))?;
    let handle = || log.try_clone().map(Stdio::from);

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command.args(["test", "--manifest-path"]).arg(output.join("Cargo.toml"));
    command.args(["--test", TARGET, "--"]).args(&filter.filter);
    for it in &filter.skip {
        command.args(["--skip", it]);
    }
    command.env("ACCEL_REPORT", report.path()).stdin(Stdio::null());
    if console.debug_on() {
        // On stderr, all of it: stdout is for what this program says.
        command.stdout(Stdio::from(std::io::stderr())).stderr(Stdio::inherit());
    } else {
        command.stdout(handle().map_err(io("write"))?).stderr(handle().map_err(io("write"))?);
    }
    let mut child = command.spawn().map_err(|error| {
        let message = format!(
            "cannot run `{}`: {error}; install Rust, or name cargo in the variable CARGO",
            Path::new(&cargo).display()
        );
        Failure::new("tests", message)
    })?;
    let status = loop {
        match child.try_wait().map_err(Error::io("wait for", Path::new(&cargo)))? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(50)),
        }
        progress.at(report.path());
    };
    progress.done(report.path());
    let failed = (!status.success()).then(|| {
        let tail = tail(&mut log).unwrap_or_default();
        format!("`cargo test` ended with {status}\n{tail}").trim_end().to_owned()
    });
    Ok((read(report.path())?, failed))
}

/// The most bytes of a report; a whole run of this registry writes less than one megabyte.
const MOST_BYTES: u64 = 256 << 20;

/// The lines of a report.
pub(super) fn read(path: &Path) -> Result<Vec<CaseReport>, Failure> {
    let text = places::read_text(path, MOST_BYTES)?;
    let line = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| {
            let message = format!(
                "line {} of the tests' report is not what this version of accelgen reads: {error}",
                number + 1
            );
            Failure::new("tests", message)
        })
    };
    text.lines().enumerate().map(line).collect()
}

/// The last lines of cargo's output.
fn tail(log: &mut std::fs::File) -> std::io::Result<String> {
    log.rewind()?;
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
}

/// A spinner with the number of finished cases, on a terminal.
struct Progress {
    bar: Option<ProgressBar>,
    /// Cases of earlier runs.
    before: std::cell::Cell<usize>,
}

impl Progress {
    fn new(console: Console, cells: usize) -> Self {
        let bar = console.progress().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
                bar.set_style(style);
            }
            bar.set_message(format!("building the tests of {}", count(cells, "cell")));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self { bar, before: std::cell::Cell::new(0) }
    }

    fn at(&self, report: &Path) {
        if let Some(bar) = &self.bar {
            let finished = self.before.get() + lines(report);
            if finished > 0 {
                bar.set_message(format!("{} finished", count(finished, "case")));
            }
        }
    }

    fn done(&self, report: &Path) {
        if self.bar.is_some() {
            self.before.set(self.before.get() + lines(report));
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn lines(path: &Path) -> usize {
    std::fs::File::open(path).map_or(0, |it| BufReader::new(it).lines().count())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use accel_core::Platform::{self, Cpu, Cuda};

    use super::{Filter, filters};

    fn cells(cells: &[(&str, Platform)]) -> BTreeSet<(String, Platform)> {
        cells.iter().map(|(model, platform)| ((*model).to_owned(), *platform)).collect()
    }

    fn only(filter: &str, skip: &[&str]) -> Filter {
        let skip = skip.iter().map(|it| (*it).to_owned()).collect();
        Filter { filter: Some(filter.to_owned()), skip }
    }

    #[test]
    fn few_runs_select_exactly_what_is_wanted() {
        let present =
            cells(&[("bert", Cpu), ("bert", Cuda), ("distilbert", Cpu), ("distilbert", Cuda)]);
        assert_eq!(filters(&present, &present), [Filter { filter: None, skip: vec![] }]);
        let wanted = cells(&[("bert", Cpu), ("distilbert", Cpu)]);
        assert_eq!(filters(&present, &wanted), [only("::cpu::", &[])]);
        let wanted = cells(&[("bert", Cpu), ("bert", Cuda)]);
        assert_eq!(filters(&present, &wanted), [only("bert::", &["distilbert::"])]);
        let wanted = cells(&[("bert", Cpu), ("distilbert", Cuda), ("distilbert", Cpu)]);
        assert_eq!(
            filters(&present, &wanted),
            [only("bert::cpu::", &["distilbert::"]), only("distilbert::", &[])]
        );
    }
}
