//! Task pipelines: typed arguments in, typed results out, one file each.

mod audio_text_encoder;
mod dual_encoder;
mod graph_model;
mod image_classifier;
mod image_text_encoder;
mod image_text_generator;
mod image_tokens;
mod labels;
mod object_detector;
mod speech;
mod text_encoder;
mod text_generator;
mod text_to_text;
mod video_text_encoder;

use std::sync::Arc;

use accel_core::{SessionOptions, Variant};

use crate::decoding::Decoder;
use crate::engine::simulator::Prediction;
use crate::engine::{Placement, Session, SimulatorEngine};
use crate::model::{ModelDir, ModelSource};
use crate::{EngineName, Error, Result, Simulated, SkillSpec, Tensor};

pub use audio_text_encoder::AudioTextEncoder;
pub use graph_model::GraphModel;
pub use image_classifier::{ImageClassifier, LabelScore};
pub use image_text_encoder::ImageTextEncoder;
pub use image_text_generator::ImageTextGenerator;
pub use object_detector::{BoundingBox, DetectedObject, ObjectDetector};
pub use speech::{Chunk, SpeechRecognizer, SpeechTask, Timestamps, TranscribeOptions, Transcript};
pub use text_encoder::{MaskFill, Pooling, TextEncoder};
pub use text_generator::TextGenerator;
pub use text_to_text::TextToText;
pub use video_text_encoder::VideoTextEncoder;

pub use crate::decoding::{CancelHandle, GenerateOptions, Generated, Step, Stop, Strategy};
pub use crate::text::Message;

/// A model loaded for its tasks. One value serves any number of threads.
pub trait Pipeline: Sized + Send + Sync + 'static {
    /// Loads the model of `source` on the platform of `spec`, by the source's own engine or the
    /// platform's.
    ///
    /// # Errors
    /// What is wrong with the folder, the graph, the options or the platform.
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self>;

    /// Every loaded graph; at least one.
    fn sessions(&self) -> Vec<&dyn Session>;

    /// Where the nodes of all graphs run.
    fn placement(&self) -> Placement;
}

/// Loads a real skill.
///
/// # Errors
/// [`Error::WrongVariant`] when the spec is a simulation, or `source` brings a simulator; what [`Pipeline::load`] reports.
pub fn load<P: Pipeline>(
    spec: &SkillSpec,
    source: &ModelSource,
    options: &SessionOptions,
) -> Result<P> {
    let is = match spec.variant {
        Variant::Simulation => format!("a simulation ({})", spec.reason),
        Variant::Real if source.brings(EngineName::Simulator) => {
            "simulated by the engine that its source brings".to_owned()
        }
        Variant::Real => return P::load(spec, source, options),
    };
    Err(Error::WrongVariant {
        model: spec.model,
        platform: spec.platform,
        is,
        wanted: "a real skill",
        remedy: "accel_runtime::simulate, which marks every result as simulated",
    })
}

/// Loads a skill on the simulator; every result is marked.
///
/// The device is the one that stands for the options' platform, or that `ACCEL_SIMULATED_DEVICE`
/// names; another one comes with the source, as
/// [`SimulatorEngine::new("nvidia-t4")`](crate::engine::SimulatorEngine::new).
///
/// # Errors
/// What [`Pipeline::load`] reports; [`Error::UnsupportedOperator`], [`Error::MemoryLimit`] or
/// [`Error::DeviceMemory`] for a model that the device could not run; [`Error::WrongVariant`] when
/// the source brings an engine that is no simulator.
pub fn simulate<P: Pipeline>(
    spec: &SkillSpec,
    source: &ModelSource,
    options: &SessionOptions,
) -> Result<Simulated<P>> {
    let own = ModelSource::dir(source.path()).with_engine(Arc::new(SimulatorEngine::default()));
    let source = match source.own_engine() {
        None => &own,
        Some(EngineName::Simulator) => source,
        Some(other) => {
            return Err(Error::WrongVariant {
                model: spec.model,
                platform: spec.platform,
                is: format!("given the engine `{other}`, which simulates nothing"),
                wanted: "a simulation",
                remedy: "a source without an engine, or with SimulatorEngine",
            });
        }
    };
    let reason = if spec.reason.is_empty() { "a simulation was asked for" } else { spec.reason };
    P::load(spec, source, options).map(|it| Simulated::new(it, reason))
}

impl<P: Pipeline> Simulated<P> {
    /// What all runs so far would take on the device, and loading its graphs; `None` before the
    /// first run. For single runs and for sizes of your own, see
    /// [`Session::simulation`](crate::Session::simulation).
    pub fn prediction(&self) -> Option<Prediction> {
        predicted(&self.get().sessions())
    }
}

/// What all runs of these sessions would take on the devices that they simulate.
pub(crate) fn predicted(sessions: &[&dyn Session]) -> Option<Prediction> {
    let runs = sessions.iter().filter_map(|it| it.simulation()?.all_runs());
    runs.reduce(|all, it| all.and(&it))
}

/// Opens the folder and loads its graph `name`.
fn load_graph(
    spec: &SkillSpec,
    source: &ModelSource,
    options: &SessionOptions,
    name: &str,
) -> Result<(ModelDir, Box<dyn Session>)> {
    // A platform that is not there is told before a folder that is not: the folder is the
    // caller's next step only if the platform is.
    let engine = source.engine(spec.platform, options)?;
    let dir = ModelDir::open(source.path())?;
    let graph = dir.graph(name, options.precision)?;
    let session = engine.load(&graph, spec.platform, options)?;
    Ok((dir, session))
}

