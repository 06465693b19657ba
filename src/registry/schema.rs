//! The JSON Schema of a registry, for editors: made from the declarations that also read it.

use std::borrow::Cow;

use accel_core::{OptionField, OptionKind, Platform, Vocabulary, common_option_fields};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map as Object, Value as Json, json};

use super::VERSION;
use super::config::ModelConfig;
use super::decode::{Flag, List, Map, Record, prose};
use super::options::{RawOptions, fields_of, minimum};
use super::raw::{
    Count, EVIDENCE, MaxAbs, MinCosine, MinSqnrDb, Models, PerPlatform, RawCell, RawDevice,
    RawEvidence, RawModel, RawPlatform, RawRegistry, Version,
};

/// The JSON Schema of a registry, pretty-printed, always the same bytes.
///
/// Editors take it from the registry's first line. It knows every key, name and range; what only
/// makes sense together, [`super::parse`] checks.
pub fn schema() -> String {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<RawRegistry>();
    schema.insert("title".to_owned(), json!("accelgen's model registry"));
    format!("{:#}\n", schema.as_value())
}

/// The schema of a record; `values` are the schemas of its keys' values, in order.
pub(super) fn record<R: Record>(about: &[&str], values: Vec<Schema>) -> Schema {
    let mut properties = Object::new();
    for (key, mut value) in R::KEYS.iter().zip(values) {
        value.insert("description".to_owned(), Json::from(prose(key.doc)));
        properties.insert(key.name.to_owned(), value.to_value());
    }
    let required: Vec<&str> = R::KEYS.iter().filter(|it| it.required).map(|it| it.name).collect();
    let mut schema = object(&properties, &required);
    schema.insert("description".to_owned(), Json::from(prose(about)));
    schema
}

/// A mapping with these keys and no others.
fn object(properties: &Object<String, Json>, required: &[&str]) -> Schema {
    let mut schema = json_schema!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// The schema of options.
fn options<'f>(fields: impl Iterator<Item = &'f OptionField>, complete: bool) -> Schema {
    let mut properties = Object::new();
    let mut required = Vec::new();
    for field in fields {
        let value = match field.kind {
            OptionKind::Bool => json!({ "type": "boolean", "description": field.doc }),
            OptionKind::Integer(max) => json!({
                "type": "integer",
                "minimum": minimum(field),
                "maximum": max,
                "description": field.doc,
            }),
            OptionKind::Choice { members, .. } => {
                let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
                json!({ "enum": names, "description": field.doc })
            }
        };
        properties.insert(field.name.to_owned(), value);
        if complete {
            required.push(field.name);
        }
    }
    object(&properties, &required)
}

/// Writes a `JsonSchema` that stands where it is used instead of under `$defs`.
macro_rules! inline {
    ($( [$($generics:tt)*] $type:ty, $name:literal, $generator:ident => $schema:expr; )+) => { $(
        impl<$($generics)*> JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )+ };
}

inline! {
    [] Version, "Version", _generator => json_schema!({ "const": VERSION });
    [] ModelConfig, "ModelConfig", _generator => json_schema!({ "type": "object" });
    [] Flag, "Flag", _generator => json_schema!({ "type": "boolean" });
    [] Count, "Count", _generator =>
        json_schema!({ "type": "integer", "minimum": 1, "maximum": i64::MAX });
    [] MaxAbs, "MaxAbs", _generator => json_schema!({ "type": "number", "exclusiveMinimum": 0 });
    [] MinCosine, "MinCosine", _generator =>
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 });
    [] MinSqnrDb, "MinSqnrDb", _generator =>
        json_schema!({ "type": "number", "minimum": 0, "maximum": MinSqnrDb::MAX });
    [] RawOptions, "Options", _generator => options(common_option_fields().iter(), false);
    [T: JsonSchema] List<T>, "List", generator => json_schema!({
        "type": "array",
        "items": generator.subschema_for::<T>(),
        "minItems": 1,
        "uniqueItems": true,
    });
    [K: Vocabulary, V: JsonSchema] Map<K, V>, "Map", generator => {
        let value = generator.subschema_for::<V>().to_value();
        let properties = K::ALL.iter().map(|it| (it.name().to_owned(), value.clone()));
        object(&properties.collect(), &[])
    };
    [V: JsonSchema + PerPlatformValue] PerPlatform<V>, "PerPlatform", generator => {
        let properties = Platform::ALL.iter().map(|platform| {
            let name = format!("{}_{platform}", V::schema_name());
            let mut schema = V::json_schema(generator);
            let options = options(fields_of(*platform), V::COMPLETE_OPTIONS);
            set_options(&mut schema, options);
            generator.definitions_mut().insert(name.clone(), schema.to_value());
            (platform.name().to_owned(), json!({ "$ref": format!("#/$defs/{name}") }))
        });
        let properties = properties.collect();
        let all: Vec<&str> = Platform::ALL.iter().map(|it| it.name()).collect();
        object(&properties, &all)
    };
    [] Models, "Models", generator => json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^[a-z][a-z0-9]*(_[a-z0-9]+)*$", "maxLength": 64 },
        "additionalProperties": generator.subschema_for::<RawModel>(),
        "minProperties": 1,
    });
    [] RawEvidence, "Evidence", generator => {
        let words = EVIDENCE.iter().map(|(name, _, doc)| json!({ "const": name, "description": doc }));
        let device = generator.subschema_for::<RawDevice>().to_value();
        json_schema!({ "oneOf": words.chain([device]).collect::<Vec<Json>>() })
    };
}

