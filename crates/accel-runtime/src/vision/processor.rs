//! The files of image processors: where they are, and which ones are known.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, ModelDir, Result};

const FILE: &str = "preprocessor_config.json";
/// Where processors are saved whole since transformers 5; such a part of it goes before [`FILE`].
const PROCESSOR_FILE: &str = "processor_config.json";

type Fields = Map<String, Value>;

#[derive(Deserialize)]
struct ProcessorConfig {
    image_processor: Option<Fields>,
}

/// What the model's files say about its image preprocessing, and which of them does.
pub(super) fn read_config<T: DeserializeOwned>(dir: &ModelDir) -> Result<(T, PathBuf)> {
    let whole: Option<ProcessorConfig> = dir.optional_json(PROCESSOR_FILE)?;
    let (mut fields, file) = match whole.and_then(|it| it.image_processor) {
        Some(fields) => (fields, PROCESSOR_FILE),
        None => (dir.required_json(FILE, "the model's image preprocessing")?, FILE),
    };
    // Files that were saved again by a later version name their class twice, by its old and by
    // its new name; the new one counts, as in transformers.
    if fields.contains_key("image_processor_type") {
        fields.remove("feature_extractor_type");
    }
    let path = dir.path().join(file);
    match serde_json::from_value(Value::Object(fields)) {
        Ok(config) => Ok((config, path)),
        Err(error) => Err(Error::InvalidFile {
            path,
            reason: error.to_string(),
            remedy: "copy it again from the model's repository".to_owned(),
        }),
    }
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
