//! Speech recognisers: sound to text.

mod ctc;
mod transcript;
mod whisper;

use accel_core::SessionOptions;

use self::ctc::Ctc;
use self::whisper::Whisper;
use super::Pipeline;
use crate::decoding::CancelHandle;
use crate::engine::{Placement, Session};
use crate::{Audio, Error, ModelDir, ModelSource, Result, SkillSpec, Tensor};

pub use transcript::{Chunk, Transcript};

/// How a sound is to be transcribed. An option that a model cannot honour is an error.
#[derive(Clone, Debug, Default)]
pub struct TranscribeOptions {
    /// The language that is spoken, as a code (`fr`) or an English name (`French`). Without one
    /// a multilingual Whisper hears it from the first window.
    pub language: Option<String>,
    /// What is to be written.
    pub task: SpeechTask,
    /// Which times [`Transcript::chunks`] tells.
    pub timestamps: Timestamps,
    /// Tokens at most for each window of sound that Whisper hears at once; what the model's
    /// configuration says when there is none.
    pub max_new_tokens: Option<usize>,
    /// Ends the transcription before its next step; what was heard until then is given.
    pub cancel: CancelHandle,
}

/// What is to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpeechTask {
    /// What is said, in its language.
    #[default]
    Transcribe,
    /// What is said, in English.
    Translate,
}

/// Which times a transcript tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timestamps {
    /// None.
    #[default]
    None,
    /// Of segments, as Whisper writes them.
    Segments,
    /// Of characters, as CTC models write them.
    Characters,
}

/// A speech recogniser: Whisper, or a CTC model such as Wav2Vec2.
#[derive(Debug)]
pub struct SpeechRecognizer {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Ctc(Ctc),
    Whisper(Box<Whisper>),
}

impl Pipeline for SpeechRecognizer {
    /// A folder with the graph `encoder_model` is a Whisper, another one a CTC model.
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let engine = source.engine(spec.platform, options)?;
        let dir = ModelDir::open(source.path())?;
        let names = dir.graph_names(options.precision)?;
        let kind = if names.iter().any(|it| it == whisper::ENCODER) {
            Kind::Whisper(Box::new(Whisper::open(&*engine, &dir, spec.platform, options)?))
        } else {
            Kind::Ctc(Ctc::open(&*engine, &dir, spec.platform, options)?)
        };
        Ok(Self { kind })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        match &self.kind {
            Kind::Ctc(it) => vec![it.session()],
            Kind::Whisper(it) => it.sessions(),
        }
    }

    fn placement(&self) -> Placement {
        match &self.kind {
            Kind::Ctc(it) => it.session().placement().clone(),
            Kind::Whisper(it) => it.placement().clone(),
        }
    }
}

impl SpeechRecognizer {
    /// What is said in a sound of any length and rate.
    ///
    /// A CTC model hears up to a minute at once and a longer sound in overlapping pieces of a
    /// minute, since its memory grows with the square of the length. Whisper hears one window
    /// (30 s) after the other, each from the last time that it wrote.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an option that this kind of model cannot honour, an unknown
    /// language, or a sound that is too short to be heard at all; [`Error::NonFinite`]; what the
    /// engine reports.
    pub fn transcribe(&self, audio: &Audio, options: &TranscribeOptions) -> Result<Transcript> {
        match &self.kind {
            Kind::Ctc(it) => it.transcribe(audio, options),
            Kind::Whisper(it) => it.transcribe(audio, options),
        }
    }

    /// What the model hears: for Whisper the log-mel spectrogram `f32 [1, mels, frames]`, of one
    /// window or of all of a longer sound; for a CTC model the samples `f32 [1, samples]`.
    ///
    /// # Errors
    /// Does not fail for a sound whose rate is one.
    pub fn input_features(&self, audio: &Audio) -> Result<Tensor> {
        match &self.kind {
            Kind::Ctc(it) => it.input_values(audio),
            Kind::Whisper(it) => it.input_features(audio),
        }
    }
}

/// Refuses an option that the model's kind cannot honour.
fn refuse(argument: &'static str, given: &dyn ToString, expected: &str) -> Error {
    Error::InvalidArgument { argument, given: given.to_string(), expected: expected.to_owned() }
}
