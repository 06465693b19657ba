//! What OpenVINO computes.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use accel_runtime::{
    DeviceOptions, EngineName, Error, GenerateOptions, GraphModel, InferencePrecision,
    InputProblem, OpenvinoDevice, PerformanceHint, SessionOptions, Tensor, TensorData,
    TextGenerator, load,
};

use super::{ON_OPENVINO, load_bytes, options, plain, run};
use crate::MODELS;
use crate::needs::{Needs, tests};
use crate::onnx_bytes::{
    BOOL, FLOAT, FLOAT16, INT64, Message, floats, graph, integer_attribute, model, node, value,
};
use crate::reference::{OPTIONS, Reference, assert_close, fixture, loaded, max_abs, note, strings};

tests! {
    Needs::Engine("openvino") => [
        every_fixture_gives_what_rten_gives,
        every_type_of_elements_comes_back,
        an_integer_of_more_than_32_bits_is_refused,
        one_session_takes_one_size_after_another,
        eight_bit_products_are_exact,
        a_constant_without_elements_keeps_its_sizes,
        a_token_by_token_answer_is_the_recorded_one,
        callers_who_generate_at_once_do_not_disturb_each_other,
        where_it_runs_is_what_openvino_says,
        a_lower_precision_is_computed_in_or_refused,
        options_are_honoured_or_refused,
    ],
}

const BFLOAT16: u64 = 16;
const DOUBLE: u64 = 11;
const INT8: u64 = 3;
const UINT8: u64 = 2;
const INT32: u64 = 6;

/// The models' registered tolerance in single precision.
const TOLERANCE: f32 = 1e-3;

/// Every recorded run of a fixture, on OpenVINO and on rten; the largest difference.
fn compare(name: &str) -> f32 {
    let reference = Reference::open(name);
    let openvino: GraphModel = load(&ON_OPENVINO, &fixture(name).into(), &plain()).unwrap();
    let rten: GraphModel = loaded(name);
    let mut largest = 0.0_f32;
    for case in reference.json["graphs"].as_array().unwrap() {
        let (graph, case_name) = (case["graph"].as_str().unwrap(), case["case"].as_str().unwrap());
        let inputs: Vec<_> = strings(&case["inputs"])
            .into_iter()
            .map(|it| (it, reference.tensor(&format!("graphs/{graph}/{case_name}/in/{it}"))))
            .collect();
        let outputs = strings(&case["outputs"]);
        let theirs = rten.run(graph, inputs.clone(), &outputs).unwrap();
        let ours = openvino.run(graph, inputs, &outputs).unwrap();
        for (output, (ours, theirs)) in outputs.iter().zip(ours.iter().zip(&theirs)) {
            assert_eq!(ours.shape(), theirs.shape(), "{name} {graph} {output}");
            match theirs.data() {
                TensorData::F32(theirs) => {
                    let difference = max_abs(ours.as_f32().unwrap(), theirs);
                    assert!(difference <= TOLERANCE, "{name} {graph} {output}: {difference:e}");
                    largest = largest.max(difference);
                }
                theirs => assert_eq!(ours.data(), theirs, "{name} {graph} {output}"),
            }
        }
    }
    largest
}

fn every_fixture_gives_what_rten_gives() {
    for name in MODELS {
        note(&format!("{name}: largest difference from rten {:e}", compare(name)));
    }
}

/// `y = x` for tensors of one type; the elements come back as they went in.
#[track_caller]
fn comes_back(elem_type: u64, given: &Tensor, expected: &Tensor) {
    let dims: Vec<_> = (0..given.shape().len()).map(|it| format!("d{it}")).collect();
    let dims: Vec<_> = dims.iter().map(String::as_str).collect();
    let (x, y) = (value("x", elem_type, &dims), value("y", elem_type, &dims));
    let bytes = model(&graph(&[node("Identity", &["x"], &["y"])], &[], &[x], &[y]));
    assert_eq!(run(&bytes, vec![("x", given.clone())]), *expected);
}

