//! Engines that a machine may lack: a test that needs one says so here.

use accel_runtime::{
    Availability, CpuEngine, CpuOptions, DeviceOptions, InferencePrecision, OpenvinoDevice,
    OpenvinoOptions, PerformanceHint, PowerPreference, SessionOptions, TensorLayout, WebgpuOptions,
    WebnnDevice, WebnnOptions, availability,
};

use crate::reference::OPTIONS;

/// A comma list of engines (`ort,openvino`) without which a test fails instead of passing over.
const REQUIRE_ENGINES: &str = "ACCEL_REQUIRE_ENGINES";

/// Whether the engine `name` (`ort`, `openvino`, `webgpu`, `webnn`) is on this machine; if not,
/// the test prints why and is to return.
#[track_caller]
pub(crate) fn require(name: &str) -> bool {
    let Availability::Unavailable { reason, remedy, .. } = availability(&options(name)) else {
        return true;
    };
    let required = std::env::var(REQUIRE_ENGINES).unwrap_or_default();
    let required = required.split(',').any(|it| it.trim() == name);
    assert!(!required, "{REQUIRE_ENGINES} asks for `{name}`, but {reason}; {remedy}");
    println!("not tested, because {reason}; {remedy}");
    false
}

/// The plainest options that the engine `name` serves.
#[track_caller]
pub(crate) fn options(name: &str) -> SessionOptions {
    let device = match name {
        "ort" => DeviceOptions::Cpu(CpuOptions {
            engine: CpuEngine::Ort,
            prepack_weights: true,
            pin_threads: false,
        }),
        "openvino" => DeviceOptions::Openvino(OpenvinoOptions {
            device: OpenvinoDevice::Cpu,
            device_index: 0,
            inference_precision: InferencePrecision::F32,
            performance_hint: PerformanceHint::Latency,
            streams: 1,
            pin_threads: false,
            model_cache: false,
        }),
        "webgpu" => DeviceOptions::Webgpu(WebgpuOptions {
            power_preference: PowerPreference::Default,
            layout: TensorLayout::Nchw,
        }),
        "webnn" => DeviceOptions::Webnn(WebnnOptions {
            device: WebnnDevice::Cpu,
            power_preference: PowerPreference::Default,
        }),
        other => panic!("no engine `{other}`"),
    };
    SessionOptions { device, ..OPTIONS }
}
