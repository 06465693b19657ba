//! The engines that cases run on.

use accel_runtime::{
    CpuEngine, CpuOptions, DeviceOptions, GraphOptimization, InferencePrecision, OpenvinoDevice,
    OpenvinoOptions, PerformanceHint, PowerPreference, Precision, SessionOptions, TensorLayout,
    WebgpuOptions, WebnnDevice, WebnnOptions,
};

/// Every engine that this crate can drive; a browser's two kinds of session are told apart.
pub(crate) const NAMES: [&str; 5] = ["rten", "ort", "openvino", "webgpu", "webnn"];

/// Those that a browser runs.
pub(crate) const IN_A_BROWSER: [&str; 2] = ["webgpu", "webnn"];

/// The options that an engine is asked for with.
pub(crate) fn options(engine: &str) -> SessionOptions {
    let cpu = |engine| {
        DeviceOptions::Cpu(CpuOptions { engine, prepack_weights: false, pin_threads: false })
    };
    let device = match engine {
        "rten" => cpu(CpuEngine::Rten),
        "ort" => cpu(CpuEngine::Ort),
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
        other => panic!("no engine is called {other}"),
    };
    SessionOptions {
        precision: Precision::Fp32,
        graph_optimization: GraphOptimization::All,
        threads: 1,
        max_batch: 1,
        memory_limit_bytes: 0,
        // Which nodes a device leaves to the processor is another test's matter.
        cpu_fallback_percent: 100,
        device,
    }
}
