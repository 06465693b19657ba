//! The simulator: true outputs, what a device could not run is refused, and times that say that
//! nobody measured them.

use accel_runtime::engine::simulator::{Measurement, Prediction, Profile};
use accel_runtime::engine::{Engine, SimulatorEngine};
use accel_runtime::{
    Arena, ConvSearch, CudaOptions, DeviceOptions, EngineName, Error, GenerateOptions, ModelDir,
    ModelSource, Pipeline, Platform, Pooling, PowerPreference, Precision, Result, Session,
    SessionOptions, SkillSpec, TextEncoder, TextGenerator, Variant, Vocabulary, WebnnDevice,
    WebnnOptions, load, simulate,
};
use serde_json::Value;
use std::sync::Arc;

use crate::onnx_bytes::{FLOAT, INT64, folder, graph, model, node, value};
use crate::reference::{OPTIONS, SPEC, assert_close, fixture, loaded};

const CUDA: CudaOptions = CudaOptions {
    device_id: 0,
    arena: Arena::SameAsRequested,
    tf32: false,
    cuda_graph: false,
    conv_search: ConvSearch::Default,
    conv_max_workspace: true,
    prefer_nhwc: false,
    copy_in_default_stream: true,
};
const ON_CUDA: SessionOptions = SessionOptions { device: DeviceOptions::Cuda(CUDA), ..OPTIONS };
const ON_WEBNN: SessionOptions = SessionOptions {
    device: DeviceOptions::Webnn(WebnnOptions {
        device: WebnnDevice::Npu,
        power_preference: PowerPreference::Default,
    }),
    ..OPTIONS
};
static ON: SkillSpec = SkillSpec {
    platform: Platform::Cuda,
    variant: Variant::Simulation,
    reason: "no GPU here",
    ..SPEC
};

fn session(
    engine: &SimulatorEngine,
    model: &str,
    name: &str,
    options: &SessionOptions,
) -> Result<Box<dyn Session>> {
    let graph = ModelDir::open(fixture(model))?.graph(name, Precision::Fp32)?;
    engine.load(&graph, options.device.platform(), options)
}

fn on(id: &str) -> SimulatorEngine {
    SimulatorEngine::new(id).unwrap()
}

/// The prediction for BERT's fixture with ids of `batch` × `length`.
#[track_caller]
fn bert(engine: &SimulatorEngine, options: &SessionOptions, size: [usize; 2]) -> Prediction {
    let session = session(engine, "bert", "model", options).unwrap();
    let sizes = ["input_ids", "attention_mask", "token_type_ids"].map(|it| (it, &size[..]));
    session.simulation().unwrap().predict(&sizes).unwrap()
}

/// A device made of the H100 by changing its description.
fn changed(change: impl FnOnce(&mut Value)) -> SimulatorEngine {
    SimulatorEngine::with_profile(try_changed(change).unwrap())
}

fn try_changed(change: impl FnOnce(&mut Value)) -> Result<Profile> {
    let mut json = serde_json::to_value(Profile::of("nvidia-h100-sxm").unwrap()).unwrap();
    change(&mut json);
    let file = serde_json::json!({ "version": 1, "profiles": [json] });
    Ok(Profile::read(&file.to_string())?.remove(0))
}

#[test]
fn every_number_of_every_profile_has_a_source() {
    let profiles = Profile::all();
    for platform in Platform::ALL {
        assert!(profiles.iter().any(|it| it.platform == *platform), "{platform}");
    }
    for profile in profiles {
        assert!(profiles.iter().filter(|it| it.id == profile.id).count() == 1, "{}", profile.id);
        for (name, figure) in profile.figures() {
            let place = format!("{}: {name}", profile.id);
            assert!(figure.value.is_finite() && figure.value > 0.0, "{place}");
            assert!(figure.source.len() >= 8, "{place}");
            // What no document says is assumed, and says why.
            let is_assumed = figure.assumed.as_ref().is_some_and(|it| it.len() >= 8);
            assert!(is_assumed || figure.source != "no document", "{place}");
        }
        assert!(profile.element_types.source.len() >= 8 && !profile.element_types.value.is_empty());
        assert!(profile.refused_operators.iter().all(|it| it.source.len() >= 8));
        assert!(profile.attainable.expected.assumed.len() >= 8, "{}", profile.id);
        assert!(profile.calibration().is_none());
    }
    let error = Profile::of("nvidia-h200-sxm").unwrap_err().to_string();
    assert!(error.contains("did you mean `nvidia-h100-sxm`?"), "{error}");
    let error = try_changed(|it| it["dispatch_us"]["value"] = (-1).into()).unwrap_err();
    assert!(error.to_string().contains("dispatch_us"), "{error}");
}

