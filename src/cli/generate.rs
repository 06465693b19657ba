//! Write, check, dry run, diff and prune.

use std::path::PathBuf;
use std::time::Instant;

use super::args::Cli;
use super::choice::Choice;
use super::console::Console;
use super::failure::Failure;
use super::report::{FileReport, Mode, Report, Status, diff};
use super::{Done, cargo, human, json, places};
use crate::error::Error;
use crate::files::FileSet;
use crate::registry::Registry;
use crate::request::Request;
use crate::sync::{self, Compared, RealDisk, State, WriteOptions};

/// A generation that can be run, and run again.
#[derive(Debug)]
pub(super) struct Job<'a> {
    cli: &'a Cli,
    console: Console,
    pub(super) registry: PathBuf,
    output: PathBuf,
}

/// Generates once and prints what came of it.
pub(super) fn run(cli: &Cli, console: Console) -> Result<Done, Failure> {
    let report = Job::new(cli, console)?.run()?;
    Ok(print(&report, console))
}

/// Removes orphans, or lists them, and does nothing else.
pub(super) fn prune(cli: &Cli, console: Console) -> Result<Done, Failure> {
    let report = Job::new(cli, console)?.prune()?;
    Ok(print(&report, console))
}

fn print(report: &Report, console: Console) -> Done {
    human::warnings(report, console);
    let stdout = if console.json() {
        json::report(report)
    } else if console.quiet() && !report.found() {
        // A check in CI may be quiet, but what it found and what failed is an error.
        String::new()
    } else {
        human::report(report, console)
    };
    Done { stdout, found: report.found() }
}

impl<'a> Job<'a> {
    pub(super) fn new(cli: &'a Cli, console: Console) -> Result<Self, Failure> {
        let registry = places::registry_path(cli.registry.as_deref(), console)?;
        let output = places::output_dir(cli.output_dir.as_deref(), &registry);
        Ok(Self { cli, console, registry, output })
    }

    /// Does what the flags say. Everything that may be refused is refused before the first byte is
    /// written.
    pub(super) fn run(&self) -> Result<Report, Failure> {
        let registry = places::load(&self.registry, self.console)?;
        let templates = places::templates(self.cli.templates.as_deref())?;
        let choice = Choice::new(self.cli, &registry, &self.output, templates)?;
        if self.cli.run_tests {
            cargo::check_package(&self.output)?;
        }
        let files = self.generate(&registry, &choice.request)?;
        let compared = self.compare(&registry, &files)?;

        let mode = self.mode();
        let mut report = Report::new(mode, &self.registry, &self.output, &registry);
        let prune = choice.everything || self.cli.prune;
        let options = WriteOptions { prune, force: self.cli.force };
        report.files = match mode {
            Mode::Write => self.write(&files, &compared, options)?,
            // The check says what `accelgen --all` would do.
            Mode::Check => {
                self.preview(&files, &compared, WriteOptions { prune: true, force: false })
            }
            Mode::DryRun | Mode::Diff | Mode::Prune => {
                // What a run would refuse, its dry run refuses too.
                sync::refuse_strangers(&self.output, &compared, options)?;
                self.preview(&files, &compared, options)
            }
        };
        warn_of_leftovers(&mut report);
        if self.cli.run_tests {
            let cells: Vec<_> = choice.chosen().collect();
            let start = Instant::now();
            report.tests = Some(cargo::run(&self.output, &registry, &cells, self.console)?);
            self.console.timed(start, "ran the tests");
        }
        report.choose(choice);
        Ok(report)
    }

