//! Weights counted from headers: of files made here, and of the committed fixtures.

use std::fs;
use std::path::Path;

use accel_runtime::weights::{self, onnx, safetensors};
use accel_runtime::{Error, Precision};
use serde_json::{Value, json};

use crate::onnx_bytes::{FLOAT, Message, folder, graph, integer_attribute, model, node, value};

/// A safetensors file with that header and so many bytes of nothing behind it.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

/// A header of tensors one behind the other, each of a name, a type with its bytes, and a shape.
fn header(tensors: &[(&str, &str, u64, &[u64])]) -> (String, usize) {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), json!({"format": "pt"}));
    let mut at = 0;
    for (name, dtype, bytes, shape) in tensors {
        let end = at + bytes * shape.iter().product::<u64>();
        let tensor = json!({"dtype": dtype, "shape": shape, "data_offsets": [at, end]});
        header.insert((*name).to_owned(), tensor);
        at = end;
    }
    (Value::Object(header).to_string(), usize::try_from(at).unwrap())
}

fn write(path: &Path, tensors: &[(&str, &str, u64, &[u64])]) {
    let (header, data) = header(tensors);
    fs::write(path, file(&header, data)).unwrap();
}

#[test]
fn weights_count_and_buffers_do_not() {
    let dir = tempfile::tempdir().unwrap();
    write(
        &dir.path().join("model.safetensors"),
        &[
            ("embeddings.weight", "F32", 4, &[10, 4]),
            ("embeddings.position_ids", "I64", 8, &[1, 10]),
            ("bn.running_mean", "F32", 4, &[4]),
            ("bn.num_batches_tracked", "I64", 8, &[]),
            ("h.0.attn.bias", "BOOL", 1, &[1, 1, 8, 8]),
            ("h.0.attn.c_attn.bias", "F16", 2, &[12]),
            ("logit_scale", "BF16", 2, &[]),
        ],
    );
    let found = weights::count(dir.path(), None).unwrap().unwrap();
    assert_eq!(found.parameters, 40 + 12 + 1);
    assert_eq!(found.tensors, 3);
    assert!(found.notes.iter().any(|it| it.starts_with("4 tensors are buffers")), "{found:?}");
}

#[test]
fn packed_weights_count_as_many_as_they_hold() {
    let dir = tempfile::tempdir().unwrap();
    write(
        &dir.path().join("model.safetensors"),
        &[
            // GPTQ: 8 weights of 4 bits in 32.
            ("a.qweight", "I32", 4, &[16, 10]),
            ("a.qzeros", "I32", 4, &[1, 2]),
            ("a.scales", "F16", 2, &[1, 10]),
            ("a.g_idx", "I32", 4, &[128]),
            // bitsandbytes: 2 of 4 bits in 8.
            ("b.weight", "U8", 1, &[50, 1]),
            ("b.weight.absmax", "U8", 1, &[2]),
            ("b.weight.quant_map", "F32", 4, &[16]),
            ("b.weight.quant_state.bitsandbytes__nf4", "U8", 1, &[9]),
            // FP8 with a scale.
            ("c.weight", "F8_E4M3", 1, &[6, 6]),
            ("c.weight_scale_inv", "F32", 4, &[1, 1]),
        ],
    );
    let found = weights::count(dir.path(), None).unwrap().unwrap();
    assert_eq!(found.parameters, 1280 + 100 + 36);
    assert!(found.notes.iter().any(|it| it.contains("four were taken")), "{found:?}");
    fs::write(dir.path().join("config.json"), r#"{"quantization_config": {"bits": 8}}"#).unwrap();
    let found = weights::count(dir.path(), None).unwrap().unwrap();
    assert_eq!(found.parameters, 640 + 100 + 36);
}

#[test]
fn shards_count_together_and_must_all_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let index = dir.path().join("model.safetensors.index.json");
    let map = |map: Value| fs::write(&index, json!({"weight_map": map}).to_string()).unwrap();
    write(&dir.path().join("1.safetensors"), &[("a", "F32", 4, &[3, 3])]);
    write(&dir.path().join("2.safetensors"), &[("b", "BF16", 2, &[5])]);
    map(json!({"a": "1.safetensors", "b": "2.safetensors"}));
    let found = weights::count(dir.path(), None).unwrap().unwrap();
    assert_eq!((found.parameters, found.files.len()), (14, 2));
    map(json!({"a": "1.safetensors", "b": "3.safetensors"}));
    let error = weights::count(dir.path(), None).unwrap_err();
    assert!(matches!(error, Error::MissingFile { .. }), "{error}");
    for hostile in ["../1.safetensors", "/etc/passwd", "", "a/b"] {
        map(json!({"a": hostile}));
        let error = weights::count(dir.path(), None).unwrap_err();
        assert!(error.to_string().contains("not a file beside it"), "{error}");
    }
    map(json!({"a": "1.safetensors", "c": "2.safetensors"}));
    let error = weights::count(dir.path(), None).unwrap_err();
    assert!(error.to_string().contains("`c`"), "{error}");
}