#[test]
fn operations_are_those_that_torch_counts() {
    let recorded: Value = serde_json::from_str(include_str!("../data/flops.json")).unwrap();
    let engine = on("nvidia-h100-sxm");
    for case in recorded["cases"].as_array().unwrap() {
        let text = |name: &str| case[name].as_str().unwrap();
        let session = session(&engine, text("model"), text("graph"), &ON_CUDA).unwrap();
        let sizes: Vec<(&str, Vec<usize>)> = case["sizes"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, shape)| (name.as_str(), serde_json::from_value(shape.clone()).unwrap()))
            .collect();
        let sizes: Vec<_> = sizes.iter().map(|(name, shape)| (*name, shape.as_slice())).collect();
        let prediction = session.simulation().unwrap().predict(&sizes).unwrap();
        println!("{}: {} of {}", text("model"), prediction.product_flops, case["flops"]);
        assert_eq!(prediction.nodes_without_cost, [""; 0], "{}", text("model"));
        let expected = case["flops"].as_f64().unwrap();
        let ratio = prediction.product_flops / expected;
        assert!((ratio - 1.0).abs() < 1e-9, "{}: {ratio}", text("model"));
    }
}

/// Operations of a transformer's products by hand: four projections and two layers of the MLP,
/// and for every head its scores and their sums.
fn encoder(layers: f64, length: f64, width: f64, inner: f64) -> f64 {
    layers
        * (2.0 * length * (4.0 * width * width + 2.0 * width * inner)
            + 4.0 * length * length * width)
}

#[test]
fn operations_are_those_of_the_published_formulas() {
    // ViT-base at 224 × 224: 196 patches of 768 numbers and the class token. Dosovitskiy et al.
    // and timm give 17.5 to 17.6 thousand million multiplications.
    let base =
        2.0 * 196.0 * 768.0 * 768.0 + encoder(12.0, 197.0, 768.0, 3072.0) + 2.0 * 768.0 * 1000.0;
    assert!((base / 2.0 / 1e9 - 17.55).abs() < 0.1, "{base}");
    let tiny = 2.0 * 16.0 * 192.0 * 32.0 + encoder(2.0, 17.0, 32.0, 64.0) + 2.0 * 32.0 * 5.0;
    let session = session(&on("nvidia-h100-sxm"), "vit", "model", &ON_CUDA).unwrap();
    let sizes: [(&str, &[usize]); 1] = [("pixel_values", &[1, 3, 32, 32])];
    let prediction = session.simulation().unwrap().predict(&sizes).unwrap();
    assert!((prediction.product_flops / tiny - 1.0).abs() < 1e-9, "{}", prediction.product_flops);

    // BERT with its head for masked words.
    let length = 5.0;
    let head = 2.0 * length * (32.0 * 32.0 + 32.0 * 320.0);
    let prediction = bert(&on("nvidia-h100-sxm"), &ON_CUDA, [1, 5]);
    let tiny = encoder(2.0, length, 32.0, 64.0) + head;
    assert!((prediction.product_flops / tiny - 1.0).abs() < 1e-9, "{}", prediction.product_flops);
}

