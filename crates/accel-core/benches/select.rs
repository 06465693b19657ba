//! What a selection costs: it is asked for before every load.

#![expect(clippy::unwrap_used, reason = "a benchmark has no caller to tell")]

#[expect(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/select/machines.rs"]
mod machines;
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/select/models.rs"]
mod models;

use accel_core::Platform;
use accel_core::compatibility::{MatrixBy, Overrides, matrix, targets, verdict_here};
use accel_core::diagnosis::FallbackPolicy;
use accel_core::select::{Request, distribute, parse_priority, resource_pool_config, select};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// The device for one of 14 models among nine, the order computed, every reason told.
#[divan::bench]
fn one_model_on_nine_devices(bencher: Bencher<'_, '_>) {
    let (models, targets) = (models::registry(), targets(&machines::nine_devices()));
    let request = Request::default();
    let mut next = 0;
    bencher.bench_local(|| {
        next = (next + 1) % models.len();
        select(black_box(&models[next]), black_box(&targets), &request)
    });
}

/// The same with a priority list.
#[divan::bench]
fn one_model_with_a_list(bencher: Bencher<'_, '_>) {
    let (models, targets) = (models::registry(), targets(&machines::nine_devices()));
    let priority = parse_priority(["rocm", "cuda:2", "cpu"]).unwrap();
    let request = Request { priority, policy: FallbackPolicy::NextBest, ..Request::default() };
    let mut next = 0;
    bencher.bench_local(|| {
        next = (next + 1) % models.len();
        select(black_box(&models[next]), black_box(&targets), &request)
    });
}

#[divan::bench]
fn targets_of_a_machine(bencher: Bencher<'_, '_>) {
    let machine = machines::nine_devices();
    bencher.bench_local(|| targets(black_box(&machine)));
}

#[divan::bench]
fn one_verdict(bencher: Bencher<'_, '_>) {
    let (models, targets) = (models::registry(), targets(&machines::nine_devices()));
    let none = Overrides::new();
    bencher
        .bench_local(|| verdict_here(black_box(&models[0]), Platform::Cuda, &targets, None, &none));
}

#[divan::bench]
fn distribute_14_models_on_nine_devices(bencher: Bencher<'_, '_>) {
    let (models, targets) = (models::registry(), targets(&machines::nine_devices()));
    let models: Vec<_> = models.iter().collect();
    bencher.bench_local(|| distribute(black_box(&models), &targets, &Request::default()));
}

#[divan::bench]
fn pool_config_of_14_models(bencher: Bencher<'_, '_>) {
    let (models, machine) = (models::registry(), machines::nine_devices());
    bencher.bench_local(|| resource_pool_config(black_box(&models), &machine, &Request::default()));
}

#[divan::bench]
fn matrix_of_14_models_on_nine_devices(bencher: Bencher<'_, '_>) {
    let (models, targets) = (models::registry(), targets(&machines::nine_devices()));
    let none = Overrides::new();
    bencher
        .bench_local(|| matrix(black_box(&models), MatrixBy::Model, Some(&targets), None, &none));
}
