//! Raw graphs against PyTorch's outputs, under every option that changes how they run.

use accel_runtime::{
    CpuEngine, CpuOptions, DeviceOptions, Error, GraphModel, GraphOptimization, Pipeline,
    SessionOptions, Tensor, load,
};

use crate::reference::{OPTIONS, Reference, SPEC, assert_close, fixture, strings};

/// What rten's other order of summing makes of logits around 1 (1.6e-5 was measured).
const TOLERANCE: f32 = 5e-5;

fn check(model: &str, options: &SessionOptions, tolerance: f32) {
    let reference = Reference::open(model);
    let skill: GraphModel = load(&SPEC, &fixture(model).into(), options).unwrap();
    let cases = reference.json["graphs"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let (graph, name) = (case["graph"].as_str().unwrap(), case["case"].as_str().unwrap());
        let inputs = strings(&case["inputs"])
            .into_iter()
            .map(|it| (it, reference.tensor(&format!("graphs/{graph}/{name}/in/{it}"))))
            .collect();
        let outputs = strings(&case["outputs"]);
        let results = skill.run(graph, inputs, &outputs).unwrap();
        for (output, result) in outputs.iter().zip(results) {
            let expected = reference.tensor(&format!("graphs/{graph}/{name}/out/{output}"));
            assert_eq!(result.shape(), expected.shape());
            assert_close(
                &format!("{model} {graph} {name} {output}"),
                result.as_f32().unwrap(),
                expected.as_f32().unwrap(),
                tolerance,
            );
        }
    }
}

#[test]
fn bert_equals_pytorch() {
    check("bert", &OPTIONS, TOLERANCE);
}

#[test]
fn vit_equals_pytorch() {
    check("vit", &OPTIONS, TOLERANCE);
}

#[test]
fn llama_equals_pytorch() {
    check("llama", &OPTIONS, TOLERANCE);
}

#[test]
fn qwen2_equals_pytorch() {
    check("qwen2", &OPTIONS, TOLERANCE);
}

#[test]
fn qwen3_equals_pytorch() {
    check("qwen3", &OPTIONS, TOLERANCE);
}

#[test]
fn options_change_how_and_not_what() {
    let prepacked = DeviceOptions::Cpu(CpuOptions {
        engine: CpuEngine::Rten,
        prepack_weights: true,
        pin_threads: false,
    });
    check(
        "bert",
        &SessionOptions { graph_optimization: GraphOptimization::Off, ..OPTIONS },
        TOLERANCE,
    );
    check("bert", &SessionOptions { device: prepacked, ..OPTIONS }, TOLERANCE);
    check("bert", &SessionOptions { threads: 2, ..OPTIONS }, TOLERANCE);
    check("bert", &SessionOptions { threads: 0, ..OPTIONS }, TOLERANCE);
}

#[test]
fn what_is_beyond_the_model_is_explained() {
    let skill: GraphModel = load(&SPEC, &fixture("bert").into(), &OPTIONS).unwrap();
    let run = |id: i64, length: usize| {
        let tensor = |value| Tensor::new(vec![1, length], vec![value; length]).unwrap();
        let inputs = vec![
            ("input_ids", tensor(id)),
            ("attention_mask", tensor(1)),
            ("token_type_ids", tensor(0)),
        ];
        let output = skill.graph("model").unwrap().outputs()[0].name.clone();
        skill.run("model", inputs, &[&output])
    };
    run(5, 8).unwrap();
    for (id, length) in [(5, 10_000), (100_000, 8)] {
        let error = run(id, length).unwrap_err();
        assert!(matches!(error, Error::Run { .. }), "{error}");
        assert!(error.to_string().contains("longer than the model takes"), "{error}");
    }
}

#[test]
fn placement_tells_engine_device_and_nodes() {
    let skill: GraphModel = load(&SPEC, &fixture("bert").into(), &OPTIONS).unwrap();
    let placement = skill.placement();
    assert_eq!(placement.engine, accel_runtime::EngineName::Rten);
    assert!(placement.device.starts_with("CPU"), "{placement}");
    assert_eq!(placement.nodes.len(), 1);
    assert!(placement.nodes[0].1 > 10, "{placement}");
    assert_eq!(skill.graphs().collect::<Vec<_>>(), ["model"]);
}
