//! A set of models, several devices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Request;
use super::candidate::{Candidate, ordered};
use crate::Precision;
use crate::compatibility::{Bytes, Finding, Level, MemoryPool, Model, Reason, Rule, Target};

/// Share of free main memory that is left to the system and to what grows, in percent.
pub const MAIN_MEMORY_RESERVE_PERCENT: u64 = 10;

/// How [`distribute`] places models, for readers.
pub const DISTRIBUTION_RULE: &str = "First-fit decreasing: models in the order of the memory that \
    they need, the largest first, and by name among equals; each goes on the first device of its \
    order that can be had and has its recommended memory left. What found no room so is tried \
    again with the least memory that it needs. Devices that share main memory take from one \
    budget, of which a tenth is kept free.";

/// How a set of models is spread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// Every usable device, those with models and those without, in the order of the platforms.
    pub devices: Vec<DeviceShare>,
    /// Models that found no room.
    pub unplaced: Vec<Unplaced>,
}

/// What goes on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceShare {
    /// The device, such as `cuda:1`.
    pub device: String,
    /// Which memory it takes from.
    pub pool: MemoryPool,
    /// What may be taken from that memory, in bytes; `None` when it is not known.
    pub budget_bytes: Option<u64>,
    /// What is left of it once all models are placed, those on other devices of the same memory
    /// included.
    pub left_bytes: Option<u64>,
    /// Its models, in the order in which they were placed.
    pub models: Vec<Placed>,
}

/// A model that has its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The model's key.
    pub model: String,
    /// In which precision.
    pub precision: Precision,
    /// How sure it is.
    pub level: Level,
    /// Memory that is kept for it, in bytes: as recommended, or where that is not there as needed;
    /// 0 when it is not known.
    pub reserved_bytes: u64,
    /// Whether it has the recommended memory.
    pub at_ease: bool,
}

/// A model that found no room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unplaced {
    /// The model's key.
    pub model: String,
    /// Whether it would have a place with no other model there.
    pub fits_alone: bool,
    /// Why, each with what would help.
    pub reasons: Vec<Reason>,
}

/// What is left of the budgets.
#[derive(Debug)]
struct Budgets {
    pools: BTreeMap<MemoryPool, Option<u64>>,
    /// Of devices that share main memory, each its own bound.
    devices: BTreeMap<String, Option<u64>>,
}

/// What may be taken from a target's memory.
pub(super) fn budget(target: &Target) -> Option<u64> {
    let free = target.free_bytes?;
    Some(match target.pool {
        MemoryPool::Main => free - free / 100 * MAIN_MEMORY_RESERVE_PERCENT,
        MemoryPool::Device(_) => free,
    })
}

impl Budgets {
    fn of(targets: &[Target]) -> Self {
        let mut budgets = Self { pools: BTreeMap::new(), devices: BTreeMap::new() };
        for target in targets.iter().filter(|it| it.obstacle.is_none()) {
            let amount = budget(target);
            let pool = budgets.pools.entry(target.pool.clone()).or_insert(amount);
            // Main memory is as large as the largest part of it that a device may have.
            *pool = (*pool).max(amount);
            budgets.devices.insert(target.device.clone(), amount);
        }
        budgets
    }

    fn left(&self, target: &Target) -> Option<u64> {
        let pool = self.pools.get(&target.pool).copied().flatten();
        let device = self.devices.get(&target.device).copied().flatten();
        match (pool, device) {
            (Some(pool), Some(device)) => Some(pool.min(device)),
            (pool, device) => pool.or(device),
        }
    }

    fn take(&mut self, target: &Target, bytes: u64) {
        let pool = self.pools.get_mut(&target.pool).and_then(Option::as_mut);
        let device = self.devices.get_mut(&target.device).and_then(Option::as_mut);
        for left in [pool, device].into_iter().flatten() {
            *left = left.saturating_sub(bytes);
        }
    }
}

