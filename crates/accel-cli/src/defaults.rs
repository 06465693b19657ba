//! What a session is asked for when nobody says otherwise.

use accel_core::{
    Arena, ComputeUnits, ConvSearch, CoremlFormat, CoremlSpecialization, CpuEngine, CpuOptions,
    CudaOptions, DeviceOptions, GraphOptimization, InferencePrecision, MpsOptions, OpenvinoDevice,
    OpenvinoOptions, PerformanceHint, Platform, PowerPreference, Precision, RocmOptions,
    SessionOptions, TensorLayout, WebgpuOptions, WebnnDevice, WebnnOptions,
};

/// The options that model registries start from.
pub(crate) const fn default_options(platform: Platform) -> SessionOptions {
    /// Half of what a 32-bit wasm module can address.
    const BROWSER_BYTES: u64 = 2 << 30;
    // A device computes; the CPU only feeds it. On the CPU, 0 is a thread for every core.
    let (threads, max_batch, memory_limit_bytes) = match platform {
        Platform::Cpu | Platform::Openvino => (0, 32, 0),
        Platform::Cuda | Platform::Rocm => (1, 32, 0),
        Platform::Mps => (1, 16, 0),
        Platform::Webnn | Platform::Webgpu => (1, 8, BROWSER_BYTES),
    };
    SessionOptions {
        precision: Precision::Fp32,
        graph_optimization: GraphOptimization::All,
        threads,
        max_batch,
        memory_limit_bytes,
        cpu_fallback_percent: 0,
        device: device_options(platform),
    }
}

const fn device_options(platform: Platform) -> DeviceOptions {
    match platform {
        Platform::Cpu => DeviceOptions::Cpu(CpuOptions {
            engine: CpuEngine::Rten,
            prepack_weights: false,
            pin_threads: false,
        }),
        Platform::Cuda => DeviceOptions::Cuda(CudaOptions {
            device_id: 0,
            arena: Arena::SameAsRequested,
            // Full precision: what is tried by hand is compared with something.
            tf32: false,
            cuda_graph: false,
            conv_search: ConvSearch::Heuristic,
            conv_max_workspace: true,
            prefer_nhwc: false,
            copy_in_default_stream: true,
        }),
        Platform::Rocm => DeviceOptions::Rocm(RocmOptions {
            device_id: 0,
            fp16: false,
            int8: false,
            exhaustive_tune: false,
            model_cache: true,
        }),
        Platform::Mps => DeviceOptions::Mps(MpsOptions {
            format: CoremlFormat::MlProgram,
            compute_units: ComputeUnits::CpuAndGpu,
            specialization: CoremlSpecialization::Default,
            low_precision_accumulation: false,
            static_shapes: false,
            model_cache: true,
        }),
        Platform::Openvino => DeviceOptions::Openvino(OpenvinoOptions {
            device: OpenvinoDevice::Cpu,
            device_index: 0,
            inference_precision: InferencePrecision::F32,
            performance_hint: PerformanceHint::Latency,
            streams: 1,
            pin_threads: false,
            model_cache: true,
        }),
        Platform::Webnn => DeviceOptions::Webnn(WebnnOptions {
            device: WebnnDevice::Gpu,
            power_preference: PowerPreference::Default,
        }),
        Platform::Webgpu => DeviceOptions::Webgpu(WebgpuOptions {
            power_preference: PowerPreference::HighPerformance,
            layout: TensorLayout::Nhwc,
        }),
    }
}
