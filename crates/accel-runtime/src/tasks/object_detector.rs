//! Object detectors: labelled boxes in an image.

use std::collections::BTreeMap;

use accel_core::SessionOptions;

use super::{Pipeline, bad_output, batch_size, floats, load_graph, output_among, softmax, top_k};
use crate::engine::{Placement, Session};
use crate::vision::DetectionPreprocessor;
use crate::{DType, Error, Image, ModelDir, ModelSource, Result, SkillSpec, Tensor};

const GRAPH: &str = "model";
const PIXELS: &str = "pixel_values";
const MASK: &str = "pixel_mask";
const LOGITS: &str = "logits";
const BOXES: &str = "pred_boxes";

/// An object in an image.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectedObject {
    /// What it is, from the model's configuration.
    pub label: String,
    /// How likely it is that, among all labels and no object at all.
    pub score: f32,
    /// Where it is.
    pub bounding_box: BoundingBox,
}

/// A rectangle in pixels of the upright image, from its upper left corner. Models see objects that
/// an image cuts off, so an edge can lie outside of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// The left edge.
    pub xmin: f32,
    /// The upper edge.
    pub ymin: f32,
    /// The right edge.
    pub xmax: f32,
    /// The lower edge.
    pub ymax: f32,
}

/// An object detector such as DETR.
#[derive(Debug)]
pub struct ObjectDetector {
    session: Box<dyn Session>,
    preprocessor: DetectionPreprocessor,
    dir: ModelDir,
    takes_mask: bool,
    max_batch: usize,
}

impl Pipeline for ObjectDetector {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let (dir, session) = load_graph(spec, source, options, GRAPH)?;
        let preprocessor = DetectionPreprocessor::open(&dir)?;
        let unsupported = |reason: String| Error::UnsupportedModel {
            path: dir.path().to_owned(),
            reason,
            remedy: "export it for the task object-detection".to_owned(),
        };
        let mut takes_mask = false;
        for input in session.inputs() {
            match (input.name.as_str(), input.dtype) {
                (PIXELS, DType::F32) => {}
                (MASK, DType::I64) => takes_mask = true,
                _ => return Err(unsupported(format!("its graph wants the input {input}"))),
            }
        }
        for output in [LOGITS, BOXES] {
            if output_among(&*session, &[output]).is_none() {
                return Err(unsupported(format!("its graph has no output `{output}`")));
            }
        }
        Ok(Self { session, preprocessor, dir, takes_mask, max_batch: batch_size(options) })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        vec![&*self.session]
    }

    fn placement(&self) -> Placement {
        self.session.placement().clone()
    }
}

impl ObjectDetector {
    /// The objects in an image whose score is above `threshold`, the most certain first, equal
    /// ones in the model's order.
    ///
    /// # Errors
    /// As [`object_detection_batch`](Self::object_detection_batch).
    pub fn object_detection(&self, image: &Image, threshold: f32) -> Result<Vec<DetectedObject>> {
        let mut results = self.object_detection_batch(&[image], threshold)?;
        results.pop().ok_or_else(|| bad_output(LOGITS, "one row", "none"))
    }

