//! Every code, by a registry that has this problem and no other.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use accelgen::registry::{Code, MAX_BYTES, Severity, parse};

use super::support::{BASE, base_and, base_with, codes};

/// A change to the base for every code, some with several.
const CHANGES: &[(Code, &[(&str, &str)])] = &[
    (Code::Syntax, &[("tasks: [feature-extraction, fill-mask]", "tasks: [feature-extraction")]),
    (Code::Alias, &[("class: BERT", "class: &a BERT")]),
    (Code::Alias, &[("class: BERT", "class: *a")]),
    (Code::Tag, &[("class: BERT", "class: !!str BERT")]),
    (Code::HiddenCharacter, &[("No browser.", "No \u{202e}browser.")]),
    (Code::SeveralDocuments, &[("version: 1\n", "version: 1\n---\nversion: 1\n")]),
    (Code::DuplicateKey, &[("    class: BERT\n", "    class: BERT\n    class: Bert\n")]),
    (Code::BadKey, &[("    class: BERT\n", "    class: BERT\n    1: x\n")]),
    (Code::BadKey, &[("    class: BERT\n", "    class: BERT\n    [a]: x\n")]),
    (Code::WrongType, &[("key_model: true", "key_model: yes")]),
    (Code::WrongType, &[("class: BERT", "class: 1")]),
    (Code::WrongType, &[("class: BERT", "class: [BERT]")]),
    (Code::WrongType, &[("class: BERT", "class:")]),
    (Code::WrongType, &[("parameters: 109514298", "parameters: 1.5")]),
    (Code::WrongType, &[("parameters: 109514298", "parameters: 0777")]),
    (Code::WrongType, &[("parameters: 109514298", "parameters: \"1\"")]),
    (Code::WrongType, &[("tasks: [feature-extraction, fill-mask]", "tasks: fill-mask")]),
    (
        Code::UnknownKey,
        &[("    model_dir:", "    model_dirr:"), ("evidence: ci", "evidence: none")],
    ),
    (Code::UnknownKey, &[("options: { max_batch: 24 }", "options: { tf32: true }")]),
    (Code::UnknownKey, &[("options: { precision: fp16 }", "options: { precison: fp16 }")]),
    (Code::MissingKey, &[("    class: BERT\n", "")]),
    (Code::MissingKey, &[(", layout: nhwc", "")]),
    (Code::UnknownName, &[("support: simulation", "support: simulated")]),
    (Code::UnknownName, &[("evidence: compiled", "evidence: compile")]),
    (Code::UnknownName, &[("options: { precision: fp16 }", "options: { precision: fp17 }")]),
    (Code::OutOfRange, &[("options: { max_batch: 24 }", "options: { max_batch: 0 }")]),
    (Code::OutOfRange, &[("parameters: 109514298", "parameters: 0")]),
    (Code::OutOfRange, &[("parameters: 109514298", "parameters: 99999999999999999999999")]),
    (Code::EmptyValue, &[("reason: No browser.", "reason: ''")]),
    (Code::EmptyValue, &[("[cuda, openvino, cpu]", "[]")]),
    (Code::Repeated, &[("[cuda, openvino, cpu]", "[cuda, openvino, cuda]")]),
    (Code::UnknownVersion, &[("version: 1\n", "version: 2\n")]),
    (Code::BadIdentifier, &[("  bert:\n", "  BERT-base:\n")]),
    (Code::BadIdentifier, &[("  bert:\n", "  ../../etc/bert:\n")]),
    (Code::ReservedIdentifier, &[("  bert:\n", "  type:\n")]),
    (Code::BadHubId, &[("google-bert/bert-base-uncased", "bert-base-uncased")]),
    (
        Code::BadRevision,
        &[("revision: 0123456789abcdef0123456789abcdef01234567", "revision: ../main")],
    ),
    (Code::BadModelDir, &[("fixtures/bert", "../bert")]),
    (Code::BadText, &[("No browser.", "\"No\\nbrowser.\"")]),
    (Code::BadTolerance, &[("max_abs: 1.0e-4", "max_abs: 0")]),
    (Code::BadTolerance, &[("max_abs: 1.0e-4", "max_abs: 1e400")]),
    (Code::BadTolerance, &[("min_cosine: 0.99999,", "min_cosine: 1.01,")]),
    (Code::BadTolerance, &[("min_sqnr_db: 80.0 ", "min_sqnr_db: -1.0 ")]),
    (Code::BadTolerance, &[("min_sqnr_db: 80.0 ", "min_sqnr_db: .inf ")]),
    (Code::BadDate, &[("2026-11-20", "2026-02-30")]),
    (Code::BadConfigName, &[("model_type: bert", "model_type: bert base")]),
    (
        Code::RealWithReason,
        &[("support: real, evidence: compiled", "support: real, reason: x, evidence: compiled")],
    ),
    (Code::NoReason, &[(", reason: No browser.", "")]),
    (
        Code::UnsupportedWithSettings,
        &[("evidence: none, reason: No browser.", "evidence: compiled, reason: No browser.")],
    ),
    (
        Code::UnsupportedWithSettings,
        &[("reason: No browser.", "reason: No browser., options: { threads: 2 }")],
    ),
    (Code::EvidenceWithoutModel, &[("    model_dir: fixtures/bert\n", "")]),
    (
        Code::SimulationWithEvidence,
        &[("support: simulation, evidence: none", "support: simulation, evidence: ci")],
    ),
    (Code::MissingPlatform, &[("      mps: { support: real, evidence: compiled }\n", "")]),
    (
        Code::ImpossibleTask,
        &[
            ("[BertForMaskedLM]", "[ViTForImageClassification]"),
            ("model_type: bert", "model_type: vit"),
            ("[feature-extraction, fill-mask]", "[feature-extraction]"),
            ("  embedding:\n", "  vision:\n"),
        ],
    ),
    (
        Code::Unclassified,
        &[
            ("[BertForMaskedLM]", "[Frob]"),
            ("model_type: bert", "model_type: frob"),
            ("[feature-extraction, fill-mask]", "[feature-extraction]"),
        ],
    ),
    (Code::NoTolerance, &[("options: { precision: fp16 }", "options: { precision: q4 }")]),
    (Code::OtherCount, &[("109514298\n", "109514299\n    config: {}\n")]),
    (Code::OtherCount, &[("109514298\n", "109514298\n    config: { num_hidden_layers: 11 }\n")]),
    (Code::Uncountable, &[("109514298\n", "109514298\n    config: { num_hidden_layers: many }\n")]),
    (Code::Repeated, &[("109514298\n", "109514298\n    config: { model_type: bert }\n")]),
    (Code::WrongType, &[("109514298\n", "109514298\n    config: [bert]\n")]),
    (Code::OutOfRange, &[("109514298\n", "109514298\n    config: { hidden_size: 0x300 }\n")]),
    (Code::UnplannedCase, &[("{ dynamic_shapes: Recompiles", "{ generates_text: Recompiles")]),
    (Code::UnplannedCase, &[("{ dynamic_shapes: Recompiles", "{ records_first_run: Recompiles")]),
    (
        Code::NoPipeline,
        &[
            ("[BertForMaskedLM]", "[BertForTokenClassification]"),
            ("[feature-extraction, fill-mask]", "[token-classification]"),
        ],
    ),
    (Code::NoFamilyDefaults, &[("  embedding:\n", "  video:\n")]),
    (
        Code::OverridesClassifier,
        &[
            ("[BertForMaskedLM]", "[BertForQuestions]\n    subfamily: masked_lm"),
            ("model_type: bert", "model_type: vit"),
            ("[feature-extraction, fill-mask]", "[feature-extraction]"),
        ],
    ),
    (Code::ConflictingEvidence, &[("model_type: bert", "model_type: llama")]),
    (
        Code::UnpinnedRevision,
        &[("revision: 0123456789abcdef0123456789abcdef01234567", "revision: main")],
    ),
];

