//! What happens when the first choice fails: at every level, under every policy, and what the
//! result says of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accel_runtime::diagnosis::{Code, FallbackLevel, FallbackPolicy, Severity};
use accel_runtime::engine::{Engine, Lack, RtenEngine};
use accel_runtime::{
    Candidate, EngineName, Error, GraphFiles, ModelSource, Platform, Precision, Result, Session,
    SessionOptions, SkillSpec, TensorInfo, TextEncoder, Vocabulary as _, choose, choose_with, load,
    run_with,
};

use crate::reference::{OPTIONS, SPEC, fixture};

static CUDA: SkillSpec = SkillSpec { platform: Platform::Cuda, ..SPEC };
static MPS: SkillSpec = SkillSpec { platform: Platform::Mps, ..SPEC };
static CPU: SkillSpec = SPEC;

/// What a double's load gives: the platform that it was loaded on.
type Loaded = Platform;

fn absent(lack: Lack) -> Error {
    Error::EngineUnavailable {
        platform: Platform::Cuda,
        engine: EngineName::Ort,
        lack,
        reason: "a double is absent".to_owned(),
        remedy: "run `accel engines install onnxruntime-gpu`".to_owned(),
    }
}

fn run_error(reason: &str) -> Error {
    Error::Run { engine: EngineName::Ort, reason: reason.to_owned() }
}

fn load_error(reason: &str) -> Error {
    Error::Load { engine: EngineName::Ort, path: "model.onnx".into(), reason: reason.to_owned() }
}

/// Candidates of which the first fails, and two that do not.
fn after(load: fn(&ModelSource) -> Result<Loaded>) -> [Candidate<Loaded>; 3] {
    [
        Candidate { spec: &CUDA, load },
        Candidate { spec: &MPS, load: |_| Ok(Platform::Mps) },
        Candidate { spec: &CPU, load: |_| Ok(Platform::Cpu) },
    ]
}

/// Every level, the error that stands for it, and the code of a fallback from it.
type Case = (FallbackLevel, fn(&ModelSource) -> Result<Loaded>, Code, Code);

const CASES: [Case; 9] = [
    (
        FallbackLevel::ComponentMissing,
        |_| Err(absent(Lack::Engine)),
        Code::ComponentFallback,
        Code::EngineMissing,
    ),
    (
        FallbackLevel::ComponentMissing,
        |_| Err(absent(Lack::BuiltIn)),
        Code::ComponentFallback,
        Code::EngineNotBuiltIn,
    ),
    (
        FallbackLevel::HardwareMissing,
        |_| Err(absent(Lack::Device)),
        Code::HardwareFallback,
        Code::NoDevice,
    ),
    (
        FallbackLevel::HardwareMissing,
        |_| {
            Err(Error::InvalidOption {
                option: "device_id",
                given: "7".to_owned(),
                reason: "there is one GPU, and its index is 0".to_owned(),
            })
        },
        Code::HardwareFallback,
        Code::InvalidOption,
    ),
    (
        FallbackLevel::MemoryTooSmall,
        |_| {
            Err(Error::DeviceMemory {
                path: "model.onnx".into(),
                device: "a double".to_owned(),
                needed_bytes: 2,
                memory_bytes: 1,
            })
        },
        Code::MemoryFallback,
        Code::DeviceMemory,
    ),
    (
        FallbackLevel::MemoryTooSmall,
        |_| Err(load_error("CUDA failure 2: out of memory")),
        Code::MemoryFallback,
        Code::Load,
    ),
    (
        FallbackLevel::OperationFailed,
        |_| {
            Err(Error::UnsupportedOperator {
                operator: "Resize".to_owned(),
                node: "n".to_owned(),
                engine: EngineName::Ort,
                why: "a double cannot".to_owned(),
                alternatives: vec![EngineName::Rten],
            })
        },
        Code::OperationFallback,
        Code::UnsupportedOperator,
    ),
    (
        FallbackLevel::InitializationFailed,
        |_| Err(absent(Lack::WorkingEngine)),
        Code::InitializationFallback,
        Code::EngineBroken,
    ),
    (
        FallbackLevel::InitializationFailed,
        |_| Err(load_error("no kernel image is available for execution on the device")),
        Code::InitializationFallback,
        Code::Load,
    ),
];

