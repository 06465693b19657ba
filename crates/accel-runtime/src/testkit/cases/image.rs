//! Image classifiers against Hugging Face's pipeline.

use accel_core::SessionOptions;

use super::agree::{self, Agreement, Scored};
use super::errors::expect;
use super::tasks::invalid_argument;
use crate::testkit::reference::{ImageCase, Label};
use crate::testkit::{Failure, Probe, Verdict};
use crate::{Error, Image, ImageClassifier, LabelScore};

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
        let bound = agree::max_abs_only(case.pixel_tolerance);
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

/// A batch of images gives what the images give one by one, split or not.
pub(super) fn batch_equals_singles(probe: &Probe<'_>, classifier: &ImageClassifier) -> Verdict {
    let one_by_one = SessionOptions { max_batch: 1, ..probe.options };
    images(probe, classifier)?;
    images(probe, probe.load_with(&one_by_one)?.image_classifier()?)
        .map_err(|it| it.during("with max_batch = 1"))
}

fn images(probe: &Probe<'_>, classifier: &ImageClassifier) -> Verdict {
    let max_abs = probe.own_tolerance()?.max_abs;
    let cases = probe.recorded(&probe.reference.images, "classified images")?;
    let images = cases.iter().map(|it| open(probe, it)).collect::<Result<Vec<_>, _>>()?;
    let top_k = cases.iter().map(|it| it.top_k).max().unwrap_or(1);
    let batch: Vec<_> = images.iter().collect();
    let together = classifier.image_classification_batch(&batch, top_k)?;
    if together.len() != cases.len() {
        let counts = format!("{} results, want {}", together.len(), cases.len());
        return Err(Failure::mismatch(format!("a batch of images: {counts}")));
    }
    for ((case, open), together) in cases.iter().zip(&images).zip(&together) {
        let what = format!("image `{}`", case.case);
        let listed = &together[..case.want.len().min(together.len())];
        same_labels(
            &format!("{what} in a batch"),
            listed,
            &case.want,
            max_abs,
            case.score_tolerance,
        )?;
        let alone: Vec<_> =
            classifier.image_classification(open, top_k)?.iter().map(scored).collect();
        let together: Vec<_> = together.iter().map(scored).collect();
        agree::rankings(
            &format!("{what} in a batch, against alone"),
            &together,
            &alone,
            max_abs,
            0.0,
        )?;
    }
    Ok(())
}

/// Wrong arguments are typed errors.
pub(super) fn bad_input_is_typed(classifier: &ImageClassifier) -> Verdict {
    let result = Image::from_bytes(b"these bytes are no image");
    expect("bytes of no image", result, |it| matches!(it, Error::Image { .. }))?;
    let image = Image::from_rgb8(2, 1, vec![0; 6])?;
    let result = classifier.image_classification(&image, 0);
    expect("top_k of 0", result, |it| invalid_argument(it, "top_k"))
}
