//! Models in folders of this machine: where they lie, and what their `config.json` says of their
//! kind.

use std::fs;
use std::path::{Component, Path, PathBuf};

use accel_core::classify::ModelFacts;
use accel_core::{Platform, Subfamily, Variant, nearest};
use accel_runtime::{ModelDir, SkillSpec};
use serde::Deserialize;

use crate::failure::Failure;

/// The folder of that plain name below `models`, where there is one.
pub(crate) fn below(models: &Path, name: &Path) -> Option<PathBuf> {
    let mut components = name.components();
    let plain =
        matches!((components.next(), components.next()), (Some(Component::Normal(_)), None));
    Some(models.join(name)).filter(|it| plain && it.is_dir())
}

/// The names of the models below a folder, sorted; none where it cannot be read.
pub(crate) fn names(models: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(models)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|it| it.path().join("config.json").is_file())
        .filter_map(|it| it.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names
}

/// The folder that `name` stands for.
pub(crate) fn folder(name: &Path, models: &Path) -> Result<PathBuf, Failure> {
    if name.is_dir() {
        return Ok(name.to_owned());
    }
    if let Some(below) = below(models, name) {
        return Ok(below);
    }
    let what = if name.is_file() {
        return Err(Failure::input(
            "unknown-model",
            format!(
                "{} is a file; give the model's folder, which holds config.json and onnx/, or \
                 run a bare graph with --graph",
                name.display()
            ),
        ));
    } else {
        format!("there is no model `{}`", name.display())
    };
    let known = names(models);
    let given = name.to_string_lossy();
    let suggestion = nearest(&given, known.iter().map(String::as_str))
        .map_or_else(String::new, |it| format!(" (did you mean `{it}`?)"));
    let advice = if known.is_empty() {
        format!(
            "give the path of a folder that holds config.json and onnx/, or name with --models or \
             ACCEL_MODEL_DIR a folder of models; {} holds none",
            models.display()
        )
    } else {
        format!("{} holds: {}", models.display(), known.join(", "))
    };
    Err(Failure::input("unknown-model", format!("{what}{suggestion}; {advice}")))
}

/// What `config.json` says of the model's kind.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Kind {
    #[serde(default)]
    pub(crate) architectures: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) model_type: Option<String>,
}

impl Kind {
    pub(crate) fn read(dir: &ModelDir) -> accel_runtime::Result<Self> {
        dir.required_json("config.json", "the model's configuration")
    }

    /// For the classifier.
    pub(crate) fn facts(&self) -> ModelFacts<'_> {
        ModelFacts {
            architectures: self.architectures.as_deref().unwrap_or_default(),
            model_type: self.model_type.as_deref(),
            ..ModelFacts::default()
        }
    }
}

/// The cell that a model run by hand is.
pub(crate) const fn spec(model: &'static str, kind: Subfamily, platform: Platform) -> SkillSpec {
    SkillSpec {
        model,
        class: "",
        hub_id: "",
        revision: "",
        platform,
        family: kind.family(),
        subfamily: kind,
        tasks: kind.tasks(),
        variant: Variant::Real,
        reason: "",
        evidence: "",
        parameters: 0,
        needs: None,
        model_dir: "",
    }
}
