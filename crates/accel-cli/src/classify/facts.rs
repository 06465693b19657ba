//! What is known of a model: its folder, the Hub's cache on this machine, the command line.

use std::path::Path;

use accel_core::classify::ModelFacts;
use accel_core::{Config, Task};
use serde::Serialize;

use super::args::ClassifyArgs;
use crate::catalogue;
use crate::failure::Failure;
use crate::files::{self, config};
use crate::hub;

/// What is known of a model.
#[derive(Debug, Default, Serialize)]
pub(super) struct Facts {
    /// As it was named; `None` without a name.
    pub(super) model: Option<String>,
    /// Where its files lie, or that the registry has it; `None` when nothing was read.
    pub(super) read_from: Option<String>,
    has_modules: bool,
    architectures: Vec<String>,
    model_type: Option<String>,
    tasks: Vec<Task>,
    tags: Vec<String>,
    class: Option<String>,
    methods: Vec<String>,
    processor: Option<String>,
    base_model: Option<String>,
    name: Option<String>,
}

impl Facts {
    /// What is known of `model`, which is a folder, the id of a model in the Hub's cache, a model of
    /// the registry, or a name alone.
    ///
    /// # Errors
    /// A folder that is not there, a file that cannot be read or is not JSON.
    pub(super) fn read(model: Option<&str>, arguments: &ClassifyArgs) -> Result<Self, Failure> {
        let mut facts = Self {
            model: model.map(str::to_owned),
            tags: arguments.task.clone(),
            class: arguments.class.clone(),
            methods: arguments.method.clone(),
            name: model.map(str::to_owned),
            ..Self::default()
        };
        if let Some(model) = model {
            let path = Path::new(model);
            let is_path =
                path.is_absolute() || model.starts_with('.') || model.ends_with(['/', '\\']);
            if path.is_file() {
                return Err(Failure::input(
                    "unknown-model",
                    format!("{model} is a file; give the model's folder, or --config {model}"),
                ));
            }
            if path.is_dir() && (is_path || holds_model(path)) {
                // The name of a folder says something, those above it do not.
                let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
                facts.name = full.file_name().map(|it| it.to_string_lossy().into_owned());
                facts.read_folder(path)?;
            } else if is_path {
                let message =
                    format!("there is no folder {model}; give a folder or a Hub id, `owner/name`");
                return Err(Failure::input("unknown-model", message));
            } else if let Some(snapshot) = hub::cached(model) {
                facts.read_folder(&snapshot)?;
            } else if let Some(entry) = catalogue::registered(model)? {
                facts.read_from = Some("the registry".to_owned());
                facts.architectures.clone_from(&entry.architectures);
                facts.model_type = Some(entry.model_type.clone()).filter(|it| !it.is_empty());
                facts.tasks.clone_from(&entry.tasks);
                facts.name = Some(entry.hub_id.clone());
            }
        }
        if let Some(path) = &arguments.config {
            facts.take_config(&config(path)?.ok_or_else(|| files::absent(path))?);
            facts.read_from = Some(path.display().to_string());
        }
        Ok(facts)
    }

    /// For the classifier.
    pub(super) fn as_model_facts(&self) -> ModelFacts<'_> {
        ModelFacts {
            has_modules: self.has_modules,
            architectures: &self.architectures,
            model_type: self.model_type.as_deref(),
            tasks: &self.tasks,
            tags: &self.tags,
            class: self.class.as_deref(),
            methods: &self.methods,
            processor: self.processor.as_deref(),
            base_model: self.base_model.as_deref(),
            name: self.name.as_deref(),
        }
    }

    fn read_folder(&mut self, folder: &Path) -> Result<(), Failure> {
        self.read_from = Some(folder.display().to_string());
        self.has_modules = folder.join("modules.json").is_file();
        if let Some(config) = config(&folder.join("config.json"))? {
            self.take_config(&config);
        }
        for file in ["processor_config.json", "preprocessor_config.json"] {
            if let (None, Some(config)) = (&self.processor, config(&folder.join(file))?) {
                self.processor = config.text("processor_class").map(str::to_owned);
            }
        }
        if let Some(config) = config(&folder.join("adapter_config.json"))? {
            self.base_model = config.text("base_model_name_or_path").map(str::to_owned);
        }
        Ok(())
    }

    fn take_config(&mut self, config: &Config) {
        self.architectures = config.architectures();
        self.model_type = config.model_type().map(str::to_owned);
    }
}

/// Whether a folder has a file that says something of a model.
fn holds_model(folder: &Path) -> bool {
    ["config.json", "modules.json", "adapter_config.json", "preprocessor_config.json"]
        .iter()
        .any(|it| folder.join(it).is_file())
}
