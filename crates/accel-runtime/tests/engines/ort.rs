//! ONNX Runtime on the processor: the same results as PyTorch and as rten, and what it refuses.

use std::fs;
use std::path::Path;

use accel_runtime::engine::ort::{OrtEngine, found};
use accel_runtime::engine::{Engine, Feed, Keep, Kept};
use accel_runtime::{
    Availability, CpuEngine, CpuOptions, DeviceOptions, EngineName, Error, GraphModel,
    GraphOptimization, ModelDir, Pipeline, Platform, Precision, Session, SessionOptions, Tensor,
    TensorData, availability, load,
};

use crate::MODELS;
use crate::needs::{Needs, tests};
use crate::onnx_bytes::{FLOAT, floats, folder, graph, model, node, value};
use crate::options;
use crate::reference::{OPTIONS, Reference, SPEC, assert_close, fixture, max_abs, note, strings};

tests! {
    Needs::Engine("ort") => [
        two_engines_and_pytorch_agree_on_every_graph,
        options_change_how_and_not_what,
        threads_are_pinned_or_refused,
        every_type_goes_through_as_it_is_declared,
        what_it_lacks_and_what_is_damaged_is_typed,
        a_file_that_changes_under_it_is_an_error,
        a_failing_run_says_why_and_the_session_goes_on,
        weights_in_other_files_are_found,
        a_cache_stays_with_the_engine,
        values_kept_in_a_devices_memory_are_the_same,
        recorded_runs_read_and_write_where_they_did,
        the_library_says_what_it_is,
    ],
}

/// What another order of summing makes of outputs around 1.
const TOLERANCE: f32 = 5e-5;

fn cpu(prepack_weights: bool, pin_threads: bool) -> DeviceOptions {
    DeviceOptions::Cpu(CpuOptions { engine: CpuEngine::Ort, prepack_weights, pin_threads })
}

/// Runs a model's recorded inputs; the largest differences from PyTorch and from rten.
fn differences(name: &str, options: &SessionOptions) -> (f32, f32) {
    let reference = Reference::open(name);
    let skill = |options| -> GraphModel { load(&SPEC, &fixture(name).into(), options).unwrap() };
    let (ort, rten) = (skill(options), skill(&OPTIONS));
    let (mut from_pytorch, mut from_rten) = (0.0_f32, 0.0_f32);
    for case in reference.json["graphs"].as_array().unwrap() {
        let (graph, name) = (case["graph"].as_str().unwrap(), case["case"].as_str().unwrap());
        let inputs: Vec<_> = strings(&case["inputs"])
            .into_iter()
            .map(|it| (it, reference.tensor(&format!("graphs/{graph}/{name}/in/{it}"))))
            .collect();
        let outputs = strings(&case["outputs"]);
        let results = ort.run(graph, inputs.clone(), &outputs).unwrap();
        let others = rten.run(graph, inputs, &outputs).unwrap();
        for ((output, result), other) in outputs.iter().zip(results).zip(others) {
            let expected = reference.tensor(&format!("graphs/{graph}/{name}/out/{output}"));
            assert_eq!(result.shape(), expected.shape());
            assert_eq!(result.shape(), other.shape());
            let floats = |it: &Tensor| it.as_f32().unwrap().to_vec();
            let result = floats(&result);
            from_pytorch = from_pytorch.max(max_abs(&result, &floats(&expected)));
            from_rten = from_rten.max(max_abs(&result, &floats(&other)));
        }
    }
    (from_pytorch, from_rten)
}

fn two_engines_and_pytorch_agree_on_every_graph() {
    for model in MODELS {
        let (from_pytorch, from_rten) = differences(model, &options("ort"));
        note(&format!(
            "{model}: max abs difference {from_pytorch:e} from PyTorch, {from_rten:e} from rten"
        ));
        assert!(from_pytorch <= TOLERANCE, "{model}: {from_pytorch:e} from PyTorch");
        // Either may be off by as much, to either side.
        assert!(from_rten <= 2.0 * TOLERANCE, "{model}: {from_rten:e} from rten");
    }
}

