//! Every machine in `bundles/` as one snapshot each: all values, or why there is none.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use accel_runtime::hardware::{Bundle, Inventory, inventory};
use serde_json::Value;

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hardware/bundles")
}

/// A machine by the name of its file.
pub(crate) fn bundle(name: &str) -> Bundle {
    Bundle::read(&folder().join(name).with_extension("json")).unwrap()
}

pub(crate) fn replayed(name: &str) -> Inventory {
    inventory(&bundle(name))
}

pub(crate) fn all() -> Vec<(String, Bundle)> {
    let mut names: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|it| it.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), bundle(&name))).collect()
}

#[test]
fn every_machine_is_judged_as_it_was() {
    let all = all();
    assert!(all.len() >= 20, "{}", all.len());
    for (name, bundle) in all {
        insta::assert_snapshot!(name, lines(&inventory(&bundle)));
    }
}

#[test]
fn bundles_are_small_and_say_where_they_come_from() {
    for (name, bundle) in all() {
        let bytes = fs::metadata(folder().join(&name).with_extension("json")).unwrap().len();
        assert!(bytes < 15_000, "{name}: {bytes}");
        assert!(
            ["recorded", "constructed from documentation"].contains(&&*bundle.origin),
            "{name}: {}",
            bundle.origin
        );
        assert!(!bundle.about.is_empty(), "{name}");
    }
}

/// What holds of every inventory whatever the machine.
#[test]
fn every_value_has_a_source_and_every_negative_a_reason_and_a_remedy() {
    for (name, bundle) in all() {
        check(&name, &inventory(&bundle));
    }
}

#[track_caller]
pub(crate) fn check(name: &str, inventory: &Inventory) {
    visit(&serde_json::to_value(inventory).unwrap(), &mut |fact| {
        assert_ne!(fact["source"], "", "{name}: {fact}");
        assert_eq!(fact["value"].is_null(), fact["reason"].is_string(), "{name}: {fact}");
    });
    assert_eq!(inventory.platforms.len(), 7, "{name}");
    assert!(inventory.platforms[0].available, "{name}: the processor is always there");
    for it in &inventory.platforms {
        assert_eq!(it.available, it.obstacle.is_none(), "{name}: {it:?}");
        for id in &it.devices {
            let device = inventory.device(id).unwrap();
            assert!(device.visible && device.obstacle.is_none(), "{name}: {device:?}");
            assert!(device.platforms.contains(&it.platform), "{name}: {device:?}");
        }
    }
    let obstacles = inventory
        .platforms
        .iter()
        .filter_map(|it| it.obstacle.as_ref())
        .chain(inventory.devices.iter().filter_map(|it| it.obstacle.as_ref()))
        .chain(inventory.engines.iter().filter_map(|it| it.obstacle.as_ref()));
    for it in obstacles {
        assert!(!it.reason.is_empty() && !it.remedy.is_empty(), "{name}: {it:?}");
    }
    let mut ids: Vec<_> = inventory.devices.iter().map(|it| &it.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), inventory.devices.len(), "{name}: two devices of one id");
    for it in &inventory.devices {
        assert!(it.visible || it.obstacle.is_some(), "{name}: hidden without a reason: {it:?}");
    }
}

fn visit(value: &Value, each: &mut dyn FnMut(&Value)) {
    match value {
        Value::Object(fields) if is_fact(value) => {
            let _ = fields;
            each(value);
        }
        Value::Object(fields) => fields.values().for_each(|it| visit(it, each)),
        Value::Array(values) => values.iter().for_each(|it| visit(it, each)),
        _ => {}
    }
}

fn is_fact(value: &Value) -> bool {
    value.get("source").is_some() && value.get("value").is_some()
}

/// One line a value.
fn lines(inventory: &Inventory) -> String {
    let mut text = String::new();
    write(&mut text, "", &serde_json::to_value(inventory).unwrap());
    text
}

fn write(text: &mut String, path: &str, value: &Value) {
    match value {
        Value::Object(_) if is_fact(value) => {
            let _ = match &value["reason"] {
                Value::String(reason) => writeln!(text, "{path}: null, {reason}"),
                _ => writeln!(text, "{path}: {}", plain(&value["value"])),
            };
        }
        Value::Object(fields) => {
            // In which order a map keeps its keys depends on the features of other crates.
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                write(text, &path, value);
            }
        }
        Value::Array(values) if values.iter().any(Value::is_object) => {
            for (index, value) in values.iter().enumerate() {
                let name = ["id", "engine", "platform"].iter().find_map(|it| value[it].as_str());
                let name = name.map_or_else(|| index.to_string(), str::to_owned);
                write(text, &format!("{path}[{name}]"), value);
            }
        }
        _ => _ = writeln!(text, "{path}: {}", plain(value)),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(" "),
        _ => value.to_string(),
    }
}