/// Every code with a text that has it.
fn cases() -> Vec<(Code, String)> {
    let mut cases: Vec<(Code, String)> =
        CHANGES.iter().map(|(code, changes)| (*code, base_with(changes))).collect();
    cases.push((Code::Empty, "# nothing yet\n".to_owned()));
    cases.push((Code::TooDeep, format!("a: {}", "[".repeat(40))));
    cases.push((Code::TooLarge, format!("{BASE}#{}", " ".repeat(MAX_BYTES))));
    cases.push((Code::CollidingIdentifier, base_and("b_ert")));
    cases
}

#[test]
fn every_code_has_a_registry_that_gives_it_and_nothing_else() {
    for (code, text) in cases() {
        assert_eq!(codes(&text), [code], "{}", shortened(&text));
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(10_000).collect()
}

#[test]
fn every_code_is_produced() {
    let produced: BTreeSet<Code> = cases().iter().flat_map(|(_, text)| codes(text)).collect();
    let missing: Vec<&Code> = Code::ALL.iter().filter(|it| !produced.contains(it)).collect();
    assert!(missing.is_empty(), "no test gives {missing:?}");
}

#[test]
fn codes_are_unique_and_say_how_bad_they_are() {
    let ids: BTreeSet<&str> = Code::ALL.iter().map(|it| it.id()).collect();
    assert_eq!(ids.len(), Code::ALL.len());
    for code in Code::ALL {
        let severity = if code.id().starts_with('E') { Severity::Error } else { Severity::Warning };
        assert_eq!(code.severity(), severity);
        assert!(!code.meaning().is_empty());
    }
}

#[test]
fn problems_read_well() {
    let mut page = String::new();
    for (code, text) in cases() {
        let list = match parse(&text, "registry.yaml") {
            Ok(registry) => registry.warnings,
            Err(problems) => problems.list,
        };
        for problem in list.iter().filter(|it| it.code == code) {
            writeln!(page, "{problem}\n").unwrap();
        }
    }
    insta::assert_snapshot!(page);
}
