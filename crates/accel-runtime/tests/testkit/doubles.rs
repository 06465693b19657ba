//! Engines that quietly compute on the CPU: their results are right, so only the placement can
//! tell, and it must, in every case and for every platform.

use std::sync::Arc;

use accel_runtime as rt;
use accel_runtime::engine::{Engine, RtenEngine, Session};
use accel_runtime::testkit as tk;
use accel_runtime::{EngineName, Outcome, Platform, Stage, Tensor};

use crate::cells::{self, OPTIONS};

/// Bears the name of the platform's own engine, says `says` of its placement, and computes with
/// rten on the CPU.
#[derive(Debug)]
struct Double {
    name: EngineName,
    says: rt::Placement,
}

#[derive(Debug)]
struct DoubleSession {
    session: Box<dyn Session>,
    says: rt::Placement,
}

impl Engine for Double {
    fn name(&self) -> EngineName {
        self.name
    }

    fn version(&self) -> String {
        self.says.engine_version.clone()
    }

    fn load(
        &self,
        graph: &rt::GraphFiles,
        _: Platform,
        options: &rt::SessionOptions,
    ) -> rt::Result<Box<dyn Session>> {
        let options = rt::SessionOptions { device: OPTIONS.device, ..*options };
        let session = RtenEngine::new().load(graph, Platform::Cpu, &options)?;
        Ok(Box::new(DoubleSession { session, says: self.says.clone() }))
    }
}

impl Session for DoubleSession {
    fn inputs(&self) -> &[rt::TensorInfo] {
        self.session.inputs()
    }

    fn outputs(&self) -> &[rt::TensorInfo] {
        self.session.outputs()
    }

    fn placement(&self) -> &rt::Placement {
        &self.says
    }

    fn execute(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> rt::Result<Vec<Tensor>> {
        self.session.execute(inputs, outputs)
    }
}

/// An engine on a platform, and what it says where it is honest.
struct Row {
    platform: Platform,
    device: rt::DeviceOptions,
    engine: EngineName,
    provider: &'static str,
    load: tk::Load,
}

macro_rules! loads {
    ($($platform:ident)*) => {
        const fn load(platform: Platform) -> (&'static rt::SkillSpec, tk::Load) {
            match platform {
                $(Platform::$platform => {
                    const SPEC: rt::SkillSpec =
                        rt::SkillSpec { platform: Platform::$platform, ..cells::BERT_SPEC };
                    (&SPEC, tk::Load::TextEncoder(|source, options| rt::load(&SPEC, source, options)))
                })*
            }
        }
    };
}

loads! { Cpu Cuda Rocm Mps Openvino Webnn Webgpu }

fn rows() -> Vec<Row> {
    let row = |engine, provider, device: rt::DeviceOptions| {
        let platform = device.platform();
        Row { platform, device, engine, provider, load: load(platform).1 }
    };
    vec![
        row(
            EngineName::Ort,
            "CPUExecutionProvider",
            rt::DeviceOptions::Cpu(rt::CpuOptions {
                engine: rt::CpuEngine::Ort,
                prepack_weights: false,
                pin_threads: false,
            }),
        ),
        row(
            EngineName::Ort,
            "CUDAExecutionProvider",
            rt::DeviceOptions::Cuda(rt::CudaOptions {
                device_id: 0,
                arena: rt::Arena::SameAsRequested,
                tf32: false,
                cuda_graph: false,
                conv_search: rt::ConvSearch::Heuristic,
                conv_max_workspace: true,
                prefer_nhwc: false,
                copy_in_default_stream: true,
            }),
        ),
        row(
            EngineName::Ort,
            "MIGraphXExecutionProvider",
            rt::DeviceOptions::Rocm(rt::RocmOptions {
                device_id: 0,
                fp16: false,
                int8: false,
                exhaustive_tune: false,
                model_cache: false,
            }),
        ),
        row(
            EngineName::Ort,
            "CoreMLExecutionProvider",
            rt::DeviceOptions::Mps(rt::MpsOptions {
                format: rt::CoremlFormat::MlProgram,
                compute_units: rt::ComputeUnits::CpuAndGpu,
                specialization: rt::CoremlSpecialization::Default,
                low_precision_accumulation: false,
                static_shapes: false,
                model_cache: false,
            }),
        ),
        row(
            EngineName::Openvino,
            "GPU.0",
            rt::DeviceOptions::Openvino(rt::OpenvinoOptions {
                device: rt::OpenvinoDevice::Gpu,
                device_index: 0,
                inference_precision: rt::InferencePrecision::F32,
                performance_hint: rt::PerformanceHint::Latency,
                streams: 1,
                pin_threads: false,
                model_cache: false,
            }),
        ),
        row(
            EngineName::Browser,
            "WebNNExecutionProvider",
            rt::DeviceOptions::Webnn(rt::WebnnOptions {
                device: rt::WebnnDevice::Gpu,
                power_preference: rt::PowerPreference::Default,
            }),
        ),
        row(
            EngineName::Browser,
            "WebGpuExecutionProvider",
            rt::DeviceOptions::Webgpu(rt::WebgpuOptions {
                power_preference: rt::PowerPreference::HighPerformance,
                layout: rt::TensorLayout::Nhwc,
            }),
        ),
    ]
}

impl Row {
    fn honest(&self) -> rt::Placement {
        rt::Placement {
            engine: self.engine,
            engine_version: "1.0".to_owned(),
            device: "a device".to_owned(),
            software: false,
            nodes: vec![(self.provider.to_owned(), 40)],
            host_nodes: vec![("Shape".to_owned(), 3)],
            evidence: "seen in the profile".to_owned(),
        }
    }

