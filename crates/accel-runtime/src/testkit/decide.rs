//! What is decided before anything runs: which planned cases run, which are skipped and why.

use std::path::{Path, PathBuf};

use accel_core::{Engine, Platform, Stage, Variant};

use super::settings::{MODEL_DIR, REQUIRE, SIMULATE_MISSING, Settings};
use super::{Cell, Failure};
use crate::engine::simulator;
use crate::{Availability, availability};

/// What becomes of a cell's cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They run, on the model in this folder.
    Run(PathBuf),
    /// They run on the simulator, on the model in this folder, because the platform is absent.
    Simulate {
        /// The folder.
        dir: PathBuf,
        /// Why.
        reason: String,
    },
    /// They do not run, and that is in order.
    Skip(SkipCause),
    /// They do not run, and that is a failure.
    Refuse(Failure),
}

/// Why a case does not run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipCause {
    /// Nothing serves the platform here.
    NoEngine {
        /// The platform.
        platform: Platform,
        /// Why, in the engine's words, with its remedy.
        reason: String,
    },
    /// Nothing to compare with.
    NoReference {
        /// The model.
        model: &'static str,
    },
    /// Other models than this one are to be tested.
    NotInModelDir {
        /// The model.
        model: &'static str,
        /// The folder that the models lie in.
        model_dir: PathBuf,
    },
}

impl SkipCause {
    /// The reason as it stands in the report.
    pub fn reason(&self) -> String {
        match self {
            Self::NoEngine { platform, reason } => format!("{}: {reason}", platform.label()),
            Self::NoReference { model } => format!(
                "no reference recorded for `{model}`: the registry names no `model_dir`; record \
                 one with tools/fixtures/make.py and name it there"
            ),
            Self::NotInModelDir { model, model_dir } => {
                format!("{MODEL_DIR} is {}, which has no folder `{model}`", model_dir.display())
            }
        }
    }

    /// Whether a summary should name the models: where the cause is the platform's, it is the same
    /// for all of them.
    pub(super) const fn is_of_the_model(&self) -> bool {
        matches!(self, Self::NoReference { .. } | Self::NotInModelDir { .. })
    }

    /// What equal causes have in common, for a summary.
    pub(super) fn group(&self) -> String {
        match self {
            Self::NoEngine { .. } => self.reason(),
            Self::NoReference { .. } => {
                "no reference recorded: the registry names no `model_dir`".to_owned()
            }
            Self::NotInModelDir { model_dir, .. } => {
                format!("not in {MODEL_DIR} ({})", model_dir.display())
            }
        }
    }

    /// Two words for a test's name. Fixed, and free of models and platforms: the harness matches
    /// filters against them too, and `cargo test -- cpu` must select the cells of the CPU only.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoEngine { .. } => "skipped: no engine",
            Self::NoReference { .. } => "skipped: no reference",
            Self::NotInModelDir { .. } => "skipped: other models",
        }
    }
}

/// What becomes of `cell`, whose model's folder is relative to `root`.
pub fn decide(cell: &Cell, root: &Path, settings: &Settings) -> Decision {
    let spec = cell.spec;
    let dir = match &settings.model_dir {
        Some(model_dir) => model_dir.join(spec.model),
        None => root.join(spec.model_dir),
    };
    let missing = missing_engine(cell);
    let is_required = settings.require.iter().any(|it| it.covers(spec.model, spec.platform));
    let cause = match (missing, missing_model(cell, settings)) {
        (None, None) => return Decision::Run(dir),
        // A platform that is required is not one to simulate.
        (Some(missing), None) if settings.simulate_missing && !is_required => {
            let reason =
                format!("{SIMULATE_MISSING} asks to simulate what is absent: {}", missing.reason());
            return Decision::Simulate { dir, reason };
        }
        (Some(cause), _) | (None, Some(cause)) => cause,
    };
    match settings.require.iter().find(|it| it.covers(spec.model, spec.platform)) {
        None => Decision::Skip(cause),
        Some(requirement) => Decision::Refuse(Failure::new(
            Stage::Resolve,
            format!(
                "{REQUIRE} asks for `{requirement}`, so this may not be skipped: {}",
                cause.reason()
            ),
        )),
    }
}

/// Device absent or nothing to compare with: these are skips. A folder that the registry names
/// and that is damaged or gone is not; its cases run, and fail.
fn missing_engine(cell: &Cell) -> Option<SkipCause> {
    let spec = cell.spec;
    let availability = match spec.variant {
        Variant::Real => availability(&cell.options),
        Variant::Simulation => simulator(),
    };
    match availability {
        Availability::Available { .. } => None,
        Availability::Unavailable { engine, reason, remedy, .. } => Some(SkipCause::NoEngine {
            platform: spec.platform,
            reason: because(engine, &reason, &remedy),
        }),
    }
}

fn missing_model(cell: &Cell, settings: &Settings) -> Option<SkipCause> {
    let spec = cell.spec;
    let model = spec.model;
    match &settings.model_dir {
        Some(model_dir) if model_dir.join(model).is_dir() => None,
        Some(model_dir) => Some(SkipCause::NotInModelDir { model, model_dir: model_dir.clone() }),
        None => spec.model_dir.is_empty().then_some(SkipCause::NoReference { model }),
    }
}

fn because(engine: Engine, reason: &str, remedy: &str) -> String {
    format!("{reason} (engine `{engine}`); {remedy}")
}
