//! Model folders: what is missing is named, and what to do about it.

use std::fs;
use std::path::Path;

use accel_runtime::{
    CpuEngine, CpuOptions, DeviceOptions, Error, GraphModel, ImageClassifier, InferencePrecision,
    ModelDir, OpenvinoDevice, OpenvinoOptions, PerformanceHint, Precision, SessionOptions, Stage,
    TextEncoder, load,
};

use crate::onnx_bytes::copy_of;
use crate::reference::{OPTIONS, SPEC, fixture};

#[test]
fn missing_files_are_named() {
    for (file, what) in [
        ("config.json", "the model's configuration"),
        ("tokenizer.json", "the model's tokenizer"),
        ("onnx/model.onnx", "the graph `model`"),
    ] {
        let copy = copy_of(&fixture("bert"));
        fs::remove_file(copy.path().join(file)).unwrap();
        let error = load::<TextEncoder>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{what} is missing: ")), "{error}");
        assert!(matches!(&error, Error::MissingFile { path, .. } if path.ends_with(file)));
        assert_eq!(error.stage(), Stage::Resolve);
    }
    let copy = copy_of(&fixture("vit"));
    fs::remove_file(copy.path().join("preprocessor_config.json")).unwrap();
    let error = load::<ImageClassifier>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
    assert!(error.to_string().contains("the model's image preprocessing is missing"), "{error}");
    let error = ModelDir::open("no such folder").unwrap_err();
    assert!(error.to_string().starts_with("the model's folder is missing"), "{error}");
}

#[test]
fn what_is_no_file_and_no_object_is_refused() {
    let copy = copy_of(&fixture("bert"));
    let opened = |dir: &Path| load::<TextEncoder>(&SPEC, &dir.into(), &OPTIONS).unwrap_err();
    for file in ["config.json", "tokenizer_config.json"] {
        let path = copy.path().join(file);
        let sound = fs::read(&path).unwrap();
        fs::write(&path, " []").unwrap();
        let error = opened(copy.path()).to_string();
        assert!(error.contains(file) && error.contains("not a JSON object"), "{error}");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let error = opened(copy.path()).to_string();
        assert!(error.contains(file) && error.contains("not a file"), "{error}");
        fs::remove_dir(&path).unwrap();
        fs::write(path, sound).unwrap();
    }
    let graph = copy.path().join("onnx/model.onnx");
    fs::remove_file(&graph).unwrap();
    fs::create_dir(graph).unwrap();
    let error = opened(copy.path());
    assert!(matches!(error, Error::MissingFile { .. }), "{error}");
}

#[test]
fn precision_picks_the_file() {
    let copy = copy_of(&fixture("bert"));
    let onnx = copy.path().join("onnx");
    let fp16 = SessionOptions { precision: Precision::Fp16, ..OPTIONS };
    let error = load::<TextEncoder>(&SPEC, &copy.path().into(), &fp16).unwrap_err();
    assert!(matches!(&error, Error::MissingPrecision { present, .. } if present == &["model"]));
    fs::rename(onnx.join("model.onnx"), onnx.join("model_fp16.onnx")).unwrap();
    load::<TextEncoder>(&SPEC, &copy.path().into(), &fp16).unwrap();
    let int8 = SessionOptions { precision: Precision::Int8, ..OPTIONS };
    fs::rename(onnx.join("model_fp16.onnx"), onnx.join("model_quantized.onnx")).unwrap();
    load::<TextEncoder>(&SPEC, &copy.path().into(), &int8).unwrap();
    let dir = ModelDir::open(copy.path()).unwrap();
    assert_eq!(dir.graph_names(Precision::Int8).unwrap(), ["model"]);
    assert!(dir.graph_names(Precision::Fp32).unwrap().is_empty());
    let error = load::<GraphModel>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
    assert!(matches!(error, Error::MissingPrecision { .. }), "{error}");
}

#[test]
fn graphs_may_lie_beside_the_configuration() {
    let copy = copy_of(&fixture("bert"));
    let (from, to) = (copy.path().join("onnx/model.onnx"), copy.path().join("model.onnx"));
    fs::rename(from, to).unwrap();
    fs::remove_dir(copy.path().join("onnx")).unwrap();
    load::<TextEncoder>(&SPEC, &copy.path().into(), &OPTIONS).unwrap();
}

#[test]
fn options_that_cannot_be_honoured_are_refused() {
    let refused = |options: SessionOptions| {
        load::<TextEncoder>(&SPEC, &fixture("bert").into(), &options).unwrap_err()
    };
    let openvino = DeviceOptions::Openvino(OpenvinoOptions {
        device: OpenvinoDevice::Cpu,
        device_index: 0,
        inference_precision: InferencePrecision::F32,
        performance_hint: PerformanceHint::Latency,
        streams: 0,
        pin_threads: false,
        model_cache: false,
    });
    let error = refused(SessionOptions { device: openvino, ..OPTIONS });
    assert!(matches!(error, Error::InvalidOption { option: "device", .. }), "{error}");
    let error = refused(SessionOptions { threads: u32::MAX, ..OPTIONS });
    assert!(matches!(error, Error::InvalidOption { option: "threads", .. }), "{error}");

    let bytes = fs::metadata(fixture("bert").join("onnx/model.onnx")).unwrap().len();
    let error = refused(SessionOptions { memory_limit_bytes: bytes - 1, ..OPTIONS });
    assert!(
        matches!(error, Error::MemoryLimit { needed_bytes, .. } if needed_bytes == bytes),
        "{error}"
    );
    let prepacked = DeviceOptions::Cpu(CpuOptions {
        engine: CpuEngine::Rten,
        prepack_weights: true,
        pin_threads: false,
    });
    let fits = SessionOptions { memory_limit_bytes: bytes, device: prepacked, ..OPTIONS };
    load::<TextEncoder>(&SPEC, &fixture("bert").into(), &fits).unwrap();
}

#[test]
fn a_model_of_another_kind_is_told_apart() {
    let error = load::<TextEncoder>(&SPEC, &fixture("qwen3").into(), &OPTIONS).unwrap_err();
    assert!(matches!(error, Error::UnsupportedModel { .. }), "{error}");
    let copy = copy_of(&fixture("bert"));
    fs::copy(
        fixture("vit").join("preprocessor_config.json"),
        copy.path().join("preprocessor_config.json"),
    )
    .unwrap();
    let error = load::<ImageClassifier>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
    assert!(matches!(error, Error::UnsupportedModel { .. }), "{error}");
}
