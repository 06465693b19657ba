//! Every option of every platform, and what ONNX Runtime is told for it.

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

const ROCM: RocmOptions =
    RocmOptions { device_id: 2, fp16: true, int8: false, exhaustive_tune: true, model_cache: true };

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
    plan(options, [&[], &[]], &processors, Some(Path::new("/cache")))
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
    let end = |dim| TensorInfo {
        name: "pixel_values".to_owned(),
        dtype: DType::F32,
        dims: vec![dim, Dim::Fixed(3)],
    };
    let fixed = [end(Dim::Fixed(1))];
    assert!(plan(&options, [&fixed, &fixed], &processors, None).is_ok());
    for open in [Dim::Symbol("batch".to_owned()), Dim::Unknown] {
        let open = [end(open)];
        for ends in [[&open, &fixed], [&fixed, &open]] {
            let error =
                plan(&options, ends.map(<[_; 1]>::as_slice), &processors, None).unwrap_err();
            assert!(error.to_string().contains("`cuda_graph` = true"), "{error}");
            assert!(error.to_string().contains("pixel_values"), "{error}");
        }
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
        &plan(&options, [&[], &[]], &processors, None).unwrap().provider.unwrap().1,
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
    let (provider, pairs) = planned(&options(DeviceOptions::Mps(MPS))).unwrap().provider.unwrap();
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
        &plan(&options, [&[], &[]], &processors, None).unwrap().provider.unwrap().1,
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
