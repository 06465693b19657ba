//! Models as a catalogue describes them, made by hand.

use std::collections::BTreeMap;

use accel_core::compatibility::{Cell, Model};
use accel_core::estimate::{Estimate, MemoryBytes, ParametersSource, Requirements, Workload};
use accel_core::{
    Evidence, Family, Platform, Precision, Subfamily, Support, Task, Vocabulary as _,
};

/// A cell that claims a real engine, with evidence.
pub(crate) fn real(evidence: Evidence) -> Cell {
    Cell {
        support: Support::Real,
        evidence,
        reason: String::new(),
        device: String::new(),
        memory_limit_bytes: 0,
        expected_failures: BTreeMap::new(),
        relative: None,
    }
}

/// A model of a kind that is executed in CI everywhere, needing `weights` and a quarter more in
/// single precision, recommended half more.
pub(crate) fn model(key: &str, subfamily: Subfamily, weights: u64) -> Model {
    let mut model = Model {
        key: key.to_owned(),
        class: String::new(),
        hub_id: format!("test/{key}"),
        architectures: Vec::new(),
        model_type: String::new(),
        family: subfamily.family(),
        subfamily,
        tasks: subfamily.tasks().to_vec(),
        parameters: weights / 4,
        config: None,
        precisions: vec![Precision::Fp16],
        lacks_fp32: false,
        cells: Platform::ALL.iter().map(|it| (*it, real(Evidence::Ci))).collect(),
        estimates: Vec::new(),
    };
    estimate(&mut model);
    model
}

/// Estimates from the number of parameters, the simplest that there can be.
pub(crate) fn estimate(model: &mut Model) {
    let of = |precision: &Precision| {
        let weights = model.parameters * precision.bits_per_weight() / 8;
        Estimate {
            parameters: model.parameters,
            parameters_source: ParametersSource::Registry,
            workload: Workload { precision: *precision, batch: 1, context: 512 },
            weight_format: (*precision).into(),
            memory_bytes: MemoryBytes {
                weights,
                activations: weights / 4,
                ..MemoryBytes::default()
            },
            requirements: Requirements {
                min_memory_bytes: weights + weights / 4,
                recommended_memory_bytes: weights + weights / 2,
                cpu_cores: 2,
                disk_bytes: weights,
                batch_size: 1,
            },
            assumptions: Vec::new(),
        }
    };
    model.estimates = Precision::ALL.iter().map(of).collect();
}

/// The registry's own models, as the committed catalogue has them.
pub(crate) fn registry() -> Vec<Model> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../accel-cli/data/catalogue.json");
    let text = std::fs::read_to_string(path).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut models: Vec<Model> = serde_json::from_value(document["items"].clone()).unwrap();
    models.iter_mut().for_each(estimate);
    models
}

/// Something small that reads text.
pub(crate) fn bert() -> Model {
    let bert = model("bert", Subfamily::MaskedLm, 440_000_000);
    assert_eq!((bert.family, bert.tasks[0]), (Family::Embedding, Task::FeatureExtraction));
    bert
}
