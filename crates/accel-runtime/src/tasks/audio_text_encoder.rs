//! Encoders of sounds and texts, such as CLAP: vectors that can be compared with one another.

use accel_core::SessionOptions;

use super::dual_encoder::{DualEncoder, Inputs, Side};
use super::{LabelScore, Pipeline, bad_output};
use crate::audio::{Audio, ClapFeatures};
use crate::engine::{Placement, Session};
use crate::text::TextTokenizer;
use crate::{ModelSource, Result, SkillSpec, Tensor};

const SIDE: Side = Side {
    graph: "audio_model",
    inputs: &["input_features", "is_longer"],
    embeds: "audio_embeds",
    logits: "logits_per_audio",
    // `ClapModel.get_text_features` and `get_audio_features` end in `F.normalize`.
    always_unit: true,
};

/// An encoder of sounds and texts such as CLAP.
///
/// The folder holds `model.onnx`, or `text_model.onnx` and `audio_model.onnx`, or all three.
/// `model.onnx` alone serves everything; without it there is no classification.
#[derive(Debug)]
pub struct AudioTextEncoder {
    encoder: DualEncoder,
    features: ClapFeatures,
}

impl Pipeline for AudioTextEncoder {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let (dir, encoder) = DualEncoder::load(spec, source, options, &SIDE)?;
        Ok(Self { encoder, features: ClapFeatures::open(&dir)? })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        self.encoder.sessions()
    }

    fn placement(&self) -> Placement {
        self.encoder.placement().clone()
    }
}

impl AudioTextEncoder {
    /// The template of Hugging Face's zero-shot audio classification
    /// (transformers 5.23, `zero_shot_audio_classification.py`).
    pub const TEMPLATE: &'static str = "This is a sound of {}.";

    /// The tokenizer.
    pub const fn tokenizer(&self) -> &TextTokenizer {
        self.encoder.tokenizer()
    }

    /// A vector for every text, in their order, as transformers' `get_text_features`. CLAP's have
    /// length 1 with and without `normalize`. Texts beyond the model's limit are cut. More texts
    /// than `max_batch` take several runs.
    ///
    /// # Errors
    /// [`Error::MissingFile`](crate::Error::MissingFile) where the folder has neither
    /// `text_model.onnx` nor `model.onnx`; [`Error::NonFinite`](crate::Error::NonFinite); what the
    /// engine reports.
    pub fn embed_text(&self, texts: &[&str], normalize: bool) -> Result<Vec<Vec<f32>>> {
        self.encoder.embed_text(texts, normalize, || {
            let silence = Audio::from_samples(vec![0.0], self.features.sampling_rate_hz())?;
            self.inputs(&[&silence])
        })
    }

    /// A vector for every sound, in their order, as transformers' `get_audio_features`. CLAP's
    /// have length 1 with and without `normalize`. More sounds than `max_batch` take several
    /// runs.
    ///
    /// # Errors
    /// As [`embed_text`](Self::embed_text), of `audio_model.onnx`;
    /// [`Error::Audio`](crate::Error::Audio).
    pub fn embed_audio(&self, audios: &[&Audio], normalize: bool) -> Result<Vec<Vec<f32>>> {
        self.encoder.embed_media(audios, normalize, |it| self.inputs(it))
    }

    /// How likely each label is that of the sound, the likeliest first, equal ones in the order
    /// given. `template` makes a text of a label, which stands where `{}` is;
    /// [`TEMPLATE`](Self::TEMPLATE) is the usual one. More labels than `max_batch` take several
    /// runs.
    ///
    /// # Errors
    /// As [`zero_shot_audio_classification_batch`](Self::zero_shot_audio_classification_batch).
    pub fn zero_shot_audio_classification(
        &self,
        audio: &Audio,
        labels: &[&str],
        template: &str,
    ) -> Result<Vec<LabelScore>> {
        let mut results = self.zero_shot_audio_classification_batch(&[audio], labels, template)?;
        results.pop().ok_or_else(|| bad_output(SIDE.logits, "one row", "none"))
    }

    /// The labels of every sound, in the sounds' order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for no labels, a label that is
    /// given twice and a template without `{}`;
    /// [`Error::MissingFile`](crate::Error::MissingFile) where the folder has no `model.onnx`;
    /// [`Error::Audio`](crate::Error::Audio); [`Error::NonFinite`](crate::Error::NonFinite); what
    /// the engine reports.
    pub fn zero_shot_audio_classification_batch(
        &self,
        audios: &[&Audio],
        labels: &[&str],
        template: &str,
    ) -> Result<Vec<Vec<LabelScore>>> {
        self.encoder.zero_shot(audios, labels, template, |it| self.inputs(it))
    }

    /// The sounds as the graph takes them, resampled to the model's rate:
    /// `f32 [sounds, pictures, frames, mels]`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for no sounds;
    /// [`Error::Audio`](crate::Error::Audio).
    pub fn input_features(&self, audios: &[&Audio]) -> Result<Tensor> {
        self.features.input_features(audios)
    }

    fn inputs(&self, audios: &[&Audio]) -> Result<Inputs> {
        let longer = match self.features.is_longer(audios.len())? {
            Some(it) => it,
            // Of a graph that declares it all the same, without use for it.
            None => Tensor::new(vec![audios.len(), 1], vec![false; audios.len()])?,
        };
        Ok(vec![("input_features", self.input_features(audios)?), ("is_longer", longer)])
    }
}