#[test]
fn every_level_falls_back_as_the_policy_says_and_is_in_the_result() {
    let source = ModelSource::dir("unused");
    let mut levels = Vec::new();
    for (level, load, code, error_code) in CASES {
        let candidates = after(load);
        let error = choose_with(FallbackPolicy::Strict, &source, &candidates).unwrap_err();
        assert_eq!(error.code(), error_code, "strict gives the first choice's own error");
        assert_eq!(error.fallback_level(), Some(level));

        for (policy, given) in
            [(FallbackPolicy::NextBest, Platform::Mps), (FallbackPolicy::Cpu, Platform::Cpu)]
        {
            let chosen = choose_with(policy, &source, &candidates).unwrap();
            assert_eq!((chosen.wanted, chosen.given()), (Platform::Cuda, given), "{policy}");
            assert_eq!(chosen.skill, given);
            assert!(chosen.fell_back());
            let [rejection] = &chosen.rejected[..] else { panic!("{:?}", chosen.rejected) };
            assert_eq!((rejection.platform, rejection.level), (Platform::Cuda, level));
            assert_eq!(rejection.code, error_code);
            assert!(!rejection.reason.is_empty() && !rejection.remedy.is_empty());

            let findings = chosen.findings();
            let [finding] = &findings[..] else { panic!("{findings:?}") };
            assert_eq!((finding.code, finding.severity), (code, Severity::Warning));
            assert_eq!(finding.wanted.as_deref(), Some("CUDA"));
            assert_eq!(finding.given.as_deref(), Some(given.label()));
            let advice = finding.recommendations[0].to_lowercase();
            assert!(advice.starts_with(&rejection.remedy.to_lowercase()), "{advice}");
        }
        levels.push(level);
    }
    levels.dedup();
    assert_eq!(levels, FallbackLevel::ALL, "every level has a case");
}

#[test]
fn what_works_at_first_is_no_fallback() {
    let candidates = after(|_| Ok(Platform::Cuda));
    for policy in FallbackPolicy::ALL {
        let chosen = choose_with(*policy, &ModelSource::dir("unused"), &candidates).unwrap();
        assert_eq!(chosen.given(), Platform::Cuda);
        assert!(!chosen.fell_back() && chosen.rejected.is_empty() && chosen.findings().is_empty());
    }
}

#[test]
fn what_every_platform_would_share_is_never_fallen_back_from() {
    let candidates = after(|_| {
        Err(Error::CorruptModel { path: "model.onnx".into(), reason: "it is cut off".to_owned() })
    });
    for policy in FallbackPolicy::ALL {
        let error = choose_with(*policy, &ModelSource::dir("unused"), &candidates).unwrap_err();
        assert_eq!(error.code(), Code::CorruptModel, "{policy}");
    }
}

#[test]
fn choice_passes_over_what_is_absent_and_never_over_what_fails() {
    let source = ModelSource::dir("unused");
    let chosen = choose(&source, &after(|_| Err(absent(Lack::Device)))).unwrap();
    assert_eq!((chosen.wanted, chosen.given()), (Platform::Cuda, Platform::Mps));
    let error = choose(&source, &after(|_| Err(load_error("no")))).unwrap_err();
    assert_eq!(error.code(), Code::Load);
}

