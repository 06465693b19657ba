//! ONNX Runtime, loaded at run time: the processor, NVIDIA's GPUs (CUDA), AMD's (ROCm, by
//! MIGraphX) and Apple's units (MPS, by Core ML).

mod cache;
mod devices;
mod file;
mod foreign;
mod half;
mod library;
mod load;
mod options;
mod placement;
mod processors;
mod session;
mod values;

use std::sync::Mutex;

use accel_core::{DeviceOptions, Engine as EngineName, Platform, SessionOptions};
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};

use self::devices::Gpus;
use self::library::{Library, library};
use self::options::Provider;
use self::placement::Assigned;
use self::processors::Processors;
use self::session::OrtSession;
use self::values::Port;
use super::{Engine, Placement, Session, check_memory, check_platform, cpu};
use crate::model::GraphFiles;
use crate::{Error, Result, TensorInfo};

pub use library::{Found, ONNXRUNTIME, found};

/// ONNX Runtime.
///
/// Options: `precision` picks the file; `graph_optimization` is one of its levels; `threads` is
/// the size of each session's pool, which does not wait busily; `pin_threads` binds every thread
/// but the caller's own; `memory_limit_bytes` refuses larger files and, on CUDA and ROCm, limits
/// the device's arena; `max_batch` is honoured by the pipelines. Unless `cpu_fallback_percent`
/// allows some, a node that the device cannot compute is an error; the arithmetic of shapes that
/// ONNX Runtime itself keeps on the processor is reported.
#[derive(Clone, Copy, Debug)]
pub struct OrtEngine {
    library: &'static Library,
}

/// The device that options ask for.
struct Device {
    name: String,
    /// Its memory, where values can wait between runs.
    memory: Option<MemoryInfo<'static>>,
}

impl OrtEngine {
    /// The engine, when its library is there with the provider that `options` ask for, and the
    /// device too.
    ///
    /// # Errors
    /// [`Error::EngineUnavailable`] for a library, provider or device that is not there;
    /// [`Error::InvalidOption`] for the index of a device that is not.
    pub fn for_options(options: &SessionOptions) -> Result<Self> {
        let platform = options.device.platform();
        let gpus = gpus(&options.device)?;
        let library = library().map_err(|problem| problem.error(platform))?;
        if let Some(provider) = Provider::of(&options.device) {
            check_provider(library, provider, platform)?;
        }
        check_index(&options.device, &gpus)?;
        Ok(Self { library })
    }

    /// Whether the library is nowhere to be found; one that cannot be used was found.
    pub fn is_missing() -> bool {
        library().is_err_and(|it| it.missing)
    }
}

impl Engine for OrtEngine {
    fn name(&self) -> EngineName {
        EngineName::Ort
    }

    fn version(&self) -> String {
        self.library.found.version.clone()
    }