    fn cell(&self, case: tk::Case, cpu_fallback_percent: u8) -> tk::Cell {
        let cases: &'static [tk::Case] = Box::leak(Box::new([case]));
        tk::Cell {
            spec: load(self.platform).0,
            options: rt::SessionOptions { device: self.device, cpu_fallback_percent, ..OPTIONS },
            load: self.load,
            cases,
            ..cells::BERT
        }
    }

    fn outcome(&self, says: rt::Placement, case: tk::Case, cpu_fallback_percent: u8) -> Outcome {
        let cell = self.cell(case, cpu_fallback_percent);
        let source = rt::ModelSource::dir(format!("{}/fixtures/bert", cells::ROOT));
        let source = source.with_engine(Arc::new(Double { name: self.engine, says }));
        tk::run_case(&cell, &case, source).outcome
    }
}

/// What a double may say that is not so, and the words that name it.
fn lies(row: &Row) -> Vec<(&'static str, rt::Placement)> {
    let with = |change: &dyn Fn(&mut rt::Placement)| {
        let mut placement = row.honest();
        change(&mut placement);
        placement
    };
    let nodes = |nodes: &[(&str, usize)]| {
        let nodes = nodes.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        with(&|it: &mut rt::Placement| it.nodes.clone_from(&nodes))
    };
    // Whatever the platform, one of these is another's.
    let foreign = if row.platform == Platform::Cuda { "ROCMExecutionProvider" } else { "cuda" };
    let mut lies = vec![
        ("no node at all", nodes(&[])),
        ("nodes, and none of them counted", nodes(&[(row.provider, 0)])),
        ("another platform's provider", nodes(&[(foreign, 40)])),
        ("one node elsewhere", nodes(&[(row.provider, 39), (foreign, 1)])),
        ("a provider without a name", nodes(&[("", 40)])),
        ("rten", with(&|it| it.engine = EngineName::Rten)),
        ("the simulator", with(&|it| it.engine = EngineName::Simulator)),
        ("no device", with(&|it| " ".clone_into(&mut it.device))),
        ("no evidence", with(&|it| it.evidence.clear())),
        (
            "computation on the host, called shape arithmetic",
            with(&|it| it.host_nodes.push(("MatMul".to_owned(), 12))),
        ),
    ];
    if row.platform != Platform::Cpu {
        lies.extend([
            ("all on ONNX Runtime's CPU", nodes(&[("CPUExecutionProvider", 40)])),
            ("all on a CPU", nodes(&[("cpu", 40)])),
            ("one on the CPU", nodes(&[(row.provider, 39), ("CPUExecutionProvider", 1)])),
        ]);
    }
    lies
}

const LOADS: tk::Case = tk::Case::new(rt::CaseName::Loads, tk::loads);

#[test]
fn an_engine_that_quietly_computes_on_the_cpu_is_caught() {
    for row in rows() {
        let honest = row.outcome(row.honest(), LOADS, 0);
        assert!(matches!(honest, Outcome::Passed { .. }), "{}: {honest:?}", row.platform);
        for (lie, says) in lies(&row) {
            let outcome = row.outcome(says, LOADS, 0);
            assert!(
                matches!(outcome, Outcome::Failed { stage: Stage::Placement, .. }),
                "{} with {lie}: {outcome:?}",
                row.platform
            );
        }
    }
}

/// Not only the case that is named after it.
#[test]
fn every_case_looks_at_the_placement_of_what_it_loaded() {
    for row in rows() {
        for case in cells::BERT.cases {
            let says = rt::Placement { nodes: vec![("elsewhere".to_owned(), 40)], ..row.honest() };
            let outcome = row.outcome(says, *case, 0);
            assert!(
                matches!(outcome, Outcome::Failed { stage: Stage::Placement, .. }),
                "{} {}: {outcome:?}",
                row.platform,
                case.name
            );
        }
    }
}

#[test]
fn a_share_on_the_cpu_is_an_outcome_of_its_own_and_only_where_it_is_allowed() {
    for row in rows().into_iter().filter(|it| it.platform != Platform::Cpu) {
        let mut says = row.honest();
        says.nodes = vec![(row.provider.to_owned(), 36), ("CPUExecutionProvider".to_owned(), 4)];
        let outcome = row.outcome(says.clone(), LOADS, 10);
        let Outcome::PassedWithFallback { fallback_percent, placement, .. } = &outcome else {
            panic!("{}: {outcome:?}", row.platform)
        };
        assert!((fallback_percent - 10.0).abs() < 1e-12);
        assert!(placement.contains("4 on CPUExecutionProvider"), "{placement}");
        let mut counts = tk::Counts::default();
        counts.add(&outcome);
        assert_eq!((counts.passed, counts.passed_with_fallback), (0, 1));

        let outcome = row.outcome(says.clone(), LOADS, 9);
        assert!(matches!(outcome, Outcome::Failed { stage: Stage::Placement, .. }), "{outcome:?}");
        says.nodes = vec![("CPUExecutionProvider".to_owned(), 40)];
        let outcome = row.outcome(says, LOADS, 100);
        assert!(matches!(outcome, Outcome::Failed { stage: Stage::Placement, .. }), "{outcome:?}");
    }
}

/// An engine may place nodes elsewhere once it has run: what counts is where they are then.
#[test]
fn a_placement_is_looked_at_again_after_a_run() {
    #[derive(Debug)]
    struct Late(rt::Placement);
    #[derive(Debug)]
    struct LateSession {
        session: Box<dyn Session>,
        before: rt::Placement,
        after: rt::Placement,
        ran: std::sync::atomic::AtomicBool,
    }
    impl Engine for Late {
        fn name(&self) -> EngineName {
            self.0.engine
        }
        fn version(&self) -> String {
            self.0.engine_version.clone()
        }
        fn load(
            &self,
            graph: &rt::GraphFiles,
            _: Platform,
            options: &rt::SessionOptions,
        ) -> rt::Result<Box<dyn Session>> {
            let options = rt::SessionOptions { device: OPTIONS.device, ..*options };
            let session = RtenEngine::new().load(graph, Platform::Cpu, &options)?;
            let mut after = self.0.clone();
            after.nodes.push(("CPUExecutionProvider".to_owned(), 1));
            let (before, ran) = (self.0.clone(), false.into());
            Ok(Box::new(LateSession { session, before, after, ran }))
        }
    }
    impl Session for LateSession {
        fn inputs(&self) -> &[rt::TensorInfo] {
            self.session.inputs()
        }
        fn outputs(&self) -> &[rt::TensorInfo] {
            self.session.outputs()
        }
        fn placement(&self) -> &rt::Placement {
            let ran = self.ran.load(std::sync::atomic::Ordering::SeqCst);
            if ran { &self.after } else { &self.before }
        }
        fn execute(
            &self,
            inputs: Vec<(&str, Tensor)>,
            outputs: &[&str],
        ) -> rt::Result<Vec<Tensor>> {
            self.ran.store(true, std::sync::atomic::Ordering::SeqCst);
            self.session.execute(inputs, outputs)
        }
    }
    let row = rows().into_iter().find(|it| it.platform == Platform::Cuda).unwrap();
    let case = tk::Case::new(rt::CaseName::MatchesReference, tk::matches_reference);
    let source = rt::ModelSource::dir(format!("{}/fixtures/bert", cells::ROOT));
    let source = source.with_engine(Arc::new(Late(row.honest())));
    let outcome = tk::run_case(&row.cell(case, 0), &case, source).outcome;
    assert!(matches!(outcome, Outcome::Failed { stage: Stage::Placement, .. }), "{outcome:?}");
}
