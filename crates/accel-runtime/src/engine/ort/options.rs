//! What ONNX Runtime is told for a skill's options. Nothing here needs the library, a device or
//! the file system, so that every platform's options are tested on any machine.
//!
//! Session keys are those of ONNX Runtime 1.31's `onnxruntime_session_options_config_keys.h`;
//! provider keys those of `cuda_execution_provider_info.cc`, `migraphx_execution_provider_info.h`
//! and `coreml_options.cc`.

use std::path::Path;

use accel_core::{
    Arena, ComputeUnits, ConvSearch, CoremlFormat, CoremlSpecialization, CpuOptions, CudaOptions,
    DeviceOptions, GraphOptimization, MpsOptions, RocmOptions, SessionOptions,
};
use ort::session::builder::GraphOptimizationLevel;

use super::processors::Processors;
use crate::{Dim, Error, Result, TensorInfo};

/// More threads than this is a mistake.
const MAX_THREADS: u32 = 1024;

/// Everything that a session is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) optimization: GraphOptimizationLevel,
    /// Threads of the session's pool, the caller's own among them.
    pub(super) threads: usize,
    /// Session keys and values.
    pub(super) session: Vec<(&'static str, String)>,
    /// The one provider besides the processor's, if the platform has one.
    pub(super) provider: Option<(Provider, Vec<(&'static str, String)>)>,
}

/// A provider of ONNX Runtime, the part of it that computes on a kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    Cuda,
    MiGraphX,
    CoreMl,
}

impl Provider {
    /// The provider that serves these options; the processor's needs no mention.
    pub(super) const fn of(device: &DeviceOptions) -> Option<Self> {
        match device {
            DeviceOptions::Cuda(_) => Some(Self::Cuda),
            DeviceOptions::Rocm(_) => Some(Self::MiGraphX),
            DeviceOptions::Mps(_) => Some(Self::CoreMl),
            _ => None,
        }
    }

    /// Its name, as ONNX Runtime spells it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cuda => "CUDAExecutionProvider",
            Self::MiGraphX => "MIGraphXExecutionProvider",
            Self::CoreMl => "CoreMLExecutionProvider",
        }
    }
}

/// Whether compiled models are to be kept on disk.
pub(super) const fn keeps_compiled_models(device: &DeviceOptions) -> bool {
    matches!(
        device,
        DeviceOptions::Rocm(RocmOptions { model_cache: true, .. })
            | DeviceOptions::Mps(MpsOptions { model_cache: true, .. })
    )
}

/// The plan for a graph with these inputs and outputs. `compiled` is the folder for compiled models.
pub(super) fn plan(
    options: &SessionOptions,
    ends: [&[TensorInfo]; 2],
    processors: &Processors,
    compiled: Option<&Path>,
) -> Result<Plan> {
    let threads = threads(options.threads, processors)?;
    let mut session = vec![
        // A pool that waits busily takes the processor from whatever else runs on it.
        ("session.intra_op.allow_spinning", "0".to_owned()),
    ];
    let provider = match &options.device {
        DeviceOptions::Cpu(CpuOptions { prepack_weights, pin_threads, .. }) => {
            session.push(("session.disable_prepacking", flag(!prepack_weights)));
            if *pin_threads && threads > 1 {
                let affinities = affinities(threads, processors)?;
                session.push(("session.intra_op_thread_affinities", affinities));
            }
            None
        }
        DeviceOptions::Cuda(it) => {
            Some((Provider::Cuda, cuda(*it, options.memory_limit_bytes, ends)?))
        }
        DeviceOptions::Rocm(it) => {
            Some((Provider::MiGraphX, migraphx(*it, options.memory_limit_bytes, compiled)))
        }
        DeviceOptions::Mps(it) => Some((Provider::CoreMl, coreml(*it, compiled))),
        DeviceOptions::Openvino(_) | DeviceOptions::Webnn(_) | DeviceOptions::Webgpu(_) => {
            return Err(Error::InvalidOption {
                option: "device",
                given: format!("options of {}", options.device.platform().label()),
                reason: "ONNX Runtime serves CPU, CUDA, ROCm and MPS here".to_owned(),
            });
        }
    };
    let optimization = match options.graph_optimization {
        GraphOptimization::Off => GraphOptimizationLevel::Disable,
        GraphOptimization::Basic => GraphOptimizationLevel::Level1,
        GraphOptimization::Extended => GraphOptimizationLevel::Level2,
        GraphOptimization::All => GraphOptimizationLevel::All,
    };
    Ok(Plan { optimization, threads, session, provider })
}

fn flag(on: bool) -> String {
    if on { "1" } else { "0" }.to_owned()
}

fn threads(asked: u32, processors: &Processors) -> Result<usize> {
    match asked {
        // Left to itself, ONNX Runtime would also pin them.
        0 => Ok(processors.cores),
        1..=MAX_THREADS => Ok(asked as usize),
        _ => Err(Error::InvalidOption {
            option: "threads",
            given: asked.to_string(),
            reason: format!("give at most {MAX_THREADS}, or 0 for one for every physical core"),
        }),
    }
}