fn options_change_how_and_not_what() {
    let off = SessionOptions { graph_optimization: GraphOptimization::Off, ..options("ort") };
    for options in [
        off,
        SessionOptions { graph_optimization: GraphOptimization::Basic, ..off },
        SessionOptions { device: cpu(false, false), ..off },
        SessionOptions { threads: 0, ..options("ort") },
        SessionOptions { threads: 2, ..options("ort") },
    ] {
        let (from_pytorch, _) = differences("bert", &options);
        assert!(from_pytorch <= TOLERANCE, "{from_pytorch:e} with {options:?}");
    }
    // Without rewriting, the nodes are the file's; with it, fewer.
    let nodes = |options: &SessionOptions| -> Vec<(String, usize)> {
        let skill: GraphModel = load(&SPEC, &fixture("bert").into(), options).unwrap();
        skill.placement().nodes.clone()
    };
    let (all, few) = (nodes(&off), nodes(&options("ort")));
    let graph = ModelDir::open(fixture("bert")).unwrap().graph("model", Precision::Fp32).unwrap();
    assert_eq!(all, [("CPUExecutionProvider".to_owned(), graph.onnx.nodes.len())]);
    assert!(few[0].1 < all[0].1, "{few:?}");
}

fn threads_are_pinned_or_refused() {
    let pinned = |threads| SessionOptions { threads, device: cpu(true, true), ..options("ort") };
    let loaded = |threads| load::<GraphModel>(&SPEC, &fixture("vit").into(), &pinned(threads));
    assert!(loaded(1).is_ok());
    if std::thread::available_parallelism().is_ok_and(|it| it.get() > 1) {
        loaded(2).unwrap();
    }
    let error = loaded(1000).unwrap_err();
    assert!(matches!(&error, Error::InvalidOption { option: "pin_threads", .. }), "{error}");
}

/// A session of the graph in a model's folder.
fn open(dir: &Path) -> Box<dyn Session> {
    let options = options("ort");
    let graph = ModelDir::open(dir).unwrap().graph("model", Precision::Fp32).unwrap();
    let engine = OrtEngine::for_options(&options).unwrap();
    engine.load(&graph, Platform::Cpu, &options).unwrap()
}

fn session(bytes: &[u8]) -> Box<dyn Session> {
    open(folder(bytes).path())
}

/// A graph that gives its input back, in elements of ONNX's type number `elem_type`.
fn identity(elem_type: u64) -> Vec<u8> {
    model(&graph(
        &[node("Identity", &["x"], &["y"])],
        &[],
        &[value("x", elem_type, &["n"])],
        &[value("y", elem_type, &["n"])],
    ))
}

fn every_type_goes_through_as_it_is_declared() {
    let numbers = [1.0, -2.5, 0.0, 65504.0, 2.0_f32.powi(-24), f32::INFINITY, f32::NEG_INFINITY];
    let narrow = [1.0, -2.5, 0.0, 65536.0, 2.0_f32.powi(-24), f32::INFINITY, f32::NEG_INFINITY];
    for (elem_type, given, expected) in [
        (1, TensorData::F32(numbers.to_vec()), TensorData::F32(numbers.to_vec())),
        (2, vec![0_u8, 255].into(), vec![0_u8, 255].into()),
        (3, vec![-128_i8, 127].into(), vec![-128_i8, 127].into()),
        (6, vec![i32::MIN, i32::MAX].into(), vec![i32::MIN, i32::MAX].into()),
        (7, vec![i64::MIN, i64::MAX].into(), vec![i64::MIN, i64::MAX].into()),
        (9, vec![true, false].into(), vec![true, false].into()),
        (10, numbers.to_vec().into(), numbers.to_vec().into()),
        (11, numbers.to_vec().into(), numbers.to_vec().into()),
        // 65504 needs eleven bits of mantissa, and these have eight.
        (16, numbers.to_vec().into(), narrow.to_vec().into()),
        (1, Vec::<f32>::new().into(), Vec::<f32>::new().into()),
        (10, Vec::<f32>::new().into(), Vec::<f32>::new().into()),
    ] {
        let input = Tensor::new(vec![given.len()], given).unwrap();
        let result = session(&identity(elem_type)).run(vec![("x", input)], &["y", "y"]).unwrap();
        assert_eq!(result[0].data(), &expected, "element type {elem_type}");
        assert_eq!(result[0], result[1]);
    }
    for elem_type in [1, 10, 11, 16] {
        let input = Tensor::new(vec![1], vec![f32::NAN]).unwrap();
        let result = session(&identity(elem_type)).run(vec![("x", input)], &["y"]).unwrap();
        assert!(result[0].as_f32().unwrap()[0].is_nan(), "element type {elem_type}");
    }
    let text = folder(&identity(8));
    let error = load::<GraphModel>(&SPEC, &text.path().into(), &options("ort")).unwrap_err();
    assert!(matches!(&error, Error::UnsupportedModel { .. }), "{error}");
}

