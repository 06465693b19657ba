//! Memory by part, against sums made by hand from published shapes.

use accel_core::estimate::{
    Estimate, ParametersSource, Request, WeightFormat, Workload, estimate, estimate_from_parameters,
};
use accel_core::{Config, Precision};
use serde_json::{Value, json};

fn request(format: WeightFormat, batch: u32, context: u32) -> Request {
    let workload = Workload { precision: format.precision(), batch, context };
    Request { format, ..Request::new(workload) }
}

fn of(config: Value, request: &Request) -> Estimate {
    let config: Config = serde_json::from_value(config).unwrap();
    estimate(&config, request).unwrap()
}

fn llama_2_7b() -> Value {
    json!({"model_type": "llama", "architectures": ["LlamaForCausalLM"]})
}

#[test]
fn a_cache_holds_two_vectors_of_every_head_layer_and_token() {
    // 2 × 32 layers × 32 heads × 128 × 4096 tokens × 2 bytes: the 2 GiB that is well known.
    let found = of(llama_2_7b(), &request(WeightFormat::Fp16, 1, 4096));
    assert_eq!(found.memory_bytes.kv_cache, 2 << 30);
    assert_eq!(found.memory_bytes.weights, 2 * 6_738_415_616);
    // In 32 bits twice that, and a batch of three holds three times.
    let found = of(llama_2_7b(), &request(WeightFormat::Fp32, 3, 4096));
    assert_eq!(found.memory_bytes.kv_cache, 3 * (4 << 30));
}

#[test]
fn grouped_heads_keep_less() {
    // Llama 3 8B: 8 heads of keys for 32 of queries, 1 GiB for 8192 tokens.
    let mut config = llama_2_7b();
    config["num_key_value_heads"] = json!(8);
    config["vocab_size"] = json!(128_256);
    config["intermediate_size"] = json!(14336);
    let found = of(config, &request(WeightFormat::Bf16, 1, 8192));
    assert_eq!(found.memory_bytes.kv_cache, 1 << 30);
    // Falcon 7B: one head of 64 for all, in 32 layers.
    let config = json!({"model_type": "falcon", "architectures": ["FalconForCausalLM"]});
    let found = of(config, &request(WeightFormat::Fp16, 1, 2048));
    assert_eq!(found.memory_bytes.kv_cache, 2 * 32 * 64 * 2048 * 2);
}

#[test]
fn compressed_and_sliding_caches_are_counted_as_such_and_said_so() {
    let config = json!({"model_type": "deepseek_v3", "architectures": ["DeepseekV3ForCausalLM"]});
    let found = of(config, &request(WeightFormat::Bf16, 1, 1000));
    assert_eq!(found.memory_bytes.kv_cache, (512 + 64) * 61 * 1000 * 2);
    assert!(found.assumptions.iter().any(|it| it.contains("compressed")));
    // Mistral 7B: no layer keeps more than 4096 tokens.
    let config = json!({"model_type": "mistral", "architectures": ["MistralForCausalLM"]});
    let found = of(config, &request(WeightFormat::Fp16, 1, 32768));
    assert_eq!(found.memory_bytes.kv_cache, 2 * 32 * 8 * 128 * 4096 * 2);
    // Gemma 2: every other layer, and `layer_types` where it is given.
    let mut config = json!({
        "model_type": "gemma2", "architectures": ["Gemma2ForCausalLM"], "num_hidden_layers": 4,
    });
    let width = 2 * 4 * 256 * 2;
    let found = of(config.clone(), &request(WeightFormat::Fp16, 1, 8192));
    assert_eq!(found.memory_bytes.kv_cache, width * (2 * 8192 + 2 * 4096));
    let (full, sliding) = ("full_attention", "sliding_attention");
    config["layer_types"] = json!([sliding, sliding, sliding, full]);
    let found = of(config, &request(WeightFormat::Fp16, 1, 8192));
    assert_eq!(found.memory_bytes.kv_cache, width * (8192 + 3 * 4096));
}

#[test]
fn a_decoder_keeps_its_encoder_and_an_encoder_keeps_nothing() {
    let config = json!({
        "model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"],
    });
    // whisper-tiny: its own tokens, 448 at most, and 1500 of the encoder, in 4 layers of 384.
    let found = of(config, &request(WeightFormat::Fp32, 1, 100_000));
    assert_eq!(found.memory_bytes.kv_cache, 2 * 384 * 4 * (448 + 1500) * 4);
    let config = json!({"model_type": "bert", "architectures": ["BertForMaskedLM"]});
    let found = of(config, &request(WeightFormat::Fp32, 1, 512));
    assert_eq!(found.memory_bytes.kv_cache, 0);
}

