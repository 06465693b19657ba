//! Which model is meant, and what kind of model it is.

use std::path::{Path, PathBuf};

use accel_core::classify::{ModelFacts, classify};
use accel_core::{Platform, Subfamily, Task, Vocabulary as _};
use accel_runtime::{ModelDir, SkillSpec};

use super::args::RunArgs;
use crate::failure::Failure;
use crate::models::{self, Kind};

/// A model and what it is to do.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) folder: PathBuf,
    pub(super) kind: Subfamily,
    pub(super) task: Task,
}

impl Model {
    /// The model `name`: a folder, or the name of one below `--models`.
    ///
    /// # Errors
    /// A folder that is not there or holds no model; a kind that is not known; a task that its
    /// kind cannot do.
    pub(super) fn find(name: &Path, arguments: &RunArgs) -> Result<Self, Failure> {
        let folder = models::folder(name, &arguments.models)?;
        let dir = ModelDir::open(&folder)?;
        let config = Kind::read(&dir)?;
        let kind = match arguments.kind {
            Some(kind) => kind,
            None => classified(&folder, &config, arguments.task)?,
        };
        let task = match (arguments.task, kind.tasks()) {
            // Labels are for nothing else.
            (None, [_, other, ..]) if !arguments.label.is_empty() => *other,
            (None, [first, ..]) => *first,
            (Some(task), tasks) if tasks.contains(&task) => task,
            (task, tasks) => {
                let task = task.map_or("nothing", Task::name);
                let tasks: Vec<_> = tasks.iter().map(|it| it.name()).collect();
                return Err(Failure::usage(format!(
                    "{} is a model of the kind {kind}, which does not do {task}; it does {}",
                    folder.display(),
                    tasks.join(", ")
                )));
            }
        };
        Ok(Self { folder, kind, task })
    }

    /// The cell that this run is, for the runtime, which asks for names that live for ever.
    pub(super) fn spec(&self, platform: Platform) -> SkillSpec {
        let name = self.folder.file_name().unwrap_or(self.folder.as_os_str());
        // One name, once a process.
        models::spec(
            Box::leak(name.to_string_lossy().into_owned().into_boxed_str()),
            self.kind,
            platform,
        )
    }
}

fn classified(folder: &Path, config: &Kind, task: Option<Task>) -> Result<Subfamily, Failure> {
    let facts = ModelFacts { tasks: task.as_slice(), ..config.facts() };
    if let Ok(it) = classify(&facts) {
        return Ok(it.subfamily);
    }
    let kinds: Vec<_> = Subfamily::ALL.iter().map(|it| it.name()).collect();
    Err(Failure::input(
        "unknown-kind",
        format!(
            "{}/config.json does not tell what kind of model it is (architectures: {}; \
             model_type: {}); say it with --kind: {}",
            folder.display(),
            config.architectures.as_ref().map_or_else(|| "none".to_owned(), |it| it.join(", ")),
            config.model_type.as_deref().unwrap_or("none"),
            kinds.join(", ")
        ),
    ))
}