#[test]
fn outputs_are_the_embedded_engines_own_and_marked() {
    let simulated = simulate::<TextEncoder>(&ON, &fixture("bert").into(), &ON_CUDA).unwrap();
    assert_eq!(simulated.prediction(), None);
    let texts = ["A boat.", "Two boats at sea."];
    let vectors = simulated.get().embed(&texts, Pooling::Mean, false).unwrap();
    let real: TextEncoder = loaded("bert");
    let expected = real.embed(&texts, Pooling::Mean, false).unwrap();
    for (got, expected) in vectors.iter().zip(&expected) {
        assert_close("simulated and real", got, expected, 0.0);
    }
    let placement = simulated.get().placement();
    assert_eq!(placement.engine, EngineName::Simulator);
    assert_eq!(placement.device, "NVIDIA H100 SXM (simulated)");
    assert!(placement.evidence.contains("nothing ran on NVIDIA H100 SXM"), "{placement}");
    assert!(!Platform::Cuda.engines().contains(&placement.engine));

    let prediction = simulated.prediction().unwrap();
    println!("{}", serde_json::to_string_pretty(&prediction).unwrap());
    assert_eq!(prediction.calibration, "uncalibrated");
    let json = serde_json::to_string(&prediction).unwrap();
    for word in
        ["(simulated)", "uncalibrated", "predicted_ms", "predicted_load_ms", "no run happened"]
    {
        assert!(json.contains(word), "{word} in {json}");
    }
    assert!(!json.contains("power") && !json.contains("watt"), "{json}");
    let text = prediction.to_string();
    assert!(text.starts_with("predicted for NVIDIA H100 SXM (simulated), uncalibrated"), "{text}");
    assert!(format!("{simulated:?}").starts_with("simulated: "));
}

#[test]
fn bands_are_ordered_and_grow_with_the_work() {
    for profile in Profile::all().iter().filter(|it| it.platform == Platform::Cuda) {
        let engine = on(&profile.id);
        let mut before = 0.0;
        for size in [[1, 4], [1, 16], [4, 16], [8, 32]] {
            let prediction = bert(&engine, &ON_CUDA, size);
            let band = prediction.predicted_ms;
            assert!(0.0 < band.low && band.low <= band.expected && band.expected <= band.high);
            let load = prediction.predicted_load_ms;
            assert!(0.0 < load.low && load.low <= load.expected && load.expected <= load.high);
            assert!(band.expected >= before, "{}: {size:?}", profile.id);
            before = band.expected;
        }
    }
    let usual = bert(&on("nvidia-h100-sxm"), &ON_CUDA, [8, 32]);
    for change in ["memory_gb_per_s", "transfer_gb_per_s"] {
        let faster = changed(|it| it[change]["value"] = 1e5.into());
        let faster = bert(&faster, &ON_CUDA, [8, 32]).predicted_ms;
        assert!(faster.expected < usual.predicted_ms.expected, "{change}");
        assert!(faster.low <= usual.predicted_ms.low && faster.high < usual.predicted_ms.high);
    }
    let sooner = changed(|it| it["dispatch_us"]["value"] = 1.into());
    assert!(bert(&sooner, &ON_CUDA, [1, 4]).predicted_ms.low < usual.predicted_ms.low);
    // A mode that the options switch on is not slower, and the reader is told.
    let slow = changed(|it| it["peak_tflops"]["f32"]["value"] = 0.01.into());
    let tf32 = DeviceOptions::Cuda(CudaOptions { tf32: true, ..CUDA });
    let with = bert(&slow, &SessionOptions { device: tf32, ..ON_CUDA }, [8, 32]);
    assert!(with.predicted_ms.expected < bert(&slow, &ON_CUDA, [8, 32]).predicted_ms.expected);
    assert!(with.notes.iter().any(|it| it.contains("tf32")), "{:?}", with.notes);
}

/// A decoder's cache stays on the device: its bytes are not transferred again at each step.
#[test]
fn every_run_counts_and_a_kept_cache_is_not_transferred() {
    static DECODER: SkillSpec = SkillSpec { platform: Platform::Cuda, ..SPEC };
    let source = ModelSource::from(fixture("llama"));
    let simulated = simulate::<TextGenerator>(&DECODER, &source, &ON_CUDA).unwrap();
    let options = GenerateOptions { max_new_tokens: 8, ..GenerateOptions::default() };
    simulated.get().generate("A boat", &options).unwrap();
    let prediction = simulated.prediction().unwrap();
    assert!(prediction.runs > 2, "{}", prediction.runs);
    assert_eq!(prediction.nodes_without_cost, [""; 0]);
    let sessions = simulated.get().sessions();
    let simulation = sessions[0].simulation().unwrap();
    let last = simulation.last_run().unwrap();
    assert_eq!(last.runs, 1);
    // A token, its position and the mask go in, scores of 480 words come back.
    let rest = last.transferred_bytes - 4.0 * 480.0 - 8.0 - 8.0;
    let length = rest / 8.0;
    assert!((4.0..20.0).contains(&length), "{}", last.transferred_bytes);
    assert!(length.fract().abs() < f64::EPSILON, "{length}");
    simulation.forget_runs();
    assert_eq!(simulated.prediction(), None);
}

