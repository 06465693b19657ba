//! `registry validate | schema | verify-evidence | add`.

use std::fmt::Write as _;

use serde_json::json;

use super::args::{AddArgs, Format, RegistryCommand, RegistryPlace};
use super::console::{Console, count};
use super::failure::Failure;
use super::{Done, evidence, json as document, places};
use crate::registry::{self, NewEntry};

/// The most bytes of a registry or of a model's configuration.
const MOST_BYTES: u64 = 16 << 20;

impl RegistryCommand {
    pub(super) const fn format(&self) -> Format {
        match self {
            Self::Validate(place) => place.format,
            Self::Schema => Format::Human,
            Self::VerifyEvidence(verify) => verify.place.format,
            Self::Add(add) => add.place.format,
        }
    }
}

pub(super) fn run(command: &RegistryCommand, console: Console) -> Result<Done, Failure> {
    match command {
        RegistryCommand::Validate(place) => validate(place, console),
        RegistryCommand::Schema => Ok(Done::fine(registry::schema())),
        RegistryCommand::VerifyEvidence(verify) => evidence::run(verify, console),
        RegistryCommand::Add(add) => self::add(add, console),
    }
}

/// Prints every warning; errors are the failure itself, warnings among them.
fn validate(place: &RegistryPlace, console: Console) -> Result<Done, Failure> {
    let path = places::registry_path(place.registry.as_deref(), console)?;
    let registry = places::load(&path, console)?;
    if console.json() {
        return Ok(Done::fine(document::document(json!({
            "registry": path.display().to_string(),
            "valid": true,
            "problems": document::problems(&registry.warnings),
        }))));
    }
    let mut text = String::new();
    for warning in &registry.warnings {
        let _ = writeln!(text, "{warning}\n");
    }
    let _ = writeln!(
        text,
        "{} is valid: {}, {}",
        path.display(),
        count(registry.models.len(), "model"),
        count(registry.warnings.len(), "warning")
    );
    Ok(Done::fine(text))
}

fn add(add: &AddArgs, console: Console) -> Result<Done, Failure> {
    let path = places::registry_path(add.place.registry.as_deref(), console)?;
    let config = places::read_text(&add.config, MOST_BYTES)?;
    let before = places::read_text(&path, MOST_BYTES)?;
    let new = NewEntry {
        config_json: &config,
        key: add.key.as_deref(),
        hub_id: add.hub_id.as_deref(),
        parameters: add.parameters,
    };
    let after = registry::add_entry(&before, &new)?;
    let name = path.display().to_string();
    let entry = inserted(&before, &after);
    let key = added_key(&before, &after, &name)?;
    if !add.dry_run {
        places::replace_file(&path, &after)?;
    }
    if console.json() {
        return Ok(Done::fine(document::document(json!({
            "registry": name,
            "key": key,
            "written": !add.dry_run,
            "entry": entry,
        }))));
    }
    let verb = if add.dry_run { "would add" } else { "added" };
    Ok(Done::fine(format!(
        "{verb} `{key}` to {name}:\n\n{entry}\nreview it: pin the revision, name a model_dir, say what is real; then run `accelgen --generate {key}`\n"
    )))
}

/// The lines that are in `after` only: both begin and end alike.
fn inserted(before: &str, after: &str) -> String {
    let before: Vec<&str> = before.lines().collect();
    let after: Vec<&str> = after.lines().collect();
    let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let new = after.len().saturating_sub(before.len());
    let lines = after.get(same..same + new).unwrap_or_default();
    lines.join("\n").trim_matches('\n').to_owned() + "\n"
}

/// The key that only the new text has.
fn added_key(before: &str, after: &str, name: &str) -> Result<String, Failure> {
    let parse = |text| registry::parse(text, name).map_err(registry::LoadError::from);
    let (before, after) = (parse(before)?, parse(after)?);
    let new = after.models.iter().find(|it| before.model(it.key.as_str()).is_none());
    Ok(new.map_or_else(String::new, |it| it.key.to_string()))
}

#[cfg(test)]
mod tests {
    use super::inserted;

    #[test]
    fn what_was_added_is_what_differs() {
        assert_eq!(inserted("a\nz\n", "a\n\nb\n\nz\n"), "b\n");
        assert_eq!(inserted("a", "a\n\nb\nc\n"), "b\nc\n");
    }
}
