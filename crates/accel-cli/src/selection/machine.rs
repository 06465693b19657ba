//! The machine that is judged: this one, or one from a file.

use std::path::Path;

use accel_runtime::hardware::{
    Bundle, CacheOptions, INVENTORY_VERSION, Inventory, detect_cached, inventory as replay,
};
use serde_json::Value;

use super::args::Common;
use crate::console::Console;
use crate::failure::Failure;
use crate::files;

/// What the machine has: from `--hardware`, or detected.
pub(super) fn inventory(args: &Common, console: Console) -> Result<Inventory, Failure> {
    if let Some(path) = &args.hardware {
        return from_file(path);
    }
    let detected = detect_cached(&CacheOptions::default());
    for note in &detected.notes {
        console.note(note);
    }
    Ok(detected.inventory)
}

/// An inventory by itself, the `inventory` of a document, or a recorded machine.
fn from_file(path: &Path) -> Result<Inventory, Failure> {
    let wrong = |why: String| {
        let path = path.display();
        let advice = "write one with `accel hardware --format json`";
        Failure::input(
            "unreadable",
            format!("{path} is not a machine's description: {why}; {advice}"),
        )
    };
    let text = files::text(path)?.ok_or_else(|| wrong("there is no such file".to_owned()))?;
    let mut value: Value = serde_json::from_str(&text).map_err(|it| wrong(it.to_string()))?;
    if let Some(inner) = value.get_mut("inventory") {
        value = inner.take();
    }
    if value.get("platforms").is_none() {
        let bundle = Bundle::from_json(text.as_bytes()).map_err(wrong)?;
        return Ok(replay(&bundle));
    }
    let inventory: Inventory = serde_json::from_value(value).map_err(|it| wrong(it.to_string()))?;
    if inventory.version > INVENTORY_VERSION {
        return Err(wrong(format!(
            "it is of version {}, and this program reads up to {INVENTORY_VERSION}",
            inventory.version
        )));
    }
    Ok(inventory)
}
