//! Whether a model runs on a platform, and how sure that is.
//!
//! Nothing here is a tick made by hand. Every rule looks at one thing (the registry's cell, a
//! precision, memory, the machine) and says which level that allows at most; the level of a
//! verdict is the least that its rules allow, and every rule's finding is among its reasons.
//!
//! | rule | finding | allows at most |
//! |---|---|---|
//! | support | `real` | high |
//! | support | `simulated`, `unsupported`, `unlisted` | none |
//! | evidence | `executed` (in CI, or on a named device) | high |
//! | evidence | `executed_elsewhere` (on another kind of the platform's devices), `executed_in_software` (a program stood in for the device), `compiled` | medium |
//! | evidence | `claimed`, `relative` (another model of its kind was tested) | low |
//! | precision | `precision_tested` | high |
//! | precision | `precision_untested` | low |
//! | precision | `precision_refused` (the tests record that it fails there) | none |
//! | size | `size_small` (weights of at most 2 GiB), `size_large` | high, medium |
//! | limit | `within_limit`, `over_limit` (of the weights, by the skill's `memory_limit_bytes`) | high, none |
//! | hardware | `present`, `absent` | high, none |
//! | memory | `fits_recommended` | high |
//! | memory | `fits_minimum`, `memory_unknown`, `need_unknown` | medium |
//! | memory | `fits_once_free` (it has the memory, but not free now) | low |
//! | memory | `too_large` | none |
//! | override | `declared_compatible`, `declared_incompatible` | high, none |
//!
//! [`Finding`] is that table as code: the level is computed from it, so that the two cannot
//! differ. A verdict for any machine leaves `hardware` and `memory` out. An [`Override`] takes
//! the place of the support, evidence, precision, size and limit rules, and says so.

mod explain;
mod finding;
mod judge;
mod matrix;
mod model;
mod target;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::vocabulary::vocabulary;
use crate::{Evidence, Platform, Precision, Support};

pub(crate) use explain::Bytes;
pub use finding::{Finding, LARGE_WEIGHTS_BYTES, Rule};
pub(crate) use judge::{Assessment, Place, assess};
pub use matrix::{FAMILY_RULE, Matrix, MatrixBy, MatrixCell, MatrixRow, matrix};
pub use model::{Cell, Model, cells_of_relatives};
pub use target::{MemoryPool, Target, TargetKind, targets};

vocabulary! {
    what = "level";
    /// How sure it is that a model runs on a platform.
    pub enum Level {
        /// Nothing real can be expected.
        None = "none",
        /// It may run; no run of this model has shown it, or something speaks against it now.
        Low = "low",
        /// It should run; something is unproved or tight.
        Medium = "medium",
        /// It was run, and there is room for it.
        High = "high",
    }
}

/// A caller's own word on a platform, in place of what the catalogue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Whether it runs there.
    pub compatible: bool,
    /// The most memory that it takes there, in bytes; the estimate's where this is `None`.
    #[serde(default)]
    pub peak_memory_bytes: Option<u64>,
}

/// Overrides by platform; a platform that is not named is judged by the rules.
pub type Overrides = BTreeMap<Platform, Override>;

/// What one rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule.
    pub rule: Rule,
    /// What it found.
    pub finding: Finding,
    /// The best level that this allows.
    pub allows: Level,
    /// What was found, in a sentence.
    pub message: String,
    /// What would help; always there when `allows` is [`Level::None`].
    pub remedy: Option<String>,
}

/// Memory that a model needs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Without which it does not run.
    pub min_memory_bytes: u64,
    /// With which it runs at ease.
    pub recommended_memory_bytes: u64,
}

/// Whether a model runs on a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The model's key.
    pub model: String,
    /// The platform.
    pub platform: Platform,
    /// The device that was judged, such as `cuda:1`; `None` for any machine, and where there is
    /// none.
    pub device: Option<String>,
    /// The least level that a rule allows.
    pub level: Level,
    /// The precision that was judged: the one asked for, else the widest that fits.
    pub precision: Precision,
    /// Memory that it needs in that precision; `None` when there is no estimate.
    pub need: Option<Need>,
    /// What the catalogue says of the cell; `None` when it has none.
    pub support: Option<Support>,
    /// What stands behind the cell; `None` when the catalogue has none.
    pub evidence: Option<Evidence>,
    /// Every rule's finding, in the order of [`Finding`].
    pub reasons: Vec<Reason>,
}

/// Reasons in a line: those that keep the level from being higher, or where it is high those that
/// make it so (an override, evidence, memory).
pub fn in_brief(reasons: &[Reason]) -> String {
    let level = reasons.iter().map(|it| it.allows).min().unwrap_or(Level::None);
    let tells = |it: &&Reason| match level {
        Level::High => matches!(it.rule, Rule::Override | Rule::Evidence | Rule::Memory),
        _ => it.allows == level,
    };
    let told: Vec<&str> = reasons.iter().filter(tells).map(|it| it.message.as_str()).collect();
    told.join("; ")
}

impl Verdict {
    /// The reasons that keep the level from being higher; none when it is high.
    pub fn decisive(&self) -> impl Iterator<Item = &Reason> {
        let level = self.level;
        self.reasons.iter().filter(move |it| it.allows == level && level < Level::High)
    }

    /// Whether a rule found this.
    pub fn found(&self, finding: Finding) -> bool {
        self.reasons.iter().any(|it| it.finding == finding)
    }
}

/// The verdict for any machine: the platform's hardware is taken to be there, with memory enough.
///
/// Without a `precision` the widest one is judged that the platform takes and that is within its
/// limit.
pub fn verdict(
    model: &Model,
    platform: Platform,
    precision: Option<Precision>,
    overrides: &Overrides,
) -> Verdict {
    let place = Place::Anywhere;
    assess(model, platform, precision, place, overrides).explain(model, place)
}

/// The verdict for one device of a machine, as [`targets`] gives them.
///
/// Without a `precision` the widest one is judged that the device takes and has memory for.
pub fn verdict_on(
    model: &Model,
    target: &Target,
    precision: Option<Precision>,
    overrides: &Overrides,
) -> Verdict {
    let place = Place::On(target);
    assess(model, target.platform, precision, place, overrides).explain(model, place)
}

/// The best verdict among a platform's devices on a machine; among equals the first device's.
///
/// `targets` are those of [`targets`]. A platform that is not among them is absent.
pub fn verdict_here(
    model: &Model,
    platform: Platform,
    targets: &[Target],
    precision: Option<Precision>,
    overrides: &Overrides,
) -> Verdict {
    let mut best: Option<(Assessment, Place<'_>)> = None;
    for target in targets.iter().filter(|it| it.platform == platform) {
        let place = Place::On(target);
        let assessed = assess(model, platform, precision, place, overrides);
        if best.as_ref().is_none_or(|(it, _)| it.level < assessed.level) {
            best = Some((assessed, place));
        }
    }
    let (assessed, place) = best.unwrap_or_else(|| {
        let place = Place::Absent;
        (assess(model, platform, precision, place, overrides), place)
    });
    assessed.explain(model, place)
}
