//! Encoders of videos and texts, such as X-CLIP: vectors that can be compared with one another.

use std::num::NonZeroUsize;

use accel_core::SessionOptions;
use serde::Deserialize;

use super::dual_encoder::{DualEncoder, Inputs, Side};
use super::{LabelScore, Pipeline, bad_output};
use crate::engine::{Placement, Session};
use crate::text::TextTokenizer;
use crate::vision::ImagePreprocessor;
use crate::{Error, Image, ModelSource, Result, SkillSpec, Tensor, Video};

const SIDE: Side = Side {
    graph: "vision_model",
    inputs: &["pixel_values"],
    embeds: "video_embeds",
    logits: "logits_per_video",
    always_unit: false,
};

/// Frames of a video at most: far more than any model takes, and nothing that fills the memory.
const MAX_FRAMES: usize = 1 << 10;

/// What `config.json` says about videos.
#[derive(Deserialize)]
struct Config {
    vision_config: VisionConfig,
}

#[derive(Deserialize)]
struct VisionConfig {
    num_frames: NonZeroUsize,
}

/// An encoder of videos and texts such as X-CLIP.
///
/// The folder holds `model.onnx` and, for embeddings of texts, `text_model.onnx`: the vectors of
/// texts in `model.onnx` have been changed by the video beside them.
#[derive(Debug)]
pub struct VideoTextEncoder {
    encoder: DualEncoder,
    preprocessor: ImagePreprocessor,
    frames: usize,
}

impl Pipeline for VideoTextEncoder {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let (dir, encoder) = DualEncoder::load(spec, source, options, &SIDE)?;
        let config: Config = dir.required_json("config.json", "the number of a video's frames")?;
        let frames = config.vision_config.num_frames.get();
        if frames > MAX_FRAMES {
            return Err(Error::UnsupportedModel {
                path: dir.path().join("config.json"),
                reason: format!("vision_config.num_frames = {frames} is more than {MAX_FRAMES}"),
                remedy: "copy it again from the model's repository".to_owned(),
            });
        }
        Ok(Self { encoder, preprocessor: ImagePreprocessor::open(&dir)?, frames })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        self.encoder.sessions()
    }

    fn placement(&self) -> Placement {
        self.encoder.placement().clone()
    }
}

impl VideoTextEncoder {
    /// Labels as they are: transformers has no pipeline for this task and so no template.
    pub const TEMPLATE: &'static str = "{}";

    /// The tokenizer.
    pub const fn tokenizer(&self) -> &TextTokenizer {
        self.encoder.tokenizer()
    }

    /// Frames that the model takes of each video (`vision_config.num_frames`).
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// A vector for every text, in their order, as transformers' `get_text_features`: without the
    /// influence of a video. `normalize` scales each to length 1. Texts beyond the model's limit
    /// are cut. More texts than `max_batch` take several runs.
    ///
    /// # Errors
    /// [`Error::MissingFile`] where the folder has no
    /// `text_model.onnx`; [`Error::NonFinite`]; what the engine reports.
    pub fn embed_text(&self, texts: &[&str], normalize: bool) -> Result<Vec<Vec<f32>>> {
        self.encoder.embed_text(texts, normalize, || {
            let black = Image::from_rgb8(1, 1, vec![0; 3])?;
            self.inputs(&[&Video::from_frames(vec![black])?])
        })
    }

    /// A vector for every video, in their order, as transformers' `get_video_features`;
    /// `normalize` scales each to length 1. More videos than `max_batch` take several runs.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] without `normalize` where the
    /// folder has no `vision_model.onnx`: `model.onnx` gives vectors of length 1 only;
    /// [`Error::Image`]; [`Error::NonFinite`]; what
    /// the engine reports.
    pub fn embed_video(&self, videos: &[&Video], normalize: bool) -> Result<Vec<Vec<f32>>> {
        self.encoder.embed_media(videos, normalize, |it| self.inputs(it))
    }

    /// How likely each label is that of the video, the likeliest first, equal ones in the order
    /// given. `template` makes a text of a label, which stands where `{}` is;
    /// [`TEMPLATE`](Self::TEMPLATE) takes labels as they are. More labels than `max_batch` take
    /// several runs.
    ///
    /// # Errors
    /// As [`zero_shot_video_classification_batch`](Self::zero_shot_video_classification_batch).
    pub fn zero_shot_video_classification(
        &self,
        video: &Video,
        labels: &[&str],
        template: &str,
    ) -> Result<Vec<LabelScore>> {
        let mut results = self.zero_shot_video_classification_batch(&[video], labels, template)?;
        results.pop().ok_or_else(|| bad_output(SIDE.logits, "one row", "none"))
    }

    /// The labels of every video, in the videos' order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no labels, a label that is
    /// given twice and a template without `{}`;
    /// [`Error::MissingFile`] where the folder has no `model.onnx`;
    /// [`Error::Image`]; [`Error::NonFinite`]; what
    /// the engine reports.
    pub fn zero_shot_video_classification_batch(
        &self,
        videos: &[&Video],
        labels: &[&str],
        template: &str,
    ) -> Result<Vec<Vec<LabelScore>>> {
        self.encoder.zero_shot(videos, labels, template, |it| self.inputs(it))
    }

    /// The videos as the graph takes them, [`frames`](Self::frames) of each:
    /// `f32 [videos, frames, 3, height, width]`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no videos;
    /// [`Error::Image`].
    pub fn pixel_values(&self, videos: &[&Video]) -> Result<Tensor> {
        if videos.is_empty() {
            return Err(Error::InvalidArgument {
                argument: "videos",
                given: "none".to_owned(),
                expected: "at least one".to_owned(),
            });
        }
        let frames: Vec<_> = videos.iter().flat_map(|it| it.sample(self.frames)).collect();
        let (shape, data) = self.preprocessor.pixel_values(&frames)?.into_parts();
        let shape = [&[videos.len(), self.frames], &shape[1..]].concat();
        Tensor::new(shape, data)
    }

    fn inputs(&self, videos: &[&Video]) -> Result<Inputs> {
        Ok(vec![("pixel_values", self.pixel_values(videos)?)])
    }
}
