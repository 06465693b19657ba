//! The data of a generated test.

use std::fmt;

use accel_core::{CaseName, Precision, SessionOptions, Stage, Tolerance};

use super::probe::Probe;
use super::skill::Load;
use crate::{Error, Result, SkillSpec};

/// A generated test binary's content.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// The folder that the cells' `model_dir` is relative to.
    pub root: &'static str,
    /// Every planned cell.
    pub cells: &'static [&'static Cell],
}

/// One (model, platform) pair and what is to be proved about it.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// What the skill says about itself.
    pub spec: &'static SkillSpec,
    /// The skill's own session options.
    pub options: SessionOptions,
    /// How the skill is loaded.
    pub load: Load,
    /// How far results may be from the reference, by precision.
    pub tolerances: &'static [(Precision, Tolerance)],
    /// Cases that fail, and why; one that passes all the same is a failure.
    pub expected_failures: &'static [(CaseName, &'static str)],
    /// What is to be proved.
    pub cases: &'static [Case],
}

impl Cell {
    /// Why `case` is expected to fail, if it is.
    pub fn expected_failure(&self, case: CaseName) -> Option<&'static str> {
        self.expected_failures.iter().find(|(it, _)| *it == case).map(|(_, reason)| *reason)
    }
}

/// One thing to be proved.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name.
    pub name: CaseName,
    /// Its proof.
    pub run: fn(&Probe<'_>) -> Verdict,
}

impl Case {
    /// `name`, proved by `run`.
    pub const fn new(name: CaseName, run: fn(&Probe<'_>) -> Verdict) -> Self {
        Self { name, run }
    }
}

/// Nothing when the case holds.
pub type Verdict = Result<(), Failure>;

/// Why a case does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub stage: Stage,
    /// What went wrong and what to do.
    pub message: String,
}

impl Failure {
    /// A failure at `stage`.
    pub fn new(stage: Stage, message: impl Into<String>) -> Self {
        Self { stage, message: message.into() }
    }

    /// It ran, and the result is wrong.
    pub fn mismatch(message: impl Into<String>) -> Self {
        Self::new(Stage::Mismatch, message)
    }

    /// Nothing to compare with.
    pub fn resolve(message: impl Into<String>) -> Self {
        Self::new(Stage::Resolve, message)
    }

    /// The same failure, saying first what was being done.
    #[must_use]
    pub fn during(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed at {}: {}", self.stage, self.message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.stage(), format!("{error} ({})", error.code()))
    }
}