#[test]
fn when_all_fail_every_reason_is_told() {
    let source = ModelSource::dir("unused");
    let candidates = [
        Candidate { spec: &CUDA, load: |_| Err::<Loaded, _>(absent(Lack::Engine)) },
        Candidate { spec: &CPU, load: |_| Err(run_error("the processor is on fire")) },
    ];
    let error = choose_with(FallbackPolicy::Cpu, &source, &candidates).unwrap_err();
    let Error::NoneAvailable { rejected } = &error else { panic!("{error}") };
    assert_eq!(rejected.len(), 2);
    let text = error.to_string();
    for part in ["CUDA: a double is absent", "accel engines install", "ACC0201", "on fire"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(error.finding().evidence.len(), 2);
    assert!(choose_with::<Loaded>(FallbackPolicy::NextBest, &source, &[]).is_err());
}

#[test]
fn a_run_that_fails_falls_back_only_where_the_policy_says_so_and_tells() {
    let source = ModelSource::dir("unused");
    let candidates = after(|_| Ok(Platform::Cuda));
    let runs = AtomicUsize::new(0);
    let run = |skill: &Loaded| {
        runs.fetch_add(1, Ordering::Relaxed);
        if *skill == Platform::Cuda {
            return Err(run_error("an illegal memory access was encountered"));
        }
        Ok(skill.label())
    };
    let error = run_with(FallbackPolicy::Strict, &source, &candidates, run).unwrap_err();
    assert_eq!(error.code(), Code::RunFailed);
    assert_eq!(runs.load(Ordering::Relaxed), 1, "nothing else was run");

    let ran = run_with(FallbackPolicy::NextBest, &source, &candidates, run).unwrap();
    assert_eq!(ran.result, "MPS");
    assert_eq!(ran.chosen.rejected[0].level, FallbackLevel::OperationFailed);
    assert!(ran.chosen.rejected[0].reason.contains("illegal memory access"));
    assert_eq!(ran.chosen.findings()[0].code, Code::OperationFallback);
    let ran = run_with(FallbackPolicy::Cpu, &source, &candidates, run).unwrap();
    assert_eq!((ran.result, ran.chosen.given()), ("CPU", Platform::Cpu));

    // The caller's own mistake is nobody else's to mend.
    let mistaken = |_: &Loaded| -> Result<()> {
        Err(Error::InvalidArgument {
            argument: "top_k",
            given: "0".to_owned(),
            expected: "1 or more".to_owned(),
        })
    };
    let error = run_with(FallbackPolicy::NextBest, &source, &candidates, mistaken).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

/// An engine whose sessions load and whose runs fail.
#[derive(Debug)]
struct FailsToRun;

#[derive(Debug)]
struct FailingSession(Box<dyn Session>);

impl Engine for FailsToRun {
    fn name(&self) -> EngineName {
        EngineName::Rten
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
        Ok(Box::new(FailingSession(RtenEngine::new().load(graph, platform, options)?)))
    }
}

impl Session for FailingSession {
    fn inputs(&self) -> &[TensorInfo] {
        self.0.inputs()
    }

    fn outputs(&self) -> &[TensorInfo] {
        self.0.outputs()
    }

    fn placement(&self) -> &accel_runtime::Placement {
        self.0.placement()
    }

    fn execute(
        &self,
        _: Vec<(&str, accel_runtime::Tensor)>,
        _: &[&str],
    ) -> Result<Vec<accel_runtime::Tensor>> {
        Err(run_error("the device was lost"))
    }
}

/// A real pipeline on an engine that fails, then the real engine.
#[test]
fn a_real_skill_falls_back_from_an_engine_that_fails() {
    fn broken(source: &ModelSource) -> Result<TextEncoder> {
        load(&CPU, &source.clone().with_engine(Arc::new(FailsToRun)), &OPTIONS)
    }
    fn works(source: &ModelSource) -> Result<TextEncoder> {
        load(&CPU, source, &OPTIONS)
    }
    // The first one stands for a device: its double runs nowhere else.
    let candidates =
        [Candidate { spec: &CUDA, load: broken }, Candidate { spec: &CPU, load: works }];
    let source = ModelSource::from(fixture("bert"));
    let fill = |skill: &TextEncoder| skill.fill_mask("A [MASK].", 1);
    let error = run_with(FallbackPolicy::Strict, &source, &candidates, fill).unwrap_err();
    assert!(error.to_string().contains("the device was lost"), "{error}");
    let ran = run_with(FallbackPolicy::Cpu, &source, &candidates, fill).unwrap();
    assert!(!ran.result.is_empty());
    assert_eq!((ran.chosen.wanted, ran.chosen.given()), (Platform::Cuda, Platform::Cpu));
}

#[test]
fn every_error_is_a_finding_with_advice() {
    let errors = [
        absent(Lack::Device),
        load_error("no"),
        run_error("no"),
        Error::NoChatTemplate { dir: "m".into() },
        Error::MissingPrecision {
            dir: "m".into(),
            graph: "model".to_owned(),
            precision: Precision::Fp16,
            present: vec!["model".to_owned()],
        },
    ];
    for error in errors {
        let finding = error.finding();
        assert_eq!(finding.code, error.code());
        assert!(finding.severity <= Severity::Error, "{finding:?}");
        assert_eq!(finding.message, error.to_string());
        assert!(!finding.recommendations.is_empty());
    }
    let finding = absent(Lack::Engine).finding();
    assert_eq!(finding.platform, Some(Platform::Cuda));
    assert_eq!(finding.remedy.as_deref(), Some("accel engines install onnxruntime-gpu"));
}
