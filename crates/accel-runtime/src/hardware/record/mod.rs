//! Reading a machine into a [`Bundle`].

mod commands;
mod engines;
mod files;
mod foreign;

use std::env;

use super::{BUNDLE_FORMAT, BUNDLE_VERSION, Bundle};

/// What is read besides the machine itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordOptions {
    /// Whether browsers are started and asked for WebGPU and WebNN, which takes seconds.
    pub browsers: bool,
}

/// Variables that say what devices and containers a process has. Their values matter, except
/// where only that they are set does.
const VARIABLES: [&str; 12] = [
    "CUDA_DEVICE_ORDER",
    "CUDA_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "HIP_VISIBLE_DEVICES",
    "KUBERNETES_SERVICE_HOST",
    "NUMBER_OF_PROCESSORS",
    "NVIDIA_VISIBLE_DEVICES",
    "PROCESSOR_ARCHITECTURE",
    "PROCESSOR_IDENTIFIER",
    "ROCR_VISIBLE_DEVICES",
    "WSL_DISTRO_NAME",
    "container",
];

/// Reads this machine. Nothing of it is private to the device: no context is made on any, and no
/// engine is loaded, but for OpenVINO where the bus shows a GPU or NPU of Intel's.
pub fn record(options: RecordOptions) -> Bundle {
    // A driver takes its time to start, during which files can be read.
    let mut bundle = std::thread::scope(|scope| {
        let nvml = scope.spawn(foreign::nvml);
        let mut bundle = files_and_engines();
        // A thread that panicked had nothing to tell.
        bundle.nvml = nvml.join().unwrap_or_default();
        bundle
    });
    bundle.metal = foreign::metal();
    if engines::has_intel(&bundle) {
        bundle.openvino = engines::openvino_devices(&bundle);
    }
    if options.browsers {
        bundle.browsers = engines::browsers(&bundle);
    }
    bundle
}

fn files_and_engines() -> Bundle {
    let mut bundle = Bundle {
        format: BUNDLE_FORMAT.to_owned(),
        version: BUNDLE_VERSION,
        origin: "recorded".to_owned(),
        os: env::consts::OS.to_owned(),
        arch: env::consts::ARCH.to_owned(),
        environment: environment(),
        ..Bundle::default()
    };
    if cfg!(target_os = "linux") {
        files::lasting(&mut bundle);
        files::fresh(&mut bundle);
    } else {
        bundle.extensions = extensions();
        commands::lasting(&mut bundle);
        commands::fresh(&mut bundle);
    }
    bundle.threads =
        std::thread::available_parallelism().ok().and_then(|it| u32::try_from(it.get()).ok());
    bundle.engines = engines::engines();
    bundle
}

/// Reads anew what does not last: free memory, pressure, clocks, and what differs between
/// processes.
pub(super) fn refresh(bundle: &mut Bundle) {
    bundle.environment = environment();
    bundle.threads =
        std::thread::available_parallelism().ok().and_then(|it| u32::try_from(it.get()).ok());
    if cfg!(target_os = "linux") {
        files::fresh(bundle);
    } else {
        commands::fresh(bundle);
    }
    if bundle.nvml.is_some() {
        bundle.nvml = foreign::nvml();
    }
}

/// The variables that are set.
pub(super) fn environment() -> std::collections::BTreeMap<String, String> {
    let set = VARIABLES.iter().filter_map(|name| {
        let value = env::var_os(name)?;
        Some(((*name).to_owned(), value.to_string_lossy().into_owned()))
    });
    set.collect()
}

/// The processor's extensions as the standard library finds them.
fn extensions() -> Vec<String> {
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! found {
            ($($name:tt => $linux:tt),+ $(,)?) => {
                [$(($linux, std::arch::is_x86_feature_detected!($name))),+]
            };
        }
        let asked = found![
            "avx" => "avx", "avx2" => "avx2", "avx512bf16" => "avx512_bf16",
            "avx512bw" => "avx512bw", "avx512cd" => "avx512cd", "avx512dq" => "avx512dq",
            "avx512f" => "avx512f", "avx512vl" => "avx512vl", "avx512vnni" => "avx512_vnni",
            "f16c" => "f16c", "fma" => "fma", "sse3" => "sse3", "sse4.1" => "sse4_1",
            "sse4.2" => "sse4_2", "ssse3" => "ssse3",
        ];
        asked.iter().filter(|it| it.1).map(|it| it.0.to_owned()).collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // Every 64-bit Arm processor has it.
        if cfg!(target_arch = "aarch64") { vec!["neon".to_owned()] } else { Vec::new() }
    }
}
