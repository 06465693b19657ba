//! What each kind of skill adds to the cases that all have.

use super::dual::{self, DualEncoder};
use super::errors::expect;
use super::{detection, generator, image, image_text, speech, text_encoder};
use crate::Error;
use crate::testkit::{Probe, Skill, Verdict};

/// The task's own batch call gives what single calls give, split or not.
pub(super) fn batch_equals_singles(probe: &Probe<'_>, skill: &Skill) -> Verdict {
    match skill {
        Skill::TextEncoder(it) => text_encoder::batch_equals_singles(probe, it),
        Skill::ImageClassifier(it) => image::batch_equals_singles(probe, it),
        Skill::TextGenerator(_) | Skill::TextToText(_) => {
            generator::batch_equals_singles(probe, skill)
        }
        Skill::ImageTextEncoder(it) => dual::batch_equals_singles(probe, DualEncoder::Images(it)),
        Skill::AudioTextEncoder(it) => dual::batch_equals_singles(probe, DualEncoder::Audios(it)),
        Skill::VideoTextEncoder(it) => dual::batch_equals_singles(probe, DualEncoder::Videos(it)),
        Skill::ObjectDetector(it) => detection::batch_equals_singles(probe, it),
        // These have no batch call.
        Skill::SpeechRecognizer(_) | Skill::ImageTextGenerator(_) | Skill::GraphModel(_) => Ok(()),
    }
}

/// Wrong arguments of the task are typed errors.
pub(super) fn bad_input_is_typed(probe: &Probe<'_>, skill: &Skill) -> Verdict {
    match skill {
        Skill::TextEncoder(it) => text_encoder::bad_input_is_typed(probe, it),
        Skill::ImageClassifier(it) => image::bad_input_is_typed(it),
        Skill::TextGenerator(_) | Skill::TextToText(_) => {
            generator::bad_input_is_typed(probe, skill)
        }
        Skill::ImageTextEncoder(it) => dual::bad_input_is_typed(probe, DualEncoder::Images(it)),
        Skill::AudioTextEncoder(it) => dual::bad_input_is_typed(probe, DualEncoder::Audios(it)),
        Skill::VideoTextEncoder(it) => dual::bad_input_is_typed(probe, DualEncoder::Videos(it)),
        Skill::ObjectDetector(it) => detection::bad_input_is_typed(it),
        Skill::ImageTextGenerator(it) => image_text::bad_input_is_typed(probe, it),
        Skill::SpeechRecognizer(it) => speech::bad_input_is_typed(it),
        Skill::GraphModel(it) => {
            let result = it.run("no_such_graph", Vec::new(), &[]);
            expect("a graph that is not there", result, |it| invalid_argument(it, "graph"))
        }
    }
}

/// Figures of the task's own calls.
pub(super) fn measure(probe: &Probe<'_>, skill: &Skill) -> Verdict {
    match skill {
        Skill::TextGenerator(_) | Skill::TextToText(_) => generator::measure(probe, skill),
        Skill::ImageTextEncoder(it) => dual::measure(probe, DualEncoder::Images(it)),
        Skill::AudioTextEncoder(it) => dual::measure(probe, DualEncoder::Audios(it)),
        Skill::VideoTextEncoder(it) => dual::measure(probe, DualEncoder::Videos(it)),
        Skill::ObjectDetector(it) => detection::measure(probe, it),
        Skill::ImageTextGenerator(it) => image_text::measure(probe, it),
        Skill::SpeechRecognizer(it) => speech::measure(probe, it),
        Skill::TextEncoder(_) | Skill::ImageClassifier(_) | Skill::GraphModel(_) => Ok(()),
    }
}

/// Whether `error` refuses the argument `name`.
pub(super) fn invalid_argument(error: &Error, name: &str) -> bool {
    matches!(error, Error::InvalidArgument { argument, .. } if *argument == name)
}
