//! Graphs in fewer bits against PyTorch's results in 32: how far off each may be was measured.

use accel_runtime::engine::{Engine, RtenEngine};
use accel_runtime::{GraphFiles, Platform, Tensor};

use crate::reference::{OPTIONS, Reference, fixture, strings};

/// What a file is off by, over all its recorded runs: the worst of each.
struct Off {
    max_abs: f64,
    cosine: f64,
    sqnr_db: f64,
}

/// Runs the file of a precision on every recorded input of `graph`.
fn measure(model: &str, graph: &str, suffix: &str) -> Off {
    let reference = Reference::open(model);
    let path = fixture(model).join(format!("onnx/{graph}{suffix}.onnx"));
    let files = GraphFiles::read(graph, &path).unwrap();
    let session = RtenEngine::new().load(&files, Platform::Cpu, &OPTIONS).unwrap();
    let mut off = Off { max_abs: 0.0, cosine: 1.0, sqnr_db: f64::INFINITY };
    let cases = reference.json["graphs"].as_array().unwrap();
    let mut compared = 0;
    for case in cases.iter().filter(|it| it["graph"] == graph) {
        let place = format!("graphs/{graph}/{}", case["case"].as_str().unwrap());
        let inputs: Vec<_> = strings(&case["inputs"])
            .into_iter()
            .map(|it| (it, reference.tensor(&format!("{place}/in/{it}"))))
            .collect();
        // A token of padding on the left sees nothing; what becomes of it depends on the type.
        let decoder = inputs.iter().any(|(name, _)| name.starts_with("past_"));
        let mask = inputs.iter().find(|(name, _)| decoder && *name == "attention_mask");
        let mask = mask.map(|(_, tensor)| tensor.clone());
        let outputs = strings(&case["outputs"]);
        for (name, got) in outputs.iter().zip(session.execute(inputs, &outputs).unwrap()) {
            let want = reference.tensor(&format!("{place}/out/{name}"));
            let want_shape = want.shape();
            assert_eq!(got.shape(), want_shape, "{model} {name}");
            let (mut signal, mut power, mut noise, mut product) = (0.0, 0.0, 0.0, 0.0);
            let pairs = got.as_f32().unwrap().iter().zip(want.as_f32().unwrap());
            for (index, (got, want)) in pairs.enumerate() {
                if mask.as_ref().is_some_and(|it| is_padding(it, want_shape, index)) {
                    continue;
                }
                let (got, want) = (f64::from(*got), f64::from(*want));
                off.max_abs = off.max_abs.max((got - want).abs());
                signal += want * want;
                power += got * got;
                noise += (got - want).powi(2);
                product += got * want;
            }
            off.cosine = off.cosine.min(product / (signal * power).sqrt());
            off.sqnr_db = off.sqnr_db.min(10.0 * (signal / noise).log10());
            compared += 1;
        }
    }
    assert!(compared > 0);
    off
}

/// Whether an element of logits [batch, new tokens, words] or of a cache [batch, heads, tokens, width]
/// belongs to a token that the mask [batch, tokens] hides.
fn is_padding(mask: &Tensor, shape: &[usize], index: usize) -> bool {
    let (token, tokens, each) = match *shape {
        [_, new, words] => (index / words % new, new, new * words),
        [_, heads, tokens, width] => (index / width % tokens, tokens, heads * tokens * width),
        _ => return false,
    };
    let seen = mask.shape()[1];
    mask.as_i64().unwrap()[index / each * seen + seen - tokens + token] == 0
}

/// Checks files of one fixture: graph, suffix, least signal-to-noise ratio in decibels.
fn check(model: &str, files: &[(&str, &str, f64)]) {
    for (graph, suffix, least) in files {
        let Off { max_abs, cosine, sqnr_db } = measure(model, graph, suffix);
        println!("{model} {graph}{suffix}: {max_abs:.2e} {cosine:.6} {sqnr_db:.1} dB");
        assert!(sqnr_db >= *least, "{model} {graph}{suffix}: {sqnr_db} dB, want {least}");
        // Weights of 32 bits would be far nearer than any of fewer.
        assert!(sqnr_db < 80.0, "{model} {graph}{suffix}: {sqnr_db} dB is that of 32 bits");
    }
}

#[test]
fn bert_is_near() {
    check("bert", &[("model", "_fp16", 40.0), ("model", "_int8", 20.0), ("model", "_qdq", 15.0)]);
}

#[test]
fn vit_is_near() {
    check("vit", &[("model", "_fp16", 40.0), ("model", "_int8", 25.0)]);
}

#[test]
fn llama_is_near() {
    check("llama", &[("model", "_fp16", 40.0), ("model", "_int8", 20.0), ("model", "_q4", 6.0)]);
}

#[test]
fn t5_is_near() {
    for graph in ["encoder_model", "decoder_model", "decoder_with_past_model"] {
        check("t5", &[(graph, "_fp16", 40.0), (graph, "_int8", 17.0)]);
    }
}