    fn prune(&self) -> Result<Report, Failure> {
        let registry = places::load(&self.registry, self.console)?;
        // Whatever is not generated is an orphan; with which templates does not matter.
        let files = self.generate(&registry, &Request::default())?;
        let mut orphans = self.compare(&registry, &files)?;
        orphans.retain(|it| matches!(it.state, State::Orphaned | State::NotOurs { .. }));

        let mut report = Report::new(Mode::Prune, &self.registry, &self.output, &registry);
        let options = WriteOptions { prune: true, force: false };
        if self.cli.dry_run || self.cli.diff {
            report.mode = self.mode();
            report.files = self.preview(&FileSet::default(), &orphans, options);
        } else {
            for it in &mut orphans {
                // Nothing is written, so nothing is in the way.
                if let State::NotOurs { in_the_way } = &mut it.state {
                    *in_the_way = false;
                }
            }
            report.files = self.write(&FileSet::default(), &orphans, options)?;
        }
        warn_of_leftovers(&mut report);
        Ok(report)
    }

    const fn mode(&self) -> Mode {
        if self.cli.check {
            Mode::Check
        } else if self.cli.dry_run {
            Mode::DryRun
        } else if self.cli.diff {
            Mode::Diff
        } else {
            Mode::Write
        }
    }

    fn generate(&self, registry: &Registry, request: &Request) -> Result<FileSet, Failure> {
        let start = Instant::now();
        let files = match self.cli.max_workers {
            None => crate::generate(registry, request)?,
            Some(workers) => rayon::ThreadPoolBuilder::new()
                .num_threads(workers.into())
                .build()
                .map_err(|it| Failure::new("io", format!("cannot start {workers} threads: {it}")))?
                .install(|| crate::generate(registry, request))?,
        };
        self.console.timed(start, &format!("rendered {} files", files.files.len()));
        Ok(files)
    }

    fn compare(&self, registry: &Registry, files: &FileSet) -> Result<Vec<Compared>, Failure> {
        let start = Instant::now();
        let compared = sync::compare(&RealDisk, &self.output, files, registry)?;
        let what = format!("compared {} files in {}", compared.len(), self.output.display());
        self.console.timed(start, &what);
        Ok(compared)
    }

    fn write(
        &self,
        files: &FileSet,
        compared: &[Compared],
        options: WriteOptions,
    ) -> Result<Vec<FileReport>, Error> {
        let start = Instant::now();
        let done = sync::write(&RealDisk, &self.output, files, compared, options)?;
        self.console.timed(start, "wrote");
        let report = |(it, done): (&Compared, sync::Done)| {
            FileReport::new(it, Status::done(&it.state, done), None)
        };
        Ok(compared.iter().zip(done).map(report).collect())
    }

    fn preview(
        &self,
        files: &FileSet,
        compared: &[Compared],
        options: WriteOptions,
    ) -> Vec<FileReport> {
        let report = |it: &Compared| {
            let status = Status::would(&it.state, options);
            let wanted = !self.cli.dry_run && status == Status::WouldChange;
            let diff = if wanted { diff(it, files, &self.output) } else { None };
            FileReport::new(it, status, diff)
        };
        compared.iter().map(report).collect()
    }
}

/// Says what stays behind, unless the mode lists it anyway.
fn warn_of_leftovers(report: &mut Report) {
    if report.mode == Mode::Check {
        return;
    }
    if let Some(orphans) = paths(report, Status::Orphaned) {
        report.warnings.push(format!(
            "nothing in the registry stands for these files any more; --prune removes them: {orphans}"
        ));
    }
    if let Some(strangers) = paths(report, Status::NotOurs) {
        report.warnings.push(format!(
            "these files were not written by accelgen; they stay, but do not belong there: {strangers}"
        ));
    }
    if report.mode == Mode::Prune && report.count(Status::Removed) > 0 {
        let hint =
            "module files may still name what was removed; `accelgen --all` brings them up to date";
        report.warnings.push(hint.to_owned());
    }
}

/// The paths of files with a status, the first few of many; `None` when there are none.
fn paths(report: &Report, status: Status) -> Option<String> {
    const MOST: usize = 5;
    let all: Vec<&str> =
        report.files.iter().filter(|it| it.status == status).map(|it| it.path.as_str()).collect();
    let named = all.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    match all.len() {
        0 => None,
        it if it > MOST => Some(format!("{named} and {} more", it - MOST)),
        _ => Some(named),
    }
}
