//! Findings collected, and what else a look at a machine brings to light.

use serde::{Deserialize, Serialize};

use super::{Code, Component, Finding, Severity};
use crate::Platform;

/// The version of [`Report`] as JSON; it grows when a field changes its meaning or goes away.
pub const VERSION: u32 = 1;

/// What a look at a machine and its models brought to light.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// The version of this document: [`VERSION`].
    pub version: u32,
    /// The program that wrote it, with its version.
    pub program: String,
    /// How many findings there are of each severity.
    pub counts: Counts,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// What was looked at, and how it ended. What is not here was not looked at.
    pub checks: Vec<Check>,
    /// Models × platforms, when asked for.
    pub matrix: Option<Matrix>,
}

/// How many findings there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// Critical ones.
    pub critical: usize,
    /// Errors.
    pub error: usize,
    /// Warnings.
    pub warning: usize,
    /// What is worth knowing.
    pub info: usize,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Check {
    /// Which part of the system.
    pub component: Component,
    /// What, such as `run a tiny graph`.
    pub what: String,
    /// The platform, where it is about one.
    pub platform: Option<Platform>,
    /// The model, where it is about one.
    pub model: Option<String>,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen, or why it was left out.
    pub detail: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Verdict {
    /// All is well.
    Passed,
    /// Something is wrong; a finding says what.
    Failed,
    /// It was left out; the detail says why.
    Skipped,
}

impl Verdict {
    /// The name as reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Models × platforms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Matrix {
    /// The columns.
    pub platforms: Vec<Platform>,
    /// A row for every model.
    pub rows: Vec<MatrixRow>,
}

/// One model on every platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MatrixRow {
    /// The model.
    pub model: String,
    /// One for every platform, in the order of the columns.
    pub cells: Vec<MatrixCell>,
}

/// One model on one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MatrixCell {
    /// Whether it can run.
    pub worth: Worth,
    /// What that rests on.
    pub reason: String,
}

/// Whether a model can run on a platform, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Worth {
    /// It was loaded there just now.
    Loads,
    /// The platform is there, and nothing speaks against it.
    Possible,
    /// Something speaks against it.
    Impossible,
}

impl Report {
    /// A report of `findings`, sorted and without doubles.
    pub fn new(program: impl Into<String>, mut findings: Vec<Finding>, checks: Vec<Check>) -> Self {
        sort(&mut findings);
        dedup(&mut findings);
        let counts = Counts::of(&findings);
        Self { version: VERSION, program: program.into(), counts, findings, checks, matrix: None }
    }
}

impl Counts {
    /// Counts them.
    pub fn of(findings: &[Finding]) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            match finding.severity {
                Severity::Critical => counts.critical += 1,
                Severity::Error => counts.error += 1,
                Severity::Warning => counts.warning += 1,
                Severity::Info => counts.info += 1,
            }
        }
        counts
    }

    /// How many of a severity.
    pub const fn get(&self, severity: Severity) -> usize {
        match severity {
            Severity::Critical => self.critical,
            Severity::Error => self.error,
            Severity::Warning => self.warning,
            Severity::Info => self.info,
        }
    }
}

/// Sorts: the worst first, then by code, platform, model and message.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| key(a).cmp(&key(b)));
}

/// Drops findings that say the same as the one before them: same code, platform, model and
/// message. Of two the worse one stays, since [`sort`] puts it first; doubles need not be
/// neighbours.
pub fn dedup(findings: &mut Vec<Finding>) {
    let mut seen = std::collections::BTreeSet::new();
    findings.retain(|it| seen.insert((it.code, it.platform, it.model.clone(), it.message.clone())));
}

type Key<'a> = (Severity, Code, Option<Platform>, Option<&'a str>, &'a str);

fn key(finding: &Finding) -> Key<'_> {
    (
        finding.severity,
        finding.code,
        finding.platform,
        finding.model.as_deref(),
        finding.message.as_str(),
    )
}

/// The exit code that findings deserve: 1 when one of them is an error or worse, else 0.
pub fn exit_code(findings: &[Finding]) -> u8 {
    u8::from(findings.iter().any(|it| it.severity <= Severity::Error))
}

/// How bad it is that a platform cannot be used: an error when it was asked for or when what
/// serves it is there and fails, a warning when a device of it is there, and worth knowing when
/// nothing on the machine suggests that it is wanted.
pub const fn severity_of_unusable(asked_for: bool, device: bool, fails: bool) -> Severity {
    if asked_for || fails {
        Severity::Error
    } else if device {
        Severity::Warning
    } else {
        Severity::Info
    }
}