/// A record whose `options` are a platform's.
trait PerPlatformValue {
    /// Whether every option must be written.
    const COMPLETE_OPTIONS: bool;
}

impl PerPlatformValue for RawPlatform {
    const COMPLETE_OPTIONS: bool = true;
}

impl PerPlatformValue for RawCell {
    const COMPLETE_OPTIONS: bool = false;
}

/// Puts a platform's own options in the place of the common ones, their description kept.
fn set_options(schema: &mut Schema, mut options: Schema) {
    let property = schema
        .get_mut("properties")
        .and_then(Json::as_object_mut)
        .and_then(|it| it.get_mut("options"));
    if let Some(property) = property {
        if let Some(description) = property.get("description") {
            options.insert("description".to_owned(), description.clone());
        }
        *property = options.to_value();
    }
}

#[cfg(test)]
mod tests {
    use schemars::{JsonSchema, SchemaGenerator};
    use serde_json::Value as Json;

    use crate::registry::Code;
    use crate::registry::context::Context;
    use crate::registry::decode::{Decode, Record};
    use crate::registry::raw::{
        RawCell, RawDevice, RawFamily, RawModel, RawPlatform, RawRegistry, RawTolerance,
    };
    use crate::registry::yaml;
    use accel_core::Precision;

    /// Codes that reading a mapping with one key gives.
    fn codes<R: Decode>(key: &str) -> Vec<Code> {
        let text = format!("{key}: 1");
        let mut cx = Context::new(&text, "test.yaml");
        let root = yaml::read(&mut cx).unwrap();
        drop(R::decode(&root, &mut cx));
        cx.finish(None).unwrap_err().list.iter().map(|it| it.code).collect()
    }

    fn check<R: Record + Decode + JsonSchema>() {
        let schema = R::json_schema(&mut SchemaGenerator::default());
        let properties = schema.get("properties").and_then(Json::as_object).unwrap();
        assert_eq!(properties.len(), R::KEYS.len());
        for key in properties.keys() {
            assert!(!codes::<R>(key).contains(&Code::UnknownKey), "{} {key}", R::WHAT);
        }
        assert!(codes::<R>("zzz").contains(&Code::UnknownKey));
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Json::as_array)
            .map_or_else(Vec::new, |it| it.iter().filter_map(Json::as_str).collect());
        let missing = codes::<R>("zzz").iter().filter(|it| **it == Code::MissingKey).count();
        assert_eq!(missing, required.len(), "{}", R::WHAT);
    }

    #[test]
    fn the_schema_has_the_keys_that_reading_accepts() {
        check::<RawRegistry>();
        check::<RawPlatform>();
        check::<RawFamily>();
        check::<RawTolerance>();
        check::<RawModel>();
        check::<RawCell>();
        check::<RawDevice>();
    }

    #[test]
    fn a_platform_has_its_own_options() {
        let schema: Json = serde_json::from_str(&super::schema()).unwrap();
        let options = |name: &str| schema["$defs"][name]["properties"]["options"].clone();
        assert!(options("Cell_cuda")["properties"]["tf32"].is_object());
        assert!(options("Cell_cpu")["properties"]["tf32"].is_null());
        assert!(options("Family")["properties"]["tf32"].is_null());
        assert_eq!(options("Platform_cpu")["required"].as_array().unwrap().len(), 9);
        let names = &schema["$defs"]["Platform_cpu"]["properties"]["tolerances"]["properties"];
        assert!(names[Precision::Q4.name()].is_object());
    }
}
