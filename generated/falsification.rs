//! Breaks things on purpose and sees the generated tests fail.
//!
//! A test that cannot fail proves nothing. Here the generated cells of the CPU run against a
//! reference, a model or an engine with one fault in it. Every test first shows that the case
//! passes without the fault, through the same copy of the files or the same wrapped engine.

// The generator has its own way to write these.
#[rustfmt::skip]
#[path = "tests/models/mod.rs"]
mod models;

#[path = "falsification/engine.rs"]
mod engine;
#[path = "falsification/files.rs"]
mod files;
#[path = "falsification/reference.rs"]
mod reference;
#[path = "falsification/weights.rs"]
mod weights;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use accel_runtime as rt;
use accel_runtime::testkit as tk;
use accel_runtime::{CaseName, Outcome, Stage};

/// Lists the models, and gives each its own tests of what is tested in every model alike.
macro_rules! models {
    ($($model:ident)*) => {
        const MODELS: &[&str] = &[$(stringify!($model)),*];

        $(mod $model {
            const MODEL: &str = stringify!($model);

            #[test]
            fn perturbed_tensors_are_noticed() {
                crate::reference::perturbed_tensors_are_noticed(MODEL);
            }

            #[test]
            fn perturbed_answers_are_noticed() {
                crate::reference::perturbed_answers_are_noticed(MODEL);
            }

            #[test]
            fn changed_weights_are_noticed() {
                crate::weights::changed_weights_are_noticed(MODEL);
            }

            #[test]
            fn a_broken_engine_is_noticed() {
                crate::engine::a_broken_engine_is_noticed(MODEL);
            }
        })*
    };
}

models! { bert clap clip detr llama llava llava_next qwen2 qwen3 t5 vit wav2vec2 whisper xclip }

#[test]
fn every_model_is_listed() {
    let cells: Vec<_> = models::CELLS
        .iter()
        .filter(|it| it.spec.platform == rt::Platform::Cpu)
        .map(|it| it.spec.model)
        .collect();
    assert_eq!(MODELS, cells);
}

/// The generated cell of `model` on the CPU.
#[track_caller]
fn cell(model: &str) -> &'static tk::Cell {
    models::CELLS
        .iter()
        .find(|it| it.spec.model == model && it.spec.platform == rt::Platform::Cpu)
        .unwrap_or_else(|| panic!("no cell is generated for {model} on the CPU"))
}

fn fixture(model: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(cell(model).spec.model_dir)
}

#[track_caller]
fn outcome(model: &str, name: CaseName, source: rt::ModelSource) -> Outcome {
    let cell = cell(model);
    let case = cell.cases.iter().find(|it| it.name == name);
    let case = case.unwrap_or_else(|| panic!("{model} has no generated case `{name}`"));
    tk::run_case(cell, case, source).outcome
}

#[track_caller]
fn passes(model: &str, name: CaseName, source: rt::ModelSource) {
    let outcome = outcome(model, name, source);
    assert!(matches!(outcome, Outcome::Passed { .. }), "{model} {name}, untouched: {outcome:?}");
}

/// Shows that the case passes without the fault; once for each way to bring the fault in.
#[track_caller]
fn passes_once(
    way: &'static str,
    model: &'static str,
    name: CaseName,
    source: impl FnOnce() -> rt::ModelSource,
) {
    static SHOWN: Mutex<BTreeSet<(&str, &str, CaseName)>> = Mutex::new(BTreeSet::new());
    let shown = || SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if !shown().contains(&(way, model, name)) {
        passes(model, name, source());
        shown().insert((way, model, name));
    }
}

#[track_caller]
fn fails(model: &str, name: CaseName, source: rt::ModelSource, at: Stage, fault: &str) {
    match outcome(model, name, source) {
        Outcome::Failed { stage, message } => {
            assert_eq!(stage, at, "{model} {name} with {fault}: {message}");
        }
        other => panic!("{model} {name} did not notice {fault}: {other:?}"),
    }
}
