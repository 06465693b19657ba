//! An entry from a `config.json`.

#![cfg(feature = "cli")]

use accel_core::{Evidence, Platform, Subfamily, Support, Task};
use accelgen::registry::{AddError, NewEntry, add_entry};

use super::support::{BASE, REAL, valid, with};

const ROBERTA: &str = r#"{"_name_or_path": "FacebookAI/roberta-base", "architectures": ["RobertaForMaskedLM"],
    "model_type": "roberta", "hidden_size": 768}"#;

fn new(config_json: &str) -> NewEntry<'_> {
    NewEntry { config_json, key: None, hub_id: None, parameters: Some(124_697_433) }
}

#[test]
fn the_entry_is_added_and_every_byte_stays() {
    let text = add_entry(REAL, &new(ROBERTA)).unwrap();
    let added = text.strip_prefix(REAL).unwrap();
    insta::assert_snapshot!(added);
    let registry = valid(&text);
    let roberta = registry.model("roberta").unwrap();
    assert_eq!(roberta.class, "Roberta");
    assert_eq!(roberta.hub_id, "FacebookAI/roberta-base");
    assert_eq!(roberta.subfamily, Subfamily::MaskedLm);
    assert_eq!(roberta.tasks, [Task::FeatureExtraction, Task::FillMask]);
    assert!(!roberta.key_model);
    for (platform, cell) in &roberta.cells {
        assert_eq!(cell.evidence, Evidence::None);
        let is_real = cell.support == Support::Real;
        assert_eq!(is_real, *platform == Platform::Cpu);
    }
}

#[test]
fn weights_are_counted_where_nobody_says_how_many() {
    // bert-base is the default of its config class; transformers 5.23 builds 109 514 298.
    let bert =
        r#"{"_name_or_path": "a/b", "architectures": ["BertForMaskedLM"], "model_type": "bert"}"#;
    let uncounted = |config| NewEntry { key: Some("other"), parameters: None, ..new(config) };
    let text = add_entry(BASE, &uncounted(bert)).unwrap();
    assert_eq!(valid(&text).model("other").unwrap().parameters, 109_514_298);
    let unknown = bert.replace(r#""bert""#, r#""bertish""#);
    let error = add_entry(BASE, &uncounted(&unknown)).unwrap_err();
    assert!(matches!(error, AddError::Uncounted(_)), "{error}");
    assert!(error.to_string().contains("--parameters"), "{error}");
}

#[test]
fn models_need_not_be_last() {
    let (head, models) = BASE.split_once("models:\n").unwrap();
    let head = head.replace("version: 1\n", "");
    let text = format!("{head}models:\n{models}\n# The layout.\n# Of this file.\nversion: 1\n");
    let added = add_entry(&text, &new(ROBERTA)).unwrap();
    assert!(added.ends_with("\n\n# The layout.\n# Of this file.\nversion: 1\n"), "{added}");
    assert!(added.starts_with(&format!("{head}models:\n{models}")));
    assert!(valid(&added).model("roberta").is_some());
}

#[test]
fn line_ends_and_a_byte_order_mark_stay() {
    let text = format!("\u{feff}{}", BASE.replace('\n', "\r\n"));
    let added = add_entry(&text, &new(ROBERTA)).unwrap();
    assert!(added.starts_with(&text));
    assert!(!added.replace("\r\n", "").contains('\n'));
    let added = add_entry(BASE.trim_end(), &new(ROBERTA)).unwrap();
    assert!(valid(&added).model("roberta").is_some());
}

#[test]
fn what_is_given_goes_before_the_config() {
    let entry = NewEntry { key: Some("mine"), hub_id: Some("me/mine"), ..new(ROBERTA) };
    let registry = valid(&add_entry(BASE, &entry).unwrap());
    assert_eq!(registry.model("mine").unwrap().hub_id, "me/mine");
}

#[test]
fn a_model_that_is_there_is_refused() {
    let key = NewEntry { key: Some("bert"), ..new(ROBERTA) };
    let id = NewEntry { hub_id: Some("google-bert/bert-base-uncased"), ..new(ROBERTA) };
    for entry in [key, id] {
        let error = add_entry(BASE, &entry).unwrap_err();
        assert!(matches!(error, AddError::Duplicate { .. }), "{error}");
    }
    let colliding = NewEntry { key: Some("b_ert"), ..new(ROBERTA) };
    let error = add_entry(BASE, &colliding).unwrap_err();
    assert!(matches!(&error, AddError::Entry(_)), "{error}");
}

#[test]
fn a_config_that_says_too_little_is_an_error_with_advice() {
    let error = |config: &str| add_entry(BASE, &new(config)).unwrap_err();
    assert!(matches!(error("{"), AddError::Json(_)));
    for config in ["{}", "[]", "null", r#"{"model_type": ""}"#] {
        assert!(matches!(error(config), AddError::Missing { key: "model_type", .. }), "{config}");
    }
    assert!(matches!(
        error(r#"{"model_type": "bert"}"#),
        AddError::Missing { key: "architectures", .. }
    ));
    let no_name = ROBERTA.replace("_name_or_path", "name");
    assert!(matches!(error(&no_name), AddError::Missing { key: "_name_or_path", .. }));
    let unknown = r#"{"_name_or_path": "a/b", "architectures": ["Frob"], "model_type": "frob"}"#;
    assert!(matches!(error(unknown), AddError::Unclassified { .. }));
    let bad_key = NewEntry { key: Some("type"), ..new(ROBERTA) };
    assert!(matches!(add_entry(BASE, &bad_key).unwrap_err(), AddError::Key { .. }));
    let none = NewEntry { parameters: Some(0), ..new(ROBERTA) };
    assert!(matches!(add_entry(BASE, &none).unwrap_err(), AddError::Entry(_)));
}

#[test]
fn a_config_cannot_inject_yaml() {
    let path = r#"{"_name_or_path": "a/b\n  evil: 1", "architectures": ["BertForMaskedLM"], "model_type": "bert"}"#;
    let entry = NewEntry { key: Some("other"), ..new(path) };
    assert!(matches!(add_entry(BASE, &entry).unwrap_err(), AddError::Entry(_)));
    let class = r#"{"_name_or_path": "a/b", "architectures": ["x], y: {", "BertForMaskedLM"], "model_type": "bert"}"#;
    let entry = NewEntry { key: Some("other"), ..new(class) };
    assert!(matches!(add_entry(BASE, &entry).unwrap_err(), AddError::Entry(_)));
}

#[test]
fn a_registry_that_is_broken_or_in_braces_is_left_alone() {
    let broken = with(BASE, "version: 1\n", "version: 2\n");
    assert!(matches!(add_entry(&broken, &new(ROBERTA)).unwrap_err(), AddError::Registry(_)));
    let (head, models) = BASE.split_once("models:\n").unwrap();
    let flow = models.replacen("  bert:\n", "", 1);
    let flow: Vec<String> = flow
        .lines()
        .filter(|it| it.starts_with("    ") && !it.starts_with("      "))
        .filter(|it| !it.trim().starts_with("platforms"))
        .map(|it| it.trim().to_owned())
        .collect();
    let cells: Vec<&str> =
        models.lines().filter(|it| it.starts_with("      ")).map(str::trim).collect();
    let text = format!(
        "{head}models: {{ bert: {{ {}, platforms: {{ {} }} }} }}\n",
        flow.join(", "),
        cells.join(", ")
    );
    valid(&text);
    assert!(matches!(add_entry(&text, &new(ROBERTA)).unwrap_err(), AddError::FlowStyle));
}
