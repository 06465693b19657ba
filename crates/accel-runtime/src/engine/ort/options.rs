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

/// The plan for a graph with these inputs. `compiled` is the folder for compiled models.
pub(super) fn plan(
    options: &SessionOptions,
    inputs: &[TensorInfo],
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
            Some((Provider::Cuda, cuda(it, options.memory_limit_bytes, inputs)?))
        }
        DeviceOptions::Rocm(it) => {
            Some((Provider::MiGraphX, migraphx(it, options.memory_limit_bytes, compiled)))
        }
        DeviceOptions::Mps(it) => Some((Provider::CoreMl, coreml(it, compiled))),
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
    options: &CudaOptions,
    limit_bytes: u64,
    inputs: &[TensorInfo],
) -> Result<Vec<(&'static str, String)>> {
    if options.cuda_graph {
        check_static(inputs)?;
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
fn check_static(inputs: &[TensorInfo]) -> Result<()> {
    let open = |it: &&TensorInfo| !it.dims.iter().all(|it| matches!(it, Dim::Fixed(_)));
    let Some(input) = inputs.iter().find(open) else {
        return Ok(());
    };
    Err(Error::InvalidOption {
        option: "cuda_graph",
        given: "true".to_owned(),
        reason: format!(
            "input `{}` is {input}, and a CUDA graph replays one set of sizes; export the model \
             with static shapes, or give false",
            input.name
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
    options: &RocmOptions,
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

fn coreml(options: &MpsOptions, compiled: Option<&Path>) -> Vec<(&'static str, String)> {
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
mod tests {
    use std::path::Path;

    use accel_core::{
        Arena, ComputeUnits, ConvSearch, CoremlFormat, CoremlSpecialization, CpuEngine, CpuOptions,
        CudaOptions, DeviceOptions, GraphOptimization, MpsOptions, Precision, RocmOptions,
        SessionOptions,
    };
    use ort::session::builder::GraphOptimizationLevel;

    use super::{Plan, Processors, Provider, keeps_compiled_models, plan};
    use crate::{DType, Dim, Error, Result, TensorInfo};

    fn options(device: DeviceOptions) -> SessionOptions {
        SessionOptions {
            precision: Precision::Fp32,
            graph_optimization: GraphOptimization::All,
            threads: 3,
            max_batch: 8,
            memory_limit_bytes: 0,
            cpu_fallback_percent: 0,
            device,
        }
    }

    fn cpu(prepack_weights: bool, pin_threads: bool) -> DeviceOptions {
        DeviceOptions::Cpu(CpuOptions { engine: CpuEngine::Ort, prepack_weights, pin_threads })
    }

    const CUDA: CudaOptions = CudaOptions {
        device_id: 1,
        arena: Arena::SameAsRequested,
        tf32: false,
        cuda_graph: false,
        conv_search: ConvSearch::Heuristic,
        conv_max_workspace: true,
        prefer_nhwc: false,
        copy_in_default_stream: true,
    };

    const ROCM: RocmOptions = RocmOptions {
        device_id: 2,
        fp16: true,
        int8: false,
        exhaustive_tune: true,
        model_cache: true,
    };

    const MPS: MpsOptions = MpsOptions {
        format: CoremlFormat::MlProgram,
        compute_units: ComputeUnits::CpuAndNeuralEngine,
        specialization: CoremlSpecialization::FastPrediction,
        low_precision_accumulation: false,
        static_shapes: true,
        model_cache: true,
    };

    fn planned(options: &SessionOptions) -> Result<Plan> {
        let processors = Processors { ids: vec![0, 2, 4, 1, 3, 5], cores: 3 };
        plan(options, &[], &processors, Some(Path::new("/cache")))
    }

    #[track_caller]
    fn check(given: &[(&str, String)], expected: &[(&str, &str)]) {
        let given: Vec<_> = given.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(given, expected);
    }

    #[test]
    fn the_processor_gets_threads_weights_and_no_provider() {
        let it = planned(&options(cpu(true, false))).unwrap();
        assert_eq!((it.threads, it.provider), (3, None));
        check(
            &it.session,
            &[("session.intra_op.allow_spinning", "0"), ("session.disable_prepacking", "0")],
        );
        let it = planned(&options(cpu(false, true))).unwrap();
        check(
            &it.session[1..],
            &[("session.disable_prepacking", "1"), ("session.intra_op_thread_affinities", "3;5")],
        );
        let alone = SessionOptions { threads: 1, ..options(cpu(true, true)) };
        assert_eq!(planned(&alone).unwrap().session.len(), 2);
        let all = SessionOptions { threads: 0, ..options(cpu(true, false)) };
        assert_eq!(planned(&all).unwrap().threads, 3);
    }

    #[test]
    fn threads_that_cannot_be_are_refused() {
        for (threads, pin, option) in [(1025, false, "threads"), (7, true, "pin_threads")] {
            let error = planned(&SessionOptions { threads, ..options(cpu(true, pin)) });
            assert!(
                matches!(&error, Err(Error::InvalidOption { option: it, .. }) if *it == option),
                "{error:?}"
            );
        }
        assert!(planned(&SessionOptions { threads: 6, ..options(cpu(true, true)) }).is_ok());
    }

    #[test]
    fn every_level_of_optimization_is_ones_own() {
        for (asked, level) in [
            (GraphOptimization::Off, GraphOptimizationLevel::Disable),
            (GraphOptimization::Basic, GraphOptimizationLevel::Level1),
            (GraphOptimization::Extended, GraphOptimizationLevel::Level2),
            (GraphOptimization::All, GraphOptimizationLevel::All),
        ] {
            let options = SessionOptions { graph_optimization: asked, ..options(cpu(true, false)) };
            assert_eq!(planned(&options).unwrap().optimization, level);
        }
    }

    #[test]
    fn cuda_is_told_every_option() {
        let mut options = options(DeviceOptions::Cuda(CUDA));
        let common = [
            ("device_id", "1"),
            ("arena_extend_strategy", "kSameAsRequested"),
            ("cudnn_conv_algo_search", "HEURISTIC"),
            ("cudnn_conv_use_max_workspace", "1"),
            ("do_copy_in_default_stream", "1"),
            ("enable_cuda_graph", "0"),
            ("use_tf32", "0"),
            ("prefer_nhwc", "0"),
        ];
        let (provider, pairs) = planned(&options).unwrap().provider.unwrap();
        assert_eq!(provider, Provider::Cuda);
        check(&pairs, &common);
        options.memory_limit_bytes = 4096;
        options.device = DeviceOptions::Cuda(CudaOptions {
            arena: Arena::NextPowerOfTwo,
            tf32: true,
            cuda_graph: true,
            conv_search: ConvSearch::Exhaustive,
            conv_max_workspace: false,
            prefer_nhwc: true,
            copy_in_default_stream: false,
            ..CUDA
        });
        check(
            &planned(&options).unwrap().provider.unwrap().1,
            &[
                ("device_id", "1"),
                ("arena_extend_strategy", "kNextPowerOfTwo"),
                ("cudnn_conv_algo_search", "EXHAUSTIVE"),
                ("cudnn_conv_use_max_workspace", "0"),
                ("do_copy_in_default_stream", "0"),
                ("enable_cuda_graph", "1"),
                ("use_tf32", "1"),
                ("prefer_nhwc", "1"),
                ("gpu_mem_limit", "4096"),
            ],
        );
    }

    #[test]
    fn a_cuda_graph_wants_static_shapes() {
        let options = options(DeviceOptions::Cuda(CudaOptions { cuda_graph: true, ..CUDA }));
        let processors = Processors { ids: vec![0], cores: 1 };
        let input = |dim| TensorInfo {
            name: "pixel_values".to_owned(),
            dtype: DType::F32,
            dims: vec![dim, Dim::Fixed(3)],
        };
        assert!(plan(&options, &[input(Dim::Fixed(1))], &processors, None).is_ok());
        for open in [Dim::Symbol("batch".to_owned()), Dim::Unknown] {
            let error = plan(&options, &[input(open)], &processors, None).unwrap_err();
            assert!(error.to_string().contains("`cuda_graph` = true"), "{error}");
            assert!(error.to_string().contains("pixel_values"), "{error}");
        }
    }

    #[test]
    fn migraphx_is_told_every_option() {
        let mut options = options(DeviceOptions::Rocm(ROCM));
        options.memory_limit_bytes = 1 << 30;
        assert!(keeps_compiled_models(&options.device));
        let (provider, pairs) = planned(&options).unwrap().provider.unwrap();
        assert_eq!(provider, Provider::MiGraphX);
        check(
            &pairs,
            &[
                ("device_id", "2"),
                ("migraphx_fp16_enable", "1"),
                ("migraphx_int8_enable", "0"),
                ("migraphx_exhaustive_tune", "1"),
                ("migraphx_mem_limit", "1073741824"),
                ("migraphx_model_cache_dir", "/cache"),
            ],
        );
        let other = RocmOptions {
            device_id: 0,
            fp16: false,
            int8: true,
            exhaustive_tune: false,
            model_cache: false,
        };
        let device = DeviceOptions::Rocm(other);
        assert!(!keeps_compiled_models(&device));
        let options = SessionOptions { memory_limit_bytes: 0, device, ..options };
        let processors = Processors { ids: vec![0], cores: 1 };
        check(
            &plan(&options, &[], &processors, None).unwrap().provider.unwrap().1,
            &[
                ("device_id", "0"),
                ("migraphx_fp16_enable", "0"),
                ("migraphx_int8_enable", "1"),
                ("migraphx_exhaustive_tune", "0"),
            ],
        );
    }

    #[test]
    fn core_ml_is_told_every_option() {
        let (provider, pairs) =
            planned(&options(DeviceOptions::Mps(MPS))).unwrap().provider.unwrap();
        assert_eq!(provider, Provider::CoreMl);
        check(
            &pairs,
            &[
                ("ModelFormat", "MLProgram"),
                ("MLComputeUnits", "CPUAndNeuralEngine"),
                ("SpecializationStrategy", "FastPrediction"),
                ("AllowLowPrecisionAccumulationOnGPU", "0"),
                ("RequireStaticInputShapes", "1"),
                ("EnableOnSubgraphs", "1"),
                ("ModelCacheDirectory", "/cache"),
            ],
        );
        let other = MpsOptions {
            format: CoremlFormat::NeuralNetwork,
            compute_units: ComputeUnits::CpuAndGpu,
            specialization: CoremlSpecialization::Default,
            low_precision_accumulation: true,
            static_shapes: false,
            model_cache: false,
        };
        let processors = Processors { ids: vec![0], cores: 1 };
        let options = options(DeviceOptions::Mps(other));
        check(
            &plan(&options, &[], &processors, None).unwrap().provider.unwrap().1,
            &[
                ("ModelFormat", "NeuralNetwork"),
                ("MLComputeUnits", "CPUAndGPU"),
                ("SpecializationStrategy", "Default"),
                ("AllowLowPrecisionAccumulationOnGPU", "1"),
                ("RequireStaticInputShapes", "0"),
                ("EnableOnSubgraphs", "1"),
            ],
        );
    }
}
