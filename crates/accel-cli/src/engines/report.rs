//! What each engine can do here: one function an engine fills a plain report.

use std::path::Path;

use accel_core::{
    CpuEngine, CpuOptions, DeviceOptions, Engine, OpenvinoDevice, OpenvinoOptions, Platform,
    SessionOptions, Vocabulary as _,
};
use accel_runtime::Availability;
use accel_runtime::engine::{self, BrowserEngine, BrowserFiles, Engine as _, RtenEngine};
use serde::Serialize;

use crate::defaults::default_options;

/// An engine, as far as this machine goes.
#[derive(Debug, Serialize)]
pub(super) struct EngineReport {
    /// Its name.
    pub(super) engine: Engine,
    /// What it is.
    pub(super) what: &'static str,
    /// Whether this program can drive it.
    pub(super) compiled_in: bool,
    /// Where its files were found; `None` when they were not, or when it needs none.
    pub(super) path: Option<String>,
    /// Its version; `None` when it was not found.
    pub(super) version: Option<String>,
    /// What it has here, in its own words: providers, devices, capabilities.
    pub(super) capabilities: Vec<String>,
    /// The platforms that it serves.
    pub(super) platforms: Vec<PlatformReport>,
}

/// A platform as one engine serves it.
#[derive(Debug, Serialize)]
pub(super) struct PlatformReport {
    /// The platform.
    pub(super) platform: Platform,
    /// Which of the platform's devices, where it has several.
    pub(super) device: Option<&'static str>,
    /// Whether it can be used here.
    pub(super) available: bool,
    /// Why not.
    pub(super) reason: Option<String>,
    /// What would help.
    pub(super) remedy: Option<String>,
}

/// Every engine's report.
pub(super) fn reports() -> Vec<EngineReport> {
    vec![rten(), ort(), openvino(), browser(), simulator()]
}

fn rten() -> EngineReport {
    EngineReport {
        engine: Engine::Rten,
        what: "embedded in this program: pure Rust, on the CPU",
        compiled_in: true,
        path: None,
        version: Some(RtenEngine::new().version()),
        capabilities: Vec::new(),
        platforms: vec![platform(&default_options(Platform::Cpu), None)],
    }
}

fn ort() -> EngineReport {
    let mut on_cpu = default_options(Platform::Cpu);
    if let DeviceOptions::Cpu(CpuOptions { engine, .. }) = &mut on_cpu.device {
        *engine = CpuEngine::Ort;
    }
    let others = [Platform::Cuda, Platform::Rocm, Platform::Mps];
    let mut platforms = vec![platform(&on_cpu, None)];
    platforms.extend(others.map(|it| platform(&default_options(it), None)));
    let found = engine::ort::found().ok();
    EngineReport {
        engine: Engine::Ort,
        what: "ONNX Runtime, loaded when it is used",
        compiled_in: engine::built_in(Engine::Ort),
        path: found.as_ref().map(|it| shown(&it.path)),
        capabilities: found
            .as_ref()
            .map(|it| it.providers.iter().map(|it| (*it).to_owned()).collect())
            .unwrap_or_default(),
        version: found.map(|it| it.version),
        platforms,
    }
}

fn openvino() -> EngineReport {
    let devices = [OpenvinoDevice::Cpu, OpenvinoDevice::Gpu, OpenvinoDevice::Npu];
    let platforms = devices.map(|device| {
        let mut options = default_options(Platform::Openvino);
        if let DeviceOptions::Openvino(OpenvinoOptions { device: it, .. }) = &mut options.device {
            *it = device;
        }
        platform(&options, Some(device.name()))
    });
    let found = engine::openvino::found().ok();
    EngineReport {
        engine: Engine::Openvino,
        what: "OpenVINO, loaded when it is used",
        compiled_in: engine::built_in(Engine::Openvino),
        path: found.map(|it| shown(&it.path)),
        version: found.map(|it| it.version.clone()),
        capabilities: found
            .map(|it| it.devices.iter().map(|it| format!("{} is {}", it.name, it.full_name)))
            .map(Iterator::collect)
            .unwrap_or_default(),
        platforms: platforms.into(),
    }
}

fn browser() -> EngineReport {
    // Asking for the platforms starts the browser, which then tells its version.
    let platforms =
        [Platform::Webgpu, Platform::Webnn].map(|it| platform(&default_options(it), None));
    let files = BrowserFiles::find().ok();
    let engine = BrowserEngine::shared().ok().filter(|_| platforms.iter().any(|it| it.available));
    EngineReport {
        engine: Engine::Browser,
        what: "a browser with onnxruntime-web",
        compiled_in: engine::built_in(Engine::Browser),
        path: files.as_ref().map(|it| shown(&it.browser)),
        version: engine.map(|it| it.version()),
        capabilities: files
            .iter()
            .map(|it| format!("onnxruntime-web in {}", shown(&it.web)))
            .collect(),
        platforms: platforms.into(),
    }
}

fn simulator() -> EngineReport {
    EngineReport {
        engine: Engine::Simulator,
        what: "true outputs from the CPU, time predicted; never taken for a measurement",
        compiled_in: engine::built_in(Engine::Simulator),
        path: None,
        version: None,
        capabilities: Vec::new(),
        platforms: Platform::ALL.iter().map(|it| report(*it, None, engine::simulator())).collect(),
    }
}

/// Whether the engine serves what `options` ask for.
fn platform(options: &SessionOptions, device: Option<&'static str>) -> PlatformReport {
    report(options.device.platform(), device, engine::availability(options))
}

fn report(
    platform: Platform,
    device: Option<&'static str>,
    availability: Availability,
) -> PlatformReport {
    match availability {
        Availability::Available { .. } => {
            PlatformReport { platform, device, available: true, reason: None, remedy: None }
        }
        Availability::Unavailable { reason, remedy, .. } => PlatformReport {
            platform,
            device,
            available: false,
            reason: Some(reason),
            remedy: Some(remedy),
        },
    }
}

/// A path for people and programs.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
