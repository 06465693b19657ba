//! Token ids and decoded text against Hugging Face's tokenizers.

use accel_runtime::{ModelDir, TextTokenizer};

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
