//! Choice among a model's skills, and what happens when the first choice fails.

use std::fmt;

use accel_core::Platform;
use accel_core::diagnosis::{Code, FallbackLevel, FallbackPolicy, Finding};

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
    /// What it is; its platform is the one that was given.
    pub spec: &'static SkillSpec,
    /// The platform that was wanted: the first candidate's.
    pub wanted: Platform,
    /// The candidates before it, and why each could not be used.
    pub rejected: Vec<Rejection>,
}

/// What a run gave, and on which skill.
#[derive(Debug)]
pub struct Ran<P, T> {
    /// What the run gave.
    pub result: T,
    /// The skill that gave it, and what was tried before it.
    pub chosen: Chosen<P>,
}

/// A candidate that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its platform.
    pub platform: Platform,
    /// At which level it failed.
    pub level: FallbackLevel,
    /// The code of its error.
    pub code: Code,
    /// Why not.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl Rejection {
    fn new(platform: Platform, level: FallbackLevel, error: &Error) -> Self {
        let code = error.code();
        if let Error::EngineUnavailable { reason, remedy, .. } = error {
            let (reason, remedy) = (reason.clone(), remedy.clone());
            return Self { platform, level, code, reason, remedy };
        }
        let remedy = error.finding().recommendations.into_iter().next().unwrap_or_default();
        Self { platform, level, code, reason: error.to_string(), remedy }
    }
}

impl fmt::Display for Rejection {
    /// As `CUDA: this machine has no NVIDIA GPU …; run it on a machine … (ACC0101)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.platform.label(), self.reason)?;
        // Other errors say what to do themselves.
        if !matches!(self.level, FallbackLevel::MemoryTooSmall | FallbackLevel::OperationFailed)
            && !self.reason.ends_with(&self.remedy)
        {
            write!(f, "; {}", self.remedy)?;
        }
        write!(f, " ({})", self.code)
    }
}

impl<P> Chosen<P> {
    /// The platform that was given.
    pub const fn given(&self) -> Platform {
        self.spec.platform
    }

    /// Whether another platform was given than the one that was wanted.
    pub fn fell_back(&self) -> bool {
        self.given() != self.wanted
    }

    /// A finding for every candidate that was passed over: what was wanted, what was given, why.
    pub fn findings(&self) -> Vec<Finding> {
        let (wanted, given) = (self.wanted.label(), self.given().label());
        let each = self.rejected.iter().map(|it| {
            let message = format!(
                "{} could not be used for {}, and {given} was taken: {}",
                it.platform.label(),
                self.spec.model,
                it.reason
            );
            Finding::new(it.level.code(), message)
                .on(it.platform)
                .of(self.spec.model)
                .because(it.reason.as_str())
                .instead(wanted, given)
                .seen("level", it.level.name())
                .seen("code", it.code.name())
                .advise(it.remedy.as_str())
        });
        each.collect()
    }
}

/// Loads the first of `candidates` whose platform is available.
///
/// This is choice, not fallback: a platform that is absent is passed over, and one that is there
/// and fails is never hidden by the next one. For fallback, see [`choose_with`].
///
/// # Errors
/// [`Error::NoneAvailable`] when every one is rejected. Any error other than
/// [`Error::EngineUnavailable`] is returned at once.
pub fn choose<P>(source: &ModelSource, candidates: &[Candidate<P>]) -> Result<Chosen<P>> {
    let all: Vec<_> = candidates.iter().collect();
    let absent = |error: &Error| match error {
        Error::EngineUnavailable { .. } => error.fallback_level(),
        _ => None,
    };
    let tried = first_that(&all, absent, |it| (it.load)(source))?;
    Ok(tried.into())
}

