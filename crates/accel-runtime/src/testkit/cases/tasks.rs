//! What each kind of skill adds to the cases that all have.

use super::errors::expect;
use super::{generator, image, speech, text_encoder};
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
        // These have no batch call.
        Skill::SpeechRecognizer(_) | Skill::GraphModel(_) => Ok(()),
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
        Skill::SpeechRecognizer(it) => speech::measure(probe, it),
        Skill::TextEncoder(_) | Skill::ImageClassifier(_) | Skill::GraphModel(_) => Ok(()),
    }
}

/// Whether `error` refuses the argument `name`.
pub(super) fn invalid_argument(error: &Error, name: &str) -> bool {
    matches!(error, Error::InvalidArgument { argument, .. } if *argument == name)
}
