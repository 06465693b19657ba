//! Sounds and what is said in them.

use serde::Deserialize;

use super::read::{Fields, TaskEntry};
use super::tensors::Tensors;
use crate::{Result, SpeechTask, Tensor, Timestamps};

/// A sound and its transcript.
#[derive(Clone, Debug)]
pub struct SpeechCase {
    /// The case's name.
    pub case: String,
    /// The sound's file, relative to [`Reference::dir`](super::Reference::dir).
    pub audio: String,
    /// The language that it is said to be in.
    pub language: Option<String>,
    /// What is to be written.
    pub task: SpeechTask,
    /// Which times are told.
    pub timestamps: Timestamps,
    /// Tokens at most.
    pub max_new_tokens: Option<usize>,
    /// The text.
    pub text: String,
    /// The tokens of the text, or of every frame.
    pub token_ids: Vec<i64>,
    /// Parts of the text with their times, when they are told.
    pub chunks: Vec<SpeechChunk>,
    /// What preprocessing makes of the sound, when recorded.
    pub input_features: Option<Tensor>,
    /// How far the features may be off.
    pub features_tolerance: f64,
}

/// A part of a text and its times in seconds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechChunk {
    /// The part.
    pub text: String,
    /// When it begins.
    pub start: f64,
    /// When it ends, if the model says so.
    pub end: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sound {
    audio: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    language: Option<String>,
    task: Option<String>,
    timestamps: Option<String>,
    max_new_tokens: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    text: String,
    token_ids: Vec<i64>,
    #[serde(default)]
    chunks: Option<Vec<SpeechChunk>>,
}

pub(super) fn speech_case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    mut entry: TaskEntry,
) -> Result<SpeechCase> {
    let Sound { audio } = fields.parse("inputs", entry.inputs)?;
    let parameters: Parameters = fields.parse("parameters", entry.parameters)?;
    let expected: Expected =
        fields.parse("expected", fields.present("expected", entry.expected)?)?;
    let task = match parameters.task.as_deref() {
        None | Some("transcribe") => SpeechTask::Transcribe,
        Some("translate") => SpeechTask::Translate,
        Some(other) => return Err(fields.damaged(&format!("unknown task `{other}`"))),
    };
    let timestamps = match parameters.timestamps.as_deref() {
        None => Timestamps::None,
        Some("segments") => Timestamps::Segments,
        Some("characters") => Timestamps::Characters,
        Some(other) => return Err(fields.damaged(&format!("unknown timestamps `{other}`"))),
    };
    if (timestamps == Timestamps::None) != expected.chunks.is_none() {
        return Err(fields.damaged("chunks are recorded exactly when timestamps are asked for"));
    }
    let input_features = entry
        .tensor
        .map(|name| {
            let tensor = tensors.take(&name)?;
            let is = format!("tensor `{name}` is {}, expected f32", tensor.dtype());
            if tensor.as_f32().is_ok() { Ok(tensor) } else { Err(fields.damaged(&is)) }
        })
        .transpose()?;
    let features_tolerance = entry.tolerance.remove("input_features").unwrap_or(0.0);
    if !(features_tolerance.is_finite() && (0.0..0.1).contains(&features_tolerance)) {
        let bound = format!("tolerance input_features = {features_tolerance} lets anything pass");
        return Err(fields.damaged(&bound));
    }
    if let Some(name) = entry.tolerance.keys().next() {
        return Err(fields.damaged(&format!("unknown tolerance `{name}`")));
    }
    Ok(SpeechCase {
        case: entry.case,
        audio,
        language: parameters.language,
        task,
        timestamps,
        max_new_tokens: parameters.max_new_tokens,
        text: expected.text,
        token_ids: expected.token_ids,
        chunks: expected.chunks.unwrap_or_default(),
        input_features,
        features_tolerance,
    })
}
