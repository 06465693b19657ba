//! Which of the runtime's pipelines serves a kind of model.

use accel_core::Subfamily;

/// A pipeline of the runtime, as generated code names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pipeline {
    /// The Rust type in the runtime, and the variant of the testkit's `Load`.
    pub(super) rust_type: &'static str,
    /// The template of the example in a skill's documentation.
    pub(super) example: &'static str,
}

/// The pipeline of a kind of model.
pub(super) const fn pipeline(subfamily: Subfamily) -> Pipeline {
    let (rust_type, example) = match subfamily {
        Subfamily::MaskedLm => ("TextEncoder", "example/text_encoder.tera"),
        Subfamily::CausalLm => ("TextGenerator", "example/text_generator.tera"),
        Subfamily::Seq2seq => ("TextToText", "example/text_to_text.tera"),
        Subfamily::ImageClassifier => ("ImageClassifier", "example/image_classifier.tera"),
        Subfamily::ObjectDetector => ("ObjectDetector", "example/object_detector.tera"),
        Subfamily::SpeechRecognition => ("SpeechRecognizer", "example/speech_recognizer.tera"),
        Subfamily::AudioTextEncoder => ("AudioTextEncoder", "example/audio_text_encoder.tera"),
        Subfamily::ImageTextEncoder => ("ImageTextEncoder", "example/image_text_encoder.tera"),
        Subfamily::VisionLanguage => ("ImageTextGenerator", "example/image_text_generator.tera"),
        Subfamily::VideoTextEncoder => ("VideoTextEncoder", "example/video_text_encoder.tera"),
        // No registry that was read holds these (E412); one that was built by hand ends at the
        // template that is not there.
        _ => ("NoPipeline", "example/none.tera"),
    };
    Pipeline { rust_type, example }
}

#[cfg(test)]
mod tests {
    use accel_core::{Subfamily, Vocabulary as _};

    use super::pipeline;

    #[test]
    fn a_kind_has_a_pipeline_where_the_vocabulary_says_so() {
        for kind in Subfamily::ALL {
            assert_eq!(kind.has_pipeline(), pipeline(*kind).rust_type != "NoPipeline", "{kind}");
        }
    }
}