#[test]
fn hostile_headers_are_errors_that_say_why() {
    let tensor = |shape: &str, from: u64, to: u64| {
        format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    let deep = format!(r#"{{"__metadata__":{}1{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "too short"),
        (vec![1, 2, 3], "too short"),
        (u64::MAX.to_le_bytes().to_vec(), "claims"),
        (100_000_000_u64.to_le_bytes().to_vec(), "more bytes than the file"),
        (100_000_001_u64.to_le_bytes().to_vec(), "are allowed"),
        (file("[]", 0), "not valid"),
        (file("{", 0), "not valid"),
        (file(&deep, 0), "not valid"),
        (file(&format!(r#"{{"a":{}}}"#, tensor("[2]", 0, 8)), 4), "8 bytes, and 4 are there"),
        (file(&format!(r#"{{"a":{}}}"#, tensor("[2]", 0, 7)), 7), "not those of its shape"),
        (file(&format!(r#"{{"a":{}}}"#, tensor("[2]", 8, 0)), 8), "not those of its shape"),
        (
            file(&format!(r#"{{"a":{},"b":{}}}"#, tensor("[2]", 0, 8), tensor("[2]", 4, 12)), 12),
            "overlaps",
        ),
        (
            file(&format!(r#"{{"a":{},"b":{}}}"#, tensor("[1]", 0, 4), tensor("[1]", 8, 12)), 12),
            "gap",
        ),
        (
            file(&format!(r#"{{"a":{},"a":{}}}"#, tensor("[1]", 0, 4), tensor("[1]", 0, 4)), 4),
            "twice",
        ),
        (
            file(&format!(r#"{{"a":{}}}"#, tensor("[4294967296,4294967296,16]", 0, 0)), 0),
            "beyond all bounds",
        ),
        (file(r#"{"a":{"dtype":"F33","shape":[],"data_offsets":[0,4]}}"#, 4), "unknown type"),
        (file(r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4), "not valid"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    for (bytes, why) in cases {
        fs::write(&path, bytes).unwrap();
        let error = safetensors::read_header(&path).unwrap_err();
        assert!(matches!(error, Error::InvalidFile { .. }), "{error}");
        assert!(error.to_string().contains(why), "{why}: {error}");
    }
}

/// An initializer of any type, with no data that would matter.
fn initializer(name: &str, elem_type: u64, dims: &[u64], bytes: usize) -> Message {
    let tensor = dims.iter().fold(Message::default(), |tensor, dim| tensor.number(1, *dim));
    tensor.number(2, elem_type).text(8, name).bytes(9, &vec![0; bytes])
}

#[test]
fn initializers_count_by_what_operators_take_them_for() {
    let (uint8, int8) = (2, 3);
    let nodes = [
        node("MatMul", &["x", "w"], &["a"]),
        node("MatMulNBits", &["a", "packed", "scales"], &["b"])
            .message(5, &integer_attribute("K", 64))
            .message(5, &integer_attribute("N", 3))
            .message(5, &integer_attribute("bits", 4))
            .message(5, &integer_attribute("block_size", 32)),
        node("DequantizeLinear", &["whole", "scale", "zero"], &["c"]),
        node("BatchNormalization", &["b", "gamma", "beta", "mean", "var"], &["y"]),
    ];
    let initializers = [
        initializer("w", FLOAT, &[4, 64], 4 * 4 * 64),
        initializer("packed", uint8, &[3, 2, 16], 96),
        initializer("scales", FLOAT, &[6], 24),
        initializer("whole", int8, &[7, 7], 49),
        initializer("scale", FLOAT, &[7], 28),
        initializer("zero", int8, &[7], 7),
        initializer("gamma", FLOAT, &[3], 12),
        initializer("beta", FLOAT, &[3], 12),
        initializer("mean", FLOAT, &[3], 12),
        initializer("var", FLOAT, &[3], 12),
        initializer("shape", 7, &[2], 16),
        initializer("one", FLOAT, &[], 4),
    ];
    let bytes = model(&graph(
        &nodes,
        &initializers,
        &[value("x", FLOAT, &["n", "4"])],
        &[value("y", FLOAT, &["n", "3"])],
    ));
    let dir = folder(&bytes);
    let found = onnx::count_file(&dir.path().join("onnx/model.onnx")).unwrap();
    assert_eq!(found.parameters, 4 * 64 + 64 * 3 + 49 + 6);
    let found = weights::count(dir.path(), Some(Precision::Fp16)).unwrap().unwrap();
    assert_eq!(found.precision, Some(Precision::Fp32));
}

#[test]
fn fixtures_count_what_their_configs_say() {
    // Where the exporter folds no constants into initializers and stores nothing twice.
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    for (name, parameters) in [("bert", 30_944), ("vit", 24_069), ("whisper", 115_776)] {
        let found = weights::count(&fixtures.join(name), None).unwrap().unwrap();
        assert_eq!(found.parameters, parameters, "{name}");
    }
    // The same weights in fewer bits are as many.
    let of = |precision| weights::count(&fixtures.join("bert"), Some(precision)).unwrap().unwrap();
    assert_eq!(of(Precision::Fp16).parameters, of(Precision::Fp32).parameters);
    assert_eq!(of(Precision::Int8).parameters, of(Precision::Fp32).parameters);
}
