//! Texts, images, sounds and videos as vectors, and labels chosen by them.

use serde::Deserialize;

use super::Label;
use super::read::{Fields, TaskEntry};
use super::tensors::Tensors;
use crate::{Result, Tensor};

/// A batch and its vectors.
#[derive(Clone, Debug)]
pub struct VectorCase {
    /// The case's name.
    pub case: String,
    /// The batch.
    pub inputs: VectorInputs,
    /// Whether vectors are scaled to length 1.
    pub normalize: bool,
    /// One row for each of the batch.
    pub want: Tensor,
}

/// What vectors are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VectorInputs {
    /// Texts.
    Texts(Vec<String>),
    /// Images, sounds or videos.
    Media(Media),
}

/// Files relative to [`Reference::dir`](super::Reference::dir); at least one of each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Media {
    /// An image each.
    Images(Vec<String>),
    /// A sound each.
    Audios(Vec<String>),
    /// The frames of a video each.
    Videos(Vec<Vec<String>>),
}

/// An image, a sound or a video, and the labels chosen for it.
#[derive(Clone, Debug)]
pub struct ZeroShotCase {
    /// The case's name.
    pub case: String,
    /// The image, sound or video; one.
    pub media: Media,
    /// The labels to choose among.
    pub labels: Vec<String>,
    /// The text that a label becomes, with `{}` for the label.
    pub template: String,
    /// The labels, the most likely first.
    pub want: Vec<Label>,
    /// What preprocessing makes of the image, sound or video.
    pub features: Tensor,
    /// How far that may be off: decoders of lossy formats differ.
    pub feature_tolerance: f64,
    /// How far scores may be off for the same reason.
    pub score_tolerance: f64,
}

impl Media {
    /// How many.
    pub const fn len(&self) -> usize {
        match self {
            Self::Images(it) | Self::Audios(it) => it.len(),
            Self::Videos(it) => it.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl VectorInputs {
    /// How many.
    pub const fn len(&self) -> usize {
        match self {
            Self::Texts(it) => it.len(),
            Self::Media(it) => it.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    texts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Normalize {
    normalize: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// One of the three, `labels` and `template`; a field of another name is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    image: Option<String>,
    audio: Option<String>,
    video: Option<Vec<String>>,
    labels: Vec<String>,
    template: String,
}

pub(super) fn vector_case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<VectorCase> {
    let inputs = if entry.inputs.get("texts").is_some() {
        let Texts { texts } = fields.parse("inputs", entry.inputs)?;
        VectorInputs::Texts(texts)
    } else {
        VectorInputs::Media(fields.parse("inputs", entry.inputs)?)
    };
    let Normalize { normalize } = fields.parse("parameters", entry.parameters)?;
    let want = tensors.take_f32(&fields.present("tensor", entry.tensor)?, 2)?;
    if inputs.is_empty() || want.shape().first() != Some(&inputs.len()) {
        let rows = format!("{} inputs and a tensor of {:?}", inputs.len(), want.shape());
        return Err(fields.damaged(&rows));
    }
    fields.bounds(entry.tolerance, [])?;
    Ok(VectorCase { case: entry.case, inputs, normalize, want })
}

pub(super) fn zero_shot_case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<ZeroShotCase> {
    let Nothing {} = fields.parse("parameters", entry.parameters)?;
    let choice: Choice = fields.parse("inputs", entry.inputs)?;
    let (media, features, rank) = match (choice.image, choice.audio, choice.video) {
        (Some(it), None, None) => (Media::Images(vec![it]), ("pixel_values", 0.1), 4),
        // Decibels, of which a spectrogram spans a hundred.
        (None, Some(it), None) => (Media::Audios(vec![it]), ("input_features", 1.0), 4),
        (None, None, Some(it)) if !it.is_empty() => {
            (Media::Videos(vec![it]), ("pixel_values", 0.1), 5)
        }
        _ => return Err(fields.damaged("exactly one image, audio or video is needed")),
    };
    let want: Vec<Label> = fields.parse("expected", fields.present("expected", entry.expected)?)?;
    if want.is_empty() || want.len() != choice.labels.len() {
        let counts = format!("{} labels and {} scores", choice.labels.len(), want.len());
        return Err(fields.damaged(&counts));
    }
    let [feature_tolerance, score_tolerance] =
        fields.bounds_below(entry.tolerance, [features, ("score", 0.1)])?;
    Ok(ZeroShotCase {
        case: entry.case,
        media,
        labels: choice.labels,
        template: choice.template,
        want,
        features: tensors.take_f32(&fields.present("tensor", entry.tensor)?, rank)?,
        feature_tolerance,
        score_tolerance,
    })
}
