//! Loads and runs the models of generated skills.
//!
//! A generated skill is data (a [`SkillSpec`] and [`SessionOptions`]) and one call to [`load`],
//! which returns the pipeline of the model's kind: [`TextEncoder`], [`ImageClassifier`],
//! [`TextGenerator`], [`TextToText`], [`ObjectDetector`], [`SpeechRecognizer`],
//! [`ImageTextEncoder`], [`AudioTextEncoder`], [`VideoTextEncoder`] or [`ImageTextGenerator`].
//! [`GraphModel`] runs any graph as it is.
//!
//! ```text
//! ModelSource ──ModelDir::open──> files, configs ──Engine::load──> Session ──pipeline──> typed results
//! ```
//!
//! Three rules hold everywhere here. Nothing falls back unless a caller's policy says so
//! ([`choose_with`], [`run_with`]), and then the result says it: a pipeline runs on the platform it
//! was asked for, or it is an [`Error`]. Nothing is made up: a result comes from an engine's run, and
//! a simulated one has its own type, [`Simulated`]. Nothing is assumed about a graph that the
//! graph itself says: inputs, outputs and cache are taken from its declarations.

pub mod audio;
mod choose;
mod decoding;
pub mod diagnosis;
pub mod engine;
mod error;
pub mod hardware;
pub mod model;
mod pool;
mod simulated;
mod spec;
pub mod tasks;
mod tensor;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod text;
pub mod vision;
pub mod weights;

pub use accel_core::*;
// Generated skills name it.
#[doc(no_inline)]
pub use accel_core::estimate::Requirements;
// The trait of the same name lives in `engine`; here the word means the engine's name.
#[doc(no_inline)]
pub use accel_core::Engine as EngineName;

pub use audio::Audio;
pub use choose::{Candidate, Chosen, Ran, Rejection, choose, choose_with, run_with};
pub use engine::{Availability, Dim, Placement, Session, TensorInfo, availability};
pub use error::{Error, InputProblem, Result};
pub use model::{GraphFiles, ModelDir, ModelSource};
pub use pool::{Pool, PoolKey};
pub use simulated::Simulated;
pub use spec::SkillSpec;
pub use tasks::{
    AudioTextEncoder, BoundingBox, CancelHandle, Chunk, DetectedObject, GenerateOptions, Generated,
    GraphModel, ImageClassifier, ImageTextEncoder, ImageTextGenerator, LabelScore, MaskFill,
    Message, ObjectDetector, Pipeline, Pooling, SpeechRecognizer, SpeechTask, Step, Stop, Strategy,
    TextEncoder, TextGenerator, TextToText, Timestamps, TranscribeOptions, Transcript,
    VideoTextEncoder, load, simulate,
};
pub use tensor::{DType, Tensor, TensorData};
pub use text::TextTokenizer;
pub use vision::{Image, Video};