    /// The objects in every image, in the images' order: for each those that it has alone.
    ///
    /// Images share a run when the model takes them in one size, up to `max_batch` of them.
    /// Padding would let images of any size share one, but a convolutional backbone sees what it
    /// makes of the padding before the mask hides that, so an image would have other objects in
    /// other company.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a `threshold` that is no probability; [`Error::Image`];
    /// [`Error::NonFinite`]; what the engine reports.
    pub fn object_detection_batch(
        &self,
        images: &[&Image],
        threshold: f32,
    ) -> Result<Vec<Vec<DetectedObject>>> {
        if !(0.0..=1.0).contains(&threshold) {
            return Err(Error::InvalidArgument {
                argument: "threshold",
                given: threshold.to_string(),
                expected: "a probability, from 0 to 1".to_owned(),
            });
        }
        let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, image) in images.iter().enumerate() {
            let size = self.preprocessor.padded_size(image)?;
            alike.entry(size).or_default().push(index);
        }
        let mut results = vec![Vec::new(); images.len()];
        for indexes in alike.values().flat_map(|it| it.chunks(self.max_batch)) {
            let batch: Vec<_> = indexes.iter().map(|it| images[*it]).collect();
            for (index, objects) in indexes.iter().zip(self.run(&batch, threshold)?) {
                results[*index] = objects;
            }
        }
        Ok(results)
    }

    /// The images as the graph takes them: `f32 [images, 3, height, width]`, and the mask
    /// `i64 [images, height, width]` that is 1 where an image is and 0 where it was padded.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no images; [`Error::Image`].
    pub fn pixel_values(&self, images: &[&Image]) -> Result<(Tensor, Tensor)> {
        self.preprocessor.pixel_values(images)
    }

    /// One run of the graph.
    fn run(&self, images: &[&Image], threshold: f32) -> Result<Vec<Vec<DetectedObject>>> {
        let (pixels, mask) = self.pixel_values(images)?;
        let mut inputs = vec![(PIXELS, pixels)];
        if self.takes_mask {
            inputs.push((MASK, mask));
        }
        let mut outputs = self.session.run(inputs, &[LOGITS, BOXES])?.into_iter();
        let mut next = |name: &str| {
            let tensor = outputs.next().ok_or_else(|| bad_output(name, "a tensor", "nothing"))?;
            floats::<3>(tensor, name)
        };
        let ([rows, queries, classes], logits) = next(LOGITS)?;
        let (boxes_shape, boxes) = next(BOXES)?;
        // The last class is that of no object.
        if rows != images.len() || queries == 0 || classes < 2 {
            let expected = format!("[{}, queries, classes]", images.len());
            return Err(bad_output(LOGITS, &expected, &format!("[{rows}, {queries}, {classes}]")));
        }
        if boxes_shape != [rows, queries, 4] {
            let expected = format!("[{rows}, {queries}, 4]");
            return Err(bad_output(BOXES, &expected, &format!("{boxes_shape:?}")));
        }
        let logits = logits.chunks_exact(queries * classes);
        let boxes = boxes.chunks_exact(queries * 4);
        Ok(images
            .iter()
            .zip(logits.zip(boxes))
            .map(|(image, (logits, boxes))| {
                self.objects(image, (logits, classes), boxes, threshold)
            })
            .collect())
    }

    /// `post_process_object_detection` of transformers 5.23, `image_processing_pil_detr.py`, with
    /// the most certain first.
    fn objects(
        &self,
        image: &Image,
        (logits, classes): (&[f32], usize),
        boxes: &[f32],
        threshold: f32,
    ) -> Vec<DetectedObject> {
        let mut objects = Vec::new();
        for (logits, sides) in logits.chunks_exact(classes).zip(boxes.as_chunks::<4>().0) {
            let mut scores = logits.to_vec();
            softmax(&mut scores);
            scores.pop();
            let Some(class) = top_k(&scores, 1).pop().filter(|it| scores[*it] > threshold) else {
                continue;
            };
            objects.push(DetectedObject {
                label: self.dir.config().label(class),
                score: scores[class],
                bounding_box: BoundingBox::of(*sides, image),
            });
        }
        objects.sort_by(|a, b| b.score.total_cmp(&a.score));
        objects
    }
}

impl BoundingBox {
    /// The box that a model gives as its centre, width and height in parts of the image.
    #[expect(
        clippy::cast_precision_loss,
        clippy::suboptimal_flops,
        reason = "sizes are below 2^24, and PyTorch's operations round one by one"
    )]
    fn of([x, y, width, height]: [f32; 4], image: &Image) -> Self {
        let (image_width, image_height) = (image.width() as f32, image.height() as f32);
        Self {
            xmin: (x - 0.5 * width) * image_width,
            ymin: (y - 0.5 * height) * image_height,
            xmax: (x + 0.5 * width) * image_width,
            ymax: (y + 0.5 * height) * image_height,
        }
    }
}
