//! What a valid registry becomes.

use accel_core::{
    CaseName, Evidence, Family, OptionValue, Platform, Precision, Subfamily, Support, Task,
    Tolerance, Vocabulary, common_option_fields, device_option_fields,
};

use super::support::{BASE, REAL, base_and, base_with, valid};

#[test]
fn a_model_has_what_is_written() {
    let registry = valid(BASE);
    assert_eq!(registry.warnings, []);
    let bert = registry.model("bert").unwrap();
    assert_eq!(registry.model("berd"), None);
    assert_eq!(bert.key.as_str(), "bert");
    assert_eq!((bert.class.as_str(), bert.model_type.as_str()), ("BERT", "bert"));
    assert_eq!(bert.architectures, ["BertForMaskedLM"]);
    assert_eq!(bert.tasks, [Task::FeatureExtraction, Task::FillMask]);
    assert_eq!((bert.key_model, bert.parameters), (true, 109_514_298));
    assert_eq!(bert.model_dir, "fixtures/bert");
    assert_eq!((bert.subfamily, bert.family()), (Subfamily::MaskedLm, Family::Embedding));
    assert_eq!(bert.classification.subfamily, Subfamily::MaskedLm);
    assert_eq!(bert.cells.len(), Platform::ALL.len());

    let cell = |platform| bert.cells.get(&platform).unwrap();
    assert_eq!(
        (cell(Platform::Cpu).support, cell(Platform::Cpu).reason.as_str()),
        (Support::Real, "")
    );
    assert_eq!(cell(Platform::Webnn).reason, "No run has shown it yet.");
    let run = Evidence::Device { device: "NVIDIA H100".into(), date: "2026-11-20".into() };
    assert_eq!(cell(Platform::Cuda).evidence, run);
    let failures = &cell(Platform::Openvino).expected_failures;
    assert_eq!(failures.get(&CaseName::DynamicShapes).unwrap(), "Recompiles for every shape.");
}

#[test]
fn a_cell_goes_before_its_family_and_its_family_before_the_platform() {
    let registry = valid(BASE);
    let cells = &registry.model("bert").unwrap().cells;
    let rocm = cells.get(&Platform::Rocm).unwrap();
    // The cell's own, the family's, the platform's.
    assert_eq!(rocm.options.get("precision"), Some(&OptionValue::Choice("fp16")));
    assert_eq!(rocm.options.get("max_batch"), Some(&OptionValue::Integer(24)));
    assert_eq!(rocm.options.get("model_cache"), Some(&OptionValue::Bool(true)));
    let half = Tolerance { max_abs: 1.0e-2, min_cosine: 0.999, min_sqnr_db: 30.0 };
    assert_eq!(rocm.tolerances.get(&Precision::Fp16), Some(&half));
    assert!(rocm.tolerances.contains_key(&Precision::Fp32));
    let priority = &registry.families.get(&Family::Embedding).unwrap().platform_priority;
    assert_eq!(priority, &[Platform::Cuda, Platform::Openvino, Platform::Cpu]);
}

#[test]
fn every_cell_has_every_option_of_its_platform() {
    for (platform, cell) in &valid(BASE).model("bert").unwrap().cells {
        let fields = common_option_fields().iter().chain(device_option_fields(*platform));
        let mut names: Vec<&str> = fields.map(|it| it.name).collect();
        names.sort_unstable();
        assert!(cell.options.keys().copied().eq(names), "{platform}");
    }
}

#[test]
fn the_order_of_the_file_does_not_matter() {
    let (head, models) =
        base_and("aaa").split_once("models:\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (bert, aaa) = models.split_once("  aaa:\n").unwrap();
    let (version, rest) = head.split_once("platforms:\n").unwrap();
    let shuffled = format!("models:\n  aaa:\n{aaa}{bert}platforms:\n{rest}{version}");
    let shuffled = shuffled.replace(
        "      cpu: { support: real, evidence: ci }\n      cuda: { support: real, evidence: { device: NVIDIA H100, date: 2026-11-20 } }\n",
        "      cuda: { evidence: { date: 2026-11-20, device: NVIDIA H100 }, support: real }\n      cpu: { evidence: ci, support: real }\n",
    );
    assert_ne!(shuffled, base_and("aaa"));
    assert_eq!(valid(&shuffled), valid(&base_and("aaa")));
}

#[test]
fn a_model_unknown_to_the_classifier_can_say_what_it_is() {
    let text = base_with(&[
        ("[BertForMaskedLM]", "[Frob]\n    subfamily: masked_lm"),
        ("model_type: bert", "model_type: frob"),
        ("[feature-extraction, fill-mask]", "[feature-extraction]"),
    ]);
    let registry = valid(&text);
    let bert = registry.model("bert").unwrap();
    assert_eq!(bert.subfamily, Subfamily::MaskedLm);
    assert_eq!(bert.classification.evidence, []);
    assert!(bert.classification.confidence < f64::EPSILON);
    assert_eq!(registry.warnings, []);
}

#[test]
fn the_entry_goes_before_the_classifier() {
    let text = base_with(&[
        ("[BertForMaskedLM]", "[Frob]\n    subfamily: masked_lm"),
        ("model_type: bert", "model_type: vit"),
        ("[feature-extraction, fill-mask]", "[feature-extraction]"),
    ]);
    let registry = valid(&text);
    let bert = registry.model("bert").unwrap();
    assert_eq!(bert.subfamily, Subfamily::MaskedLm);
    assert_eq!(bert.classification.subfamily, Subfamily::ImageClassifier);
    assert_eq!(registry.warnings.len(), 1);
}

#[test]
fn words_that_older_yaml_took_for_something_else_are_text() {
    for word in ["no", "on", "off", "yes", "y", "1_000", "12:30:45"] {
        let text = base_with(&[("class: BERT", &format!("class: {word}"))]);
        assert_eq!(valid(&text).model("bert").unwrap().class, word);
    }
    let text = base_with(&[("class: BERT", "class: \"1\"")]);
    assert_eq!(valid(&text).model("bert").unwrap().class, "1");
}

#[test]
fn a_config_counts_the_weights_and_keeps_what_is_written() {
    let written = "109514298\n    config: { hidden_size: 768, layer_norm_eps: 1.0e-12, id2label: { '0': \"NO\" }, list: [1, two, null, true] }\n";
    let registry = valid(&base_with(&[("109514298\n", written)]));
    let config = registry.model("bert").unwrap().config.as_ref().unwrap();
    assert_eq!(config.model_type(), Some("bert"));
    assert_eq!(config.architectures(), ["BertForMaskedLM"]);
    assert_eq!(config.integer("hidden_size"), Some(768));
    assert_eq!(config.number("layer_norm_eps"), Some(1e-12));
    assert_eq!(config.text("id2label.0"), Some("NO"));
    assert_eq!(config.list("list").unwrap().len(), 4);
    assert_eq!(valid(BASE).model("bert").unwrap().config, None);
}

#[test]
fn every_count_of_the_project_follows_from_a_config() {
    for model in valid(REAL).models {
        assert!(model.config.is_some(), "{} has no config", model.key);
    }
}
