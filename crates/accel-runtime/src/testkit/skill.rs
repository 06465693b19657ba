//! Loaded skills of every kind. The list at the end of this file is the only place that a new
//! pipeline is added to.

use accel_core::{SessionOptions, Stage};

use super::Failure;
use super::reference::Reference;
use crate::{
    AudioTextEncoder, GraphModel, ImageClassifier, ImageTextEncoder, ImageTextGenerator,
    ModelSource, ObjectDetector, Pipeline as _, Placement, Result, Session, SkillSpec,
    SpeechRecognizer, Tensor, TensorInfo, TextEncoder, TextGenerator, TextToText, VideoTextEncoder,
};

/// Makes [`Load`] and [`Skill`] of a list of pipelines: type, accessor, what people call it.
macro_rules! skills {
    ($($(#[$doc:meta])* $kind:ident, $accessor:ident, $what:literal;)+) => {
        /// How a cell's skill is loaded: the generated skill's own `load_with`.
        #[derive(Clone, Copy, Debug)]
        pub enum Load {
            $($(#[$doc])* $kind(fn(&ModelSource, &SessionOptions) -> Result<$kind>),)+
        }

        /// A loaded skill of any kind; boxed, since they differ much in size.
        #[derive(Debug)]
        pub enum Skill {
            $($(#[$doc])* $kind(Box<$kind>),)+
        }

        impl Skill {
            /// Loads as `load` says.
            ///
            /// # Errors
            /// What the skill's own `load_with` returns.
            pub fn load(
                load: Load,
                source: &ModelSource,
                options: &SessionOptions,
            ) -> Result<Self> {
                Ok(match load {
                    $(Load::$kind(load) => Self::$kind(Box::new(load(source, options)?)),)+
                })
            }

            /// Loads the pipeline that `load` stands for with another `spec` than the cell's.
            ///
            /// # Errors
            /// What [`crate::load`] returns.
            pub fn load_as(
                load: Load,
                spec: &SkillSpec,
                source: &ModelSource,
                options: &SessionOptions,
            ) -> Result<Self> {
                Ok(match load {
                    $(Load::$kind(_) => Self::$kind(Box::new(crate::load(spec, source, options)?)),)+
                })
            }

            /// Simulates the pipeline that `load` stands for; whoever asks keeps the mark.
            ///
            /// # Errors
            /// What [`crate::simulate`] returns.
            pub(super) fn simulate(
                load: Load,
                spec: &SkillSpec,
                source: &ModelSource,
                options: &SessionOptions,
            ) -> Result<Self> {
                Ok(match load {
                    $(Load::$kind(_) => {
                        let simulated = crate::simulate(spec, source, options)?;
                        Self::$kind(Box::new(simulated.into_inner()))
                    })+
                })
            }

            /// Every loaded graph.
            pub fn sessions(&self) -> Vec<&dyn Session> {
                match self {
                    $(Self::$kind(it) => it.sessions(),)+
                }
            }

            /// Where all its graphs' nodes run.
            pub fn placement(&self) -> Placement {
                match self {
                    $(Self::$kind(it) => it.placement(),)+
                }
            }

            $(
                #[doc = concat!("The skill as ", $what, ".")]
                ///
                /// # Errors
                /// When it is something else.
                pub fn $accessor(&self) -> Result<&$kind, Failure> {
                    match self {
                        Self::$kind(it) => Ok(it),
                        other => Err(other.is_not($what)),
                    }
                }
            )+

            fn is_not(&self, what: &str) -> Failure {
                let is = match self {
                    $(Self::$kind(_) => $what,)+
                };
                Failure::resolve(format!("this case needs {what}, and the skill is {is}"))
            }
        }
    };
}

impl Skill {
    /// The session of the graph that `reference` records under `name`.
    ///
    /// A typed pipeline does not name its graphs: with one it is that one, and among several it
    /// is the one with the recorded inputs and outputs.
    ///
    /// # Errors
    /// When the skill has not loaded it.
    pub fn graph(&self, reference: &Reference, name: &str) -> Result<&dyn Session, Failure> {
        let sessions = self.sessions();
        let found = match self {
            Self::GraphModel(it) => it.graph(name).ok(),
            _ if sessions.len() == 1 => sessions.first().copied(),
            _ => sessions.iter().copied().find(|it| {
                reference.graph(name).next().is_some_and(|case| {
                    same_names(it.inputs(), &case.inputs) && same_names(it.outputs(), &case.outputs)
                })
            }),
        };
        found.ok_or_else(|| {
            Failure::new(
                Stage::Load,
                format!("none of the skill's {} graphs is `{name}`", sessions.len()),
            )
        })
    }
}

fn same_names(infos: &[TensorInfo], recorded: &[(String, Tensor)]) -> bool {
    infos.len() == recorded.len()
        && infos.iter().all(|info| recorded.iter().any(|(name, _)| *name == info.name))
}

skills! {
    /// A bidirectional text encoder.
    TextEncoder, text_encoder, "a text encoder";
    /// An image classifier.
    ImageClassifier, image_classifier, "an image classifier";
    /// A text generator.
    TextGenerator, text_generator, "a text generator";
    /// A model that reads a text and writes another.
    TextToText, text_to_text, "a text-to-text model";
    /// An encoder of images and texts.
    ImageTextEncoder, image_text_encoder, "an encoder of images and texts";
    /// An encoder of sounds and texts.
    AudioTextEncoder, audio_text_encoder, "an encoder of sounds and texts";
    /// An encoder of videos and texts.
    VideoTextEncoder, video_text_encoder, "an encoder of videos and texts";
    /// An object detector.
    ObjectDetector, object_detector, "an object detector";
    /// A text generator that sees an image.
    ImageTextGenerator, image_text_generator, "a text generator that sees an image";
    /// A speech recogniser.
    SpeechRecognizer, speech_recognizer, "a speech recogniser";
    /// A model without typed tasks yet.
    GraphModel, graph_model, "a model without typed tasks";
}
