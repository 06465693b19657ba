//! The plainest way to ask for each engine, and what becomes of a test where it is missing.

use accel_runtime::{
    Availability, CpuEngine, CpuOptions, DeviceOptions, InferencePrecision, OpenvinoDevice,
    OpenvinoOptions, PerformanceHint, PowerPreference, SessionOptions, TensorLayout, WebgpuOptions,
    WebnnDevice, WebnnOptions, availability,
};

/// A comma list of engines (`ort,openvino,webgpu,webnn`) without which a test fails instead of
/// being ignored.
pub(crate) const REQUIRE_ENGINES: &str = "ACCEL_REQUIRE_ENGINES";

/// What the engine `name` (`rten`, `ort`, `openvino`, `webgpu`, `webnn`) is asked for with; a
/// browser's two kinds of session are told apart.
#[track_caller]
pub(crate) fn device(name: &str) -> DeviceOptions {
    match name {
        "rten" => DeviceOptions::Cpu(CpuOptions {
            engine: CpuEngine::Rten,
            prepack_weights: false,
            pin_threads: false,
        }),
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
    }
}

/// Why the engine `name`, asked for with `options`, is not here; `None` where it is.
///
/// # Errors
/// The same, where it has to be here.
pub(crate) fn missing(name: &str, options: &SessionOptions) -> Result<Option<String>, String> {
    let Availability::Unavailable { reason, remedy, .. } = availability(options) else {
        return Ok(None);
    };
    let required = std::env::var(REQUIRE_ENGINES).unwrap_or_default();
    if required.split(',').any(|it| it.trim() == name) {
        return Err(format!("{REQUIRE_ENGINES} asks for `{name}`, but {reason}; {remedy}"));
    }
    Ok(Some(format!("{reason}; {remedy}")))
}
