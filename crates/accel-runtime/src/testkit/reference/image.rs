//! Images and their labels.

use serde::Deserialize;

use super::read::{Fields, TaskEntry, TopK};
use super::tensors::Tensors;
use crate::{Result, Tensor};

/// An image and its labels.
#[derive(Clone, Debug)]
pub struct ImageCase {
    /// The case's name.
    pub case: String,
    /// The image file, relative to [`Reference::dir`](super::Reference::dir).
    pub image: String,
    /// How many labels.
    pub top_k: usize,
    /// The labels, the most likely first.
    pub want: Vec<Label>,
    /// What preprocessing makes of the image.
    pub pixel_values: Tensor,
    /// How far preprocessed pixels may be off: decoders of lossy formats differ.
    pub pixel_tolerance: f64,
    /// How far scores may be off for the same reason.
    pub score_tolerance: f64,
}

/// A label and its score.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The label.
    pub label: String,
    /// Its probability.
    pub score: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    image: String,
}

pub(super) fn image_case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<ImageCase> {
    let Image { image } = fields.parse("inputs", entry.inputs)?;
    let TopK { top_k } = fields.parse("parameters", entry.parameters)?;
    let want: Vec<Label> = fields.parse("expected", fields.present("expected", entry.expected)?)?;
    if want.is_empty() {
        return Err(fields.damaged("no labels"));
    }
    let pixel_values = tensors.take_f32(&fields.present("tensor", entry.tensor)?, 4)?;
    let [pixel_tolerance, score_tolerance] =
        fields.bounds(entry.tolerance, ["pixel_values", "score"])?;
    let case = entry.case;
    Ok(ImageCase { case, image, top_k, want, pixel_values, pixel_tolerance, score_tolerance })
}