fn every_type_of_elements_comes_back() {
    let tensor = |data: TensorData| Tensor::new(vec![1, data.len()], data).unwrap();
    let wide = tensor(vec![0.1_f32, -2.5, 65_504.0, 1e-7].into());
    // The nearest numbers of 16 bits: NumPy's float16 and PyTorch's bfloat16.
    let half = tensor(vec![0.099_975_586_f32, -2.5, 65_504.0, 1.192_092_9e-7].into());
    let brain = tensor(vec![0.100_097_656_f32, -2.5, 65_536.0, 1.001_171_8e-7].into());
    comes_back(FLOAT, &wide, &wide);
    comes_back(FLOAT16, &wide, &half);
    comes_back(BFLOAT16, &wide, &brain);
    // OpenVINO computes doubles in 32 bits, which is not what the graph asks for.
    let error = load_bytes(&model(&graph(
        &[node("Identity", &["x"], &["y"])],
        &[],
        &[value("x", DOUBLE, &["n"])],
        &[value("y", DOUBLE, &["n"])],
    )))
    .unwrap_err();
    assert!(matches!(error, Error::UnsupportedModel { .. }), "{error:?}");
    for (elem_type, data) in [
        (INT64, TensorData::I64(vec![i64::from(i32::MIN), -1, 0, i64::from(i32::MAX)])),
        (INT32, TensorData::I32(vec![i32::MIN, -1, 0, i32::MAX])),
        (INT8, TensorData::I8(vec![-128, -1, 0, 127])),
        (UINT8, TensorData::U8(vec![0, 1, 254, 255])),
        (BOOL, TensorData::Bool(vec![true, false, false, true])),
    ] {
        let given = tensor(data);
        comes_back(elem_type, &given, &given);
    }
    let number = Tensor::new(vec![], vec![7.0_f32]).unwrap();
    comes_back(FLOAT, &number, &number);
    let nothing = Tensor::new(vec![2, 0], Vec::<f32>::new()).unwrap();
    comes_back(FLOAT, &nothing, &nothing);
}

/// OpenVINO's devices compute with 32 bits and would make something else of it.
fn an_integer_of_more_than_32_bits_is_refused() {
    let nodes = [node("Identity", &["x"], &["y"])];
    let ports = ([value("x", INT64, &["n"])], [value("y", INT64, &["n"])]);
    let skill = load_bytes(&model(&graph(&nodes, &[], &ports.0, &ports.1))).unwrap();
    let run = |number: i64| {
        let x = Tensor::new(vec![2], vec![1, number]).unwrap();
        skill.run("model", vec![("x", x)], &["y"])
    };
    let error = run(1 << 40).unwrap_err();
    assert!(matches!(error, Error::InvalidInput { problem: InputProblem::Range, .. }), "{error:?}");
    // The session still works.
    assert_eq!(run(7).unwrap()[0].as_i64().unwrap(), [1, 7]);
}

