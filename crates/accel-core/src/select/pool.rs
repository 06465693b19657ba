//! What a pool of models should be told about a machine and a set of models.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::distribute::budget;
use super::{DISTRIBUTION_RULE, Distribution, Request, Unplaced, distribute};
use crate::compatibility::{Bytes, MemoryPool, Model, Target, targets};
use crate::hardware::Inventory;

/// Main memory below which a pool is in low-memory mode, in bytes: 4 GiB.
pub const LOW_MEMORY_BYTES: u64 = 4 << 30;
/// Minutes after which an idle model may go.
pub const IDLE_TIMEOUT_MINUTES: u32 = 30;
/// The same in low-memory mode.
pub const IDLE_TIMEOUT_LOW_MEMORY_MINUTES: u32 = 10;
/// The same when less than [`SCARCE_PERCENT`] of main memory is free.
pub const IDLE_TIMEOUT_SCARCE_MINUTES: u32 = 5;
/// Share of main memory below which it is scarce, in percent.
pub const SCARCE_PERCENT: u64 = 20;

/// What a pool should be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolConfig {
    /// What each memory gives, main memory first.
    pub budgets: Vec<PoolBudget>,
    /// Whether models should go sooner and be loaded one at a time.
    pub low_memory_mode: bool,
    /// Why, or why not, in a sentence.
    pub low_memory_reason: String,
    /// Main memory below which low-memory mode is on, in bytes.
    pub low_memory_threshold_bytes: u64,
    /// Minutes after which an idle model may go.
    pub idle_timeout_minutes: u32,
    /// Loads at once: half the usable cores, and no more than for twice the largest model's
    /// weights each (the file and the engine's copy) there is main memory; one in low-memory mode.
    pub max_concurrent_loads: u32,
    /// What all models need.
    pub requirements: PoolRequirements,
    /// Where they go.
    pub hardware: PoolHardware,
    /// Sets of models that can be resident together, each with its devices: the first holds all
    /// that finds room, the next one holds what it left out, and so on.
    pub resident_groups: Vec<Distribution>,
    /// Models that no device here can hold, and why.
    pub impossible: Vec<Unplaced>,
    /// How models are spread.
    pub distribution_rule: String,
}

/// What a memory gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolBudget {
    /// Which memory.
    pub pool: MemoryPool,
    /// Devices that take from it.
    pub devices: Vec<String>,
    /// All of it, in bytes.
    pub total_bytes: Option<u64>,
    /// What is free, in bytes.
    pub free_bytes: Option<u64>,
    /// What models may take, in bytes: of main memory nine tenths of what is free.
    pub budget_bytes: Option<u64>,
}

/// What a set of models needs, each in the precision in which it would be placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRequirements {
    /// The largest model's recommended memory, in bytes.
    pub max_memory_bytes: u64,
    /// All models' recommended memory, in bytes.
    pub total_memory_bytes: u64,
    /// Disk for all their files, in bytes.
    pub disk_bytes: u64,
    /// Cores that keep the neediest of them busy.
    pub cpu_cores: u32,
}

/// Where a set of models goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolHardware {
    /// The device that holds most models of the first group, among equals the first; `None` when
    /// nothing is placed.
    pub preferred_device: Option<String>,
    /// The device of every model that has a place in some group, by the model's key.
    pub device_of: BTreeMap<String, String>,
}

/// What a pool should be told about `models` on a machine.
///
/// `request.priority`, precision and overrides count; its policy does not, since every device of
/// the list may be used. A model that is given twice counts once.
pub fn resource_pool_config(
    models: &[Model],
    inventory: &Inventory,
    request: &Request,
) -> PoolConfig {
    let targets = targets(inventory);
    let mut distinct: Vec<&Model> = Vec::new();
    for model in models {
        if distinct.iter().all(|it| it.key != model.key) {
            distinct.push(model);
        }
    }
    let (groups, impossible) = groups(&distinct, &targets, request);
    let requirements = requirements(&distinct, &groups);
    let budgets = budgets(&targets);
    let main = budgets.iter().find(|it| it.pool == MemoryPool::Main);
    let (total, free) = main.map_or((None, None), |it| (it.total_bytes, it.free_bytes));
    let (low_memory_mode, low_memory_reason) = low_memory(total, groups.len());
    let scarce = total.zip(free).is_some_and(|(total, free)| free < total / 100 * SCARCE_PERCENT);
    let room = main.and_then(|it| it.budget_bytes);
    PoolConfig {
        low_memory_mode,
        low_memory_reason,
        low_memory_threshold_bytes: LOW_MEMORY_BYTES,
        idle_timeout_minutes: if scarce {
            IDLE_TIMEOUT_SCARCE_MINUTES
        } else if low_memory_mode {
            IDLE_TIMEOUT_LOW_MEMORY_MINUTES
        } else {
            IDLE_TIMEOUT_MINUTES
        },
        max_concurrent_loads: if low_memory_mode || scarce {
            1
        } else {
            loads(inventory.cpu.usable_cores.value, room, largest_weights(&distinct, &groups))
        },
        requirements,
        hardware: hardware(&groups),
        budgets,
        resident_groups: groups,
        impossible,
        distribution_rule: DISTRIBUTION_RULE.to_owned(),
    }
}

