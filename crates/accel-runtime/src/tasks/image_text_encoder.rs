//! Encoders of images and texts, such as CLIP: vectors that can be compared with one another.

use accel_core::SessionOptions;

use super::dual_encoder::{DualEncoder, Inputs, Side};
use super::{LabelScore, Pipeline, bad_output};
use crate::engine::{Placement, Session};
use crate::text::TextTokenizer;
use crate::vision::ImagePreprocessor;
use crate::{Image, ModelSource, Result, SkillSpec, Tensor};

const SIDE: Side = Side {
    graph: "vision_model",
    inputs: &["pixel_values"],
    embeds: "image_embeds",
    logits: "logits_per_image",
    always_unit: false,
};

/// An encoder of images and texts such as CLIP.
///
/// The folder holds `model.onnx`, or `text_model.onnx` and `vision_model.onnx`, or all three.
/// `model.onnx` alone serves everything but vectors that are not scaled to length 1; without it
/// there is no classification.
#[derive(Debug)]
pub struct ImageTextEncoder {
    encoder: DualEncoder,
    preprocessor: ImagePreprocessor,
}

impl Pipeline for ImageTextEncoder {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let (dir, encoder) = DualEncoder::load(spec, source, options, &SIDE)?;
        Ok(Self { encoder, preprocessor: ImagePreprocessor::open(&dir)? })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        self.encoder.sessions()
    }

    fn placement(&self) -> Placement {
        self.encoder.placement().clone()
    }
}

impl ImageTextEncoder {
    /// The template of Hugging Face's zero-shot image classification
    /// (transformers 5.23, `zero_shot_image_classification.py`).
    pub const TEMPLATE: &'static str = "This is a photo of {}.";

    /// The tokenizer.
    pub const fn tokenizer(&self) -> &TextTokenizer {
        self.encoder.tokenizer()
    }

    /// A vector for every text, in their order, as transformers' `get_text_features`; `normalize`
    /// scales each to length 1. Texts beyond the model's limit are cut. More texts than
    /// `max_batch` take several runs.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) without `normalize` where the
    /// folder has no `text_model.onnx`: `model.onnx` gives vectors of length 1 only;
    /// [`Error::MissingFile`](crate::Error::MissingFile) where it has neither;
    /// [`Error::NonFinite`](crate::Error::NonFinite); what the engine reports.
    pub fn embed_text(&self, texts: &[&str], normalize: bool) -> Result<Vec<Vec<f32>>> {
        self.encoder
            .embed_text(texts, normalize, || self.inputs(&[&Image::from_rgb8(1, 1, vec![0; 3])?]))
    }

    /// A vector for every image, in their order, as transformers' `get_image_features`;
    /// `normalize` scales each to length 1. More images than `max_batch` take several runs.
    ///
    /// # Errors
    /// As [`embed_text`](Self::embed_text), of `vision_model.onnx`;
    /// [`Error::Image`](crate::Error::Image).
    pub fn embed_image(&self, images: &[&Image], normalize: bool) -> Result<Vec<Vec<f32>>> {
        self.encoder.embed_media(images, normalize, |it| self.inputs(it))
    }

    /// How likely each label is that of the image, the likeliest first, equal ones in the order
    /// given. `template` makes a text of a label, which stands where `{}` is;
    /// [`TEMPLATE`](Self::TEMPLATE) is the usual one. More labels than `max_batch` take several
    /// runs.
    ///
    /// # Errors
    /// As [`zero_shot_image_classification_batch`](Self::zero_shot_image_classification_batch).
    pub fn zero_shot_image_classification(
        &self,
        image: &Image,
        labels: &[&str],
        template: &str,
    ) -> Result<Vec<LabelScore>> {
        let mut results = self.zero_shot_image_classification_batch(&[image], labels, template)?;
        results.pop().ok_or_else(|| bad_output(SIDE.logits, "one row", "none"))
    }

    /// The labels of every image, in the images' order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for no labels, a label that is
    /// given twice and a template without `{}`;
    /// [`Error::MissingFile`](crate::Error::MissingFile) where the folder has no `model.onnx`;
    /// [`Error::Image`](crate::Error::Image); [`Error::NonFinite`](crate::Error::NonFinite); what
    /// the engine reports.
    pub fn zero_shot_image_classification_batch(
        &self,
        images: &[&Image],
        labels: &[&str],
        template: &str,
    ) -> Result<Vec<Vec<LabelScore>>> {
        self.encoder.zero_shot(images, labels, template, |it| self.inputs(it))
    }

    /// The images as the graph takes them: `f32 [images, 3, height, width]`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::Error::InvalidArgument) for no images;
    /// [`Error::Image`](crate::Error::Image).
    pub fn pixel_values(&self, images: &[&Image]) -> Result<Tensor> {
        self.preprocessor.pixel_values(images)
    }

    fn inputs(&self, images: &[&Image]) -> Result<Inputs> {
        Ok(vec![("pixel_values", self.pixel_values(images)?)])
    }
}
