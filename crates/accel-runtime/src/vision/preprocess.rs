//! What `preprocessor_config.json` asks for, done in transformers' order: resize, crop, rescale,
//! normalise.

use std::path::Path;

use serde::Deserialize;

use super::Image;
use super::pixels::{CHANNELS, MAX_PIXELS, Scaling, center_crop, square};
use super::processor::{class_name, known_processor, none_given, read_config, unsupported};
use super::resize::{Resample, resize};
use crate::{Error, ModelDir, Result, Tensor};

/// Image processors of transformers whose whole behaviour the fields below describe. Others
/// resize, pad or scale in ways of their own.
const KNOWN_PROCESSORS: &[&str] = &["ViT", "DeiT", "CLIP", "Siglip", "VideoMAE", LLAVA];
/// Those of them that take a `size` of one number for the shortest edge, the others for a square
/// (transformers 5.23, `default_to_square` of each class), and that crop unless told otherwise.
const CROPPING_PROCESSORS: &[&str] = &["CLIP", "VideoMAE", LLAVA];
/// The one that pads to a square before anything else where it is asked to pad.
const LLAVA: &str = "Llava";

/// `preprocessor_config.json` as it is written.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    #[serde(alias = "feature_extractor_type")]
    pub(super) image_processor_type: Option<String>,
    #[serde(default)]
    pub(super) do_resize: Option<bool>,
    #[serde(default)]
    pub(super) size: Option<Size>,
    #[serde(default)]
    pub(super) resample: Option<u64>,
    #[serde(default)]
    pub(super) do_center_crop: Option<bool>,
    #[serde(default)]
    pub(super) crop_size: Option<Size>,
    #[serde(default)]
    do_rescale: Option<bool>,
    #[serde(default)]
    rescale_factor: Option<f64>,
    #[serde(default)]
    do_normalize: Option<bool>,
    #[serde(default)]
    image_mean: Option<[f64; CHANNELS]>,
    #[serde(default)]
    image_std: Option<[f64; CHANNELS]>,
    #[serde(default)]
    pub(super) do_pad: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Size {
    Exact { height: u32, width: u32 },
    ShortestEdge { shortest_edge: u32, longest_edge: Option<u32> },
    // Files from before 2023. Crops were always square; what a size means, the class decides.
    Legacy(u32),
}

/// Turns images into the tensor that a model takes.
#[derive(Clone, Debug)]
pub struct ImagePreprocessor {
    resize: Option<(Target, Resample)>,
    /// Height and width.
    crop: Option<(u32, u32)>,
    /// Colour of the bars that make a square of an image, before it is resized.
    bars: Option<[u8; CHANNELS]>,
    scaling: Scaling,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    Exact { height: u32, width: u32 },
    ShortestEdge(u32),
}

impl ImagePreprocessor {
    /// Reads the model's `preprocessor_config.json`.
    ///
    /// # Errors
    /// [`Error::MissingFile`] or [`Error::InvalidFile`]; [`Error::UnsupportedModel`] when it asks
    /// for something that is not done here, so that no image is prepared wrongly.
    pub fn open(dir: &ModelDir) -> Result<Self> {
        let (config, path) = read_config(dir)?;
        Self::new(&config, &path)
    }

