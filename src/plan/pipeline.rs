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

/// The pipeline of a kind of model. Kinds without typed task methods run as raw graphs.
pub(super) const fn pipeline(subfamily: Subfamily) -> Pipeline {
    match subfamily {
        Subfamily::MaskedLm => {
            Pipeline { rust_type: "TextEncoder", example: "example/text_encoder.tera" }
        }
        Subfamily::ImageClassifier => {
            Pipeline { rust_type: "ImageClassifier", example: "example/image_classifier.tera" }
        }
        Subfamily::CausalLm => {
            Pipeline { rust_type: "TextGenerator", example: "example/text_generator.tera" }
        }
        Subfamily::Seq2seq
        | Subfamily::ObjectDetector
        | Subfamily::SpeechRecognition
        | Subfamily::AudioTextEncoder
        | Subfamily::ImageTextEncoder
        | Subfamily::VisionLanguage
        | Subfamily::VideoTextEncoder => {
            Pipeline { rust_type: "GraphModel", example: "example/graph_model.tera" }
        }
    }
}