/// Opens the folder and loads its decoder, and tells where it runs.
fn load_decoder(
    spec: &SkillSpec,
    source: &ModelSource,
    options: &SessionOptions,
) -> Result<(ModelDir, Decoder, Placement)> {
    let engine = source.engine(spec.platform, options)?;
    let dir = ModelDir::open(source.path())?;
    let decoder = Decoder::open(&*engine, &dir, spec.platform, options)?;
    let placement = Placement::merged(decoder.sessions().map(Session::placement));
    let placement = placement.ok_or_else(|| bad_output("placement", "a graph", "none"))?;
    Ok((dir, decoder, placement))
}

/// The first of `names` that is an output of the graph.
pub(crate) fn output_among<'a>(session: &dyn Session, names: &[&'a str]) -> Option<&'a str> {
    names.iter().copied().find(|name| session.outputs().iter().any(|it| it.name == *name))
}

/// Runs the graph for one output and gives its floats, which are all finite, with its shape,
/// whose rank is `N`.
fn run_one<const N: usize>(
    session: &dyn Session,
    inputs: Vec<(&str, Tensor)>,
    output: &str,
) -> Result<([usize; N], Vec<f32>)> {
    let mut results = session.run(inputs, &[output])?;
    let tensor = results.pop().ok_or_else(|| bad_output(output, "a tensor", "nothing"))?;
    floats(tensor, output)
}

/// A tensor's floats, which are all finite, with its shape, whose rank is `N`.
fn floats<const N: usize>(tensor: Tensor, output: &str) -> Result<([usize; N], Vec<f32>)> {
    let (shape, data) = tensor.finite(output)?.into_parts();
    let given = format!("{} {shape:?}", data.dtype());
    match (<[usize; N]>::try_from(shape), data) {
        (Ok(shape), crate::TensorData::F32(floats)) => Ok((shape, floats)),
        _ => Err(bad_output(output, &format!("f32 of {N} dimensions"), &given)),
    }
}

pub(crate) fn bad_output(output: &str, expected: &str, given: &str) -> Error {
    Error::BadOutput {
        output: output.to_owned(),
        expected: expected.to_owned(),
        given: given.to_owned(),
    }
}

/// The largest batch that the options allow; 0 is taken as 1, since no smaller one exists.
fn batch_size(options: &SessionOptions) -> usize {
    usize::try_from(options.max_batch).unwrap_or(usize::MAX).max(1)
}

/// Softmax in place, in double precision inside.
pub(crate) fn softmax(scores: &mut [f32]) {
    let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = scores.iter().map(|it| f64::from(it - max).exp()).sum();
    for score in scores {
        #[expect(clippy::cast_possible_truncation, reason = "a probability fits a float")]
        let probability = (f64::from(*score - max).exp() / total) as f32;
        *score = probability;
    }
}

/// Scales a vector to length 1; the zero vector stays, as by torch's `normalize`.
fn scale_to_unit_length(vector: &mut [f32]) {
    let length = vector.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>().sqrt().max(1e-12);
    for value in vector {
        #[expect(clippy::cast_possible_truncation, reason = "at most 1")]
        let scaled = (f64::from(*value) / length) as f32;
        *value = scaled;
    }
}

/// Indexes of the `k` largest scores, the largest first, equal ones by index.
pub(crate) fn top_k(scores: &[f32], k: usize) -> Vec<usize> {
    let mut indexes: Vec<_> = (0..scores.len()).collect();
    let by_score = |a: &usize, b: &usize| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b));
    let k = k.min(indexes.len());
    if k > 0 && k < indexes.len() {
        indexes.select_nth_unstable_by(k - 1, by_score);
    }
    indexes.truncate(k);
    indexes.sort_unstable_by(by_score);
    indexes
}

/// The token whose score stands at `index`.
#[expect(clippy::cast_possible_wrap, reason = "a vocabulary is far smaller")]
pub(crate) const fn token_id(index: usize) -> i64 {
    index as i64
}

/// Refuses 0 where at least one result is wanted.
fn at_least_one(argument: &'static str, given: usize) -> Result<()> {
    if given > 0 {
        return Ok(());
    }
    Err(Error::InvalidArgument {
        argument,
        given: "0".to_owned(),
        expected: "at least 1".to_owned(),
    })
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::{scale_to_unit_length, softmax, top_k};

    #[test]
    fn equal_scores_are_ordered_by_index() {
        assert_eq!(top_k(&[0.5, 1.0, 0.5, 1.0, 0.0], 3), [1, 3, 0]);
        assert_eq!(top_k(&[0.5, 1.0], 9), [1, 0]);
        assert!(top_k(&[], 2).is_empty());
        assert!(top_k(&[1.0], 0).is_empty());
    }

    #[test]
    fn softmax_neither_overflows_nor_forgets_the_small() {
        let mut scores = [1000.0, 1000.0, -1000.0];
        softmax(&mut scores);
        assert_eq!(scores, [0.5, 0.5, 0.0]);
    }

    #[test]
    fn the_zero_vector_stays() {
        let mut vector = [0.0, 0.0];
        scale_to_unit_length(&mut vector);
        assert_eq!(vector, [0.0, 0.0]);
        let mut vector = [3.0, 4.0];
        scale_to_unit_length(&mut vector);
        assert_eq!(vector, [0.6, 0.8]);
    }
}