fn one_session_takes_one_size_after_another() {
    let weights = floats("w", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let bytes = model(&graph(
        &[node("MatMul", &["x", "w"], &["y"])],
        &[weights],
        &[value("x", FLOAT, &["batch", "2"])],
        &[value("y", FLOAT, &["batch", "3"])],
    ));
    let skill = load_bytes(&bytes).unwrap();
    for rows in [1, 5, 2, 0, 5, 1] {
        let x = Tensor::new(vec![rows, 2], vec![1.0_f32; rows * 2]).unwrap();
        let y = skill.run("model", vec![("x", x)], &["y"]).unwrap().remove(0);
        assert_eq!(y.shape(), [rows, 3]);
        assert_eq!(y.as_f32().unwrap(), [5.0, 7.0, 9.0].repeat(rows));
    }
}

/// `y = x · w` with 8-bit weights and inputs quantized by their own range; the values are those
/// of ONNX's definitions of `DynamicQuantizeLinear` and `MatMulInteger`.
fn eight_bit_products_are_exact() {
    let mut weights = Message::default().number(1, 4).number(1, 2).number(2, INT8).text(8, "w");
    weights = weights.bytes(9, &[127_u8, 0x80, 0x80, 127, 127, 1, 0xff, 127]);
    let nodes = [
        node("DynamicQuantizeLinear", &["x"], &["q", "scale", "zero"]),
        node("MatMulInteger", &["q", "w", "zero"], &["sum"]),
        node("Cast", &["sum"], &["float"]).message(5, &integer_attribute("to", FLOAT)),
        node("Mul", &["float", "scale"], &["y"]),
    ];
    let bytes = model(&graph(
        &nodes,
        &[weights],
        &[value("x", FLOAT, &["n", "4"])],
        &[value("y", FLOAT, &["n", "2"])],
    ));
    // Of range 0 to 255, so that the scale is 1 and the zero point 0.
    let x = Tensor::new(vec![2, 4], vec![255.0_f32, 255.0, 255.0, 255.0, 0.0, 1.0, 2.0, 3.0]);
    let y = run(&bytes, vec![("x", x.unwrap())]);
    let row = |x: [f32; 4]| {
        let w = [[127.0, -128.0], [-128.0, 127.0], [127.0, 1.0], [-1.0, 127.0]];
        [0, 1].map(|column| x.iter().zip(w).map(|(x, w)| x * w[column]).sum::<f32>())
    };
    let expected = [row([255.0; 4]), row([0.0, 1.0, 2.0, 3.0])].concat();
    assert_close("y", y.as_f32().unwrap(), &expected, 0.0);
}

/// OpenVINO reads a constant without elements as a number.
fn a_constant_without_elements_keeps_its_sizes() {
    let empty = |name: &str| {
        let tensor = [0, 2, 3].iter().fold(Message::default(), |it, dim| it.number(1, *dim));
        tensor.number(2, FLOAT).text(8, name).bytes(9, b"")
    };
    let constant = Message::default().text(1, "value").message(5, &empty("")).number(20, 4);
    let nodes = [
        node("Constant", &[], &["c"]).message(5, &constant),
        node("Identity", &["c"], &["y"]),
        node("Identity", &["i"], &["z"]),
        node("Concat", &["x", "i"], &["all"]).message(5, &integer_attribute("axis", 0)),
    ];
    let three = |name| value(name, FLOAT, &["n", "2", "3"]);
    let bytes = model(&graph(&nodes, &[empty("i")], &[three("x")], &["y", "z", "all"].map(three)));
    let x = Tensor::new(vec![1, 2, 3], vec![1.0_f32; 6]).unwrap();
    let skill = load_bytes(&bytes).unwrap();
    let outputs = skill.run("model", vec![("x", x.clone())], &["y", "z", "all"]).unwrap();
    assert_eq!(outputs[0].shape(), [0, 2, 3]);
    assert_eq!(outputs[1].shape(), [0, 2, 3]);
    assert_eq!(outputs[2], x);
}

fn a_token_by_token_answer_is_the_recorded_one() {
    for name in ["llama", "qwen3"] {
        let skill: TextGenerator = load(&ON_OPENVINO, &fixture(name).into(), &plain()).unwrap();
        let other: TextGenerator = loaded(name);
        let options = GenerateOptions { max_new_tokens: 48, ..GenerateOptions::default() };
        let start = Instant::now();
        let ours = skill.generate("The harbour wakes", &options).unwrap();
        let time = start.elapsed() / u32::try_from(ours.token_ids.len()).unwrap();
        note(&format!("{name}: {} tokens, {time:?} a token", ours.token_ids.len()));
        assert_eq!(
            ours.token_ids,
            other.generate("The harbour wakes", &options).unwrap().token_ids
        );
    }
}

/// The caches of callers who generate at once are their own.
fn callers_who_generate_at_once_do_not_disturb_each_other() {
    let skill: TextGenerator = load(&ON_OPENVINO, &fixture("llama").into(), &plain()).unwrap();
    let texts = ["The harbour wakes", "A boat", "In the morning the boats", "Fish"];
    let options = GenerateOptions { max_new_tokens: 12, ..GenerateOptions::default() };
    let alone: Vec<_> =
        texts.iter().map(|it| skill.generate(it, &options).unwrap().token_ids).collect();
    let start = Barrier::new(texts.len());
    let together: Vec<_> = thread::scope(|scope| {
        let generate = |text| {
            start.wait();
            skill.generate(text, &options).unwrap().token_ids
        };
        let callers: Vec<_> = texts.map(|it| scope.spawn(move || generate(it))).into();
        callers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(together, alone);
}

fn where_it_runs_is_what_openvino_says() {
    for device in [OpenvinoDevice::Cpu, OpenvinoDevice::Auto] {
        // Threads are the device `cpu`'s alone.
        let options = SessionOptions { threads: 0, ..options(|it| it.device = device) };
        let skill: GraphModel = load(&ON_OPENVINO, &fixture("bert").into(), &options).unwrap();
        let placement = skill.graph("model").unwrap().placement();
        assert_eq!(placement.engine, EngineName::Openvino);
        let [(on, count)] = placement.nodes.as_slice() else { panic!("{placement}") };
        assert!(*count > 20 && placement.device.starts_with(on), "{placement}");
        assert!(placement.evidence.contains(&format!("EXECUTION_DEVICES = {on}")), "{placement}");
        if device == OpenvinoDevice::Cpu {
            assert_eq!(on, "CPU");
        }
    }
}

/// The largest difference that a precision makes to BERT's logits, or that it is refused.
fn difference(precision: InferencePrecision) -> Result<f32, Error> {
    let options = options(|it| it.inference_precision = precision);
    let skill: GraphModel = load(&ON_OPENVINO, &fixture("bert").into(), &options)?;
    let reference = Reference::open("bert");
    let case = &reference.json["graphs"][0];
    let (graph, name) = (case["graph"].as_str().unwrap(), case["case"].as_str().unwrap());
    let inputs = strings(&case["inputs"])
        .into_iter()
        .map(|it| (it, reference.tensor(&format!("graphs/{graph}/{name}/in/{it}"))))
        .collect();
    let got = skill.run(graph, inputs, &["logits"])?.remove(0);
    let want = reference.tensor(&format!("graphs/{graph}/{name}/out/logits"));
    Ok(max_abs(got.as_f32()?, want.as_f32()?))
}

/// A processor without the precision would compute in another one without a word.
fn a_lower_precision_is_computed_in_or_refused() {
    let exact = difference(InferencePrecision::F32).unwrap();
    assert!(exact < 1e-4, "{exact}");
    for precision in [InferencePrecision::Bf16, InferencePrecision::F16] {
        match difference(precision) {
            Ok(rough) => {
                note(&format!("{precision}: {rough:e} from the reference, f32 {exact:e}"));
                assert!(rough > 10.0 * exact, "{precision}: {rough}");
            }
            Err(error) => {
                assert!(
                    matches!(error, Error::InvalidOption { option: "inference_precision", .. }),
                    "{error:?}"
                );
            }
        }
    }
}

#[track_caller]
fn refused(result: Result<GraphModel, Error>, name: &str) {
    let error = result.unwrap_err();
    assert!(matches!(&error, Error::InvalidOption { option, .. } if *option == name), "{error}");
}

fn options_are_honoured_or_refused() {
    let load = |options: SessionOptions| {
        load::<GraphModel>(&ON_OPENVINO, &fixture("bert").into(), &options)
    };
    load(options(|it| it.performance_hint = PerformanceHint::Throughput)).unwrap();
    load(options(|it| it.streams = 0)).unwrap();
    load(options(|it| it.pin_threads = true)).unwrap();
    load(SessionOptions { threads: 0, ..plain() }).unwrap();
    // OpenVINO would take as many as there are.
    refused(load(SessionOptions { threads: 100_000, ..plain() }), "threads");
    refused(load(options(|it| it.streams = 100_000)), "streams");
    let off =
        SessionOptions { graph_optimization: accel_runtime::GraphOptimization::Off, ..plain() };
    refused(load(off), "graph_optimization");
    let small = SessionOptions { memory_limit_bytes: 1000, ..plain() };
    assert!(matches!(load(small), Err(Error::MemoryLimit { .. })));
    let cpu: DeviceOptions = OPTIONS.device;
    refused(load(SessionOptions { device: cpu, ..plain() }), "device");
}
