//! The registry's models and cells, as this program carries them.

use std::sync::OnceLock;

use accel_core::compatibility::Model;
use serde::Deserialize;

use crate::failure::Failure;

/// What `accelgen --list --matrix --format json` printed; a test of `accelgen` keeps it up to date.
const EMBEDDED: &str = include_str!("../data/catalogue.json");

/// The only version of a catalogue that there is.
const VERSION: u32 = 1;

/// A catalogue as JSON.
#[derive(Debug, Deserialize)]
struct Document {
    version: u32,
    items: Vec<Model>,
}

/// The models of a catalogue, which messages call `name`.
pub(crate) fn parse(text: &str, name: &str) -> Result<Vec<Model>, Failure> {
    let wrong = |why: String| {
        let advice = "write one with `accelgen --list --matrix --format json`";
        Failure::input("unreadable", format!("{name} is not a catalogue: {why}; {advice}"))
    };
    let document: Document = serde_json::from_str(text).map_err(|it| wrong(it.to_string()))?;
    if document.version != VERSION {
        return Err(wrong(format!("it is of version {}", document.version)));
    }
    Ok(document.items)
}

/// The models that this program carries, read once.
pub(crate) fn embedded() -> Result<&'static [Model], Failure> {
    static MODELS: OnceLock<Vec<Model>> = OnceLock::new();
    if let Some(models) = MODELS.get() {
        return Ok(models);
    }
    let models = parse(EMBEDDED, "the embedded catalogue")?;
    Ok(MODELS.get_or_init(|| models))
}

/// The registry's model of that key or Hub id.
pub(crate) fn registered(name: &str) -> Result<Option<&'static Model>, Failure> {
    Ok(embedded()?.iter().find(|it| is_named(it, name)))
}

/// Whether it is called so: by its key or its Hub id.
pub(crate) fn is_named(model: &Model, name: &str) -> bool {
    model.key == name || (!name.is_empty() && model.hub_id == name)
}
