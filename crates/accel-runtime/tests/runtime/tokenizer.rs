//! Token ids and decoded text against Hugging Face's tokenizers.

use std::fs;

use accel_runtime::{ModelDir, TextTokenizer};

use crate::onnx_bytes::copy_of;
use crate::reference::{Reference, fixture, ids};

fn check(model: &str) {
    let tokenizer = TextTokenizer::open(&ModelDir::open(fixture(model)).unwrap()).unwrap();
    let reference = Reference::open(model);
    let cases = reference.json["tokenizer"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let expected = ids(&case["ids"]);
        assert_eq!(tokenizer.encode(text, true).unwrap(), expected, "{text:?}");
        let decoded = tokenizer.decode(&expected, false).unwrap();
        assert_eq!(decoded, case["decoded"].as_str().unwrap(), "{text:?}");
    }
}

#[test]
fn wordpiece_equals_hugging_face() {
    check("bert");
}

#[test]
fn byte_level_bpe_equals_hugging_face() {
    check("qwen2");
    check("qwen3");
}

#[test]
fn bpe_that_falls_back_to_bytes_equals_hugging_face() {
    check("llama");
}

#[test]
fn the_configured_sides_are_padded_and_cut() {
    for (side, cut_at_start) in [("left", true), ("right", false)] {
        let copy = copy_of(&fixture("bert"));
        let file = copy.path().join("tokenizer_config.json");
        let mut config: serde_json::Value =
            serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        config["padding_side"] = side.into();
        config["truncation_side"] = side.into();
        config["model_max_length"] = 4.into();
        fs::write(&file, config.to_string()).unwrap();
        let tokenizer = TextTokenizer::open(&ModelDir::open(copy.path()).unwrap()).unwrap();
        let all = tokenizer.encode("a b c", false).unwrap();
        let batch = tokenizer.encode_batch(&["a b c", ""]).unwrap();
        let kept = if cut_at_start { &all[1..] } else { &all[..2] };
        assert_eq!(batch.input_ids.as_i64().unwrap()[1..3], *kept, "{side}");
        let mask = if cut_at_start { [0, 0, 1, 1] } else { [1, 1, 0, 0] };
        assert_eq!(batch.attention_mask.as_i64().unwrap()[4..], mask, "{side}");
    }
}

#[test]
fn a_side_that_is_none_is_refused() {
    let copy = copy_of(&fixture("bert"));
    let file = copy.path().join("tokenizer_config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    config["padding_side"] = "up".into();
    fs::write(&file, config.to_string()).unwrap();
    let error = TextTokenizer::open(&ModelDir::open(copy.path()).unwrap()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("tokenizer_config.json") && text.contains("up"), "{text}");
}
