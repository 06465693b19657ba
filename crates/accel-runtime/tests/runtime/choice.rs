//! Choice among platforms: absent ones are passed over with a reason, broken ones are not.

use std::sync::Arc;

use accel_runtime::engine::{Engine, RtenEngine};
use accel_runtime::{
    Candidate, ComputeUnits, CoremlFormat, CoremlSpecialization, DeviceOptions, EngineName, Error,
    GraphFiles, ModelSource, MpsOptions, Pipeline, Platform, Result, RocmOptions, Session,
    SessionOptions, SkillSpec, TextEncoder, Variant, availability, choose, engine, load, simulate,
};

use crate::reference::{OPTIONS, SPEC, fixture};

static CPU: SkillSpec = SPEC;
static ROCM: SkillSpec = SkillSpec { platform: Platform::Rocm, ..SPEC };
static MPS: SkillSpec = SkillSpec { platform: Platform::Mps, ..SPEC };

/// Two platforms that no machine has both of, and that machines of developers rarely have.
const ON_ROCM: SessionOptions = SessionOptions {
    device: DeviceOptions::Rocm(RocmOptions {
        device_id: 0,
        fp16: false,
        int8: false,
        exhaustive_tune: false,
        model_cache: false,
    }),
    ..OPTIONS
};
const ON_MPS: SessionOptions = SessionOptions {
    device: DeviceOptions::Mps(MpsOptions {
        format: CoremlFormat::MlProgram,
        compute_units: ComputeUnits::All,
        specialization: CoremlSpecialization::Default,
        low_precision_accumulation: false,
        static_shapes: false,
        model_cache: false,
    }),
    ..OPTIONS
};

fn on_cpu(source: &ModelSource) -> Result<TextEncoder> {
    load(&CPU, source, &OPTIONS)
}

fn on_rocm(source: &ModelSource) -> Result<TextEncoder> {
    load(&ROCM, source, &ON_ROCM)
}

fn on_mps(source: &ModelSource) -> Result<TextEncoder> {
    load(&MPS, source, &ON_MPS)
}

#[test]
fn absent_platforms_are_passed_over_with_their_reasons() {
    let candidates = [
        Candidate { spec: &ROCM, load: on_rocm },
        Candidate { spec: &MPS, load: on_mps },
        Candidate { spec: &CPU, load: on_cpu },
    ];
    let source = ModelSource::from(fixture("bert"));
    let chosen = choose(&source, &candidates).unwrap();
    assert_eq!(chosen.spec.platform, Platform::Cpu);
    assert_eq!(chosen.skill.placement().engine, EngineName::Rten);
    let platforms: Vec<_> = chosen.rejected.iter().map(|it| it.platform).collect();
    assert_eq!(platforms, [Platform::Rocm, Platform::Mps]);
    assert!(chosen.rejected[1].reason.contains("Core ML"), "{:?}", chosen.rejected);

    let error = choose(&source, &candidates[..2]).unwrap_err();
    assert!(matches!(&error, Error::NoneAvailable { rejected } if rejected.len() == 2), "{error}");
    assert!(error.to_string().contains("ROCm: "), "{error}");
    assert!(choose::<TextEncoder>(&source, &[]).is_err());
}

#[test]
fn a_platform_that_fails_is_not_passed_over() {
    fn breaks(_: &ModelSource) -> Result<TextEncoder> {
        Err(Error::Run { engine: EngineName::Ort, reason: "out of memory".to_owned() })
    }
    let candidates =
        [Candidate { spec: &ROCM, load: breaks }, Candidate { spec: &CPU, load: on_cpu }];
    let error = choose(&fixture("bert").into(), &candidates).unwrap_err();
    assert!(matches!(error, Error::Run { .. }), "{error}");
}

#[test]
fn availability_and_engines_agree() {
    for options in [OPTIONS, ON_ROCM, ON_MPS] {
        let available = availability(&options).or_error(options.device.platform());
        let found = engine::for_options(&options).map(|it| it.name());
        assert_eq!(available.map_err(|it| it.to_string()), found.map_err(|it| it.to_string()));
    }
    assert_eq!(engine::simulator().or_error(Platform::Cpu).unwrap(), EngineName::Simulator);
}

#[test]
fn a_simulation_is_never_loaded_as_real() {
    let simulation = SkillSpec { variant: Variant::Simulation, reason: "no such device", ..SPEC };
    let source = ModelSource::from(fixture("bert"));
    let error = load::<TextEncoder>(&simulation, &source, &OPTIONS).unwrap_err();
    assert!(matches!(error, Error::WrongVariant { .. }), "{error}");
    assert!(error.to_string().contains("no such device"), "{error}");
    // Another engine does not pass for the simulator.
    let source = source.with_engine(Arc::new(RtenEngine::new()));
    let error = simulate::<TextEncoder>(&simulation, &source, &OPTIONS).unwrap_err();
    assert!(matches!(error, Error::WrongVariant { .. }), "{error}");
    assert!(error.to_string().contains("`rten`"), "{error}");
}

/// An engine that says it is the simulator and runs on the CPU, as the simulator will.
#[derive(Debug)]
struct Pretending;

impl Engine for Pretending {
    fn name(&self) -> EngineName {
        EngineName::Simulator
    }

    fn version(&self) -> String {
        "test".to_owned()
    }

    fn load(
        &self,
        graph: &GraphFiles,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>> {
        RtenEngine::new().load(graph, platform, options)
    }
}

#[test]
fn what_the_simulator_gives_says_so() {
    let source = ModelSource::from(fixture("bert")).with_engine(Arc::new(Pretending));
    let simulation = SkillSpec { variant: Variant::Simulation, reason: "no such device", ..SPEC };
    let simulated = simulate::<TextEncoder>(&simulation, &source, &OPTIONS).unwrap();
    let fills = simulated.map(|it| it.fill_mask("A [MASK].", 1).unwrap());
    assert_eq!(fills.reason(), "no such device");
    assert!(format!("{fills:?}").starts_with("simulated: "), "{fills:?}");
    // The simulator does not pass for a real engine.
    let error = load::<TextEncoder>(&SPEC, &source, &OPTIONS).unwrap_err();
    assert!(matches!(error, Error::WrongVariant { .. }), "{error}");
    // A real skill that is simulated on request has a reason too.
    assert!(!simulate::<TextEncoder>(&SPEC, &source, &OPTIONS).unwrap().reason().is_empty());
}