fn what_it_lacks_and_what_is_damaged_is_typed() {
    let loaded =
        |bytes: &[u8]| load::<GraphModel>(&SPEC, &folder(bytes).path().into(), &options("ort"));
    let with = |node, elem_type| {
        let ends = |name| [value(name, elem_type, &["2"])];
        model(&graph(&[node], &[], &ends("x"), &ends("y")))
    };
    // An operator of nobody, and one that has no kernel for the type.
    for (bytes, lacks) in [
        (with(node("Frobnicate", &["x"], &["y"]).text(3, "node_1"), FLOAT), "Frobnicate"),
        (with(node("Abs", &["x"], &["y"]).text(3, "node_1"), 16), "Abs(13)"),
    ] {
        match loaded(&bytes).unwrap_err() {
            Error::UnsupportedOperator { operator, node, engine, .. } => {
                assert_eq!((operator.as_str(), node.as_str()), (lacks, "node_1"));
                assert_eq!(engine, EngineName::Ort);
            }
            other => panic!("{other}"),
        }
    }
    let unconnected = loaded(&with(node("Abs", &["z"], &["y"]), FLOAT)).unwrap_err();
    assert!(matches!(&unconnected, Error::CorruptModel { .. }), "{unconnected}");

    let limited = SessionOptions { memory_limit_bytes: 1000, ..options("ort") };
    let error = load::<GraphModel>(&SPEC, &fixture("bert").into(), &limited).unwrap_err();
    assert!(matches!(&error, Error::MemoryLimit { limit_bytes: 1000, .. }), "{error}");
}

fn a_file_that_changes_under_it_is_an_error() {
    let model = folder(&identity(1));
    let path = model.path().join("onnx/model.onnx");
    let graph = ModelDir::open(model.path()).unwrap().graph("model", Precision::Fp32).unwrap();
    let options = options("ort");
    let engine = OrtEngine::for_options(&options).unwrap();
    let half = fs::metadata(&path).unwrap().len() / 2;
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(half).unwrap();
    let error = engine.load(&graph, Platform::Cpu, &options).unwrap_err();
    assert!(matches!(&error, Error::CorruptModel { .. }), "{error}");
}

fn a_failing_run_says_why_and_the_session_goes_on() {
    // Nothing declares that the sizes must fit together; the operator finds out.
    let bytes = model(&graph(
        &[node("MatMul", &["x", "w"], &["y"])],
        &[floats("w", &[2, 1], &[1.0, 2.0])],
        &[value("x", FLOAT, &["rows", "columns"])],
        &[value("y", FLOAT, &["rows", "1"])],
    ));
    let skill: GraphModel = load(&SPEC, &folder(&bytes).path().into(), &options("ort")).unwrap();
    let run = |columns: usize| {
        let input = Tensor::new(vec![1, columns], vec![3.0_f32; columns]).unwrap();
        skill.run("model", vec![("x", input)], &["y"])
    };
    for _ in 0..2 {
        let error = run(3).unwrap_err();
        assert!(matches!(&error, Error::Run { engine: EngineName::Ort, .. }), "{error}");
        assert!(error.to_string().contains("MatMul"), "{error}");
        assert_eq!(run(2).unwrap()[0].as_f32().unwrap(), [9.0]);
    }
}

fn weights_in_other_files_are_found() {
    let weights = accel_weights();
    let bytes = model(&graph(
        &[node("Add", &["x", "w"], &["y"])],
        &[weights],
        &[value("x", FLOAT, &["4"])],
        &[value("y", FLOAT, &["4"])],
    ));
    let folder = folder(&bytes);
    let data: Vec<_> = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|it| it.to_le_bytes()).collect();
    fs::write(folder.path().join("onnx/w.data"), data).unwrap();
    let skill: GraphModel = load(&SPEC, &folder.path().into(), &options("ort")).unwrap();
    let input = Tensor::new(vec![4], vec![10.0_f32; 4]).unwrap();
    let result = skill.run("model", vec![("x", input)], &["y"]).unwrap();
    assert_eq!(result[0].as_f32().unwrap(), [11.0, 12.0, 13.0, 14.0]);
}

/// Four floats in the file `w.data`.
fn accel_weights() -> crate::onnx_bytes::Message {
    let place = crate::onnx_bytes::Message::default().text(1, "location").text(2, "w.data");
    crate::onnx_bytes::Message::default()
        .number(1, 4)
        .number(2, FLOAT)
        .text(8, "w")
        .number(14, 1)
        .message(13, &place)
}