/// Spreads models over the devices of a machine, see [`DISTRIBUTION_RULE`].
///
/// The order of devices is `request.priority`, or for each model the one that suits it; the policy
/// is not asked, since every entry may be used.
pub fn distribute(models: &[&Model], targets: &[Target], request: &Request) -> Distribution {
    let mut order: Vec<(usize, Vec<Candidate<'_>>)> = models
        .iter()
        .enumerate()
        .map(|(i, model)| (i, candidates(model, targets, request)))
        .collect();
    let needed = |candidates: &[Candidate<'_>]| {
        candidates.iter().filter_map(|it| it.assessed.need).map(|it| it.min_memory_bytes).max()
    };
    order.sort_by(|(a, one), (b, other)| {
        needed(other).cmp(&needed(one)).then_with(|| models[*a].key.cmp(&models[*b].key))
    });
    let mut budgets = Budgets::of(targets);
    let mut places: Vec<(usize, Candidate<'_>, u64, bool)> = Vec::new();
    let mut waiting = order;
    for at_ease in [true, false] {
        let mut still = Vec::new();
        for (i, candidates) in waiting {
            let fit = candidates.iter().filter(|it| it.accepted(request)).find_map(|it| {
                let bytes = reservation(it, at_ease);
                let room = budgets.left(it.target).is_none_or(|left| bytes <= left);
                room.then_some((*it, bytes))
            });
            match fit {
                Some((it, bytes)) => {
                    budgets.take(it.target, bytes);
                    places.push((i, it, bytes, at_ease));
                }
                None => still.push((i, candidates)),
            }
        }
        waiting = still;
    }
    let share = |target: &Target| DeviceShare {
        device: target.device.clone(),
        pool: target.pool.clone(),
        budget_bytes: budget(target),
        left_bytes: budgets.left(target),
        models: places
            .iter()
            .filter(|(_, it, _, _)| it.target.device == target.device)
            .map(|(i, it, bytes, at_ease)| Placed {
                model: models[*i].key.clone(),
                precision: it.assessed.precision,
                level: it.assessed.level,
                reserved_bytes: *bytes,
                at_ease: *at_ease,
            })
            .collect(),
    };
    let mut unplaced: Vec<_> =
        waiting.iter().map(|(i, it)| no_room(models[*i], it, request)).collect();
    unplaced.sort_by(|a, b| a.model.cmp(&b.model));
    Distribution {
        devices: targets.iter().filter(|it| it.obstacle.is_none()).map(share).collect(),
        unplaced,
    }
}

/// The devices that a model may go on, in its order.
fn candidates<'a>(model: &Model, targets: &'a [Target], request: &Request) -> Vec<Candidate<'a>> {
    let all = ordered(model, targets, request);
    if request.priority.is_empty() {
        return all;
    }
    let mut listed: Vec<Candidate<'a>> = Vec::new();
    for wish in &request.priority {
        for it in all.iter().filter(|it| wish.means(it.target)) {
            if listed.iter().all(|known| known.target.device != it.target.device) {
                listed.push(*it);
            }
        }
    }
    listed
}

fn reservation(candidate: &Candidate<'_>, at_ease: bool) -> u64 {
    candidate
        .assessed
        .need
        .map_or(0, |it| if at_ease { it.recommended_memory_bytes } else { it.min_memory_bytes })
}

fn no_room(model: &Model, candidates: &[Candidate<'_>], request: &Request) -> Unplaced {
    let alone = candidates.iter().find(|it| {
        let fits = |budget| reservation(it, false) <= budget;
        it.accepted(request) && budget(it.target).is_none_or(fits)
    });
    let mut reasons = Vec::new();
    if let Some(it) = alone {
        let need = Bytes(reservation(it, false));
        reasons.push(Reason {
            rule: Rule::Memory,
            finding: Finding::FitsOnceFree,
            allows: Level::Low,
            message: format!("the other models leave no {need} on any device"),
            remedy: Some("load it when others are gone, or use a narrower precision".to_owned()),
        });
    } else {
        for it in candidates {
            for mut reason in it.rejection(model, &it.target.device, request).reasons {
                reason.message = format!("{}: {}", it.target.device, reason.message);
                reasons.push(reason);
            }
        }
    }
    if reasons.is_empty() {
        let least = candidates.iter().map(|it| reservation(it, false)).min();
        reasons.push(Reason {
            rule: Rule::Memory,
            finding: Finding::TooLarge,
            allows: Level::None,
            message: match least {
                Some(bytes) => format!("it needs {}, more than any budget", Bytes(bytes)),
                None => "no device that was named is here".to_owned(),
            },
            remedy: Some("use a narrower precision, or name a device with more memory".to_owned()),
        });
    }
    Unplaced { model: model.key.clone(), fits_alone: alone.is_some(), reasons }
}
