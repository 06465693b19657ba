//! Which model is meant, and what is there of it.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use accel_core::estimate::{WeightFormat, parameters_from_name};
use accel_core::{Config, Precision, nearest};
use accel_runtime::weights::{self, WeightCount};

use crate::catalogue;
use crate::failure::Failure;
use crate::files::{self, config};
use crate::hub;
use crate::models;

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
    let config = config(file)?.ok_or_else(|| files::absent(file))?;
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
        let config = config(&folder.join("config.json"))?;
        let known = config.map_or(Known::Nothing, Known::Config);
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