/// The logits after `tokens`, of which `cache` holds none, and the cache after them.
fn step(session: &dyn Session, tokens: &[i64], seen: usize, cache: &[Kept]) -> (Tensor, Vec<Kept>) {
    let ids = |it: Vec<i64>| Feed::Tensor(Tensor::new(vec![1, it.len()], it).unwrap());
    let mut cache = cache.iter();
    let mut presents = Vec::new();
    let mut inputs = Vec::new();
    for info in session.inputs() {
        let feed = match info.name.as_str() {
            "input_ids" => ids(tokens.to_vec()),
            "attention_mask" => ids(vec![1; seen + tokens.len()]),
            "position_ids" => {
                let first = i64::try_from(seen).unwrap();
                ids((first..).take(tokens.len()).collect())
            }
            past => {
                presents.push(past.replace("past_key_values", "present"));
                let empty = || Tensor::new(vec![1, 2, 0, 16], Vec::<f32>::new()).unwrap();
                cache.next().map_or_else(|| Feed::Tensor(empty()), Feed::Shared)
            }
        };
        inputs.push((info.name.as_str(), feed));
    }
    let keep: Vec<_> = presents.iter().map(|it| Keep { output: it, grows: Some(2) }).collect();
    let (mut logits, kept) = session.run_keeping(inputs, &["logits"], &keep).unwrap();
    (logits.remove(0), kept)
}

fn a_cache_stays_with_the_engine() {
    let session = open(&fixture("qwen3"));
    let (whole, _) = step(&*session, &[5, 6, 7], 0, &[]);
    let (_, cache) = step(&*session, &[5, 6], 0, &[]);
    assert!(cache.iter().all(|it| matches!(it, Kept::Engine(_))), "{cache:?}");
    assert_eq!(cache[0].shape(), [1, 2, 2, 16]);
    // A shared cache can be read again, and rows of it taken.
    let taken: Vec<_> = cache.iter().map(|it| it.select(&[0]).unwrap()).collect();
    for cache in [&cache, &taken, &cache] {
        let (last, _) = step(&*session, &[7], 2, cache);
        let (last, whole) = (last.as_f32().unwrap(), whole.as_f32().unwrap());
        assert_close("the last of three tokens", last, &whole[whole.len() - last.len()..], 1e-5);
    }
}

fn image(value: f32) -> Tensor {
    let pixels = (0..3 * 32 * 32).map(|it| value * f32::from(it % 7_u16)).collect::<Vec<_>>();
    Tensor::new(vec![1, 3, 32, 32], pixels).unwrap()
}

/// A session of `vit`'s graph whose values wait in the host's memory as in a device's.
fn as_on_a_device(recorded: bool) -> Box<dyn Session> {
    let options = options("ort");
    let dir = ModelDir::open(fixture("vit")).unwrap();
    let graph = dir.graph("model", Precision::Fp32).unwrap();
    let engine = OrtEngine::for_options(&options).unwrap();
    engine.load_as_on_a_device(&graph, &options, recorded).unwrap()
}

fn logits(session: &dyn Session, value: f32) -> Tensor {
    session.run(vec![("pixel_values", image(value))], &["logits"]).unwrap().remove(0)
}

fn values_kept_in_a_devices_memory_are_the_same() {
    let session = as_on_a_device(false);
    let keep = [Keep { output: "logits", grows: None }];
    let inputs = vec![("pixel_values", Feed::Tensor(image(0.1)))];
    let (_, mut kept) = session.run_keeping(inputs, &[], &keep).unwrap();
    assert_eq!(kept.remove(0).into_tensor().unwrap(), logits(&*open(&fixture("vit")), 0.1));
}

fn recorded_runs_read_and_write_where_they_did() {
    let plain = open(&fixture("vit"));
    let plain = [0.1, -0.2, 0.1].map(|it| logits(&*plain, it));
    assert_ne!(plain[0], plain[1]);
    let recorded = as_on_a_device(true);
    assert_eq!([0.1, -0.2, 0.1].map(|it| logits(&*recorded, it)), plain);
}

fn the_library_says_what_it_is() {
    let found = found().unwrap();
    assert!(found.path.is_file(), "{found}");
    assert!(found.version.starts_with("1."), "{found}");
    assert!(found.providers.contains(&"CPUExecutionProvider"), "{found}");
    let engine = OrtEngine::for_options(&options("ort")).unwrap();
    assert_eq!((engine.name(), engine.version()), (EngineName::Ort, found.version.clone()));
    let either = DeviceOptions::Cpu(CpuOptions {
        engine: CpuEngine::OrtElseRten,
        prepack_weights: false,
        pin_threads: false,
    });
    let either = SessionOptions { device: either, ..OPTIONS };
    assert_eq!(availability(&either), Availability::Available { engine: EngineName::Ort });
    let skill: GraphModel = load(&SPEC, &fixture("vit").into(), &either).unwrap();
    let placement = skill.placement();
    assert_eq!((placement.engine, &placement.engine_version), (EngineName::Ort, &found.version));
    assert!(placement.device.starts_with("CPU"), "{placement}");
}
