//! What each kind of skill adds to the cases that all have.

use accel_core::SessionOptions;

use super::agree;
use super::errors::expect;
use super::{generator, image, text_encoder};
use crate::testkit::{Failure, Probe, Skill, Verdict};
use crate::{Error, Image, ImageClassifier, TextEncoder, TextTokenizer};

/// Texts become the recorded tokens, and tokens the recorded texts.
pub(super) fn tokenizer(probe: &Probe<'_>, tokenizer: &TextTokenizer) -> Verdict {
    for case in probe.recorded(&probe.reference.tokenizer, "tokenized texts")? {
        let what = format!("tokens of {:?}", case.text);
        let ids = tokenizer
            .encode(&case.text, true)
            .map_err(|error| Failure::from(error).during(&what))?;
        if ids != case.ids {
            return Err(Failure::mismatch(format!("{what}: got {ids:?}, want {:?}", case.ids)));
        }
        let text =
            tokenizer.decode(&ids, false).map_err(|error| Failure::from(error).during(&what))?;
        if text != case.decoded {
            let texts = format!("got {text:?}, want {:?}", case.decoded);
            return Err(Failure::mismatch(format!("{what}, as text again: {texts}")));
        }
    }
    Ok(())
}

/// The task's own batch call gives what single calls give, split or not.
pub(super) fn batch_equals_singles(probe: &Probe<'_>, skill: &Skill) -> Verdict {
    let one_by_one = SessionOptions { max_batch: 1, ..probe.options };
    match skill {
        Skill::TextEncoder(encoder) => {
            texts(probe, encoder)?;
            texts(probe, probe.load_with(&one_by_one)?.text_encoder()?)
                .map_err(|it| it.during("with max_batch = 1"))
        }
        Skill::ImageClassifier(classifier) => {
            images(probe, classifier)?;
            images(probe, probe.load_with(&one_by_one)?.image_classifier()?)
                .map_err(|it| it.during("with max_batch = 1"))
        }
        // These have no batch call.
        Skill::TextGenerator(_) | Skill::GraphModel(_) => Ok(()),
    }
}

fn texts(probe: &Probe<'_>, encoder: &TextEncoder) -> Verdict {
    let tolerance = probe.own_tolerance()?;
    let cases = &probe.reference.embeddings;
    let batches: Vec<_> = cases.iter().filter(|it| it.texts.len() > 1).collect();
    for case in probe.recorded(&batches, "embeddings of several texts")? {
        let together = text_encoder::embed(encoder, case, &case.texts)?;
        let what = format!("embedding `{}`", case.case);
        agree::tensors(&what, &together, &case.want, tolerance)?;
        let width = case.want.shape()[1];
        for (row, want) in together.as_f32()?.chunks(width).enumerate() {
            let alone = text_encoder::embed(encoder, case, &case.texts[row..=row])?;
            let what = format!("{what}, text {row} alone");
            agree::floats(&what, alone.as_f32()?, want, &[width], tolerance)?;
        }
    }
    Ok(())
}

fn images(probe: &Probe<'_>, classifier: &ImageClassifier) -> Verdict {
    let max_abs = probe.own_tolerance()?.max_abs;
    let cases = probe.recorded(&probe.reference.images, "classified images")?;
    let images = cases.iter().map(|it| image::open(probe, it)).collect::<Result<Vec<_>, _>>()?;
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
        image::same_labels(
            &format!("{what} in a batch"),
            listed,
            &case.want,
            max_abs,
            case.score_tolerance,
        )?;
        let alone: Vec<_> =
            classifier.image_classification(open, top_k)?.iter().map(image::scored).collect();
        let together: Vec<_> = together.iter().map(image::scored).collect();
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

/// Wrong arguments of the task are typed errors.
pub(super) fn bad_input_is_typed(probe: &Probe<'_>, skill: &Skill) -> Verdict {
    let argument = |wanted: &'static str| move |error: &Error| matches!(error, Error::InvalidArgument { argument, .. } if *argument == wanted);
    match skill {
        Skill::TextEncoder(it) => {
            let result = it.fill_mask("There is nothing to fill in here.", 1);
            expect("a text without a mask", result, |it| matches!(it, Error::NoMask { .. }))?;
            let fills = &probe.reference.fills;
            match fills.first() {
                Some(case) => expect("top_k of 0", it.fill_mask(&case.text, 0), argument("top_k")),
                None => Ok(()),
            }
        }
        Skill::ImageClassifier(it) => {
            let result = Image::from_bytes(b"these bytes are no image");
            expect("bytes of no image", result, |it| matches!(it, Error::Image { .. }))?;
            let image = Image::from_rgb8(2, 1, vec![0; 6])?;
            expect("top_k of 0", it.image_classification(&image, 0), argument("top_k"))
        }
        Skill::TextGenerator(it) => generator::bad_input_is_typed(probe, it),
        Skill::GraphModel(it) => {
            let result = it.run("no_such_graph", Vec::new(), &[]);
            expect("a graph that is not there", result, argument("graph"))
        }
    }
}