    pub(super) fn new(config: &Config, path: &Path) -> Result<Self> {
        let unsupported = |reason: String| unsupported(path, reason);
        let missing = |field: &str| unsupported(format!("it asks for {field} without its values"));

        let processor = config.image_processor_type.as_deref();
        known_processor(processor, KNOWN_PROCESSORS, path)?;
        let processor = processor.and_then(class_name);
        let crops = processor.map(|it| CROPPING_PROCESSORS.contains(&it));
        let bars = match config.do_pad {
            Some(true) if processor == Some(LLAVA) => {
                Some(config.image_mean.map_or([0; CHANNELS], |it| it.map(colour)))
            }
            Some(true) => return Err(unsupported("it asks for padding".to_owned())),
            _ => None,
        };
        let resize = if config.do_resize.unwrap_or(config.size.is_some()) {
            let number = config.resample.ok_or_else(|| missing("resizing (resample)"))?;
            let resample = Resample::from_pillow(number)
                .ok_or_else(|| unsupported(format!("resample = {number} is no Pillow filter")))?;
            let target = match config.size.ok_or_else(|| missing("resizing (size)"))? {
                Size::Exact { height, width } => Target::Exact { height, width },
                Size::ShortestEdge { shortest_edge, longest_edge: None } => {
                    Target::ShortestEdge(shortest_edge)
                }
                Size::Legacy(edge) if crops == Some(true) => Target::ShortestEdge(edge),
                Size::Legacy(edge) if crops == Some(false) => {
                    Target::Exact { height: edge, width: edge }
                }
                other => return Err(unsupported(format!("size = {other:?} is ambiguous"))),
            };
            Some((target, resample))
        } else {
            None
        };
        let crop = if config.do_center_crop.or(crops) == Some(true) {
            match config.crop_size.ok_or_else(|| missing("a crop (crop_size)"))? {
                Size::Exact { height, width } => Some((height, width)),
                Size::Legacy(edge) => Some((edge, edge)),
                other @ Size::ShortestEdge { .. } => {
                    return Err(unsupported(format!("crop_size = {other:?} is ambiguous")));
                }
            }
        } else {
            None
        };
        let rescale =
            config.do_rescale.unwrap_or(true).then(|| config.rescale_factor.unwrap_or(1.0 / 255.0));
        let normalize = if config.do_normalize.unwrap_or(config.image_mean.is_some()) {
            let mean = config.image_mean.ok_or_else(|| missing("normalising (image_mean)"))?;
            let std = config.image_std.ok_or_else(|| missing("normalising (image_std)"))?;
            Some((mean, std))
        } else {
            None
        };
        let resized = resize.map(|(target, _)| match target {
            Target::Exact { height, width } => (height, width),
            Target::ShortestEdge(edge) => (edge, edge),
        });
        for (height, width) in resized.into_iter().chain(crop) {
            if height == 0 || width == 0 || u64::from(height) * u64::from(width) > MAX_PIXELS {
                return Err(unsupported(format!(
                    "it asks for images of {height} x {width} pixels"
                )));
            }
        }
        let scaling = Scaling::new(rescale, normalize).map_err(unsupported)?;
        Ok(Self { resize, crop, bars, scaling })
    }

    /// The images as `f32 [images, 3, height, width]`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no images, or images that come out in different sizes;
    /// [`Error::Image`].
    pub fn pixel_values(&self, images: &[&Image]) -> Result<Tensor> {
        let mut size = None;
        let mut values = Vec::new();
        for image in images {
            let image = self.sized(image)?;
            let this = (image.height(), image.width());
            let first = *size.get_or_insert(this);
            if first != this {
                return Err(Error::InvalidArgument {
                    argument: "images",
                    given: format!("{first:?} and {this:?} (height, width) after preprocessing"),
                    expected: "images of one size, since this model does not resize to one"
                        .to_owned(),
                });
            }
            self.scaling.append(&image, &mut values);
        }
        let Some((height, width)) = size else { return Err(none_given()) };
        Tensor::new(vec![images.len(), CHANNELS, height as usize, width as usize], values)
    }

    /// The image resized and cropped.
    fn sized(&self, image: &Image) -> Result<Image> {
        let square = self.bars.map(|colour| square(image, colour)).transpose()?;
        let image = square.as_ref().unwrap_or(image);
        let resized = match self.resize {
            None => image.clone(),
            Some((target, resample)) => {
                let (height, width) = target.size(image.height(), image.width())?;
                resize(image, width, height, resample)?
            }
        };
        match self.crop {
            None => Ok(resized),
            Some((height, width)) => center_crop(&resized, height, width),
        }
    }
}

/// A channel's mean as a byte, cut off as by Python's `int`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "means lie in 0..=1; others saturate"
)]
fn colour(mean: f64) -> u8 {
    (mean * 255.0) as u8
}

