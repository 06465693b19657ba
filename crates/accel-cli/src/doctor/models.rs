//! Models: their files, their kind, what they need.

use std::fs;
use std::path::{Path, PathBuf};

use accel_core::classify::{Classification, Clue, classify};
use accel_core::diagnosis::{Check, Code, Component, Finding, Location, Verdict};
use accel_core::hardware::Inventory;
use accel_core::{Precision, Subfamily, Vocabulary as _};
use accel_runtime::{Error, ModelDir};

use super::needs::{Needs, fits, needs};
use super::probe::Probed;
use super::registry::Registry;
use crate::console;
use crate::failure::Failure;
use crate::models::Kind;

/// A model that is looked at.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// How it was asked for, or the registry's key.
    pub(super) name: String,
    /// Its folder; `None` when there is none, and a finding says so.
    pub(super) folder: Option<PathBuf>,
    /// Its line in the registry, where there is one.
    pub(super) location: Option<Location>,
    /// What it needs; `None` while unknown.
    pub(super) needs: Option<Needs>,
    /// Why it is not to be loaded, once that is known.
    pub(super) obstacle: Option<String>,
}

/// The models that were asked for by name.
pub(super) fn named(
    names: &[PathBuf],
    folder_of_models: &Path,
    registry: Option<&Registry>,
) -> (Vec<Subject>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut subjects = Vec::new();
    for name in names {
        let key = name.to_string_lossy().into_owned();
        let entry = registry.and_then(|it| it.entry(&key));
        let location = registry.map(|it| it.location(&key));
        let by_entry = registry.zip(entry).and_then(|(it, entry)| it.folder(entry));
        let folder = match by_entry.filter(|it| it.is_dir()) {
            Some(folder) => Ok(folder),
            None => crate::models::folder(name, folder_of_models),
        };
        let is_plain = name.components().count() == 1 && !name.is_absolute();
        if registry.is_some() && entry.is_none() && is_plain {
            let message = format!("the registry has no model `{key}`");
            findings.push(
                Finding::new(Code::NotInRegistry, message).of(key.as_str()).at(location.clone()),
            );
        }
        let folder = folder.map_err(|failure| {
            let finding = Finding::new(Code::UnknownModel, failure.message);
            findings.push(finding.of(key.as_str()).at(location.clone()));
        });
        subjects.push(subject(key, folder.ok(), location));
    }
    (subjects, findings)
}

/// Every model below `folder_of_models` and in the registry.
///
/// # Errors
/// No model at all.
pub(super) fn all(
    folder_of_models: &Path,
    registry: Option<&Registry>,
) -> Result<(Vec<Subject>, Vec<Finding>), Failure> {
    let mut findings = Vec::new();
    let mut subjects = Vec::new();
    for (registry, entry) in
        registry.iter().flat_map(|it| it.entries.iter().map(move |entry| (it, entry)))
    {
        let own = registry.folder(entry);
        let below = folder_of_models.join(&entry.key);
        let folder = own.clone().into_iter().chain([below]).find(|it| it.is_dir());
        let location = Some(registry.location(&entry.key));
        if folder.is_none() {
            let message = match own {
                Some(own) => {
                    format!("the folder of `{}` is not there: {}", entry.key, own.display())
                }
                None => format!("the registry names no folder for `{}`", entry.key),
            };
            findings.push(
                Finding::new(Code::NoModelFolder, message)
                    .of(entry.key.as_str())
                    .at(location.clone()),
            );
        }
        subjects.push(subject(entry.key.clone(), folder, location));
    }
    let mut folders: Vec<_> = fs::read_dir(folder_of_models)
        .into_iter()
        .flatten()
        .flatten()
        .map(|it| it.path())
        .filter(|it| it.join("config.json").is_file())
        .filter(|it| !subjects.iter().any(|subject| is_same(subject.folder.as_deref(), it)))
        .collect();
    folders.sort_unstable();
    for folder in folders {
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        let name = name.to_string_lossy().into_owned();
        let location = registry.map(|it| it.location(&name));
        subjects.push(subject(name, Some(folder), location));
    }
    if subjects.is_empty() {
        let message = format!(
            "--all: there is no model below {}; name a folder of models with --models or \
             ACCEL_MODEL_DIR, or a registry with --registry",
            folder_of_models.display()
        );
        return Err(Failure::input("unknown-model", message));
    }
    Ok((subjects, findings))
}

fn subject(name: String, folder: Option<PathBuf>, location: Option<Location>) -> Subject {
    let obstacle = folder.is_none().then(|| "there is no such model here".to_owned());
    Subject { name, folder, location, needs: None, obstacle }
}

fn is_same(known: Option<&Path>, other: &Path) -> bool {
    let whole = |it: &Path| it.canonicalize().ok();
    known.is_some_and(|known| {
        known == other || (whole(known).is_some() && whole(known) == whole(other))
    })
}

