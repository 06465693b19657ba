//! What a model needs: exact weights, then memory, cores and disk.

#![expect(clippy::doc_markdown, reason = "names of models are prose, not code")]

mod blocks;
mod error;
mod facts;
mod memory;
mod model;
mod name;
mod network;
mod parameters;
mod rules;

use serde::{Deserialize, Serialize};

use crate::Precision;

pub use error::EstimateError;
pub use memory::WeightFormat;
pub use model::{Request, estimate, estimate_counted, estimate_from_parameters};
pub use name::parameters_from_name;
pub use parameters::{ParameterCount, parameters, supported_model_types};

/// Where a count of parameters comes from, the most trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParametersSource {
    /// Headers of the weights' own files (safetensors, ONNX).
    WeightFiles,
    /// Rules of the architecture applied to `config.json`.
    Config,
    /// A registry's `parameters`.
    Registry,
    /// A number in the model's name, such as `7b`; a last resort.
    Name,
}

/// How a model is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Bits of the weights.
    pub precision: Precision,
    /// Inputs at once.
    pub batch: u32,
    /// Tokens that a sequence may have, prompt and answer together; ignored where nothing is a
    /// sequence.
    pub context: u32,
}

/// Memory by part, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryBytes {
    /// The weights.
    pub weights: u64,
    /// Keys and values of past tokens; 0 where none are kept.
    pub kv_cache: u64,
    /// Tensors between the layers, at their peak.
    pub activations: u64,
    /// What kernels want beside them: copies of the largest tensor, and weights packed anew.
    pub workspace: u64,
    /// The engine itself.
    pub runtime: u64,
}

impl MemoryBytes {
    /// The sum of the parts; never overflows.
    pub const fn total(&self) -> u64 {
        self.weights
            .saturating_add(self.kv_cache)
            .saturating_add(self.activations)
            .saturating_add(self.workspace)
            .saturating_add(self.runtime)
    }
}

/// What a machine must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirements {
    /// Memory without which it does not run, in bytes.
    pub min_memory_bytes: u64,
    /// Memory with which it runs at ease, in bytes.
    pub recommended_memory_bytes: u64,
    /// Cores that keep the work busy.
    pub cpu_cores: u32,
    /// Its files, in bytes.
    pub disk_bytes: u64,
    /// The largest batch that fits into the memory asked about; that of the workload when none was.
    pub batch_size: u32,
}

/// What a model needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Distinct weights: tied ones count once.
    pub parameters: u64,
    /// Where that count comes from.
    pub parameters_source: ParametersSource,
    /// How the model is to be run.
    pub workload: Workload,
    /// How its weights are stored.
    pub weight_format: WeightFormat,
    /// Memory by part.
    pub memory_bytes: MemoryBytes,
    /// What a machine must have.
    pub requirements: Requirements,
    /// What was assumed for want of evidence, as sentences.
    pub assumptions: Vec<String>,
}