#[test]
fn a_decoder_without_a_head_keeps_its_cache_and_a_classifier_none() {
    let cache =
        |config: Value| of(config, &request(WeightFormat::Fp16, 1, 4096)).memory_bytes.kv_cache;
    assert_eq!(cache(json!({"model_type": "llama"})), 2 << 30);
    let class = ["LlamaForSequenceClassification"];
    assert_eq!(cache(json!({"model_type": "llama", "architectures": class})), 0);
    assert_eq!(cache(json!({"model_type": "t5", "architectures": ["T5EncoderModel"]})), 0);
}

#[test]
fn scores_grow_with_the_square_and_logits_with_the_vocabulary() {
    let found = |context| of(llama_2_7b(), &request(WeightFormat::Fp16, 1, context)).memory_bytes;
    // 32 heads of 4096 × 4096 scores, before and after the softmax, beside queries, keys, values
    // and twice the stream.
    assert_eq!(found(4096).activations, 2 * (2 * 32 * 4096 * 4096 + 5 * 4096 * 4096));
    let config = json!({"model_type": "bert", "architectures": ["BertForMaskedLM"]});
    let masked = of(config, &request(WeightFormat::Fp32, 8, 512)).memory_bytes;
    assert_eq!(masked.activations, 8 * 4 * 512 * (30522 + 2 * 768));
}

#[test]
fn quantised_weights_come_with_scales_and_whole_embeddings() {
    let found = |format| of(llama_2_7b(), &request(format, 1, 16)).memory_bytes.weights;
    let embeddings = 32000 * 4096;
    let matrices = 6_738_415_616 - embeddings;
    assert_eq!(found(WeightFormat::Int8), 4 * embeddings + matrices);
    assert_eq!(found(WeightFormat::Q4), 4 * embeddings + matrices / 2 + matrices / 32 * 4);
}

#[test]
fn the_batch_that_fits_is_the_largest() {
    let mut asked = request(WeightFormat::Fp16, 1, 2048);
    asked.memory_bytes = Some(24 << 30);
    let batch = of(llama_2_7b(), &asked).requirements.batch_size;
    let needs = |batch| {
        let found = of(llama_2_7b(), &request(WeightFormat::Fp16, batch, 2048));
        found.requirements.min_memory_bytes
    };
    assert!(batch > 1);
    assert!(needs(batch) <= 24 << 30);
    assert!(needs(batch + 1) > 24 << 30);
    asked.memory_bytes = Some(1 << 30);
    assert_eq!(of(llama_2_7b(), &asked).requirements.batch_size, 0);
}

#[test]
fn a_number_alone_gives_a_lower_bound_and_says_so() {
    let workload = Workload { precision: Precision::Fp16, batch: 1, context: 4096 };
    let bound = estimate_from_parameters(6_738_415_616, ParametersSource::Registry, &workload);
    let whole = of(llama_2_7b(), &request(WeightFormat::Fp16, 1, 4096));
    assert_eq!(bound.memory_bytes.weights, whole.memory_bytes.weights);
    assert!(bound.requirements.min_memory_bytes < whole.requirements.min_memory_bytes);
    assert!(bound.assumptions.iter().any(|it| it.contains("lower bound")));
    // The largest number there is is no reason to fail.
    let all = estimate_from_parameters(u64::MAX, ParametersSource::Name, &workload);
    assert_eq!(all.memory_bytes.total(), u64::MAX);
    assert_eq!(all.requirements.recommended_memory_bytes, u64::MAX);
}

#[test]
fn every_covered_type_has_a_memory_too() {
    for model_type in accel_core::estimate::supported_model_types() {
        let config: Config = serde_json::from_value(json!({"model_type": model_type})).unwrap();
        let found = estimate(&config, &request(WeightFormat::Fp32, 1, 128)).unwrap();
        assert!(found.memory_bytes.activations > 0, "{model_type}");
        assert!(found.parameters > 0, "{model_type}");
        let needs = found.requirements;
        assert!(needs.recommended_memory_bytes > needs.min_memory_bytes, "{model_type}");
        assert!((1..=16).contains(&needs.cpu_cores), "{model_type}");
    }
}