    fn load(
        &self,
        graph: &GraphFiles,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>> {
        check_platform(platform, options)?;
        let device = device(&options.device)?;
        check_memory(graph, options)?;
        let bytes = graph.bytes_now()?;
        if bytes != graph.bytes {
            return Err(Error::CorruptModel {
                path: graph.path.clone(),
                reason: format!(
                    "its files have {bytes} bytes and had {} a moment ago",
                    graph.bytes
                ),
            });
        }
        let inputs = values::ports(&graph.onnx.inputs, &graph.path)?;
        let outputs = values::ports(&graph.onnx.outputs, &graph.path)?;
        let infos = |ports: &[Port]| -> Vec<TensorInfo> {
            ports.iter().map(|it| it.info.clone()).collect()
        };
        let (input_infos, output_infos) = (infos(&inputs), infos(&outputs));
        let version = &self.library.found.version;
        let compiled = if options::keeps_compiled_models(&options.device) {
            Some(cache::folder(graph, options, version)?)
        } else {
            None
        };
        let processors = Processors::of_this_machine();
        let plan = options::plan(options, &input_infos, &processors, compiled.as_deref())?;
        let (session, assigned) = load::load(self.library, graph, options, &plan)?;
        let Assigned { nodes, host_nodes, .. } = assigned;
        let placement = Placement {
            engine: EngineName::Ort,
            engine_version: version.clone(),
            device: device.name,
            nodes,
            host_nodes,
            evidence: "ONNX Runtime's own assignment of nodes, logged when the session was made \
                       and after it had rewritten the graph"
                .to_owned(),
        };
        Ok(Box::new(OrtSession {
            session: Mutex::new(session),
            inputs,
            outputs,
            input_infos,
            output_infos,
            placement,
            device: device.memory,
        }))
    }
}

fn unavailable(platform: Platform, reason: String, remedy: &str) -> Error {
    Error::EngineUnavailable {
        platform,
        engine: EngineName::Ort,
        reason,
        remedy: remedy.to_owned(),
    }
}

/// The GPUs that the options choose among.
fn gpus(device: &DeviceOptions) -> Result<Gpus> {
    let platform = device.platform();
    match device {
        DeviceOptions::Cuda(_) => devices::nvidia().map_err(|reason| {
            unavailable(platform, reason, "run it on a machine with an NVIDIA GPU and its driver")
        }),
        DeviceOptions::Rocm(_) => devices::amd().map_err(|reason| {
            unavailable(platform, reason, "run it on a machine with an AMD GPU and its driver")
        }),
        DeviceOptions::Mps(_) if !cfg!(target_os = "macos") => Err(unavailable(
            platform,
            format!("Core ML is a part of macOS, and this machine runs {}", std::env::consts::OS),
            "run it on a Mac",
        )),
        _ => Ok(Gpus::default()),
    }
}

fn check_provider(library: &Library, provider: Provider, platform: Platform) -> Result<()> {
    let found = &library.found;
    if found.providers.contains(&provider.name()) {
        return Ok(());
    }
    let remedy = match provider {
        Provider::Cuda => {
            "run `accel engines install onnxruntime-gpu`; a process that has loaded a library \
             keeps it"
        }
        Provider::MiGraphX => {
            "install AMD's build of ONNX Runtime (Python package onnxruntime-migraphx) and let \
             ACCEL_ONNXRUNTIME name its library"
        }
        Provider::CoreMl => "run `accel engines install onnxruntime`, whose build for Macs has it",
    };
    let reason = format!("{found} was built without {}", provider.name());
    Err(unavailable(platform, reason, remedy))
}

/// Refuses the index of a device that is not there.
fn check_index(device: &DeviceOptions, gpus: &Gpus) -> Result<()> {
    let (DeviceOptions::Cuda(accel_core::CudaOptions { device_id, .. })
    | DeviceOptions::Rocm(accel_core::RocmOptions { device_id, .. })) = device
    else {
        return Ok(());
    };
    // Where they cannot be counted, the library will.
    let count = gpus.count.unwrap_or(i32::MAX as usize);
    if usize::try_from(*device_id).is_ok_and(|it| it < count) {
        return Ok(());
    }
    Err(Error::InvalidOption {
        option: "device_id",
        given: device_id.to_string(),
        reason: match count {
            1 => "there is one GPU, and its index is 0".to_owned(),
            _ => format!("there are {count} GPUs; give an index below that"),
        },
    })
}

fn device(options: &DeviceOptions) -> Result<Device> {
    let gpus = gpus(options)?;
    check_index(options, &gpus)?;
    Ok(match options {
        DeviceOptions::Cuda(it) => {
            let index = i32::try_from(it.device_id).unwrap_or(i32::MAX);
            let memory = MemoryInfo::new(
                AllocationDevice::CUDA,
                index,
                AllocatorType::Device,
                MemoryType::Default,
            );
            Device {
                name: gpus.name.unwrap_or_else(|| format!("CUDA device {}", it.device_id)),
                memory: Some(memory.map_err(|error| values::run_error(&error))?),
            }
        }
        DeviceOptions::Rocm(it) => Device {
            name: gpus.name.unwrap_or_else(|| format!("ROCm device {}", it.device_id)),
            memory: None,
        },
        DeviceOptions::Mps(_) => {
            Device { name: "Apple GPU and neural engine".to_owned(), memory: None }
        }
        _ => Device { name: cpu::device_name().to_owned(), memory: None },
    })
}
