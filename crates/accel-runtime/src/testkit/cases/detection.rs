//! Object detectors against Hugging Face's post-processing.

use std::time::Instant;

use accel_core::SessionOptions;

use super::agree::{self, Agreement};
use super::errors::expect;
use super::measures::{milliseconds, positive};
use super::tasks::invalid_argument;
use crate::testkit::compare::score_tolerance;
use crate::testkit::reference::{Detected, DetectionCase};
use crate::testkit::{Failure, Probe, Verdict};
use crate::{BoundingBox, DetectedObject, Error, Image, ObjectDetector};

/// Images get the pixel values, the mask and the objects that Hugging Face finds: the same labels
/// in the same order, with scores and boxes that are close.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when none are recorded or an image is not there.
pub fn detects_objects(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    let detector = skill.object_detector()?;
    let mut pixels = Agreement::new();
    let mut found = 0;
    for case in probe.recorded(&probe.reference.detections, "objects in images")? {
        let what = format!("image `{}`", case.case);
        let during = |error| Failure::from(error).during(&what);
        let image = open(probe, case)?;
        if let Some((want_pixels, want_mask)) = &case.pixels {
            let (got, mask) = detector.pixel_values(&[&image]).map_err(during)?;
            // A black image has no direction, so only the absolute bound says something.
            let bound = agree::max_abs_only(case.pixel_tolerance);
            let what_pixels = format!("{what}, pixel values");
            pixels.add(&agree::tensors(&what_pixels, &got, want_pixels, bound)?);
            agree::tensors(&format!("{what}, pixel mask"), &mask, want_mask, bound)?;
        }
        let got = detector.object_detection(&image, case.threshold).map_err(during)?;
        same_objects(probe, &what, &got, case, &image)?;
        found += case.want.len();
    }
    if found == 0 {
        return Err(Failure::resolve("no recorded image has an object in it"));
    }
    pixels.record(probe, "pixel_values");
    Ok(())
}

fn open(probe: &Probe<'_>, case: &DetectionCase) -> Result<Image, Failure> {
    Image::open(probe.reference.dir.join(&case.image))
        .map_err(|error| Failure::from(error).during(format!("image `{}`", case.case)))
}

/// Compares with what was recorded of the case.
fn same_objects(
    probe: &Probe<'_>,
    what: &str,
    got: &[DetectedObject],
    case: &DetectionCase,
    image: &Image,
) -> Verdict {
    let max_abs = probe.own_tolerance()?.max_abs;
    let labels = |objects: &mut dyn Iterator<Item = (&str, f64)>| {
        let each: Vec<_> = objects.map(|(label, score)| format!("{label} {score:.6}")).collect();
        each.join(", ")
    };
    if got.len() != case.want.len()
        || got.iter().zip(&case.want).any(|(got, want)| got.label != want.label)
    {
        return Err(Failure::mismatch(format!(
            "{what}: got [{}], want [{}]",
            labels(&mut got.iter().map(|it| (it.label.as_str(), f64::from(it.score)))),
            labels(&mut case.want.iter().map(|it| (it.label.as_str(), it.score)))
        )));
    }
    for (rank, (got, want)) in got.iter().zip(&case.want).enumerate() {
        let what = format!("{what}, object {} (`{}`)", rank + 1, want.label);
        let tolerance = score_tolerance(want.score, max_abs).max(case.score_tolerance);
        close(&format!("{what}, score"), f64::from(got.score), want.score, tolerance)?;
        same_box(&what, got.bounding_box, want, case.box_tolerance, max_abs, image)?;
    }
    Ok(())
}

fn same_box(
    what: &str,
    got: BoundingBox,
    want: &Detected,
    recorded_tolerance: f64,
    max_abs: f64,
    image: &Image,
) -> Verdict {
    for (side, got, want, size) in [
        ("xmin", got.xmin, want.sides.xmin, image.width()),
        ("ymin", got.ymin, want.sides.ymin, image.height()),
        ("xmax", got.xmax, want.sides.xmax, image.width()),
        ("ymax", got.ymax, want.sides.ymax, image.height()),
    ] {
        // A side is the centre and half a size, each off by `max_abs` at most, in pixels.
        let tolerance = (1.5 * max_abs * f64::from(size)).max(recorded_tolerance);
        close(&format!("{what}, {side}"), f64::from(got), want, tolerance)?;
    }
    Ok(())
}

fn close(what: &str, got: f64, want: f64, tolerance: f64) -> Verdict {
    if (got - want).abs() <= tolerance {
        return Ok(());
    }
    Err(Failure::mismatch(format!(
        "{what}: got {got}, want {want} (may be off by {tolerance:.1e})"
    )))
}

/// A batch of images gives what the images give one by one, split or not.
pub(super) fn batch_equals_singles(probe: &Probe<'_>, detector: &ObjectDetector) -> Verdict {
    let one_by_one = SessionOptions { max_batch: 1, ..probe.options };
    images(probe, detector)?;
    images(probe, probe.load_with(&one_by_one)?.object_detector()?)
        .map_err(|it| it.during("with max_batch = 1"))
}

fn images(probe: &Probe<'_>, detector: &ObjectDetector) -> Verdict {
    let cases = probe.recorded(&probe.reference.detections, "objects in images")?;
    let images = cases.iter().map(|it| open(probe, it)).collect::<Result<Vec<_>, _>>()?;
    // Each twice, so that every size is a batch.
    let batch: Vec<_> = images.iter().chain(&images).collect();
    for (index, case) in cases.iter().enumerate() {
        let together = detector.object_detection_batch(&batch, case.threshold)?;
        if together.len() != batch.len() {
            let counts = format!("{} results, want {}", together.len(), batch.len());
            return Err(Failure::mismatch(format!("a batch of images: {counts}")));
        }
        for (place, objects) in
            [&together[index], &together[images.len() + index]].into_iter().enumerate()
        {
            let what = format!("image `{}` in a batch, copy {}", case.case, place + 1);
            same_objects(probe, &what, objects, case, &images[index])?;
        }
    }
    Ok(())
}

/// Wrong arguments are typed errors.
pub(super) fn bad_input_is_typed(detector: &ObjectDetector) -> Verdict {
    let result = Image::from_bytes(b"these bytes are no image");
    expect("bytes of no image", result, |it| matches!(it, Error::Image { .. }))?;
    let image = Image::from_rgb8(2, 1, vec![0; 6])?;
    for threshold in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
        let result = detector.object_detection(&image, threshold);
        let what = format!("a threshold of {threshold}");
        expect(&what, result, |it| invalid_argument(it, "threshold"))?;
    }
    expect("a batch of no images", detector.pixel_values(&[]), |it| invalid_argument(it, "images"))
}

/// Records how long one image takes, from its pixels to its objects.
pub(super) fn measure(probe: &Probe<'_>, detector: &ObjectDetector) -> Verdict {
    let cases = probe.recorded(&probe.reference.detections, "objects in images")?;
    let Some(case) = cases.first() else { return Ok(()) };
    let image = open(probe, case)?;
    detector.object_detection(&image, case.threshold)?;
    let start = Instant::now();
    let got = detector.object_detection(&image, case.threshold)?;
    positive(probe, "object_detection_ms", milliseconds(start))?;
    same_objects(probe, "the measured image", &got, case, &image)
}
