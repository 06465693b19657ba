//! A model as the catalogue describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Need, Target};
use crate::estimate::Estimate;
use crate::{CaseName, Config, Evidence, Family, Platform, Precision, Subfamily, Support, Task};

/// A model: what it is, what is known of it on every platform, and what it needs.
///
/// As JSON it is an item of `accelgen --list --matrix --format json`, without the estimates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name in the catalogue, such as `bert`, or a folder's.
    #[serde(rename = "model")]
    pub key: String,
    /// The model class as people write it, such as `BERT`; empty when unknown.
    #[serde(default)]
    pub class: String,
    /// The repository on the Hugging Face Hub; empty for a local folder.
    #[serde(default)]
    pub hub_id: String,
    /// `architectures` of its `config.json`.
    #[serde(default)]
    pub architectures: Vec<String>,
    /// `model_type` of its `config.json`; empty when unknown.
    #[serde(default)]
    pub model_type: String,
    /// The broad kind.
    pub family: Family,
    /// The precise kind.
    pub subfamily: Subfamily,
    /// What it can be used for, the most usual first.
    pub tasks: Vec<Task>,
    /// Number of weights; 0 when unknown.
    #[serde(default)]
    pub parameters: u64,
    /// What its `config.json` says, as far as it is known; memory is estimated from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Config>,
    /// Precisions beside single precision in which it has files.
    #[serde(default)]
    pub precisions: Vec<Precision>,
    /// Whether single precision is what it has no files in, as in a folder of quantised graphs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lacks_fp32: bool,
    /// What is known of it on each platform.
    #[serde(rename = "platforms")]
    pub cells: BTreeMap<Platform, Cell>,
    /// What it needs, at most one estimate for each precision; the caller's to fill.
    #[serde(skip)]
    pub estimates: Vec<Estimate>,
}

impl Model {
    /// The estimate for a precision.
    pub fn estimate(&self, precision: Precision) -> Option<&Estimate> {
        self.estimates.iter().find(|it| it.workload.precision == precision)
    }

    /// Bytes of its weights in a precision.
    pub fn weights_bytes(&self, precision: Precision) -> Option<u64> {
        self.estimate(precision).map(|it| it.memory_bytes.weights)
    }

    /// Memory that it needs in a precision.
    pub fn need(&self, precision: Precision) -> Option<Need> {
        self.estimate(precision).map(|it| Need {
            min_memory_bytes: it.requirements.min_memory_bytes,
            recommended_memory_bytes: it.requirements.recommended_memory_bytes,
        })
    }

    /// Whether it, or its tests, have files of that precision.
    pub fn has(&self, precision: Precision) -> bool {
        match precision {
            Precision::Fp32 => !self.lacks_fp32,
            _ => self.precisions.contains(&precision),
        }
    }
}

/// What is known of a model on a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Whether it runs there.
    pub support: Support,
    /// What stands behind that.
    pub evidence: Evidence,
    /// Why it does not really run; empty when it does.
    #[serde(default)]
    pub reason: String,
    /// The kind of device that its skill asks for and its tests ran on, where the platform has
    /// several: OpenVINO's `cpu`, `gpu`, `npu`. Empty elsewhere.
    #[serde(default)]
    pub device: String,
    /// The most bytes that its skill lets weights take there; 0 when nothing limits them.
    #[serde(default)]
    pub memory_limit_bytes: u64,
    /// Cases that fail there for a known reason.
    #[serde(default)]
    pub expected_failures: BTreeMap<CaseName, String>,
    /// The model that this was taken from, where the model itself is not in the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<String>,
}

impl Cell {
    /// Why the platform does not take a precision, as its tests recorded it.
    pub fn refusal(&self, precision: Precision) -> Option<&str> {
        let case = match precision {
            Precision::Fp32 => CaseName::MatchesReference,
            Precision::Fp16 => CaseName::Fp16MatchesReference,
            Precision::Int8 => CaseName::Int8MatchesReference,
            Precision::Q4 => CaseName::Q4MatchesReference,
        };
        self.expected_failures.get(&case).map(String::as_str)
    }

    /// Whether the tests that CI runs ran on another kind of device than this one.
    pub(super) fn tested_elsewhere(&self, target: &Target) -> bool {
        let kind = target.device.split_once(':').map_or("", |(_, it)| it);
        let kind = kind.split('.').next().unwrap_or_default();
        target.platform == Platform::Openvino
            && self.evidence == Evidence::Ci
            && !(self.device.is_empty() || kind.is_empty())
            && !kind.eq_ignore_ascii_case(&self.device)
    }

    /// How good a witness it is, for choosing among relatives.
    fn worth(&self) -> u8 {
        match (self.support, &self.evidence) {
            (Support::Unsupported, _) => 0,
            (Support::Simulation, _) => 1,
            (Support::Real, Evidence::None) => 2,
            (Support::Real, Evidence::Compiled) => 3,
            (Support::Real, Evidence::CiSoftware) => 4,
            (Support::Real, Evidence::Ci | Evidence::Device { .. }) => 5,
        }
    }
}

/// Cells for a model that is not in the catalogue: on each platform the best of those of the
/// same kind, marked with the key of the model that they were taken from.
pub fn cells_of_relatives(catalogue: &[Model], subfamily: Subfamily) -> BTreeMap<Platform, Cell> {
    let mut cells: BTreeMap<Platform, Cell> = BTreeMap::new();
    for model in catalogue.iter().filter(|it| it.subfamily == subfamily) {
        for (platform, cell) in &model.cells {
            if cells.get(platform).is_none_or(|known| known.worth() < cell.worth()) {
                let relative = cell.relative.clone().unwrap_or_else(|| model.key.clone());
                cells.insert(*platform, Cell { relative: Some(relative), ..cell.clone() });
            }
        }
    }
    cells
}
