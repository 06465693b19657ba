//! Images and the objects in them.

use serde::Deserialize;

use super::read::{Fields, TaskEntry};
use super::tensors::Tensors;
use crate::{Result, Tensor};

/// The largest tolerance of a box, in pixels, that still says where an object is.
const MAX_BOX_TOLERANCE: f64 = 4.0;

/// An image and the objects in it.
#[derive(Clone, Debug)]
pub struct DetectionCase {
    /// The case's name.
    pub case: String,
    /// The image file, relative to [`Reference::dir`](super::Reference::dir).
    pub image: String,
    /// What a score must exceed.
    pub threshold: f32,
    /// The objects, the most certain first; there may be none.
    pub want: Vec<Detected>,
    /// What preprocessing makes of the image: pixels and mask, when recorded.
    pub pixels: Option<(Tensor, Tensor)>,
    /// How far preprocessed pixels may be off: decoders of lossy formats differ.
    pub pixel_tolerance: f64,
    /// How far scores may be off for the same reason.
    pub score_tolerance: f64,
    /// How far the sides of boxes may be off for the same reason, in pixels of the image.
    pub box_tolerance: f64,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detected {
    /// What it is.
    pub label: String,
    /// Its probability.
    pub score: f64,
    /// Where it is.
    #[serde(rename = "box")]
    pub sides: Sides,
}

/// A box, in pixels of the upright image.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sides {
    /// The left edge.
    pub xmin: f64,
    /// The upper edge.
    pub ymin: f64,
    /// The right edge.
    pub xmax: f64,
    /// The lower edge.
    pub ymax: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    image: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    threshold: f32,
}

pub(super) fn detection_case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    mut entry: TaskEntry,
) -> Result<DetectionCase> {
    let Image { image } = fields.parse("inputs", entry.inputs)?;
    let Parameters { threshold } = fields.parse("parameters", entry.parameters)?;
    let want: Vec<Detected> =
        fields.parse("expected", fields.present("expected", entry.expected)?)?;
    if want.iter().any(|it| it.score <= f64::from(threshold)) {
        return Err(fields.damaged("an object below the threshold"));
    }
    if !want.is_sorted_by(|a, b| a.score >= b.score) {
        return Err(fields.damaged("objects that do not begin with the most certain one"));
    }
    let box_tolerance = entry.tolerance.remove("box").unwrap_or(0.0);
    if !(0.0..=MAX_BOX_TOLERANCE).contains(&box_tolerance) {
        let reason = format!("tolerance box = {box_tolerance} lets anything pass");
        return Err(fields.damaged(&reason));
    }
    let [pixel_tolerance, score_tolerance] =
        fields.bounds(entry.tolerance, ["pixel_values", "score"])?;
    let pixels = entry.tensor.map(|name| {
        let mask = name.strip_suffix("pixel_values").map(|it| format!("{it}pixel_mask"));
        let mask = mask.ok_or_else(|| fields.damaged("its tensor is not `pixel_values`"))?;
        Ok((tensors.take_f32(&name, 4)?, tensors.take(&mask)?))
    });
    Ok(DetectionCase {
        case: entry.case,
        image,
        threshold,
        want,
        pixels: pixels.transpose()?,
        pixel_tolerance,
        score_tolerance,
        box_tolerance,
    })
}
