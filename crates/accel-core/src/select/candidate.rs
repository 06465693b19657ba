//! Devices for a model, in the order in which they suit it.

use std::cmp::Ordering;

use super::{Given, Rejection, Request};
use crate::compatibility::{Assessment, Finding, Level, Model, Place, Rule, Target, assess};

/// How [`automatic_order`] compares devices: the first of these that tells two apart.
pub const AUTOMATIC_RULE: &str = "the higher level; then memory that fits as recommended, then as \
    needed, then unknown; then the preferred number; then a GPU with its own memory, a GPU that \
    shares main memory, a neural processor, the CPU, a browser; then more free memory; then the \
    order of the platforms and the lower number";

/// A target and what was found of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) target: &'a Target,
    pub(super) assessed: Assessment,
    /// Whether its number is the preferred one.
    preferred: bool,
}

impl<'a> Candidate<'a> {
    fn of(model: &Model, target: &'a Target, request: &Request) -> Self {
        let place = Place::On(target);
        let (precision, overrides) = (request.precision, &request.overrides);
        Self {
            target,
            assessed: assess(model, target.platform, precision, place, overrides),
            preferred: target.index.is_some() && target.index == request.preferred_index,
        }
    }

    /// Whether it can be had: what is there but not free would fail at the load.
    pub(super) fn accepted(&self, request: &Request) -> bool {
        self.assessed.level >= request.min_level.max(Level::Low)
            && !self.assessed.found(Finding::FitsOnceFree)
    }

    pub(super) fn given(&self, model: &Model) -> Given {
        let verdict = self.assessed.explain(model, Place::On(self.target));
        Given {
            device: self.target.device.clone(),
            platform: self.target.platform,
            name: self.target.name.clone(),
            precision: verdict.precision,
            level: verdict.level,
            needed_bytes: verdict.need.map(|it| it.min_memory_bytes),
            free_bytes: self.target.free_bytes,
            reasons: verdict.reasons,
        }
    }

    pub(super) fn rejection(&self, model: &Model, wanted: &str, request: &Request) -> Rejection {
        let least = request.min_level.max(Level::Low);
        let speaks = |it: Finding| it.allows() < least || it == Finding::FitsOnceFree;
        Rejection {
            wanted: wanted.to_owned(),
            device: self.target.device.clone(),
            reasons: self.assessed.against(model, Some(self.target), speaks),
        }
    }

    /// As [`AUTOMATIC_RULE`] says.
    fn before(&self, other: &Self) -> Ordering {
        let fits = |it: &Self| {
            let memory = |it: &Finding| it.rule() == Rule::Memory;
            let finding = it.assessed.findings().find(memory);
            // `Finding` is declared from the best fit to the worst; a device that is not there
            // fits nothing.
            (finding.is_none(), finding)
        };
        other
            .assessed
            .level
            .cmp(&self.assessed.level)
            .then_with(|| fits(self).cmp(&fits(other)))
            .then_with(|| other.preferred.cmp(&self.preferred))
            .then_with(|| self.target.kind.cmp(&other.target.kind))
            .then_with(|| other.target.free_bytes.cmp(&self.target.free_bytes))
            .then_with(|| self.target.platform.cmp(&other.target.platform))
            .then_with(|| self.target.index.cmp(&other.target.index))
            .then_with(|| self.target.device.cmp(&other.target.device))
    }
}

/// Devices in the order in which they suit a model best, those that cannot be had last:
/// [`AUTOMATIC_RULE`] says how they are compared.
pub fn automatic_order<'a>(
    model: &Model,
    targets: &'a [Target],
    request: &Request,
) -> Vec<&'a Target> {
    ordered(model, targets, request).iter().map(|it| it.target).collect()
}

pub(super) fn ordered<'a>(
    model: &Model,
    targets: &'a [Target],
    request: &Request,
) -> Vec<Candidate<'a>> {
    let mut all: Vec<_> = targets.iter().map(|it| Candidate::of(model, it, request)).collect();
    all.sort_by(|a, b| b.accepted(request).cmp(&a.accepted(request)).then_with(|| a.before(b)));
    all
}
