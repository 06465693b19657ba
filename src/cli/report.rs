//! What came of a run, for people and programs alike.

use std::collections::BTreeMap;
use std::path::Path;

use accel_core::{Family, Platform, Variant};
use serde::Serialize;
use similar::TextDiff;

use super::choice::{Choice, Chosen};
use super::outcomes::TestReport;
use crate::files::{FileSet, Kind};
use crate::registry::Registry;
use crate::sync::{Compared, Done, State, WriteOptions};

/// What was done, or would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    Write,
    Check,
    DryRun,
    Diff,
    /// Orphans alone are removed.
    Prune,
}

/// What became of a file, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    Created,
    Changed,
    Unchanged,
    Removed,
    WouldCreate,
    WouldChange,
    WouldRemove,
    /// Ours, nothing stands for it, and it stays: removing it was not asked for.
    Orphaned,
    /// Not written by accelgen, and it stays.
    NotOurs,
}

impl Status {
    /// What a run that writes did.
    pub(super) const fn done(state: &State, done: Done) -> Self {
        match done {
            Done::Created => Self::Created,
            Done::Changed => Self::Changed,
            Done::Unchanged => Self::Unchanged,
            Done::Removed => Self::Removed,
            Done::Kept => match state {
                State::Orphaned => Self::Orphaned,
                _ => Self::NotOurs,
            },
        }
    }

    /// What a run that writes would do.
    pub(super) const fn would(state: &State, options: WriteOptions) -> Self {
        match state {
            State::Missing => Self::WouldCreate,
            State::Stale { .. } => Self::WouldChange,
            State::Current => Self::Unchanged,
            State::Orphaned if options.prune => Self::WouldRemove,
            State::Orphaned => Self::Orphaned,
            State::NotOurs { in_the_way: true } if options.force => Self::WouldChange,
            State::NotOurs { .. } => Self::NotOurs,
        }
    }

    /// The name, as in JSON.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
            Self::WouldCreate => "would-create",
            Self::WouldChange => "would-change",
            Self::WouldRemove => "would-remove",
            Self::Orphaned => "orphaned",
            Self::NotOurs => "not-ours",
        }
    }
}

/// One file.
#[derive(Debug, Serialize)]
pub(super) struct FileReport {
    pub(super) path: String,
    pub(super) model: Option<String>,
    pub(super) platform: Option<Platform>,
    pub(super) variant: Option<Variant>,
    pub(super) kind: Option<Kind>,
    pub(super) family: Option<Family>,
    pub(super) template: Option<String>,
    pub(super) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diff: Option<String>,
}

impl FileReport {
    pub(super) fn new(compared: &Compared, status: Status, diff: Option<String>) -> Self {
        let origin = compared.origin.as_ref();
        Self {
            path: compared.path.clone(),
            model: origin.and_then(|it| it.model.clone()),
            platform: origin.and_then(|it| it.platform),
            variant: origin.and_then(|it| it.variant),
            kind: origin.map(|it| it.kind),
            family: origin.and_then(|it| it.family),
            template: origin.map(|it| it.template.clone()),
            status,
            diff,
        }
    }
}

/// A chosen cell for which nothing is generated.
#[derive(Debug, Serialize)]
pub(super) struct Unsupported {
    pub(super) model: String,
    pub(super) platform: Platform,
    pub(super) reason: String,
}

/// A run.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) mode: Mode,
    pub(super) registry: String,
    pub(super) output_dir: String,
    pub(super) files: Vec<FileReport>,
    /// Chosen models, and what is chosen of them.
    pub(super) cells: BTreeMap<String, BTreeMap<Platform, Chosen>>,
    pub(super) warnings: Vec<String>,
    /// The registry's warnings, each on a line.
    pub(super) registry_warnings: Vec<String>,
    pub(super) tests: Option<TestReport>,
}

impl Report {
    pub(super) fn new(
        mode: Mode,
        registry_path: &Path,
        output: &Path,
        registry: &Registry,
    ) -> Self {
        Self {
            mode,
            registry: registry_path.display().to_string(),
            output_dir: output.display().to_string(),
            files: Vec::new(),
            cells: BTreeMap::new(),
            warnings: Vec::new(),
            registry_warnings: registry
                .warnings
                .iter()
                .map(|it| format!("{}: {}: {}", it.location, it.code, it.message))
                .collect(),
            tests: None,
        }
    }

    /// Takes over what was chosen, once the request in it is used up.
    pub(super) fn choose(&mut self, choice: Choice) {
        self.cells = choice.cells;
        self.warnings.extend(choice.warnings);
    }

    /// How many files have a status.
    pub(super) fn count(&self, status: Status) -> usize {
        self.files.iter().filter(|it| it.status == status).count()
    }

    /// Chosen cells for which nothing is generated.
    pub(super) fn unsupported(&self) -> Vec<Unsupported> {
        let cells = self.cells.iter().flat_map(|(model, cells)| {
            cells.iter().map(move |(platform, chosen)| (model, *platform, chosen))
        });
        cells
            .filter_map(|(model, platform, chosen)| match chosen {
                Chosen::Unsupported { reason } => {
                    Some(Unsupported { model: model.clone(), platform, reason: reason.clone() })
                }
                _ => None,
            })
            .collect()
    }

    /// Whether the exit code is 1.
    pub(super) fn found(&self) -> bool {
        let check =
            self.mode == Mode::Check && self.files.iter().any(|it| it.status != Status::Unchanged);
        check || self.tests.as_ref().is_some_and(TestReport::failed)
    }
}

/// The unified diff from what is on disk to what is generated; `None` where nothing is on disk, or
/// the same.
pub(super) fn diff(compared: &Compared, files: &FileSet, output: &Path) -> Option<String> {
    let generated = &files.files.get(&compared.path)?.text;
    let foreign;
    let found = match &compared.state {
        State::Stale { found } => found,
        State::NotOurs { .. } => {
            let bytes = std::fs::read(output.join(&compared.path)).ok()?;
            foreign = String::from_utf8_lossy(&bytes).into_owned();
            &foreign
        }
        State::Missing | State::Current | State::Orphaned => return None,
    };
    if found.replace("\r\n", "\n") == *generated {
        return Some("only the line ends differ: CRLF on disk, LF generated\n".to_owned());
    }
    let path = &compared.path;
    let diff = TextDiff::from_lines(found.as_str(), generated.as_str());
    let mut unified = diff.unified_diff();
    unified.header(&format!("{path} (on disk)"), &format!("{path} (generated)"));
    Some(unified.to_string())
}
