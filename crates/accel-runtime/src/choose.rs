//! Choice among a model's skills.

use accel_core::Platform;

use crate::{Error, ModelSource, Result, SkillSpec};

/// One of a model's skills.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<P> {
    /// What it is.
    pub spec: &'static SkillSpec,
    /// How it is loaded.
    pub load: fn(&ModelSource) -> Result<P>,
}

/// The skill that was loaded, and what was tried before it.
#[derive(Debug)]
pub struct Chosen<P> {
    /// The loaded skill.
    pub skill: P,
    /// What it is.
    pub spec: &'static SkillSpec,
    /// The candidates before it, and why each could not be used.
    pub rejected: Vec<Rejection>,
}

/// A candidate that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its platform.
    pub platform: Platform,
    /// Why not, and what to do about it.
    pub reason: String,
}

/// Loads the first of `candidates` whose platform is available.
///
/// # Errors
/// [`Error::NoneAvailable`] when every one is rejected. Any error other than
/// [`Error::EngineUnavailable`] is returned at once: a device that is there and fails is never
/// hidden by the next one.
pub fn choose<P>(source: &ModelSource, candidates: &[Candidate<P>]) -> Result<Chosen<P>> {
    let mut rejected = Vec::new();
    for Candidate { spec, load } in candidates {
        match load(source) {
            Ok(skill) => return Ok(Chosen { skill, spec, rejected }),
            Err(Error::EngineUnavailable { reason, remedy, .. }) => rejected
                .push(Rejection { platform: spec.platform, reason: format!("{reason}; {remedy}") }),
            Err(other) => return Err(other),
        }
    }
    Err(Error::NoneAvailable { rejected })
}
