//! A small valid registry and ways to break it.

use accelgen::registry::{Code, Problems, Registry, parse};

/// A valid registry with one model.
pub(crate) const BASE: &str = include_str!("base.yaml");

/// The registry of this project.
pub(crate) const REAL: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/model_registry.yaml"));

/// `text` with one place changed, which must be there exactly once.
#[track_caller]
pub(crate) fn with(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} must be in the text once");
    text.replacen(from, to, 1)
}

/// The base with some places changed.
#[track_caller]
pub(crate) fn base_with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(BASE.to_owned(), |text, (from, to)| with(&text, from, to))
}

/// The base with another model after its own.
pub(crate) fn base_and(key: &str) -> String {
    let model = BASE.split_once("  bert:\n").map_or("", |(_, model)| model);
    format!("{BASE}  {key}:\n{model}")
}

#[track_caller]
pub(crate) fn valid(text: &str) -> Registry {
    parse(text, "registry.yaml").unwrap_or_else(|problems| panic!("{problems}"))
}

#[track_caller]
pub(crate) fn problems(text: &str) -> Problems {
    parse(text, "registry.yaml").expect_err("the registry should have problems")
}

/// Codes of all problems, warnings of a valid registry included, in the order of the text.
pub(crate) fn codes(text: &str) -> Vec<Code> {
    let list = match parse(text, "registry.yaml") {
        Ok(registry) => registry.warnings,
        Err(problems) => problems.list,
    };
    list.iter().map(|it| it.code).collect()
}