/// Looks at a model's files, its kind, and what it needs; nothing is loaded.
pub(super) fn look_at(model: &mut Subject, inventory: &Inventory) -> Probed {
    let Some(folder) = model.folder.clone() else { return Probed::default() };
    let mut probed = Probed::default();
    let name = model.name.clone();
    let location = model.location.clone();
    let mut record = |component, what: &str, outcome: Result<String, Box<Finding>>| {
        let (verdict, detail) = match outcome {
            Ok(detail) => (Verdict::Passed, detail),
            Err(finding) => {
                let detail = finding.message.clone();
                probed.findings.push(finding.of(name.as_str()).at(location.clone()));
                (Verdict::Failed, detail)
            }
        };
        probed.checks.push(Check {
            component,
            what: what.to_owned(),
            platform: None,
            model: Some(name.clone()),
            verdict,
            detail,
        });
        verdict == Verdict::Passed
    };

    let dir = match ModelDir::open(&folder) {
        Ok(dir) => dir,
        Err(error) => {
            model.obstacle = Some(error.to_string());
            record(Component::Model, "open the folder", Err(Box::new(error.finding())));
            return probed;
        }
    };
    record(Component::Model, "open the folder", Ok(folder.display().to_string()));

    match classified(&dir) {
        Ok((kind, conflict)) => {
            let outcome = conflict.map_or_else(|| Ok(kind.to_string()), |it| Err(Box::new(it)));
            record(Component::Classification, "tell its kind", outcome);
        }
        Err(finding) => {
            model.obstacle = Some(finding.message.clone());
            record(Component::Classification, "tell its kind", Err(finding));
        }
    }

    match graphs(&dir) {
        Ok((detail, bytes)) => {
            model.needs = Some(needs(&dir, bytes));
            record(Component::Model, "read its graphs", Ok(detail));
        }
        Err(error) => {
            model.obstacle.get_or_insert(error.to_string());
            record(Component::Model, "read its graphs", Err(Box::new(error.finding())));
        }
    }

    if let Some((needs, usable)) = model.needs.as_ref().zip(inventory.memory.usable_bytes()) {
        let outcome = fits(needs, usable, inventory);
        if matches!(&outcome, Err(finding) if finding.code == Code::ModelTooLarge) {
            model.obstacle.get_or_insert("it needs more memory than there is".to_owned());
        }
        record(Component::Memory, "compare its need with memory", outcome);
    }
    probed
}

/// The model's kind, and the conflict of evidence where there is one.
///
/// # Errors
/// Nothing tells the kind, or `config.json` cannot be read.
pub(super) fn classified(dir: &ModelDir) -> Result<(Subfamily, Option<Finding>), Box<Finding>> {
    let config = Kind::read(dir).map_err(|it| Box::new(it.finding()))?;
    let facts = config.facts();
    let named = config.architectures.as_deref().unwrap_or_default().join(", ");
    let model_type = config.model_type.as_deref().unwrap_or("none");
    let Ok(answer) = classify(&facts) else {
        let finding = Finding::new(
            Code::UnknownKind,
            format!(
                "config.json does not tell the kind (architectures: {named}; model_type: {model_type})"
            ),
        );
        return Err(Box::new(finding.seen("architectures", named).seen("model_type", model_type)));
    };
    let conflict = conflict(&answer);
    Ok((answer.subfamily, conflict))
}

fn conflict(answer: &Classification) -> Option<Finding> {
    let other = answer.conflicts().next()?;
    let message = format!(
        "it is taken for {}, and {} speaks for {}",
        answer.subfamily,
        other.value,
        spoken(other)
    );
    let finding =
        Finding::new(Code::KindConflict, message).instead(spoken(other), answer.subfamily.name());
    Some(
        answer.evidence.iter().fold(finding, |it, clue| it.seen(clue.value.as_str(), spoken(clue))),
    )
}

/// The kind that evidence speaks for.
fn spoken(clue: &Clue) -> &'static str {
    clue.subfamily.map_or("no known kind", Subfamily::name)
}

/// The precision that is looked at: the most exact one that there is.
///
/// # Errors
/// The folder cannot be read.
pub(super) fn precision(dir: &ModelDir) -> accel_runtime::Result<Option<Precision>> {
    for precision in Precision::ALL {
        if !dir.graph_names(*precision)?.is_empty() {
            return Ok(Some(*precision));
        }
    }
    Ok(None)
}

/// Reads the headers of all graphs in the most exact precision; what they are, and their bytes.
fn graphs(dir: &ModelDir) -> Result<(String, u64), Error> {
    let Some(precision) = precision(dir)? else {
        // The error says what was looked for.
        return dir.graph("model", Precision::Fp32).map(|it| (it.name, it.bytes));
    };
    let mut bytes = 0_u64;
    let names = dir.graph_names(precision)?;
    for name in &names {
        bytes = bytes.saturating_add(dir.graph(name, precision)?.bytes);
    }
    Ok((format!("{} in {precision}, {}", names.join(", "), console::bytes(bytes)), bytes))
}
