//! The JSON Schema beside the registry.

#![cfg(feature = "cli")]

use accelgen::registry::schema;

use super::support::REAL;

#[test]
fn the_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/model_registry.schema.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == schema(),
        "model_registry.schema.json is not what the Rust types say; run: \
         accelgen registry schema > model_registry.schema.json"
    );
}

#[test]
fn the_schema_is_always_the_same() {
    let first = schema();
    assert_eq!(first, schema());
    assert!(first.ends_with("}\n") && !first.contains('\r'));
}

#[test]
fn the_registry_names_its_schema_for_editors() {
    let first = REAL.lines().next();
    assert_eq!(first, Some("# yaml-language-server: $schema=./model_registry.schema.json"));
}
