//! What a pool should be told.

use accel_core::compatibility::{MemoryPool, Model};
use accel_core::select::{
    IDLE_TIMEOUT_LOW_MEMORY_MINUTES, IDLE_TIMEOUT_MINUTES, IDLE_TIMEOUT_SCARCE_MINUTES,
    LOW_MEMORY_BYTES, PoolConfig, Request, resource_pool_config,
};
use accel_core::{Precision, Subfamily};

use crate::machines::{self, GIB};
use crate::models::{bert, model};

fn request() -> Request {
    Request { precision: Some(Precision::Fp32), ..Request::default() }
}

fn of(name: &str, gib: u64) -> Model {
    model(name, Subfamily::CausalLm, gib * GIB)
}

fn groups(config: &PoolConfig) -> Vec<Vec<&str>> {
    let models = |it: &accel_core::select::Distribution| {
        it.devices.iter().flat_map(|it| &it.models).map(|it| it.model.clone()).collect::<Vec<_>>()
    };
    for group in &config.resident_groups {
        assert!(!models(group).is_empty());
    }
    config
        .resident_groups
        .iter()
        .map(|it| it.devices.iter().flat_map(|it| &it.models).map(|it| it.model.as_str()).collect())
        .collect()
}

#[test]
fn a_roomy_machine_keeps_everything() {
    let models = [bert(), of("two", 2), bert()];
    let config = resource_pool_config(&models, &machines::plain(), &request());
    assert!(!config.low_memory_mode, "{}", config.low_memory_reason);
    assert_eq!(config.idle_timeout_minutes, IDLE_TIMEOUT_MINUTES);
    assert_eq!(groups(&config), [["two", "bert"]]);
    // Four by cores; ten gigabytes hold the largest file twice over and then some.
    assert_eq!(config.max_concurrent_loads, 2);
    assert_eq!(config.requirements.max_memory_bytes, 3 * GIB);
    assert_eq!(config.requirements.total_memory_bytes, 3 * GIB + 660_000_000);
    assert_eq!(config.hardware.preferred_device.as_deref(), Some("cpu"));
    assert_eq!(config.hardware.device_of["bert"], "cpu");
    assert_eq!(config.budgets[0].pool, MemoryPool::Main);
    assert_eq!(config.budgets[0].free_bytes, Some(12 * GIB));
    assert!(config.budgets[0].budget_bytes.unwrap() < 11 * GIB);
    assert!(config.impossible.is_empty());
}

#[test]
fn low_memory_is_counted_in_bytes() {
    // The predecessor read 16 GB as 16 MB and was always short of memory.
    assert_eq!(LOW_MEMORY_BYTES, 4_294_967_296);
    let just = resource_pool_config(&[bert()], &machines::machine(4 * GIB, 3 * GIB), &request());
    assert!(!just.low_memory_mode, "{}", just.low_memory_reason);
    let below = machines::machine(4 * GIB - 1, 3 * GIB);
    let below = resource_pool_config(&[bert()], &below, &request());
    assert!(below.low_memory_mode);
    assert_eq!(below.idle_timeout_minutes, IDLE_TIMEOUT_LOW_MEMORY_MINUTES);
    assert_eq!(below.max_concurrent_loads, 1);
    // A container's limit is the memory that there is.
    let mut pod = machines::pod();
    pod.memory.limit.value = Some(accel_core::hardware::MemoryLimit::Bytes(2 * GIB));
    assert!(resource_pool_config(&[bert()], &pod, &request()).low_memory_mode);
    let full = resource_pool_config(&[bert()], &machines::machine(16 * GIB, 3 * GIB), &request());
    assert_eq!(full.idle_timeout_minutes, IDLE_TIMEOUT_SCARCE_MINUTES);
}

#[test]
fn models_that_do_not_fit_together_take_turns() {
    let models = [of("a", 5), of("b", 5), of("c", 1), of("giant", 50)];
    let config = resource_pool_config(&models, &machines::plain(), &request());
    assert_eq!(groups(&config), [vec!["a", "c"], vec!["b"]]);
    assert!(config.low_memory_mode);
    assert!(config.low_memory_reason.contains("2 groups"), "{}", config.low_memory_reason);
    assert_eq!(config.impossible.len(), 1);
    assert_eq!(config.impossible[0].model, "giant");
    assert!(!config.hardware.device_of.contains_key("giant"));
}

#[test]
fn gpus_have_budgets_of_their_own() {
    let models = [of("a", 12), of("b", 12), bert()];
    let config = resource_pool_config(&models, &machines::two_equal_gpus(), &request());
    let pools: Vec<_> = config.budgets.iter().map(|it| it.pool.clone()).collect();
    let gpu = |id: &str| MemoryPool::Device(id.to_owned());
    assert_eq!(pools, [MemoryPool::Main, gpu("cuda:0"), gpu("cuda:1")]);
    assert_eq!(config.hardware.device_of["a"], "cuda:0");
    assert_eq!(config.hardware.device_of["b"], "cuda:1");
    assert_eq!(config.hardware.preferred_device.as_deref(), Some("cuda:0"));
}

#[test]
fn nothing_to_keep_is_a_config_too() {
    let config = resource_pool_config(&[], &machines::plain(), &request());
    assert!(config.resident_groups.is_empty() && config.impossible.is_empty());
    assert_eq!(config.hardware.preferred_device, None);
    let mut unknown = bert();
    unknown.estimates.clear();
    let config = resource_pool_config(&[unknown], &machines::plain(), &request());
    assert_eq!(config.requirements.total_memory_bytes, 0);
    assert_eq!(groups(&config), [["bert"]]);
}
