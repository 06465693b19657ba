//! What cannot be estimated is an error that helps, never a panic, an endless loop or a number.

use accel_core::estimate::{EstimateError, Request, Workload, estimate, parameters};
use accel_core::{Config, Precision};
use serde_json::{Value, json};

fn refused(config: Value) -> EstimateError {
    let config: Config = serde_json::from_value(config).unwrap();
    parameters(&config).unwrap_err()
}

#[test]
fn what_no_rules_exist_for_is_named_with_a_way_out() {
    assert_eq!(refused(json!({})), EstimateError::NoModelType);
    let error = refused(json!({"model_type": "llamma"}));
    let text = error.to_string();
    for part in ["`llamma`", "did you mean `llama`", "headers", "whisper"] {
        assert!(text.contains(part), "{text}");
    }
    let error = refused(json!({"model_type": "bert", "architectures": ["BertForDreams"]}));
    assert!(matches!(error, EstimateError::UnknownArchitecture { .. }), "{error}");
    // A class of another model is no class of this one.
    let error = refused(json!({"model_type": "bert", "architectures": ["GPT2LMHeadModel"]}));
    assert!(matches!(error, EstimateError::UnknownArchitecture { .. }), "{error}");
}

#[test]
fn malformed_values_name_their_key() {
    let cases = [
        (json!({"model_type": "bert", "hidden_size": -1}), "hidden_size"),
        (json!({"model_type": "bert", "hidden_size": "768"}), "hidden_size"),
        (json!({"model_type": "bert", "hidden_size": 7.5}), "hidden_size"),
        (json!({"model_type": "llama", "num_attention_heads": 0}), "num_attention_heads"),
        (json!({"model_type": "vit", "patch_size": 0}), "patch_size"),
        (json!({"model_type": "swin", "depths": [], "num_heads": []}), "depths"),
        (json!({"model_type": "resnet", "layer_type": "odd"}), "layer_type"),
        (json!({"model_type": "clip", "text_config": 3}), "text_config"),
        (
            json!({"model_type": "clip", "text_config": {"vocab_size": []}}),
            "text_config.vocab_size",
        ),
        (json!({"model_type": "llama", "attention_bias": "yes"}), "attention_bias"),
        (json!({"model_type": "detr", "backbone": "tf_efficientnet"}), "backbone"),
        (json!({"model_type": "qwen3_moe", "decoder_sparse_step": 0}), "decoder_sparse_step"),
        (json!({"model_type": "swin", "mlp_ratio": -2.0}), "mlp_ratio"),
    ];
    for (config, key) in cases {
        let error = refused(config.clone());
        assert!(matches!(error, EstimateError::Malformed { .. }), "{config}: {error}");
        assert!(error.to_string().contains(&format!("`{key}`")), "{config}: {error}");
    }
}

#[test]
fn numbers_beyond_all_bounds_are_refused_at_once() {
    let large = i64::MAX;
    let stages: Vec<u64> = vec![1; 2000];
    let cases = [
        json!({"model_type": "bert", "hidden_size": large}),
        json!({"model_type": "bert", "num_hidden_layers": large}),
        json!({"model_type": "qwen3_moe", "num_hidden_layers": 16_000_000}),
        json!({"model_type": "convnext", "depths": stages, "hidden_sizes": stages}),
        json!({
            "model_type": "llama", "hidden_size": 1 << 24, "intermediate_size": 1 << 24,
            "num_hidden_layers": 1 << 13, "vocab_size": 1 << 24, "head_dim": 1 << 24,
            "num_attention_heads": 1 << 24,
        }),
    ];
    for config in cases {
        let error = refused(config);
        assert!(matches!(error, EstimateError::Absurd { .. }), "{error}");
    }
}

#[test]
fn absurd_workloads_are_refused() {
    let config: Config = serde_json::from_value(json!({"model_type": "llama"})).unwrap();
    for (batch, context) in [(0, 1), (u32::MAX, 1), (1, u32::MAX)] {
        let workload = Workload { precision: Precision::Fp32, batch, context };
        let error = estimate(&config, &Request::new(workload)).unwrap_err();
        assert!(matches!(error, EstimateError::Absurd { .. }), "{error}");
    }
}

#[test]
fn nothing_that_a_key_may_hold_panics() {
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(1 << 24),
        json!(i64::MAX),
        json!(0.5),
        json!(1e308),
        json!("x"),
        json!([]),
        json!([0]),
        json!([1, 2]),
        json!({}),
    ];
    let text = include_str!("../../src/estimate/defaults.tsv");
    let workload = Workload { precision: Precision::Q4, batch: 2, context: 64 };
    for line in text.lines() {
        let mut columns = line.split('\t');
        let (kind, key) = (columns.next().unwrap(), columns.next().unwrap());
        for value in &values {
            let config = json!({"model_type": kind, key.trim_start_matches('='): value});
            let config: Config = serde_json::from_value(config).unwrap();
            // Any answer will do but a panic.
            let _ = estimate(&config, &Request::new(workload));
        }
    }
}

#[test]
fn defaults_that_were_taken_are_told() {
    let config: Config = serde_json::from_value(json!({
        "model_type": "bert", "architectures": ["BertModel"], "hidden_size": 768,
    }))
    .unwrap();
    let found = parameters(&config).unwrap();
    let said = found.assumptions.join("\n");
    assert!(said.contains("num_hidden_layers = 12"), "{said}");
    assert!(!said.contains(" hidden_size"), "{said}");
    let config: Config = serde_json::from_value(json!({"model_type": "bert"})).unwrap();
    let found = parameters(&config).unwrap();
    assert_eq!(found.architecture, "BertModel");
    assert!(found.assumptions[0].contains("has no head"), "{:?}", found.assumptions);
}
