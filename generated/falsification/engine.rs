//! One fault in the engine.

use std::sync::{Arc, Mutex, PoisonError};

use accel_runtime as rt;
use accel_runtime::engine::{Engine, Session};
use accel_runtime::{CaseName, Stage, Tensor, TensorData};

use crate::{cell, fails, fixture, passes_once};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Every mask is all ones, whatever the caller says.
    IgnoresMask,
    /// Every run but the first gives what the run before it gave.
    IsOneRunLate,
    /// The first two rows of a batch change places.
    MixesRows,
    /// One number of every output is none.
    ReturnsNan,
    /// Loads whatever the memory limit says.
    IgnoresLimit,
    /// Declares an output that the graph was not recorded with.
    DeclaresMore,
    /// Nodes are on another device.
    RunsElsewhere,
    /// One node is on another device.
    RunsPartlyElsewhere,
}

/// The CPU's engine with a fault.
#[derive(Debug)]
struct Faulty {
    engine: Arc<dyn Engine>,
    fault: Fault,
}

#[derive(Debug)]
struct FaultySession {
    session: Box<dyn Session>,
    fault: Fault,
    outputs: Vec<rt::TensorInfo>,
    placement: rt::Placement,
    late: Mutex<Option<(Vec<String>, Vec<Tensor>)>>,
}

fn engine(model: &str, fault: Fault) -> rt::ModelSource {
    let engine = Arc::new(rt::engine::RtenEngine::new());
    rt::ModelSource::dir(fixture(model)).with_engine(Arc::new(Faulty { engine, fault }))
}

impl Engine for Faulty {
    fn name(&self) -> rt::EngineName {
        self.engine.name()
    }

    fn version(&self) -> String {
        self.engine.version()
    }

    fn load(
        &self,
        graph: &rt::GraphFiles,
        platform: rt::Platform,
        options: &rt::SessionOptions,
    ) -> rt::Result<Box<dyn Session>> {
        let mut options = *options;
        if self.fault == Fault::IgnoresLimit {
            options.memory_limit_bytes = 0;
        }
        let session = self.engine.load(graph, platform, &options)?;
        let mut outputs = session.outputs().to_vec();
        let mut placement = session.placement().clone();
        let elsewhere = "CUDAExecutionProvider".to_owned();
        match self.fault {
            Fault::RunsElsewhere => placement.nodes = vec![(elsewhere, 100)],
            Fault::RunsPartlyElsewhere => placement.nodes.push((elsewhere, 1)),
            Fault::DeclaresMore => {
                let more = rt::TensorInfo { name: "more".to_owned(), ..outputs[0].clone() };
                outputs.push(more);
            }
            _ => {}
        }
        let late = Mutex::default();
        Ok(Box::new(FaultySession { session, fault: self.fault, outputs, placement, late }))
    }
}

impl Session for FaultySession {
    fn inputs(&self) -> &[rt::TensorInfo] {
        self.session.inputs()
    }

    fn outputs(&self) -> &[rt::TensorInfo] {
        &self.outputs
    }

    fn placement(&self) -> &rt::Placement {
        &self.placement
    }

    fn execute(
        &self,
        mut inputs: Vec<(&str, Tensor)>,
        outputs: &[&str],
    ) -> rt::Result<Vec<Tensor>> {
        if self.fault == Fault::IgnoresMask {
            for (name, tensor) in &mut inputs {
                if name.ends_with("attention_mask") || *name == "pixel_mask" {
                    let ones = vec![1_i64; tensor.data().len()];
                    *tensor = Tensor::new(tensor.shape().to_vec(), ones)?;
                }
            }
        }
        let results = self.session.execute(inputs, outputs)?;
        match self.fault {
            Fault::IsOneRunLate => {
                let names: Vec<_> = outputs.iter().map(|it| (*it).to_owned()).collect();
                let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
                let previous = late.replace((names.clone(), results.clone()));
                Ok(previous.filter(|it| it.0 == names).map_or(results, |it| it.1))
            }
            Fault::MixesRows => results.into_iter().map(mix_rows).collect(),
            Fault::ReturnsNan => results.into_iter().map(with_nan).collect(),
            _ => Ok(results),
        }
    }
}

fn mix_rows(tensor: Tensor) -> rt::Result<Tensor> {
    let (shape, data) = tensor.into_parts();
    let rows = shape.first().copied().unwrap_or(1);
    let TensorData::F32(mut floats) = data else { return Tensor::new(shape, data) };
    if rows > 1 {
        let (first, rest) = floats.split_at_mut(shape[1..].iter().product());
        let row = first.len();
        first.swap_with_slice(&mut rest[..row]);
    }
    Tensor::new(shape, floats)
}