impl Target {
    /// Height and width for an image of `height` x `width`.
    fn size(self, height: u32, width: u32) -> Result<(u32, u32)> {
        let edge = match self {
            Self::Exact { height, width } => return Ok((height, width)),
            Self::ShortestEdge(edge) => edge,
        };
        let (short, long) = if width <= height { (width, height) } else { (height, width) };
        // Python divides integers as doubles and cuts off.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and a value beyond u32 saturates and is refused"
        )]
        let long = (f64::from(edge) * f64::from(long) / f64::from(short)) as u32;
        if u64::from(long) * u64::from(edge) > MAX_PIXELS {
            return Err(Error::Image {
                what: format!("an image of {width} x {height} pixels"),
                reason: format!("its shortest edge at {edge} pixels makes the other one {long}"),
            });
        }
        Ok(if width <= height { (long, edge) } else { (edge, long) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_pictures::{hash_of_values, picture};
    use super::{Config, ImagePreprocessor, Target};
    use crate::{Error, Image};

    fn image(width: u32, height: u32) -> Image {
        let pixels = u8::try_from(width * height).unwrap();
        Image::from_rgb8(width, height, (1..=pixels).flat_map(|it| [it; 3]).collect()).unwrap()
    }

    fn preprocessor(json: &str) -> crate::Result<ImagePreprocessor> {
        let config: Config = serde_json::from_str(json).unwrap();
        ImagePreprocessor::new(&config, "preprocessor_config.json".as_ref())
    }

    /// Expectations are the shapes that transformers' processors give of the same files.
    #[test]
    fn what_files_leave_open_is_decided_by_the_processor() {
        let shape = |json: &str| {
            let pixels = preprocessor(json).unwrap().pixel_values(&[&image(20, 10)]).unwrap();
            pixels.shape()[2..].to_vec()
        };
        let open = r#""resample": 3, "size": 8"#;
        let crop = r#""resample": 3, "size": 8, "crop_size": 8"#;
        for (processor, fields, expected) in [
            ("CLIPFeatureExtractor", crop, [8, 8]),
            ("VideoMAEFeatureExtractor", crop, [8, 8]),
            ("CLIPImageProcessor", r#""resample": 3, "size": 8, "do_center_crop": false"#, [8, 16]),
            ("ViTFeatureExtractor", open, [8, 8]),
        ] {
            let json = format!(r#"{{"feature_extractor_type": "{processor}", {fields}}}"#);
            assert_eq!(shape(&json), expected, "{json}");
        }
    }

    #[test]
    fn the_shortest_edge_keeps_the_proportions() {
        assert_eq!(Target::ShortestEdge(224).size(50, 75).unwrap(), (224, 336));
        assert_eq!(Target::ShortestEdge(224).size(75, 50).unwrap(), (336, 224));
        assert_eq!(Target::ShortestEdge(10).size(3, 10).unwrap(), (10, 33));
        assert!(matches!(Target::ShortestEdge(224).size(1, 2_000_000), Err(Error::Image { .. })));
    }

    /// Hashes of what `LlavaImageProcessorPil` makes of the same pictures.
    #[test]
    fn llava_makes_a_square_first() {
        let square = preprocessor(
            r#"{"image_processor_type": "LlavaImageProcessor", "do_pad": true, "resample": 3,
                "size": {"shortest_edge": 6}, "do_center_crop": true,
                "crop_size": {"height": 6, "width": 6}, "do_rescale": false,
                "do_normalize": false, "image_mean": [0.48145466, 0.4578275, 0.40821073]}"#,
        )
        .unwrap();
        for ((width, height), expected) in [
            ((7, 5), 0x1509_4d7e_0354_6520),
            ((5, 8), 0xbc74_8c76_507e_e355),
            ((6, 6), 0x460e_552b_c030_ab5a),
            ((1, 4), 0x1a00_eccf_450a_af91),
        ] {
            let pixels = square.pixel_values(&[&picture(width, height)]).unwrap();
            assert_eq!(pixels.shape(), [1, 3, 6, 6]);
            assert_eq!(hash_of_values(pixels.as_f32().unwrap()), expected, "{width} x {height}");
        }
    }

    #[test]
    fn what_is_not_done_here_is_refused() {
        for json in [
            r#"{"image_processor_type": "ConvNextImageProcessor"}"#,
            r#"{"do_pad": true}"#,
            r#"{"size": 224, "resample": 2}"#,
            r#"{"size": {"height": 2, "width": 2}, "resample": 9}"#,
            r#"{"size": {"height": 2, "width": 2}}"#,
            r#"{"size": {"height": 0, "width": 2}, "resample": 2}"#,
            r#"{"size": {"height": 100000, "width": 100000}, "resample": 2}"#,
            r#"{"size": {"shortest_edge": 4294967295}, "resample": 2}"#,
            r#"{"do_center_crop": true, "crop_size": 4294967295}"#,
            r#"{"do_normalize": true}"#,
            r#"{"rescale_factor": 1e300}"#,
            r#"{"image_mean": [0, 0, 0], "image_std": [1, 0, 1]}"#,
            r#"{"image_mean": [0, 0, 1e300], "image_std": [1, 1, 1]}"#,
        ] {
            let error = preprocessor(json).unwrap_err();
            assert!(matches!(error, Error::UnsupportedModel { .. }), "{json}: {error}");
        }
    }

    #[test]
    fn images_that_stay_different_in_size_are_refused() {
        let preprocessor = preprocessor(r#"{"do_rescale": false}"#).unwrap();
        let (a, b) = (image(2, 1), image(1, 2));
        assert_eq!(
            preprocessor.pixel_values(&[&a]).unwrap().as_f32().unwrap(),
            [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]
        );
        for images in [&[&a, &b][..], &[]] {
            assert!(matches!(
                preprocessor.pixel_values(images),
                Err(Error::InvalidArgument { .. })
            ));
        }
    }
}
