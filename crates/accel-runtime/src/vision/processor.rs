//! The files of image processors: where they are, and which ones are known.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Error, ModelDir, Result};

const FILE: &str = "preprocessor_config.json";
/// Where processors are saved whole since transformers 5; such a part of it goes before [`FILE`].
const PROCESSOR_FILE: &str = "processor_config.json";

#[derive(Deserialize)]
struct ProcessorConfig<T> {
    image_processor: Option<T>,
}

/// What the model's files say about its image preprocessing, and which of them does.
pub(super) fn read_config<T: DeserializeOwned>(dir: &ModelDir) -> Result<(T, PathBuf)> {
    let whole: Option<ProcessorConfig<T>> = dir.optional_json(PROCESSOR_FILE)?;
    if let Some(config) = whole.and_then(|it| it.image_processor) {
        return Ok((config, dir.path().join(PROCESSOR_FILE)));
    }
    let config = dir.required_json(FILE, "the model's image preprocessing")?;
    Ok((config, dir.path().join(FILE)))
}

/// The error for a batch of no images.
pub(super) fn none_given() -> Error {
    Error::InvalidArgument {
        argument: "images",
        given: "none".to_owned(),
        expected: "at least one".to_owned(),
    }
}

/// The error for what a `preprocessor_config.json` asks for and is not done here.
pub(super) fn unsupported(path: &Path, reason: String) -> Error {
    Error::UnsupportedModel {
        path: path.to_owned(),
        reason,
        remedy: "preprocess the images yourself and run the graph with GraphModel".to_owned(),
    }
}

/// Refuses an image processor of transformers that is none of `known`; no name is taken for one
/// of them.
pub(super) fn known_processor(name: Option<&str>, known: &[&str], path: &Path) -> Result<()> {
    match name {
        Some(name) if !class_name(name).is_some_and(|it| known.contains(&it)) => {
            Err(unsupported(path, format!("image processor `{name}` is not known")))
        }
        _ => Ok(()),
    }
}

/// What a processor's class is called after: `CLIP` of `CLIPImageProcessorFast`.
pub(super) fn class_name(processor: &str) -> Option<&str> {
    let name = processor.trim_end_matches("Fast").trim_end_matches("Pil");
    name.strip_suffix("ImageProcessor").or(name.strip_suffix("FeatureExtractor"))
}