#[test]
fn a_merged_decoder_costs_the_branch_that_it_takes() {
    let session = session(&on("nvidia-h100-sxm"), "whisper", "decoder_model_merged", &ON_CUDA);
    let session = session.unwrap();
    let owned: Vec<(String, Vec<usize>)> = session
        .inputs()
        .iter()
        .map(|info| {
            let shape: Vec<usize> = match info.name.as_str() {
                "input_ids" => vec![1, 3],
                "use_cache_branch" => vec![1],
                "encoder_hidden_states" => vec![1, 50, 32],
                it if it.contains("encoder") => vec![1, 4, 50, 8],
                _ => vec![1, 4, 2, 8],
            };
            (info.name.clone(), shape)
        })
        .collect();
    let sizes: Vec<_> = owned.iter().map(|(name, shape)| (name.as_str(), &shape[..])).collect();
    let prediction = session.simulation().unwrap().predict(&sizes).unwrap();
    assert_eq!(prediction.nodes_without_cost, [""; 0]);
    assert!(prediction.product_flops > 0.0);
}

#[test]
fn what_the_device_could_not_run_is_refused_by_name() {
    let refuse = |change: &dyn Fn(&mut Value)| {
        session(&changed(change), "bert", "model", &ON_CUDA).unwrap_err()
    };
    let error = refuse(&|it| {
        it["refused_operators"] =
            serde_json::json!([{ "operator": "LayerNormalization", "source": "a test's own" }]);
    });
    let Error::UnsupportedOperator { operator, engine: EngineName::Simulator, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(operator, "LayerNormalization");
    assert!(error.to_string().contains("NVIDIA H100 SXM (simulated)"), "{error}");

    let error =
        refuse(&|it| it["element_types"]["value"] = serde_json::json!(["f16", "i64", "bool"]));
    assert!(
        matches!(&error, Error::UnsupportedOperator { operator, .. } if operator.ends_with("(f32)")),
        "{error}"
    );

    let error = refuse(&|it| it["memory_bytes"]["value"] = 1000.into());
    assert!(matches!(error, Error::DeviceMemory { memory_bytes: 1000, .. }), "{error}");
    assert!(error.to_string().contains("NVIDIA H100 SXM (simulated)"), "{error}");

    let limited = SessionOptions { memory_limit_bytes: 1000, ..ON_CUDA };
    let error = session(&on("nvidia-h100-sxm"), "bert", "model", &limited).unwrap_err();
    assert!(matches!(error, Error::MemoryLimit { limit_bytes: 1000, .. }), "{error}");

    let error = session(&on("amd-mi210"), "bert", "model", &ON_CUDA).unwrap_err();
    assert!(matches!(error, Error::InvalidOption { .. }), "{error}");
    // Nodes that may run on the CPU may be of such operators.
    let engine = changed(|it| {
        it["refused_operators"] =
            serde_json::json!([{ "operator": "Erf", "source": "a test's own" }]);
    });
    let lenient = SessionOptions { cpu_fallback_percent: 10, ..ON_CUDA };
    let session = session(&engine, "bert", "model", &lenient).unwrap();
    assert!(session.placement().evidence.contains("3 nodes would have run on the CPU"));
}

/// An operator that only data decides the size of.
#[test]
fn nodes_without_a_cost_are_named_and_widen_the_band() {
    let nodes = [node("Abs", &["x"], &["y"]), node("NonZero", &["y"], &["z"])];
    let graph = graph(&nodes, &[], &[value("x", FLOAT, &["n"])], &[value("z", INT64, &["1", "m"])]);
    let folder = folder(&model(&graph));
    let graph = ModelDir::open(folder.path()).unwrap().graph("model", Precision::Fp32).unwrap();
    let session = on("nvidia-h100-sxm").load(&graph, Platform::Cuda, &ON_CUDA).unwrap();
    let simulation = session.simulation().unwrap();
    let sizes: [(&str, &[usize]); 1] = [("x", &[1000])];
    let prediction = simulation.predict(&sizes).unwrap();
    assert_eq!(prediction.nodes_without_cost, ["NonZero z"]);
    let band = prediction.predicted_ms;
    assert!(band.high > 3.0 * band.expected, "{band}");
    // WebNN has no such operator at all.
    let error = SimulatorEngine::default().load(&graph, Platform::Webnn, &ON_WEBNN).unwrap_err();
    assert!(error.to_string().contains("refuses operator NonZero"), "{error}");

    for wrong in [&[("y", &[1_usize][..])][..], &[]] {
        let error = simulation.predict(wrong).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    }
}

#[test]
fn an_npu_computes_in_half_precision_and_says_so() {
    let prediction = bert(&SimulatorEngine::default(), &ON_WEBNN, [1, 8]);
    assert!(prediction.device.contains("NPU"), "{}", prediction.device);
    assert!(
        prediction.notes.iter().any(|it| it.contains("f16 arithmetic")),
        "{:?}",
        prediction.notes
    );
}

#[test]
fn measurements_calibrate() {
    let profile = Profile::of("nvidia-h100-sxm").unwrap();
    let engine = on("nvidia-h100-sxm");
    let predictions: Vec<_> =
        [[1, 4], [2, 8], [8, 32], [32, 64]].map(|size| bert(&engine, &ON_CUDA, size)).into();
    // A device whose work takes 1.7 times what is expected and whose starts take 0.4 times.
    let measured = |noise: f64| -> Vec<_> {
        predictions
            .iter()
            .enumerate()
            .map(|(i, it)| {
                let noise = if i % 2 == 0 { 1.0 + noise } else { 1.0 - noise };
                let ms = 1.7 * it.uncalibrated_work_ms
                    + 0.4 * it.uncalibrated_dispatch_ms
                    + it.predicted_transfer_ms;
                Measurement::of(it, ms * noise)
            })
            .collect()
    };
    let exact = profile.calibrated(&measured(0.0)).unwrap();
    let found = exact.calibration().unwrap();
    assert!((found.work - 1.7).abs() < 1e-6 && (found.dispatch - 0.4).abs() < 1e-6, "{found:?}");
    assert!(found.measurements == 4 && found.residual < 1e-6, "{found:?}");
    let again = bert(&SimulatorEngine::with_profile(exact), &ON_CUDA, [8, 32]);
    let expected = measured(0.0)[2].measured_ms;
    assert!((again.predicted_ms.expected / expected - 1.0).abs() < 1e-6);
    assert!(again.calibration.starts_with("calibrated from 4 measurements on NVIDIA H100 SXM"));

    let noisy = profile.calibrated(&measured(0.1)).unwrap();
    assert!((0.01..0.2).contains(&noisy.calibration().unwrap().residual));
    let band = bert(&SimulatorEngine::with_profile(noisy), &ON_CUDA, [8, 32]).predicted_ms;
    assert!(band.low < expected && expected < band.high, "{band}");

    assert!(profile.calibrated(&measured(0.0)[..1]).is_err());
    let other = Profile::of("nvidia-t4").unwrap();
    assert!(matches!(other.calibrated(&measured(0.0)), Err(Error::InvalidArgument { .. })));
}

#[test]
fn a_simulator_never_serves_a_real_skill() {
    static REAL: SkillSpec = SkillSpec { platform: Platform::Cuda, ..SPEC };
    let engine = Arc::new(SimulatorEngine::default());
    let source = ModelSource::from(fixture("bert")).with_engine(engine);
    let error = load::<TextEncoder>(&REAL, &source, &ON_CUDA).unwrap_err();
    assert!(matches!(error, Error::WrongVariant { .. }), "{error}");
}