/// Sets that can be resident together, until every model that can be had is in one.
fn groups(
    models: &[&Model],
    targets: &[Target],
    request: &Request,
) -> (Vec<Distribution>, Vec<Unplaced>) {
    let mut groups: Vec<Distribution> = Vec::new();
    let mut waiting = models.to_vec();
    while !waiting.is_empty() {
        let group = distribute(&waiting, targets, request);
        let placed = waiting.len() - group.unplaced.len();
        if placed == 0 {
            return (groups, group.unplaced);
        }
        waiting.retain(|model| group.unplaced.iter().any(|it| it.model == model.key));
        groups.push(group);
    }
    (groups, Vec::new())
}

/// Every memory and the devices that take from it, main memory first.
fn budgets(targets: &[Target]) -> Vec<PoolBudget> {
    let mut pools: BTreeMap<&MemoryPool, PoolBudget> = BTreeMap::new();
    for target in targets.iter().filter(|it| it.obstacle.is_none()) {
        let pool = pools.entry(&target.pool).or_insert_with(|| PoolBudget {
            pool: target.pool.clone(),
            devices: Vec::new(),
            total_bytes: None,
            free_bytes: None,
            budget_bytes: None,
        });
        pool.devices.push(target.device.clone());
        pool.total_bytes = pool.total_bytes.max(target.total_bytes);
        pool.free_bytes = pool.free_bytes.max(target.free_bytes);
        pool.budget_bytes = pool.budget_bytes.max(budget(target));
    }
    pools.into_values().collect()
}

fn low_memory(total: Option<u64>, groups: usize) -> (bool, String) {
    let threshold = Bytes(LOW_MEMORY_BYTES);
    match total {
        Some(total) if total < LOW_MEMORY_BYTES => {
            (true, format!("main memory is {}, below {threshold} (4 GiB)", Bytes(total)))
        }
        _ if groups > 1 => {
            (true, format!("the models cannot all be resident: {groups} groups take turns"))
        }
        Some(total) => (
            false,
            format!("main memory is {}, and the models that fit at all fit together", Bytes(total)),
        ),
        None => (false, "how much main memory there is is not known".to_owned()),
    }
}

fn loads(cores: Option<u32>, room: Option<u64>, weights: u64) -> u32 {
    let by_cores = cores.unwrap_or(1) / 2;
    let by_memory = room.map_or(1, |room| room / weights.saturating_mul(2).max(1));
    by_cores.min(u32::try_from(by_memory).unwrap_or(u32::MAX)).max(1)
}

/// Every placed model with the precision in which it is placed.
fn placed<'a>(
    models: &'a [&Model],
    groups: &'a [Distribution],
) -> impl Iterator<Item = &'a crate::estimate::Estimate> {
    groups.iter().flat_map(|it| &it.devices).flat_map(|it| &it.models).filter_map(|placed| {
        models.iter().find(|it| it.key == placed.model)?.estimate(placed.precision)
    })
}

fn largest_weights(models: &[&Model], groups: &[Distribution]) -> u64 {
    placed(models, groups).map(|it| it.memory_bytes.weights).max().unwrap_or(0)
}

fn requirements(models: &[&Model], groups: &[Distribution]) -> PoolRequirements {
    let mut all = PoolRequirements::default();
    for it in placed(models, groups).map(|it| &it.requirements) {
        let memory = it.recommended_memory_bytes;
        all.max_memory_bytes = all.max_memory_bytes.max(memory);
        all.total_memory_bytes = all.total_memory_bytes.saturating_add(memory);
        all.disk_bytes = all.disk_bytes.saturating_add(it.disk_bytes);
        all.cpu_cores = all.cpu_cores.max(it.cpu_cores);
    }
    all
}

fn hardware(groups: &[Distribution]) -> PoolHardware {
    let mut device_of = BTreeMap::new();
    for share in groups.iter().flat_map(|it| &it.devices) {
        for placed in &share.models {
            device_of.insert(placed.model.clone(), share.device.clone());
        }
    }
    let mut preferred: Option<(usize, &str)> = None;
    for share in groups.first().into_iter().flat_map(|it| &it.devices) {
        let count = share.models.len();
        if count > preferred.map_or(0, |(most, _)| most) {
            preferred = Some((count, &share.device));
        }
    }
    PoolHardware { preferred_device: preferred.map(|(_, it)| it.to_owned()), device_of }
}
