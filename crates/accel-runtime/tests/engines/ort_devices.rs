//! ONNX Runtime's devices besides the processor: what is not there is never another one.

use std::fs;
use std::sync::Arc;

use accel_runtime::engine::ort::OrtEngine;
use accel_runtime::engine::{Engine, RtenEngine};
use accel_runtime::testkit::check_placement;
use accel_runtime::{
    Arena, Availability, ComputeUnits, ConvSearch, CoremlFormat, CoremlSpecialization, CudaOptions,
    DeviceOptions, EngineName, Error, GraphFiles, GraphModel, ModelSource, MpsOptions, Pipeline,
    Platform, Result, RocmOptions, Session, SessionOptions, SkillSpec, Stage, availability, load,
};

use crate::needs::{Needs, tests};
use crate::options;
use crate::reference::{OPTIONS, SPEC, fixture};

tests! {
    Needs::That(|| device_at("/proc/driver/nvidia/gpus")) => [cuda_without_a_gpu_is_unavailable],
    Needs::That(|| device_at("/dev/kfd")) => [rocm_without_a_gpu_is_unavailable],
    Needs::That(macos) => [mps_elsewhere_is_unavailable],
    Needs::Nothing => [a_double_that_computes_on_the_processor_is_caught],
}

const CUDA: DeviceOptions = DeviceOptions::Cuda(CudaOptions {
    device_id: 0,
    arena: Arena::NextPowerOfTwo,
    tf32: false,
    cuda_graph: false,
    conv_search: ConvSearch::Heuristic,
    conv_max_workspace: true,
    prefer_nhwc: false,
    copy_in_default_stream: true,
});

const ROCM: DeviceOptions = DeviceOptions::Rocm(RocmOptions {
    device_id: 0,
    fp16: false,
    int8: false,
    exhaustive_tune: false,
    model_cache: false,
});

const MPS: DeviceOptions = DeviceOptions::Mps(MpsOptions {
    format: CoremlFormat::MlProgram,
    compute_units: ComputeUnits::All,
    specialization: CoremlSpecialization::Default,
    low_precision_accumulation: false,
    static_shapes: false,
    model_cache: false,
});

/// What is not there is refused, with what is missing.
fn is_unavailable(device: DeviceOptions, what: &str) {
    let options = SessionOptions { device, ..OPTIONS };
    let spec = SkillSpec { platform: device.platform(), ..SPEC };
    let error = load::<GraphModel>(&spec, &fixture("vit").into(), &options).unwrap_err();
    assert!(matches!(&error, Error::EngineUnavailable { .. }), "{error}");
    assert!(error.to_string().contains(what), "{error}");
    let availability = availability(&options);
    let Availability::Unavailable { engine, reason, remedy, .. } = availability else {
        panic!("{availability:?}")
    };
    assert_eq!(engine, EngineName::Ort);
    assert!(!reason.is_empty() && !remedy.is_empty());
}

fn cuda_without_a_gpu_is_unavailable() {
    is_unavailable(CUDA, "NVIDIA GPU");
}

fn rocm_without_a_gpu_is_unavailable() {
    is_unavailable(ROCM, "AMD GPU");
}

fn mps_elsewhere_is_unavailable() {
    is_unavailable(MPS, "macOS");
}

/// Says so where the system shows a device.
fn device_at(path: &str) -> Option<String> {
    fs::exists(path).unwrap().then(|| format!("this machine has {path}"))
}

fn macos() -> Option<String> {
    cfg!(target_os = "macos").then(|| "this is macOS".to_owned())
}

/// An engine that says CUDA and computes on the processor is found out by where its nodes are.
fn a_double_that_computes_on_the_processor_is_caught() {
    let options = SessionOptions { device: CUDA, ..OPTIONS };
    let source = ModelSource::from(fixture("vit")).with_engine(Arc::new(Double));
    let spec = SkillSpec { platform: Platform::Cuda, ..SPEC };
    let skill: GraphModel = load(&spec, &source, &options).unwrap();
    let failure = check_placement(&skill.placement(), Platform::Cuda, &options).unwrap_err();
    assert_eq!(failure.stage, Stage::Placement);
    assert!(failure.message.contains("asked for CUDA"), "{failure}");
}

/// Takes CUDA's options and leaves the work to the processor's engine, which says so.
#[derive(Debug)]
struct Double;

impl Engine for Double {
    fn name(&self) -> EngineName {
        EngineName::Ort
    }

    fn version(&self) -> String {
        "1.31.1".to_owned()
    }

    fn load(
        &self,
        graph: &GraphFiles,
        _: Platform,
        given: &SessionOptions,
    ) -> Result<Box<dyn Session>> {
        let host = SessionOptions { device: options("ort").device, ..*given };
        if let Ok(engine) = OrtEngine::for_options(&host) {
            return engine.load(graph, Platform::Cpu, &host);
        }
        // Without the library it is still a double, only a clumsier one.
        let host = SessionOptions { device: OPTIONS.device, ..host };
        RtenEngine::new().load(graph, Platform::Cpu, &host)
    }
}