/// A processor for every thread but the caller's own, which is not the session's to pin.
/// Processors count from 1 here.
fn affinities(threads: usize, processors: &Processors) -> Result<String> {
    let Some(ids) = processors.ids.get(1..threads) else {
        return Err(Error::InvalidOption {
            option: "pin_threads",
            given: "true".to_owned(),
            reason: format!(
                "{threads} threads cannot have a processor each, since this process may use {}; \
                 ask for fewer `threads`, or do not pin them",
                processors.ids.len()
            ),
        });
    };
    let ids: Vec<_> = ids.iter().map(|it| (it + 1).to_string()).collect();
    Ok(ids.join(";"))
}

fn cuda(
    options: CudaOptions,
    limit_bytes: u64,
    ends: [&[TensorInfo]; 2],
) -> Result<Vec<(&'static str, String)>> {
    if options.cuda_graph {
        check_static(ends)?;
    }
    let mut pairs = vec![
        ("device_id", options.device_id.to_string()),
        ("arena_extend_strategy", arena(options.arena)),
        (
            "cudnn_conv_algo_search",
            match options.conv_search {
                ConvSearch::Exhaustive => "EXHAUSTIVE",
                ConvSearch::Heuristic => "HEURISTIC",
                ConvSearch::Default => "DEFAULT",
            }
            .to_owned(),
        ),
        ("cudnn_conv_use_max_workspace", flag(options.conv_max_workspace)),
        ("do_copy_in_default_stream", flag(options.copy_in_default_stream)),
        ("enable_cuda_graph", flag(options.cuda_graph)),
        ("use_tf32", flag(options.tf32)),
        ("prefer_nhwc", flag(options.prefer_nhwc)),
    ];
    if limit_bytes > 0 {
        pairs.push(("gpu_mem_limit", limit_bytes.to_string()));
    }
    Ok(pairs)
}

/// A CUDA graph replays the sizes that it was recorded with, whatever it is given later.
fn check_static(ends: [&[TensorInfo]; 2]) -> Result<()> {
    let open = |it: &&TensorInfo| !it.dims.iter().all(|it| matches!(it, Dim::Fixed(_)));
    let Some(end) = ends.into_iter().flatten().find(open) else {
        return Ok(());
    };
    Err(Error::InvalidOption {
        option: "cuda_graph",
        given: "true".to_owned(),
        reason: format!(
            "`{}` is {end}, and a CUDA graph replays one set of sizes; export the model \
             with static shapes, or give false",
            end.name
        ),
    })
}

fn arena(arena: Arena) -> String {
    match arena {
        Arena::NextPowerOfTwo => "kNextPowerOfTwo",
        Arena::SameAsRequested => "kSameAsRequested",
    }
    .to_owned()
}

fn migraphx(
    options: RocmOptions,
    limit_bytes: u64,
    compiled: Option<&Path>,
) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("device_id", options.device_id.to_string()),
        ("migraphx_fp16_enable", flag(options.fp16)),
        ("migraphx_int8_enable", flag(options.int8)),
        ("migraphx_exhaustive_tune", flag(options.exhaustive_tune)),
    ];
    if limit_bytes > 0 {
        pairs.push(("migraphx_mem_limit", limit_bytes.to_string()));
    }
    if let Some(folder) = compiled {
        pairs.push(("migraphx_model_cache_dir", folder.display().to_string()));
    }
    pairs
}

fn coreml(options: MpsOptions, compiled: Option<&Path>) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        (
            "ModelFormat",
            match options.format {
                CoremlFormat::MlProgram => "MLProgram",
                CoremlFormat::NeuralNetwork => "NeuralNetwork",
            }
            .to_owned(),
        ),
        (
            "MLComputeUnits",
            match options.compute_units {
                ComputeUnits::All => "ALL",
                ComputeUnits::CpuAndGpu => "CPUAndGPU",
                ComputeUnits::CpuAndNeuralEngine => "CPUAndNeuralEngine",
            }
            .to_owned(),
        ),
        (
            "SpecializationStrategy",
            match options.specialization {
                CoremlSpecialization::Default => "Default",
                CoremlSpecialization::FastPrediction => "FastPrediction",
            }
            .to_owned(),
        ),
        ("AllowLowPrecisionAccumulationOnGPU", flag(options.low_precision_accumulation)),
        ("RequireStaticInputShapes", flag(options.static_shapes)),
        // The two halves of a merged decoder are bodies of an `If`.
        ("EnableOnSubgraphs", flag(true)),
    ];
    if let Some(folder) = compiled {
        pairs.push(("ModelCacheDirectory", folder.display().to_string()));
    }
    pairs
}

#[cfg(test)]
mod tests;
