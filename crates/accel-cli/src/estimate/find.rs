//! Which model is meant, and what is there of it.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use accel_core::estimate::{WeightFormat, parameters_from_name};
use accel_core::{Config, Precision, nearest};
use accel_runtime::weights::{self, WeightCount};

use crate::catalogue;
use crate::failure::Failure;
use crate::hub;
use crate::models;

/// The longest config.json that is read; the largest ones have some hundred kilobytes.
const MOST_CONFIG_BYTES: u64 = 16 << 20;

/// A model that was named.
pub(super) struct Subject {
    pub(super) name: String,
    /// Its folder, or its config.json.
    pub(super) path: Option<PathBuf>,
    pub(super) known: Known,
    /// What the headers said, by precision, so that they are read once.
    counted: RefCell<Option<(Precision, Option<WeightCount>)>>,
}

/// What is known beside the weights' files.
pub(super) enum Known {
    /// Its config.json.
    Config(Config),
    /// A number in its name.
    Name(u64),
    /// Nothing.
    Nothing,
}

impl Subject {
    fn new(name: String, path: Option<PathBuf>, known: Known) -> Self {
        Self { name, path, known, counted: RefCell::new(None) }
    }

    /// What the headers of its files say.
    pub(super) fn weights(&self, format: WeightFormat) -> Result<Option<WeightCount>, Failure> {
        let Some(folder) = self.path.as_ref().filter(|it| it.is_dir()) else { return Ok(None) };
        let wanted = format.precision();
        if let Some((precision, counted)) = &*self.counted.borrow()
            && *precision == wanted
        {
            return Ok(counted.clone());
        }
        let counted = weights::count(folder, Some(wanted))?.filter(|it| it.parameters > 0);
        *self.counted.borrow_mut() = Some((wanted, counted.clone()));
        Ok(counted)
    }

    pub(super) fn unknown(&self) -> Failure {
        let folder = self.path.as_deref().unwrap_or(Path::new("?"));
        Failure::input(
            "unknown-model",
            format!(
                "{} holds no config.json, and no safetensors or ONNX files that could be counted; \
                 give the folder of a model",
                folder.display()
            ),
        )
    }
}

/// A config.json alone.
pub(super) fn config_alone(file: &Path) -> Result<Subject, Failure> {
    if file.is_dir() {
        return Err(Failure::input(
            "invalid-input",
            format!("{} is a folder; give it without --config", file.display()),
        ));
    }
    let config = config(file)?;
    Ok(Subject::new(file.display().to_string(), Some(file.to_owned()), Known::Config(config)))
}

/// The model that `name` stands for: a folder, one below `models`, one of the Hub's cache, one of the
/// registry, or at last a number in the name.
pub(super) fn subject(name: &OsStr, models: &Path) -> Result<Subject, Failure> {
    let text = name.to_string_lossy().into_owned();
    let path = Path::new(name);
    if path.is_file() {
        if path.extension().is_some_and(|it| it == "json") {
            return config_alone(path);
        }
        return Err(Failure::input(
            "unknown-model",
            format!("{} is a file; give the model's folder", path.display()),
        ));
    }
    let folder = if path.is_dir() {
        Some(path.to_owned())
    } else {
        models::below(models, path).or_else(|| hub::cached(&text))
    };
    if let Some(folder) = folder {
        let file = folder.join("config.json");
        let known = if file.is_file() { Known::Config(config(&file)?) } else { Known::Nothing };
        return Ok(Subject::new(text, Some(folder), known));
    }
    if let Some(config) = catalogue::registered(&text)?.and_then(|it| it.config.clone()) {
        return Ok(Subject::new(text, None, Known::Config(config)));
    }
    if let Some(count) = parameters_from_name(&text) {
        return Ok(Subject::new(text, None, Known::Name(count)));
    }
    let known = models::names(models);
    let suggestion = nearest(&text, known.iter().map(String::as_str))
        .map_or_else(String::new, |it| format!(" (did you mean `{it}`?)"));
    Err(Failure::input(
        "unknown-model",
        format!(
            "there is no model `{}`{suggestion}: no such folder, none below {}, none in the Hub's \
             cache or the registry, and the name tells no size; give a folder or --config",
            text.escape_debug(),
            models.display()
        ),
    ))
}

fn config(file: &Path) -> Result<Config, Failure> {
    let broken =
        |why: String| Failure::input("invalid-input", format!("{}: {why}", file.display()));
    let metadata = fs::metadata(file).map_err(|it| broken(it.to_string()))?;
    if !metadata.is_file() || metadata.len() > MOST_CONFIG_BYTES {
        return Err(broken(format!("it is no file of at most {MOST_CONFIG_BYTES} bytes")));
    }
    let bytes = fs::read(file).map_err(|it| broken(it.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|it| broken(format!("it is not a JSON object: {it}")))
}
