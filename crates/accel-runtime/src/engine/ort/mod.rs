//! ONNX Runtime, loaded at run time: the processor, NVIDIA's GPUs (CUDA), AMD's (ROCm, by
//! MIGraphX) and Apple's units (MPS, by Core ML).

mod bound;
mod cache;
mod devices;
mod file;
mod foreign;
mod library;
mod load;
mod operators;
mod options;
mod placement;
mod processors;
mod session;
mod values;

use std::sync::Mutex;

use accel_core::{
    CudaOptions, DeviceOptions, Engine as EngineName, Platform, RocmOptions, SessionOptions,
};
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};

use self::devices::Gpus;
use self::library::{Library, library};
use self::options::Provider;
use self::placement::Assigned;
use self::processors::Processors;
use self::session::{OrtSession, Running};
use self::values::Port;
use super::{Engine, Lack, Placement, Session, check_memory, check_platform, cpu};
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
            check_provider(&library.found, provider, platform)?;
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
        Ok(Box::new(self.open(graph, options)?))
    }
}

impl OrtEngine {
    /// A session that takes the host's memory for a device's: the calls are those that a GPU
    /// gets, and a test needs none.
    ///
    /// With `recorded`, runs are recorded as CUDA graphs are; every size that the graph does not
    /// fix is 1 then.
    ///
    /// # Errors
    /// As [`Engine::load`].
    #[cfg(feature = "testkit")]
    pub fn load_as_on_a_device(
        &self,
        graph: &GraphFiles,
        options: &SessionOptions,
        recorded: bool,
    ) -> Result<Box<dyn Session>> {
        let mut session = self.open(graph, options)?;
        session.device = Some(MemoryInfo::default());
        session.records = recorded;
        if recorded {
            let ports = session.inputs.iter_mut().chain(&mut session.outputs);
            for dim in ports.flat_map(|it| &mut it.info.dims) {
                if !matches!(dim, crate::Dim::Fixed(_)) {
                    *dim = crate::Dim::Fixed(1);
                }
            }
        }
        Ok(Box::new(session))
    }

    fn open(self, graph: &GraphFiles, options: &SessionOptions) -> Result<OrtSession> {
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
        operators::refuse(&graph.onnx)?;
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
        let plan = options::plan(
            options,
            [&input_infos, &output_infos],
            &processors,
            compiled.as_deref(),
        )?;
        let (session, assigned) = load::load(self.library, graph, options, &plan)?;
        let Assigned { nodes, host_nodes, .. } = assigned;
        let placement = Placement {
            engine: EngineName::Ort,
            engine_version: version.clone(),
            device: device.name,
            software: false,
            nodes,
            host_nodes,
            evidence: "ONNX Runtime's own assignment of nodes, logged when the session was made \
                       and after it had rewritten the graph"
                .to_owned(),
        };
        Ok(OrtSession {
            running: Mutex::new(Running { session, fixed: None }),
            inputs,
            outputs,
            input_infos,
            output_infos,
            placement,
            device: device.memory,
            records: matches!(
                options.device,
                DeviceOptions::Cuda(CudaOptions { cuda_graph: true, .. })
            ),
        })
    }
}

fn unavailable(platform: Platform, lack: Lack, reason: String, remedy: &str) -> Error {
    Error::EngineUnavailable {
        platform,
        engine: EngineName::Ort,
        lack,
        reason,
        remedy: remedy.to_owned(),
    }
}

/// The GPUs that the options choose among.
fn gpus(device: &DeviceOptions) -> Result<Gpus> {
    let platform = device.platform();
    match device {
        DeviceOptions::Cuda(_) => devices::nvidia().map_err(|reason| {
            let remedy = "run it on a machine with an NVIDIA GPU and its driver";
            unavailable(platform, Lack::Device, reason, remedy)
        }),
        DeviceOptions::Rocm(_) => devices::amd().map_err(|reason| {
            let remedy = "run it on a machine with an AMD GPU and its driver";
            unavailable(platform, Lack::Device, reason, remedy)
        }),
        DeviceOptions::Mps(_) if !cfg!(target_os = "macos") => Err(unavailable(
            platform,
            Lack::Device,
            format!("Core ML is a part of macOS, and this machine runs {}", std::env::consts::OS),
            "run it on a Mac",
        )),
        _ => Ok(Gpus::default()),
    }
}

fn check_provider(found: &Found, provider: Provider, platform: Platform) -> Result<()> {
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
    Err(unavailable(platform, Lack::Engine, reason, remedy))
}

/// Refuses the index of a device that is not there.
fn check_index(device: &DeviceOptions, gpus: &Gpus) -> Result<()> {
    let (DeviceOptions::Cuda(CudaOptions { device_id, .. })
    | DeviceOptions::Rocm(RocmOptions { device_id, .. })) = device
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

#[cfg(test)]
mod tests {
    use accel_core::{DeviceOptions, Platform, RocmOptions};

    use super::{Found, Gpus, Provider, check_index, check_provider};
    use crate::Error;

    #[test]
    fn a_provider_that_the_library_lacks_is_said_with_those_it_has() {
        let found = |providers| Found {
            path: "libonnxruntime.so".into(),
            version: "1.31.1".to_owned(),
            providers,
        };
        let plain = found(vec!["AzureExecutionProvider", "CPUExecutionProvider"]);
        for (provider, platform, remedy) in [
            (Provider::Cuda, Platform::Cuda, "accel engines install onnxruntime-gpu"),
            (Provider::MiGraphX, Platform::Rocm, "onnxruntime-migraphx"),
            (Provider::CoreMl, Platform::Mps, "accel engines install onnxruntime"),
        ] {
            let error = check_provider(&plain, provider, platform).unwrap_err();
            assert!(
                matches!(&error, Error::EngineUnavailable { platform: it, .. } if *it == platform)
            );
            let text = error.to_string();
            for part in [provider.name(), "AzureExecutionProvider, CPUExecutionProvider", remedy] {
                assert!(text.contains(part), "{text}");
            }
            assert!(check_provider(&found(vec![provider.name()]), provider, platform).is_ok());
        }
    }

    #[test]
    fn the_index_of_a_device_that_is_not_there_is_refused() {
        let device = |device_id| {
            DeviceOptions::Rocm(RocmOptions {
                device_id,
                fp16: false,
                int8: false,
                exhaustive_tune: false,
                model_cache: false,
            })
        };
        let two = Gpus { count: Some(2), name: None };
        assert!(check_index(&device(1), &two).is_ok());
        let error = check_index(&device(2), &two).unwrap_err();
        assert_eq!(
            error.to_string(),
            "session option `device_id` = 2 is not usable: there are 2 GPUs; give an index below that"
        );
        assert!(check_index(&device(7), &Gpus::default()).is_ok());
        assert!(check_index(&device(u32::MAX), &Gpus::default()).is_err());
    }
}
