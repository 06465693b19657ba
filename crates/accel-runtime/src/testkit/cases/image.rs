//! Image classifiers against Hugging Face's pipeline.

use accel_core::Tolerance;

use super::agree::{self, Agreement, Scored};
use crate::testkit::reference::{ImageCase, Label};
use crate::testkit::{Failure, Probe, Verdict};
use crate::{Image, LabelScore};

/// Images get the pixel values, labels and scores of Hugging Face's pipeline.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when none are recorded or an image is not there.
pub fn classifies_images(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    let classifier = skill.image_classifier()?;
    let max_abs = probe.own_tolerance()?.max_abs;
    let mut pixels = Agreement::new();
    for case in probe.recorded(&probe.reference.images, "classified images")? {
        let what = format!("image `{}`", case.case);
        let during = |error| Failure::from(error).during(&what);
        let image = open(probe, case)?;
        let got = classifier.pixel_values(&[&image]).map_err(during)?;
        // A black image has no direction, so only the absolute bound says something.
        let bound = Tolerance { max_abs: case.pixel_tolerance, min_cosine: -1.0 };
        let what_pixels = format!("{what}, pixel values");
        pixels.add(&agree::tensors(&what_pixels, &got, &case.pixel_values, bound)?);

        let got = classifier.image_classification(&image, case.top_k).map_err(during)?;
        same_labels(&what, &got, &case.want, max_abs, case.score_tolerance)?;
    }
    pixels.record(probe, "pixel_values");
    Ok(())
}

/// The case's image.
pub(super) fn open(probe: &Probe<'_>, case: &ImageCase) -> Result<Image, Failure> {
    Image::open(probe.reference.dir.join(&case.image))
        .map_err(|error| Failure::from(error).during(format!("image `{}`", case.case)))
}

pub(super) fn same_labels(
    what: &str,
    got: &[LabelScore],
    want: &[Label],
    max_abs: f64,
    recorded_tolerance: f64,
) -> Verdict {
    let got: Vec<_> = got.iter().map(scored).collect();
    let want: Vec<_> =
        want.iter().map(|it| Scored { name: it.label.clone(), score: it.score }).collect();
    agree::rankings(what, &got, &want, max_abs, recorded_tolerance)
}

pub(super) fn scored(it: &LabelScore) -> Scored {
    Scored { name: it.label.clone(), score: it.score.into() }
}
