//! Findings in words.

use std::fmt;

use super::{Assessment, Finding, Level, Model, Place, Reason, Rule, Target, Verdict};
use crate::{Precision, Vocabulary as _};

impl Assessment {
    /// The verdict, every finding with its sentence and with what would help.
    pub(crate) fn explain(&self, model: &Model, place: Place<'_>) -> Verdict {
        let target = match place {
            Place::On(target) => Some(target),
            Place::Anywhere | Place::Absent => None,
        };
        let cell = model.cells.get(&self.platform);
        Verdict {
            model: model.key.clone(),
            platform: self.platform,
            device: target.map(|it| it.device.clone()),
            level: self.level,
            precision: self.precision,
            need: self.need,
            support: cell.map(|it| it.support),
            evidence: cell.map(|it| it.evidence.clone()),
            reasons: self.findings().map(|it| self.reason(it, model, target)).collect(),
        }
    }

    /// Only what allows less than `level`, for a rejection.
    pub(crate) fn against(
        &self,
        model: &Model,
        target: Option<&Target>,
        speaks: impl Fn(Finding) -> bool,
    ) -> Vec<Reason> {
        let findings = self.findings().filter(|it| speaks(*it));
        findings.map(|it| self.reason(it, model, target)).collect()
    }

    fn reason(&self, finding: Finding, model: &Model, target: Option<&Target>) -> Reason {
        Reason {
            rule: finding.rule(),
            finding,
            allows: finding.allows(),
            message: self.message(finding, model, target),
            remedy: self.remedy(finding, model, target),
        }
    }

    fn message(&self, finding: Finding, model: &Model, target: Option<&Target>) -> String {
        let Self { platform, precision, .. } = *self;
        let label = platform.label();
        let key = &model.key;
        let cell = model.cells.get(&platform);
        match finding.rule() {
            Rule::Override => match finding {
                Finding::DeclaredCompatible => {
                    format!("override: the caller says that {key} runs on {label}")
                }
                _ => format!("override: the caller says that {key} does not run on {label}"),
            },
            Rule::Support | Rule::Evidence => match (finding, cell) {
                (Finding::Real, _) => format!("a real engine runs it on {label}"),
                (Finding::Simulated, Some(cell)) => {
                    format!("only simulated: {}", cell.reason.trim_end_matches('.'))
                }
                (Finding::Unsupported, Some(cell)) => {
                    format!("unsupported: {}", cell.reason.trim_end_matches('.'))
                }
                (Finding::Relative, Some(cell)) => format!(
                    "{key} itself was not tested there; {}, a {}, was: {}",
                    cell.relative.as_deref().unwrap_or("another model"),
                    model.subfamily,
                    cell.evidence
                ),
                (Finding::ExecutedElsewhere, Some(cell)) => format!(
                    "{} on {label}'s {}, not on this kind of device",
                    cell.evidence,
                    cell.device.to_uppercase()
                ),
                (
                    Finding::Executed
                    | Finding::ExecutedInSoftware
                    | Finding::Compiled
                    | Finding::Claimed,
                    Some(cell),
                ) => cell.evidence.to_string(),
                _ => format!("the catalogue has no {} on {label}", model.subfamily),
            },
            Rule::Precision => {
                let own = cell.is_some_and(|it| it.relative.is_some());
                match (finding, own) {
                    (Finding::PrecisionRefused, _) => format!(
                        "{precision} does not work there: {}",
                        cell.and_then(|it| it.refusal(precision))
                            .map_or("its tests record it", |it| it.trim_end_matches('.'))
                    ),
                    (Finding::PrecisionTested, true) => format!("it has {precision} files"),
                    (Finding::PrecisionTested, false) => {
                        format!("{precision} files are part of its tests")
                    }
                    (_, true) => format!("it has no {precision} files"),
                    (_, false) => format!("no test has {precision} files of it"),
                }
            }
            Rule::Size | Rule::Limit => {
                let weights = Bytes(model.weights_bytes(precision).unwrap_or(0));
                let limit = Bytes(cell.map_or(0, |it| it.memory_limit_bytes));
                match finding {
                    Finding::SizeSmall => format!("weights of {weights}"),
                    Finding::SizeLarge => {
                        format!("weights of {weights}, over 2 GiB; the tests run far smaller ones")
                    }
                    Finding::WithinLimit => {
                        format!("weights of {weights}, within the limit of {limit} on {label}")
                    }
                    _ => format!(
                        "weights of {weights} in {precision}, over the limit of {limit} on {label}"
                    ),
                }
            }
            Rule::Hardware => match (finding, target.and_then(|it| it.obstacle.as_ref())) {
                (Finding::Present, _) => match target.and_then(|it| it.name.as_deref()) {
                    Some(name) => format!("{name} and its engine are here"),
                    None => format!("{label} is available here"),
                },
                (_, Some(obstacle)) => obstacle.reason.clone(),
                _ => format!("{label} is not available here"),
            },
            Rule::Memory => self.memory_message(finding, target),
        }
    }

