//! Image classifiers: one label an image.

use accel_core::SessionOptions;

use super::{
    Pipeline, at_least_one, bad_output, batch_size, load_graph, output_among, run_one, softmax,
    top_k,
};
use crate::engine::{Placement, Session};
use crate::vision::ImagePreprocessor;
use crate::{Error, Image, ModelDir, ModelSource, Result, SkillSpec, Tensor};

const GRAPH: &str = "model";
const INPUT: &str = "pixel_values";
const OUTPUT: &str = "logits";

/// A label and how likely it is.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelScore {
    /// The label's name from the model's configuration.
    pub label: String,
    /// Its probability; for a model whose `problem_type` is `regression` the value itself.
    pub score: f32,
}

/// An image classifier such as ViT.
#[derive(Debug)]
pub struct ImageClassifier {
    session: Box<dyn Session>,
    preprocessor: ImagePreprocessor,
    dir: ModelDir,
    max_batch: usize,
}

impl Pipeline for ImageClassifier {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let (dir, session) = load_graph(spec, source, options, GRAPH)?;
        let preprocessor = ImagePreprocessor::open(&dir)?;
        let takes_only_pixels = session.inputs().iter().all(|it| it.name == INPUT);
        if !takes_only_pixels || output_among(&*session, &[OUTPUT]).is_none() {
            return Err(Error::UnsupportedModel {
                path: dir.path().to_owned(),
                reason: format!("its graph does not turn `{INPUT}` into `{OUTPUT}`"),
                remedy: "export it as an image classifier".to_owned(),
            });
        }
        Ok(Self { session, preprocessor, dir, max_batch: batch_size(options) })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        vec![&*self.session]
    }

    fn placement(&self) -> Placement {
        self.session.placement().clone()
    }
}

impl ImageClassifier {
    /// The `top_k` most likely labels of an image, the likeliest first, equal ones in the model's
    /// order; fewer when the model has fewer.
    ///
    /// # Errors
    /// As [`image_classification_batch`](Self::image_classification_batch).
    pub fn image_classification(&self, image: &Image, top_k: usize) -> Result<Vec<LabelScore>> {
        let mut results = self.image_classification_batch(&[image], top_k)?;
        results.pop().ok_or_else(|| bad_output(OUTPUT, "one row", "none"))
    }

    /// The labels of every image, in their order. More images than `max_batch` take several runs.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a `top_k` of 0; [`Error::Image`]; [`Error::NonFinite`]; what
    /// the engine reports.
    pub fn image_classification_batch(
        &self,
        images: &[&Image],
        top_k: usize,
    ) -> Result<Vec<Vec<LabelScore>>> {
        at_least_one("top_k", top_k)?;
        let mut results = Vec::with_capacity(images.len());
        for images in images.chunks(self.max_batch) {
            let inputs = vec![(INPUT, self.pixel_values(images)?)];
            let ([rows, classes], logits) = run_one(&*self.session, inputs, OUTPUT)?;
            if rows != images.len() || classes == 0 {
                let expected = format!("{} rows of scores", images.len());
                return Err(bad_output(OUTPUT, &expected, &format!("[{rows}, {classes}]")));
            }
            results.extend(logits.chunks_exact(classes).map(|row| self.labels(row, top_k)));
        }
        Ok(results)
    }

    /// The images as the graph takes them: `f32 [images, 3, height, width]`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no images; [`Error::Image`].
    pub fn pixel_values(&self, images: &[&Image]) -> Result<Tensor> {
        self.preprocessor.pixel_values(images)
    }

    fn labels(&self, logits: &[f32], k: usize) -> Vec<LabelScore> {
        let mut scores = logits.to_vec();
        let config = self.dir.config();
        // Hugging Face's choice: labels that do not exclude each other, or only one, are scored
        // one by one.
        match config.problem_type.as_deref() {
            Some("regression") => {}
            Some("multi_label_classification") => sigmoid(&mut scores),
            _ if scores.len() == 1 => sigmoid(&mut scores),
            _ => softmax(&mut scores),
        }
        top_k(&scores, k)
            .into_iter()
            .map(|class| LabelScore { label: config.label(class), score: scores[class] })
            .collect()
    }
}

fn sigmoid(scores: &mut [f32]) {
    for score in scores {
        *score = 1.0 / (1.0 + (-*score).exp());
    }
}
