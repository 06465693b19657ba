//! Small registries made for the tests, so that snapshots do not change with the real one.

use std::fmt::Write;

use accelgen::registry::Registry;

/// One model of each pipeline, and so of each family.
pub(crate) const MODELS: [(&str, &str, &str, &str); 10] = [
    ("tiny_encoder", "BertForMaskedLM", "bert", "[feature-extraction, fill-mask]"),
    ("tiny_decoder", "Qwen3ForCausalLM", "qwen3", "[text-generation]"),
    ("tiny_translator", "T5ForConditionalGeneration", "t5", "[text2text-generation]"),
    ("tiny_eye", "ViTForImageClassification", "vit", "[image-classification]"),
    ("tiny_finder", "DetrForObjectDetection", "detr", "[object-detection]"),
    ("tiny_ear", "Wav2Vec2ForCTC", "wav2vec2", "[automatic-speech-recognition]"),
    ("tiny_sound", "ClapModel", "clap", "[zero-shot-audio-classification]"),
    ("tiny_pair", "CLIPModel", "clip", "[zero-shot-image-classification]"),
    ("tiny_witness", "LlavaForConditionalGeneration", "llava", "[image-text-to-text]"),
    ("tiny_film", "XCLIPModel", "xclip", "[zero-shot-video-classification]"),
];

const PLATFORMS: &str = "\
version: 1
platforms:
  cpu:
    options: { precision: fp32, graph_optimization: all, threads: 0, max_batch: 32, memory_limit_bytes: 0, cpu_fallback_percent: 0, engine: rten, prepack_weights: false, pin_threads: false }
    tolerances: { fp32: { max_abs: 1.0e-4, min_cosine: 0.99999, min_sqnr_db: 80.0 } }
  cuda:
    options: { precision: fp32, graph_optimization: all, threads: 0, max_batch: 32, memory_limit_bytes: 8000000000, cpu_fallback_percent: 0, device_id: 0, arena: next_power_of_two, tf32: false, cuda_graph: false, conv_search: heuristic, conv_max_workspace: true, prefer_nhwc: false, copy_in_default_stream: true }
    tolerances: { fp32: { max_abs: 1.0e-3, min_cosine: 0.9999, min_sqnr_db: 60.0 }, fp16: { max_abs: 1.0e-2, min_cosine: 0.999, min_sqnr_db: 30.0 } }
  rocm:
    options: { precision: fp16, graph_optimization: all, threads: 0, max_batch: 32, memory_limit_bytes: 0, cpu_fallback_percent: 0, device_id: 1, fp16: false, int8: false, exhaustive_tune: false, model_cache: true }
    tolerances: { fp16: { max_abs: 1.0e-2, min_cosine: 0.999, min_sqnr_db: 30.0 } }
  mps:
    options: { precision: fp16, graph_optimization: extended, threads: 0, max_batch: 16, memory_limit_bytes: 0, cpu_fallback_percent: 10, format: ml_program, compute_units: all, specialization: default, low_precision_accumulation: false, static_shapes: false, model_cache: true }
    tolerances: { fp16: { max_abs: 1.0e-2, min_cosine: 0.999, min_sqnr_db: 30.0 } }
  openvino:
    options: { precision: int8, graph_optimization: all, threads: 4, max_batch: 32, memory_limit_bytes: 0, cpu_fallback_percent: 0, device: auto, device_index: 0, inference_precision: f32, performance_hint: latency, streams: 2, pin_threads: false, model_cache: true }
    tolerances: { int8: { max_abs: 0.1, min_cosine: 0.99, min_sqnr_db: 14.0 } }
  webnn:
    options: { precision: fp32, graph_optimization: basic, threads: 1, max_batch: 1, memory_limit_bytes: 500000000, cpu_fallback_percent: 0, device: gpu, power_preference: default }
    tolerances: { fp32: { max_abs: 1.0e-3, min_cosine: 0.9999, min_sqnr_db: 60.0 } }
  webgpu:
    options: { precision: q4, graph_optimization: \"off\", threads: 1, max_batch: 1, memory_limit_bytes: 500000000, cpu_fallback_percent: 0, power_preference: high-performance, layout: nhwc }
    tolerances: { q4: { max_abs: 0.5, min_cosine: 0.9, min_sqnr_db: 6.0 } }
families:
";

/// Every family's line of the registry.
fn families() -> String {
    ["embedding", "text_generation", "vision", "audio", "multimodal", "video"]
        .map(|it| format!("  {it}: {{ platform_priority: [cuda, openvino, cpu] }}\n"))
        .concat()
}

/// One model, its support chosen per platform.
fn model((key, class, model_type, tasks): (&str, &str, &str, &str), support: &str) -> String {
    let mut text = format!(
        "  {key}:\n    class: Tiny {key}\n    hub_id: tiny/{key}\n    revision: a123456789012345678901234567890123456789\n    \
         architectures: [{class}]\n    model_type: {model_type}\n    tasks: {tasks}\n    key_model: true\n    \
         parameters: 1234567\n    platforms:\n"
    );
    for platform in ["cpu", "cuda", "rocm", "mps", "openvino", "webnn", "webgpu"] {
        writeln!(text, "      {platform}: {support}").unwrap();
    }
    text
}

/// All of [`MODELS`], every cell with this support.
pub(crate) fn yaml(support: &str, reversed: bool) -> String {
    let mut models: Vec<String> = MODELS.iter().map(|it| model(*it, support)).collect();
    if reversed {
        models.reverse();
    }
    format!("{PLATFORMS}{}models:\n{}", families(), models.concat())
}

pub(crate) const REAL: &str = "{ support: real, evidence: none }";
pub(crate) const SIMULATION: &str = "{ support: simulation, evidence: none, reason: \"no \\\"device\\\" */ here\", expected_failures: { loads: \"it \\\"cannot\\\"\" } }";

/// Parses, and shows every problem if that fails.
#[track_caller]
pub(crate) fn parse(yaml: &str) -> Registry {
    accelgen::registry::parse(yaml, "synthetic.yaml").unwrap_or_else(|it| panic!("{it}"))
}
