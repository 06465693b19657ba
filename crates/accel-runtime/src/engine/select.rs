//! Which engine serves what is asked for, and whether it is there.

use std::sync::Arc;

use accel_core::{
    CpuEngine, CpuOptions, DeviceOptions, Engine as EngineName, OpenvinoOptions, Platform,
    SessionOptions,
};

use super::{Engine, RtenEngine};
use crate::{Error, Result};

/// What a platform lacks that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lack {
    /// This build cannot drive the engine, wherever its files are.
    BuiltIn,
    /// The engine's files, or the part of them that serves the platform.
    Engine,
    /// An engine that works: its files are there, and they do not load or are too old.
    WorkingEngine,
    /// The device.
    Device,
}

/// Whether a platform can be used in this build on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Available {
        /// The engine that serves it.
        engine: EngineName,
    },
    /// It cannot.
    Unavailable {
        /// The engine that would serve it.
        engine: EngineName,
        /// What it lacks.
        lack: Lack,
        /// Why it cannot.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
}

impl Availability {
    /// The engine, or the error of a load on `platform`.
    ///
    /// # Errors
    /// [`Error::EngineUnavailable`].
    pub fn or_error(self, platform: Platform) -> Result<EngineName> {
        match self {
            Self::Available { engine } => Ok(engine),
            Self::Unavailable { engine, lack, reason, remedy } => {
                Err(Error::EngineUnavailable { platform, engine, lack, reason, remedy })
            }
        }
    }
}

/// Whether the platform and device that `options` ask for can be used, without loading a model.
pub fn availability(options: &SessionOptions) -> Availability {
    match for_options(options) {
        Ok(engine) => Availability::Available { engine: engine.name() },
        Err(Error::EngineUnavailable { engine, lack, reason, remedy, .. }) => {
            Availability::Unavailable { engine, lack, reason, remedy }
        }
        // An engine that is there and whose options are wrong: loading will say so.
        Err(_) => Availability::Available { engine: options.device.platform().engines()[0] },
    }
}

/// The engine that serves the platform and device that `options` ask for.
///
/// # Errors
/// [`Error::EngineUnavailable`] when it or the device is not there; never another platform's
/// engine. [`Error::InvalidOption`] for a device that cannot be.
pub fn for_options(options: &SessionOptions) -> Result<Arc<dyn Engine>> {
    match options.device {
        DeviceOptions::Cpu(CpuOptions { engine, .. }) => match engine {
            CpuEngine::Ort => onnx_runtime(options),
            CpuEngine::OrtElseRten if has_onnx_runtime() => onnx_runtime(options),
            CpuEngine::Rten | CpuEngine::OrtElseRten => Ok(Arc::new(RtenEngine::new())),
        },
        DeviceOptions::Cuda(_) | DeviceOptions::Rocm(_) | DeviceOptions::Mps(_) => {
            onnx_runtime(options)
        }
        DeviceOptions::Openvino(device) => openvino(options, &device),
        DeviceOptions::Webnn(_) | DeviceOptions::Webgpu(_) => browser(options),
    }
}

/// Whether this build can drive the engine, wherever its files are.
pub const fn built_in(engine: EngineName) -> bool {
    match engine {
        EngineName::Rten | EngineName::Simulator => true,
        EngineName::Ort => cfg!(feature = "ort"),
        EngineName::Openvino => cfg!(feature = "openvino"),
        EngineName::Browser => cfg!(feature = "browser"),
    }
}

/// Whether the simulator can be used: always.
pub const fn simulator() -> Availability {
    Availability::Available { engine: EngineName::Simulator }
}

#[cfg(feature = "ort")]
fn has_onnx_runtime() -> bool {
    !super::ort::OrtEngine::is_missing()
}

#[cfg(not(feature = "ort"))]
const fn has_onnx_runtime() -> bool {
    false
}

#[cfg(feature = "ort")]
fn onnx_runtime(options: &SessionOptions) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(super::ort::OrtEngine::for_options(options)?))
}

#[cfg(not(feature = "ort"))]
fn onnx_runtime(options: &SessionOptions) -> Result<Arc<dyn Engine>> {
    Err(not_built_in(options, EngineName::Ort, "ONNX Runtime"))
}

#[cfg(feature = "openvino")]
fn openvino(_: &SessionOptions, device: &OpenvinoOptions) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(super::openvino::OpenvinoEngine::new(device)?))
}

#[cfg(not(feature = "openvino"))]
fn openvino(options: &SessionOptions, _: &OpenvinoOptions) -> Result<Arc<dyn Engine>> {
    Err(not_built_in(options, EngineName::Openvino, "OpenVINO"))
}

#[cfg(feature = "browser")]
fn browser(options: &SessionOptions) -> Result<Arc<dyn Engine>> {
    super::browser::for_options(options)
}

#[cfg(not(feature = "browser"))]
fn browser(options: &SessionOptions) -> Result<Arc<dyn Engine>> {
    Err(not_built_in(options, EngineName::Browser, "a browser"))
}

#[cfg(not(all(feature = "ort", feature = "openvino", feature = "browser")))]
fn not_built_in(options: &SessionOptions, engine: EngineName, what: &str) -> Error {
    let platform = options.device.platform();
    Error::EngineUnavailable {
        platform,
        engine,
        lack: Lack::BuiltIn,
        reason: format!("this build of accel-runtime has no engine that drives {what}"),
        remedy: format!(
            "switch on the feature `{}` of accel-runtime, or bring an engine for {} with \
             ModelSource::with_engine",
            engine.name(),
            platform.label()
        ),
    }
}
