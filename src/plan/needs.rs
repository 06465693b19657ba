//! What a skill needs of the machine.

use std::collections::BTreeMap;

use accel_core::estimate::{
    self, Estimate, ParametersSource, Workload, estimate, estimate_from_parameters,
};
use accel_core::{Platform, Precision, Subfamily, group_digits};
use serde::Serialize;

use super::pages::precision_of;
use crate::registry::{Cell, Model};

/// What a skill needs of the machine, as numbers in Rust and in words.
#[derive(Debug, Serialize)]
pub(crate) struct Needs {
    pub(crate) min_memory_bytes: String,
    pub(crate) recommended_memory_bytes: String,
    pub(crate) cpu_cores: u32,
    pub(crate) disk_bytes: String,
    pub(crate) batch_size: u32,
    pub(crate) sentence: String,
}

/// The workload that a skill's needs are stated for: one input, as long as most texts are.
const CONTEXT: u32 = 2048;

/// What a cell needs in its precision: by the model's config where that is known, else at least
/// what its weights take.
pub(crate) fn estimate_of(model: &Model, cell: &Cell) -> Estimate {
    let workload = Workload { precision: precision_of(cell), batch: 1, context: CONTEXT };
    let config = model.config.as_ref();
    config.and_then(|it| estimate(it, &estimate::Request::new(workload)).ok()).unwrap_or_else(
        || estimate_from_parameters(model.parameters, ParametersSource::Registry, &workload),
    )
}

/// Estimates of models by precision, each made once: a model's cells mostly share one.
#[derive(Debug, Default)]
pub(super) struct Estimates<'a>(BTreeMap<(&'a str, Precision), Estimate>);

impl<'a> Estimates<'a> {
    /// What a cell needs in its precision.
    pub(super) fn of(&mut self, model: &'a Model, cell: &Cell) -> &Estimate {
        let key = (model.key.as_str(), precision_of(cell));
        self.0.entry(key).or_insert_with(|| estimate_of(model, cell))
    }
}

/// The input that a kind of model is estimated for.
fn input(kind: Subfamily) -> String {
    match kind {
        Subfamily::ImageClassifier | Subfamily::ObjectDetector => "one image".to_owned(),
        Subfamily::SpeechRecognition => {
            "one window of sound, or ten seconds where the model has none".to_owned()
        }
        Subfamily::AudioTextEncoder => "one sound and one text".to_owned(),
        Subfamily::ImageTextEncoder => "one image and one text".to_owned(),
        Subfamily::VideoTextEncoder => "one video and one text".to_owned(),
        Subfamily::VisionLanguage => {
            format!("one image and its prompt, {CONTEXT} tokens together")
        }
        _ => format!("one text of at most {CONTEXT} tokens"),
    }
}

/// An estimate as a page of that kind of model and platform says it.
pub(super) fn needs(estimate: &Estimate, kind: Subfamily, platform: Platform) -> Needs {
    let by_config = estimate.parameters_source == ParametersSource::Config;
    let bound = if by_config { "" } else { "more than " };
    let needs = estimate.requirements;
    // An accelerator does the work; the processor only feeds it.
    let cpu_cores = match platform {
        Platform::Cpu | Platform::Openvino | Platform::Webnn => needs.cpu_cores,
        Platform::Cuda | Platform::Rocm | Platform::Mps | Platform::Webgpu => 1,
    };
    let cores = if cpu_cores == 1 { "core" } else { "cores" };
    let sentence = format!(
        "{bound}{} of memory in {}, better {}, and {cpu_cores} {cores}, for {}; {} of files \
         (estimated)",
        shown_bytes(needs.min_memory_bytes),
        estimate.workload.precision,
        shown_bytes(needs.recommended_memory_bytes),
        input(kind),
        shown_bytes(needs.disk_bytes),
    );
    Needs {
        min_memory_bytes: group_digits(needs.min_memory_bytes),
        recommended_memory_bytes: group_digits(needs.recommended_memory_bytes),
        cpu_cores,
        disk_bytes: group_digits(needs.disk_bytes),
        batch_size: needs.batch_size,
        sentence,
    }
}

/// Bytes as people write them, decimal and rounded up: `438 MB`, `6.2 GB`.
pub(crate) fn shown_bytes(bytes: u64) -> String {
    let megabytes = bytes.div_ceil(1_000_000);
    if megabytes < 1000 {
        return format!("{megabytes} MB");
    }
    let tenths = bytes.div_ceil(100_000_000);
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::shown_bytes;

    #[test]
    fn bytes_are_rounded_up() {
        assert_eq!(shown_bytes(1), "1 MB");
        assert_eq!(shown_bytes(999_000_000), "999 MB");
        assert_eq!(shown_bytes(999_000_001), "1.0 GB");
        assert_eq!(shown_bytes(6_110_000_000), "6.2 GB");
    }
}
