//! `accel hardware`: what this machine has, or one that was recorded.

mod args;
mod human;

use accel_runtime::hardware::{
    Bundle, CacheOptions, Inventory, Private, detect_cached, inventory, redact,
};

use crate::console::Console;
use crate::failure::Failure;

pub(crate) use args::{EXAMPLES, HardwareArgs};

/// Prints the inventory.
pub(crate) fn hardware(args: &HardwareArgs, console: Console) -> Result<(), Failure> {
    let inventory = match &args.replay {
        Some(path) => inventory(&Bundle::read(path)?),
        None => detected(args, console)?,
    };
    if console.json() {
        console.print(&json(&inventory));
    } else {
        console.print(&human::text(&inventory, console.paint));
    }
    Ok(())
}

fn detected(args: &HardwareArgs, console: Console) -> Result<Inventory, Failure> {
    let spinner = args.browsers.then(|| console.spinner("asking the browser".to_owned()));
    let detected = detect_cached(&CacheOptions {
        path: args.cache.clone(),
        refresh: args.refresh,
        browsers: args.browsers,
    });
    drop(spinner);
    for note in &detected.notes {
        console.note(note);
    }
    if let Some(path) = &args.record {
        let bundle = redact(&detected.bundle, &Private::here());
        bundle
            .write(path)
            .map_err(|error| Failure::failed("io", format!("cannot write the record: {error}")))?;
        console.note(&format!(
            "what was read is in {}; look at it before you give it away",
            path.display()
        ));
    }
    Ok(detected.inventory)
}

/// The inventory has a version of its own.
fn json(inventory: &Inventory) -> String {
    let text = serde_json::to_string_pretty(inventory);
    text.unwrap_or_else(|it| crate::json::document(serde_json::json!({ "error": it.to_string() })))
        + "\n"
}
