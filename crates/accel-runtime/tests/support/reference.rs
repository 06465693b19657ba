//! The recorded results of Hugging Face, and what every test needs to load a model.

use std::path::PathBuf;

use accel_runtime::{
    CpuEngine, CpuOptions, DeviceOptions, Family, GraphOptimization, Pipeline, Platform, Precision,
    SessionOptions, SkillSpec, Subfamily, Tensor, TensorData, Variant, load,
};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

pub(crate) const SPEC: SkillSpec = SkillSpec {
    model: "test",
    class: "Test",
    hub_id: "none/none",
    revision: "",
    platform: Platform::Cpu,
    family: Family::Embedding,
    subfamily: Subfamily::MaskedLm,
    tasks: &[],
    variant: Variant::Real,
    reason: "",
    evidence: "",
    parameters: 0,
    needs: None,
    model_dir: "",
};

pub(crate) const OPTIONS: SessionOptions = SessionOptions {
    precision: Precision::Fp32,
    graph_optimization: GraphOptimization::All,
    threads: 1,
    max_batch: 32,
    memory_limit_bytes: 0,
    cpu_fallback_percent: 0,
    device: DeviceOptions::Cpu(CpuOptions {
        engine: CpuEngine::Rten,
        prepack_weights: false,
        pin_threads: false,
    }),
};

/// The folder of a fixture.
pub(crate) fn fixture(model: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(model)
}

/// A fixture loaded with the usual options.
pub(crate) fn loaded<P: Pipeline>(model: &str) -> P {
    load(&SPEC, &fixture(model).into(), &OPTIONS).unwrap()
}

/// A fixture's recorded results.
pub(crate) struct Reference {
    pub(crate) json: Value,
    bytes: Vec<u8>,
}

impl Reference {
    pub(crate) fn open(model: &str) -> Self {
        let read = |file| std::fs::read(fixture(model).join(file)).unwrap();
        Self {
            json: serde_json::from_slice(&read("reference.json")).unwrap(),
            bytes: read("reference.safetensors"),
        }
    }

    /// The recorded cases of a task; there are some.
    #[track_caller]
    pub(crate) fn tasks(&self, task: &str) -> Vec<&Value> {
        let all = self.json["tasks"].as_array().unwrap();
        let cases: Vec<_> = all.iter().filter(|it| it["task"] == task).collect();
        assert!(!cases.is_empty(), "no case of {task} is recorded");
        cases
    }

    /// The recorded tensor of that name.
    #[track_caller]
    pub(crate) fn tensor(&self, name: &str) -> Tensor {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let view = file.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let data = match view.dtype() {
            Dtype::F32 => TensorData::F32(elements(view.data(), f32::from_le_bytes)),
            Dtype::I64 => TensorData::I64(elements(view.data(), i64::from_le_bytes)),
            Dtype::BOOL => TensorData::Bool(elements(view.data(), |[it]: [u8; 1]| it != 0)),
            other => panic!("{name} is {other:?}"),
        };
        Tensor::new(view.shape().to_vec(), data).unwrap()
    }
}

fn elements<const N: usize, T>(data: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    data.chunks_exact(N).map(|it| read(it.try_into().unwrap())).collect()
}

/// The largest absolute difference.
#[track_caller]
pub(crate) fn max_abs(actual: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(actual.len(), expected.len());
    actual.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Prints what was measured, where output is to be seen.
pub(crate) fn note(text: &str) {
    if std::env::args().any(|it| it == "--nocapture") {
        println!("{text}");
    }
}

/// Fails when the difference exceeds `tolerance`; prints it, for `--nocapture`.
#[track_caller]
pub(crate) fn assert_close(what: &str, actual: &[f32], expected: &[f32], tolerance: f32) {
    let difference = max_abs(actual, expected);
    note(&format!("{what}: max abs difference {difference:e}"));
    assert!(difference <= tolerance, "{what}: {difference:e} exceeds {tolerance:e}");
}

/// A JSON array of strings.
pub(crate) fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
}

/// A JSON array of ids.
pub(crate) fn ids(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|it| it.as_i64().unwrap()).collect()
}

/// A JSON number as a float.
#[expect(clippy::cast_possible_truncation, reason = "recorded as a float")]
pub(crate) fn float(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}
