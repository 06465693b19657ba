//! ONNX Runtime's devices besides the processor: what is not there is never another one.

use std::fs;

use accel_runtime::{
    Arena, Availability, ComputeUnits, ConvSearch, CoremlFormat, CoremlSpecialization, CudaOptions,
    DeviceOptions, EngineName, Error, GraphModel, MpsOptions, RocmOptions, SessionOptions,
    SkillSpec, availability, load,
};

use crate::reference::{OPTIONS, SPEC, fixture};

const CUDA: DeviceOptions = DeviceOptions::Cuda(CudaOptions {
    device_id: 0,
    arena: Arena::NextPowerOfTwo,
    tf32: false,
    cuda_graph: false,
    conv_search: ConvSearch::Heuristic,
    conv_max_workspace: true,
    prefer_nhwc: false,
    copy_in_default_stream: true,
});

const ROCM: DeviceOptions = DeviceOptions::Rocm(RocmOptions {
    device_id: 0,
    fp16: false,
    int8: false,
    exhaustive_tune: false,
    model_cache: false,
});

const MPS: DeviceOptions = DeviceOptions::Mps(MpsOptions {
    format: CoremlFormat::MlProgram,
    compute_units: ComputeUnits::All,
    specialization: CoremlSpecialization::Default,
    low_precision_accumulation: false,
    static_shapes: false,
    model_cache: false,
});

/// Whatever this machine has, a device that is not there is never another one.
#[test]
fn devices_that_are_not_there_are_unavailable() {
    for (device, present, what) in [
        (CUDA, fs::exists("/proc/driver/nvidia/gpus").unwrap(), "NVIDIA GPU"),
        (ROCM, fs::exists("/dev/kfd").unwrap(), "AMD GPU"),
        (MPS, cfg!(target_os = "macos"), "macOS"),
    ] {
        let options = SessionOptions { device, ..OPTIONS };
        if present {
            println!("{} is there: not tested", device.platform().label());
            continue;
        }
        let error = load::<GraphModel>(
            &SkillSpec { platform: device.platform(), ..SPEC },
            &fixture("vit").into(),
            &options,
        );
        let error = error.unwrap_err();
        assert!(matches!(&error, Error::EngineUnavailable { .. }), "{error}");
        assert!(error.to_string().contains(what), "{error}");
        let availability = availability(&options);
        let Availability::Unavailable { engine, reason, remedy, .. } = availability else {
            panic!("{availability:?}")
        };
        assert_eq!(engine, EngineName::Ort);
        assert!(!reason.is_empty() && !remedy.is_empty());
    }
}

#[cfg(feature = "testkit")]
mod double {
    //! An engine that says CUDA and computes on the processor.

    use std::sync::Arc;

    use accel_runtime::engine::ort::OrtEngine;
    use accel_runtime::engine::{Engine, RtenEngine};
    use accel_runtime::testkit::check_placement;
    use accel_runtime::{
        EngineName, GraphFiles, GraphModel, ModelSource, Pipeline, Platform, Result, Session,
        SessionOptions, SkillSpec, Stage, load,
    };

    use super::CUDA;
    use crate::engines::options;
    use crate::reference::{OPTIONS, SPEC, fixture};

    /// An engine that says CUDA and computes on the processor is found out by where its nodes are.
    #[test]
    fn a_double_that_computes_on_the_processor_is_caught() {
        let options = SessionOptions { device: CUDA, ..OPTIONS };
        let source = ModelSource::from(fixture("vit")).with_engine(Arc::new(Double));
        let spec = SkillSpec { platform: Platform::Cuda, ..SPEC };
        let skill: GraphModel = load(&spec, &source, &options).unwrap();
        let failure = check_placement(&skill.placement(), Platform::Cuda, &options).unwrap_err();
        assert_eq!(failure.stage, Stage::Placement);
        assert!(failure.message.contains("asked for CUDA"), "{failure}");
    }

    /// Takes CUDA's options and leaves the work to the processor's engine, which says so.
    #[derive(Debug)]
    struct Double;

    impl Engine for Double {
        fn name(&self) -> EngineName {
            EngineName::Ort
        }

        fn version(&self) -> String {
            "1.31.1".to_owned()
        }

        fn load(
            &self,
            graph: &GraphFiles,
            _: Platform,
            given: &SessionOptions,
        ) -> Result<Box<dyn Session>> {
            let host = SessionOptions { device: options("ort").device, ..*given };
            if let Ok(engine) = OrtEngine::for_options(&host) {
                return engine.load(graph, Platform::Cpu, &host);
            }
            // Without the library it is still a double, only a clumsier one.
            let host = SessionOptions { device: OPTIONS.device, ..host };
            RtenEngine::new().load(graph, Platform::Cpu, &host)
        }
    }
}