    fn memory_message(&self, finding: Finding, target: Option<&Target>) -> String {
        let precision = self.precision;
        let Some(need) = self.need else {
            return format!("how much memory {precision} needs is not known");
        };
        let (min, recommended) =
            (Bytes(need.min_memory_bytes), Bytes(need.recommended_memory_bytes));
        let free = Known(target.and_then(|it| it.free_bytes));
        let total = Known(target.and_then(|it| it.total_bytes));
        match finding {
            Finding::FitsRecommended => {
                format!("{recommended} are recommended for {precision}; {free} are free")
            }
            Finding::FitsMinimum => {
                format!("{precision} needs {min}, better {recommended}; {free} are free")
            }
            Finding::FitsOnceFree => {
                format!("{precision} needs {min}; {free} are free of {total}")
            }
            Finding::TooLarge => {
                let has = if total.0.is_some() { total } else { free };
                format!("{precision} needs {min}; there is {has} in all")
            }
            _ => format!("{precision} needs {min}; how much memory is free is not known"),
        }
    }

    fn remedy(&self, finding: Finding, model: &Model, target: Option<&Target>) -> Option<String> {
        if finding.allows() == Level::High {
            return None;
        }
        let label = self.platform.label();
        let need = self.need.map_or(0, |it| it.min_memory_bytes);
        Some(match finding {
            Finding::DeclaredIncompatible => "leave the override out".to_owned(),
            Finding::Simulated
            | Finding::ExecutedElsewhere
            | Finding::ExecutedInSoftware
            | Finding::Compiled
            | Finding::Claimed => {
                format!("run its tests on {label}, and claim what they show in the registry")
            }
            Finding::Unsupported => "take another platform".to_owned(),
            Finding::Unlisted | Finding::Relative => {
                "add the model to the registry and run its tests".to_owned()
            }
            Finding::PrecisionUntested | Finding::PrecisionRefused => {
                self.other_precision(model, |_| true)
            }
            Finding::OverLimit => {
                let limit = model.cells.get(&self.platform).map_or(0, |it| it.memory_limit_bytes);
                self.other_precision(model, |it| {
                    model.weights_bytes(it).is_some_and(|weights| weights <= limit)
                })
            }
            Finding::TooLarge => {
                let room = target.and_then(|it| it.total_bytes.or(it.free_bytes)).unwrap_or(0);
                self.other_precision(model, |it| {
                    model.need(it).is_some_and(|need| need.min_memory_bytes <= room)
                })
            }
            Finding::FitsOnceFree => {
                let free = target.and_then(|it| it.free_bytes).unwrap_or(0);
                format!(
                    "free {} more: end what uses the device, or take a smaller batch or context",
                    Bytes(need.saturating_sub(free))
                )
            }
            Finding::FitsMinimum => {
                "free memory, or take a smaller batch, context or precision".to_owned()
            }
            Finding::Absent => target
                .and_then(|it| it.obstacle.as_ref())
                .map_or_else(|| format!("use a machine with {label}"), |it| it.remedy.clone()),
            Finding::NeedUnknown => {
                "run `accel estimate` on it, which says what is missing".to_owned()
            }
            // A driver that does not tell cannot be made to.
            _ => return None,
        })
    }

    /// Which other precisions would do, those with tested files first; if none would, what else
    /// helps.
    fn other_precision(&self, model: &Model, fits: impl Fn(Precision) -> bool) -> String {
        let cell = model.cells.get(&self.platform);
        let named = |tested: bool| {
            let does = |it: &Precision| {
                *it != self.precision
                    && model.has(*it) == tested
                    && cell.is_none_or(|cell| cell.refusal(*it).is_none())
                    && fits(*it)
            };
            let all: Vec<&str> =
                Precision::ALL.iter().filter(|it| does(it)).map(|it| it.name()).collect();
            (!all.is_empty()).then(|| all.join(" or "))
        };
        match (named(true), named(false)) {
            (Some(tested), _) => format!("take {tested}"),
            (None, Some(other)) => format!("take {other}, of which no test has files"),
            (None, None) => "take a smaller batch, context or model, or another device".to_owned(),
        }
    }
}

/// Bytes as people write them: `24 MB`, `1.5 GB`, decimal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            it @ 0..1_000 => write!(f, "{it} bytes"),
            it @ 1_000..1_000_000 => write!(f, "{} kB", rounded(it, 1_000)),
            it @ 1_000_000..999_500_000 => write!(f, "{} MB", rounded(it, 1_000_000)),
            it => {
                let tenths = rounded(it, 100_000_000);
                write!(f, "{}.{} GB", tenths / 10, tenths % 10)
            }
        }
    }
}

fn rounded(count: u64, unit: u64) -> u64 {
    count.saturating_add(unit / 2) / unit
}

/// Bytes that may not be known.
#[derive(Clone, Copy, Debug)]
struct Known(Option<u64>);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(it) => Bytes(it).fmt(f),
            None => f.write_str("an unknown amount"),
        }
    }
}