/// Loads the first of `candidates`; what happens when that fails is said by `policy`.
///
/// Under [`FallbackPolicy::Strict`] its failure is the error. Under
/// [`FallbackPolicy::NextBest`] the candidates are tried in order, under [`FallbackPolicy::Cpu`]
/// the first one and then those for the CPU. Each one that failed is in the result with its level
/// ([`Error::fallback_level`]). An error that every platform would share (a damaged file, a wrong
/// argument) is at no level, and is returned at once.
///
/// # Errors
/// The first candidate's error under `Strict`; an error that is at no level;
/// [`Error::NoneAvailable`] with every rejection.
pub fn choose_with<P>(
    policy: FallbackPolicy,
    source: &ModelSource,
    candidates: &[Candidate<P>],
) -> Result<Chosen<P>> {
    let order = order(policy, candidates);
    let level = level_under(policy);
    let tried = first_that(&order, level, |it| (it.load)(source))?;
    Ok(tried.into())
}

/// As [`choose_with`], with a run of the skill: when the run fails at a level that the policy
/// allows to fall back from, the next candidate is loaded and run. The result says so.
///
/// # Errors
/// As [`choose_with`]; what `run` returns counts like an error of loading.
pub fn run_with<P, T>(
    policy: FallbackPolicy,
    source: &ModelSource,
    candidates: &[Candidate<P>],
    mut run: impl FnMut(&P) -> Result<T>,
) -> Result<Ran<P, T>> {
    let order = order(policy, candidates);
    let level = level_under(policy);
    let tried = first_that(&order, level, |it| {
        let skill = (it.load)(source)?;
        let result = run(&skill)?;
        Ok((skill, result))
    })?;
    let Tried { value: (skill, result), spec, wanted, rejected } = tried;
    Ok(Ran { result, chosen: Chosen { skill, spec, wanted, rejected } })
}

/// The candidates that `policy` lets try, in order.
fn order<P>(policy: FallbackPolicy, candidates: &[Candidate<P>]) -> Vec<&Candidate<P>> {
    let is_cpu = |it: &Candidate<P>| it.spec.platform == Platform::Cpu;
    let allowed = |(index, it): &(usize, &Candidate<P>)| match policy {
        FallbackPolicy::Strict => *index == 0,
        FallbackPolicy::NextBest => true,
        FallbackPolicy::Cpu => *index == 0 || is_cpu(it),
    };
    candidates.iter().enumerate().filter(allowed).map(|(_, it)| it).collect()
}

/// At which level an error lets the next candidate be tried.
fn level_under(policy: FallbackPolicy) -> impl Fn(&Error) -> Option<FallbackLevel> {
    move |error| match policy {
        FallbackPolicy::Strict => None,
        FallbackPolicy::NextBest | FallbackPolicy::Cpu => error.fallback_level(),
    }
}

/// What came of the first candidate that did not fail.
struct Tried<T> {
    value: T,
    spec: &'static SkillSpec,
    wanted: Platform,
    rejected: Vec<Rejection>,
}

impl<P> From<Tried<P>> for Chosen<P> {
    fn from(tried: Tried<P>) -> Self {
        let Tried { value, spec, wanted, rejected } = tried;
        Self { skill: value, spec, wanted, rejected }
    }
}

/// Tries candidates in order. An error to which `level` gives a level lets the next one be tried;
/// any other is returned at once.
fn first_that<P, T>(
    candidates: &[&Candidate<P>],
    level: impl Fn(&Error) -> Option<FallbackLevel>,
    mut attempt: impl FnMut(&Candidate<P>) -> Result<T>,
) -> Result<Tried<T>> {
    let mut rejected = Vec::new();
    for candidate in candidates {
        let spec = candidate.spec;
        match attempt(candidate) {
            Ok(value) => {
                let wanted = candidates.first().map_or(spec.platform, |it| it.spec.platform);
                return Ok(Tried { value, spec, wanted, rejected });
            }
            Err(error) => match level(&error) {
                Some(level) => rejected.push(Rejection::new(spec.platform, level, &error)),
                None => return Err(error),
            },
        }
    }
    Err(Error::NoneAvailable { rejected })
}