fn with_nan(tensor: Tensor) -> rt::Result<Tensor> {
    let (shape, data) = tensor.into_parts();
    let TensorData::F32(mut floats) = data else { return Tensor::new(shape, data) };
    if let Some(last) = floats.last_mut() {
        *last = f32::NAN;
    }
    Tensor::new(shape, floats)
}

/// Cases of a cell that compare results.
const COMPARE: [CaseName; 6] = [
    CaseName::MatchesReference,
    CaseName::BatchEqualsSingles,
    CaseName::DynamicShapes,
    CaseName::BadInputIsTyped,
    CaseName::ConcurrentCallersAgree,
    CaseName::SwitchingAgrees,
];

/// The cases of `model` that compare the task's own results.
fn tasks(model: &str) -> impl Iterator<Item = CaseName> {
    let is_of_task = |it: &CaseName| {
        matches!(
            it,
            CaseName::Embeds
                | CaseName::FillsMasks
                | CaseName::ClassifiesImages
                | CaseName::ClassifiesZeroShot
                | CaseName::DescribesImages
                | CaseName::DetectsObjects
                | CaseName::GeneratesText
                | CaseName::TranscribesSpeech
        )
    };
    cell(model).cases.iter().map(|it| it.name).filter(is_of_task)
}

#[track_caller]
fn passes_on_the_wrapped_engine(model: &'static str, case: CaseName) {
    passes_once("wrapped engine", model, case, || engine(model, Fault::None));
}

#[track_caller]
fn is_noticed(
    model: &'static str,
    fault: Fault,
    at: Stage,
    cases: impl IntoIterator<Item = CaseName>,
) {
    for case in cases {
        passes_on_the_wrapped_engine(model, case);
        fails(model, case, engine(model, fault), at, &format!("an engine with {fault:?}"));
    }
}

/// Models whose cases are all run on every broken engine: one of each kind, and the cheap ones.
/// The others add nothing to the cases about sessions, so for them it is those that differ.
const OF_EACH_KIND: [&str; 9] =
    ["bert", "detr", "llama", "llava", "t5", "vit", "wav2vec2", "whisper", "xclip"];

fn compare(model: &str) -> &'static [CaseName] {
    if OF_EACH_KIND.contains(&model) { &COMPARE } else { &COMPARE[..2] }
}

/// Every fault that a model of any kind can suffer from.
#[track_caller]
pub(crate) fn a_broken_engine_is_noticed(model: &'static str) {
    assert!(tasks(model).count() > 0, "{model} has no case of a task");
    let compare = || compare(model).iter().copied();
    is_noticed(model, Fault::IsOneRunLate, Stage::Mismatch, compare().chain(tasks(model)));
    is_noticed(model, Fault::IsOneRunLate, Stage::Mismatch, [CaseName::Measures]);
    is_noticed(model, Fault::MixesRows, Stage::Mismatch, compare());
    for case in compare().chain(tasks(model)) {
        // How many tokens Whisper may write depends on a language that its graphs tell first.
        let is_refused_later = model == "whisper" && case == CaseName::BadInputIsTyped;
        let at = if is_refused_later { Stage::Run } else { Stage::Mismatch };
        is_noticed(model, Fault::ReturnsNan, at, [case]);
    }
    is_noticed(model, Fault::IgnoresLimit, Stage::Load, [CaseName::RefusesOverMemoryLimit]);
    is_noticed(model, Fault::DeclaresMore, Stage::Load, [CaseName::Loads]);
    for case in cell(model).cases {
        for fault in [Fault::RunsElsewhere, Fault::RunsPartlyElsewhere] {
            let fault_name = format!("an engine with {fault:?}");
            fails(model, case.name, engine(model, fault), Stage::Placement, &fault_name);
        }
    }
}

#[test]
fn an_ignored_mask_is_noticed() {
    // The graphs of ViT, Wav2Vec2 and Whisper take no mask. CLIP and X-CLIP read a text from left
    // to right and use what stands at its end, so what follows it changes nothing either way.
    for model in ["bert", "clap", "detr", "llama", "llava", "llava_next", "qwen2", "qwen3", "t5"] {
        is_noticed(model, Fault::IgnoresMask, Stage::Mismatch, compare(model).iter().copied());
    }
    for model in ["bert", "clap"] {
        is_noticed(model, Fault::IgnoresMask, Stage::Mismatch, [CaseName::Embeds]);
    }
}

#[test]
fn mixed_rows_are_noticed_in_vectors() {
    for model in ["bert", "clap", "clip", "xclip"] {
        is_noticed(model, Fault::MixesRows, Stage::Mismatch, [CaseName::Embeds]);
    }
}
