//! The rules at work, without a word of text.

use super::{Finding, LARGE_WEIGHTS_BYTES, Level, Model, Need, Overrides, Rule, Target};
use crate::{Evidence, Platform, Precision, Support, Vocabulary as _};

/// Where a model is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// On some machine that has what it needs.
    Anywhere,
    /// On this device.
    On(&'a Target),
    /// On a machine that does not have the platform at all.
    Absent,
}

/// Rules, at most one finding each.
const RULES: usize = Rule::ALL.len();

/// What the rules found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assessment {
    pub(crate) platform: Platform,
    pub(crate) precision: Precision,
    pub(crate) need: Option<Need>,
    pub(crate) level: Level,
    findings: [Option<Finding>; RULES],
}

impl Assessment {
    /// The findings, in the order of the rules.
    pub(crate) fn findings(&self) -> impl Iterator<Item = Finding> {
        self.findings.iter().copied().flatten()
    }

    /// Whether a rule found this.
    pub(crate) fn found(&self, finding: Finding) -> bool {
        self.findings().any(|it| it == finding)
    }

    /// How well this precision does on the platform: what the choice of a precision goes by.
    fn suits(&self) -> Level {
        let counts =
            |it: &Finding| matches!(it.rule(), Rule::Precision | Rule::Limit | Rule::Memory);
        self.findings().filter(counts).map(Finding::allows).min().unwrap_or(Level::High)
    }
}

/// Judges a model; without a precision the widest one of those that suit the place best, among
/// the precisions in which the model has files.
pub(crate) fn assess(
    model: &Model,
    platform: Platform,
    precision: Option<Precision>,
    place: Place<'_>,
    overrides: &Overrides,
) -> Assessment {
    let with = |precision| assess_in(model, platform, precision, place, overrides);
    if let Some(precision) = precision {
        return with(precision);
    }
    let mut available = Precision::ALL.iter().copied().filter(|it| model.has(*it));
    let mut best = with(available.next().unwrap_or(Precision::Fp32));
    for precision in available {
        if best.suits() == Level::High {
            break;
        }
        let next = with(precision);
        if next.suits() > best.suits() {
            best = next;
        }
    }
    best
}

fn assess_in(
    model: &Model,
    platform: Platform,
    precision: Precision,
    place: Place<'_>,
    overrides: &Overrides,
) -> Assessment {
    let declared = overrides.get(&platform);
    let need = match declared.and_then(|it| it.peak_memory_bytes) {
        Some(peak) => Some(Need { min_memory_bytes: peak, recommended_memory_bytes: peak }),
        None => model.need(precision),
    };
    let mut findings = Findings([None; RULES]);
    if let Some(declared) = declared {
        findings.add(if declared.compatible {
            Finding::DeclaredCompatible
        } else {
            Finding::DeclaredIncompatible
        });
    } else {
        let target = if let Place::On(target) = place { Some(target) } else { None };
        of_catalogue(model, platform, target, precision, &mut findings);
    }
    match place {
        Place::Anywhere => {}
        Place::Absent => findings.add(Finding::Absent),
        Place::On(target) if target.obstacle.is_some() => findings.add(Finding::Absent),
        Place::On(target) => {
            findings.add(Finding::Present);
            findings.add(memory(need, target.free_bytes, target.total_bytes));
        }
    }
    let level = findings.0.iter().flatten().map(|it| it.allows()).min().unwrap_or(Level::None);
    Assessment { platform, precision, need, level, findings: findings.0 }
}

struct Findings([Option<Finding>; RULES]);

impl Findings {
    fn add(&mut self, finding: Finding) {
        // `Rule` is declared without discriminants, so that these are 0, 1, 2, …
        if let Some(place) = self.0.get_mut(finding.rule() as usize) {
            *place = Some(finding);
        }
    }
}

/// What the catalogue's cell, the precision and the sizes say.
fn of_catalogue(
    model: &Model,
    platform: Platform,
    target: Option<&Target>,
    precision: Precision,
    findings: &mut Findings,
) {
    let Some(cell) = model.cells.get(&platform) else {
        findings.add(Finding::Unlisted);
        return;
    };
    findings.add(match cell.support {
        Support::Real => Finding::Real,
        Support::Simulation => Finding::Simulated,
        Support::Unsupported => Finding::Unsupported,
    });
    if cell.support == Support::Real {
        findings.add(match &cell.evidence {
            Evidence::None => Finding::Claimed,
            _ if cell.relative.is_some() => Finding::Relative,
            Evidence::Compiled => Finding::Compiled,
            Evidence::Ci if target.is_some_and(|it| cell.tested_elsewhere(it)) => {
                Finding::ExecutedElsewhere
            }
            Evidence::CiSoftware => Finding::ExecutedInSoftware,
            Evidence::Ci | Evidence::Device { .. } => Finding::Executed,
        });
    }
    findings.add(if cell.refusal(precision).is_some() {
        Finding::PrecisionRefused
    } else if model.has(precision) {
        Finding::PrecisionTested
    } else {
        Finding::PrecisionUntested
    });
    let Some(weights) = model.weights_bytes(precision) else { return };
    let large = weights > LARGE_WEIGHTS_BYTES;
    findings.add(if large { Finding::SizeLarge } else { Finding::SizeSmall });
    if let limit @ 1.. = cell.memory_limit_bytes {
        findings.add(if weights > limit { Finding::OverLimit } else { Finding::WithinLimit });
    }
}

fn memory(need: Option<Need>, free: Option<u64>, total: Option<u64>) -> Finding {
    let Some(need) = need else { return Finding::NeedUnknown };
    let fits = |memory: Option<u64>| memory.is_none_or(|it| need.min_memory_bytes <= it);
    if !fits(total) {
        return Finding::TooLarge;
    }
    match free {
        None => Finding::MemoryUnknown,
        Some(free) if need.recommended_memory_bytes <= free => Finding::FitsRecommended,
        Some(free) if need.min_memory_bytes <= free => Finding::FitsMinimum,
        // Where the total is not known, what is free is all that there is to go by.
        Some(_) if total.is_none() => Finding::TooLarge,
        Some(_) => Finding::FitsOnceFree,
    }
}
