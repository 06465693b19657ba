//! DETR's images: the shortest and the longest edge decide the size, and a batch is padded to its
//! largest image, with a mask. After transformers 5.23, `image_processing_pil_detr.py`.

use std::path::Path;

use serde::Deserialize;

use super::Image;
use super::pixels::{CHANNELS, MAX_BATCH_PIXELS, MAX_PIXELS, Scaling};
use super::processor::{known_processor, none_given, read_config, unsupported};
use super::resize::{Resample, resize};
use super::target_size::TargetSize;
use crate::{Error, ModelDir, Result, Tensor};

/// Means and deviations that DETR's processor takes where its file names none.
const MEAN: [f64; CHANNELS] = [0.485, 0.456, 0.406];
const DEVIATION: [f64; CHANNELS] = [0.229, 0.224, 0.225];
/// Edges in pixels where the file names none; the longer also where `size` is one number.
const SHORTEST_EDGE: u32 = 800;
const LONGEST_EDGE: u32 = 1333;

/// `preprocessor_config.json` as it is written. What is missing has a default in the class.
#[derive(Debug, Deserialize)]
struct Config {
    #[serde(alias = "feature_extractor_type")]
    image_processor_type: Option<String>,
    do_resize: Option<bool>,
    size: Option<Size>,
    max_size: Option<u32>,
    resample: Option<u64>,
    do_rescale: Option<bool>,
    rescale_factor: Option<f64>,
    do_normalize: Option<bool>,
    image_mean: Option<[f64; CHANNELS]>,
    image_std: Option<[f64; CHANNELS]>,
    #[serde(alias = "pad_and_return_pixel_mask")]
    do_pad: Option<bool>,
    pad_size: Option<PadSize>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Size {
    /// Files from before 2023; the longest edge is `max_size` beside it.
    ShortestEdge(u32),
    Named {
        shortest_edge: Option<u32>,
        longest_edge: Option<u32>,
        max_height: Option<u32>,
        max_width: Option<u32>,
        height: Option<u32>,
        width: Option<u32>,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct PadSize {
    height: u32,
    width: u32,
}

/// Turns images into the pixels and the mask that a detector takes.
#[derive(Clone, Debug)]
pub struct DetectionPreprocessor {
    resize: Option<(TargetSize, Resample)>,
    scaling: Scaling,
    padding: Padding,
}

#[derive(Clone, Copy, Debug)]
enum Padding {
    None,
    ToLargest,
    To { height: u32, width: u32 },
}

/// An image ready for a batch.
struct Prepared {
    height: usize,
    width: usize,
    /// Channel by channel, row by row.
    values: Vec<f32>,
}

impl DetectionPreprocessor {
    /// Reads the model's `preprocessor_config.json`.
    ///
    /// # Errors
    /// [`Error::MissingFile`] or [`Error::InvalidFile`]; [`Error::UnsupportedModel`] when it asks
    /// for something that is not done here.
    pub fn open(dir: &ModelDir) -> Result<Self> {
        let (config, path) = read_config(dir)?;
        Self::new(&config, &path)
    }

    fn new(config: &Config, path: &Path) -> Result<Self> {
        known_processor(config.image_processor_type.as_deref(), &["Detr"], path)?;
        let resize = if config.do_resize.unwrap_or(true) {
            // 2 is Pillow's number of bilinear.
            let number = config.resample.unwrap_or(2);
            let resample = Resample::from_pillow(number).ok_or_else(|| {
                unsupported(path, format!("resample = {number} is no Pillow filter"))
            })?;
            Some((target(config, path)?, resample))
        } else {
            None
        };
        let normalize = config
            .do_normalize
            .unwrap_or(true)
            .then(|| (config.image_mean.unwrap_or(MEAN), config.image_std.unwrap_or(DEVIATION)));
        let rescale =
            config.do_rescale.unwrap_or(true).then(|| config.rescale_factor.unwrap_or(1.0 / 255.0));
        let padding = match (config.do_pad.unwrap_or(true), config.pad_size) {
            (false, _) => Padding::None,
            (true, None) => Padding::ToLargest,
            (true, Some(PadSize { height, width })) => fits(height, width)
                .then_some(Padding::To { height, width })
                .ok_or_else(|| unsupported(path, format!("pad_size is {height} x {width}")))?,
        };
        let scaling =
            Scaling::new(rescale, normalize).map_err(|reason| unsupported(path, reason))?;
        Ok(Self { resize, scaling, padding })
    }

    /// The images as `f32 [images, 3, height, width]`, and `i64 [images, height, width]` that is
    /// 1 where an image is and 0 where it was padded, to the right of it and below.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no images, and for images of several sizes when the model
    /// does not pad; [`Error::Image`] for one that has no size left after resizing, and for one
    /// that is larger than what the model pads to.
    pub fn pixel_values(&self, images: &[&Image]) -> Result<(Tensor, Tensor)> {
        let mut prepared = Vec::with_capacity(images.len());
        let (mut height, mut width) = match self.padding {
            Padding::To { height, width } => (height as usize, width as usize),
            _ => (0, 0),
        };
        for image in images {
            let it = self.prepare(image)?;
            match self.padding {
                Padding::To { .. } if it.height > height || it.width > width => {
                    return Err(Error::Image {
                        what: format!("{image:?}"),
                        reason: format!(
                            "after resizing it is {} x {} pixels (height x width), and the model \
                             pads to {height} x {width}",
                            it.height, it.width
                        ),
                    });
                }
                Padding::None
                    if !prepared.is_empty() && (it.height, it.width) != (height, width) =>
                {
                    return Err(Error::InvalidArgument {
                        argument: "images",
                        given: format!(
                            "{height} x {width} and {} x {} pixels",
                            it.height, it.width
                        ),
                        expected: "images of one size, since this model does not pad".to_owned(),
                    });
                }
                _ => {}
            }
            (height, width) = (height.max(it.height), width.max(it.width));
            prepared.push(it);
        }
        if prepared.is_empty() {
            return Err(none_given());
        }
        // Two images that are each of a bearable size can need a batch that is not.
        let total = (height * width).saturating_mul(images.len());
        if total as u64 > MAX_BATCH_PIXELS {
            return Err(Error::InvalidArgument {
                argument: "images",
                given: format!("{} images, padded to {height} x {width} pixels", images.len()),
                expected: format!("at most {MAX_BATCH_PIXELS} pixels in one batch"),
            });
        }
        let mut pixels = vec![0.0; total * CHANNELS];
        let mut mask = vec![0_i64; total];
        let planes = pixels.chunks_exact_mut(CHANNELS * height * width);
        for ((it, planes), mask) in
            prepared.iter().zip(planes).zip(mask.chunks_exact_mut(height * width))
        {
            for (plane, values) in planes
                .chunks_exact_mut(height * width)
                .zip(it.values.chunks_exact(it.height * it.width))
            {
                for (row, values) in
                    plane.chunks_exact_mut(width).zip(values.chunks_exact(it.width))
                {
                    row[..it.width].copy_from_slice(values);
                }
            }
            for row in mask.chunks_exact_mut(width).take(it.height) {
                row[..it.width].fill(1);
            }
        }
        Ok((
            Tensor::new(vec![images.len(), CHANNELS, height, width], pixels)?,
            Tensor::new(vec![images.len(), height, width], mask)?,
        ))
    }

    /// Height and width that the image has for the model when it is alone in its batch.
    ///
    /// # Errors
    /// [`Error::Image`] when no pixels would be left of it, or too many.
    pub fn padded_size(&self, image: &Image) -> Result<(u32, u32)> {
        let size = self.size(image)?;
        Ok(match self.padding {
            Padding::To { height, width } => (height, width),
            Padding::None | Padding::ToLargest => size,
        })
    }

    /// Height and width before padding.
    fn size(&self, image: &Image) -> Result<(u32, u32)> {
        let (height, width) = (image.height(), image.width());
        let Some((target, _)) = self.resize else { return Ok((height, width)) };
        let (new_height, new_width) = target.size(height, width);
        if fits(new_height, new_width) {
            return Ok((new_height, new_width));
        }
        Err(Error::Image {
            what: format!("an image of {width} x {height} pixels"),
            reason: format!("the model's size makes {new_width} x {new_height} pixels of it"),
        })
    }

    fn prepare(&self, image: &Image) -> Result<Prepared> {
        let (height, width) = self.size(image)?;
        let mut values = Vec::with_capacity(height as usize * width as usize * CHANNELS);
        match self.resize {
            Some((_, resample)) => {
                self.scaling.append(&resize(image, width, height, resample)?, &mut values);
            }
            None => self.scaling.append(image, &mut values),
        }
        Ok(Prepared { height: height as usize, width: width as usize, values })
    }
}

fn fits(height: u32, width: u32) -> bool {
    (1..=MAX_PIXELS).contains(&(u64::from(height) * u64::from(width)))
}

/// What the file asks for, read in the order of the processor's `resize`.
fn target(config: &Config, path: &Path) -> Result<TargetSize> {
    let default_longest = config.max_size.unwrap_or(LONGEST_EDGE);
    let target = match config.size {
        None => TargetSize::Edges { shortest: SHORTEST_EDGE, longest: LONGEST_EDGE },
        Some(Size::ShortestEdge(shortest)) => {
            TargetSize::Edges { shortest, longest: default_longest }
        }
        Some(Size::Named {
            shortest_edge: Some(shortest), longest_edge: Some(longest), ..
        }) => TargetSize::Edges { shortest, longest },
        Some(Size::Named { max_height: Some(height), max_width: Some(width), .. }) => {
            TargetSize::Within { height, width }
        }
        Some(Size::Named { height: Some(height), width: Some(width), .. }) => {
            TargetSize::Exact { height, width }
        }
        Some(other) => return Err(unsupported(path, format!("size = {other:?} is ambiguous"))),
    };
    let (TargetSize::Exact { height: a, width: b }
    | TargetSize::Edges { shortest: a, longest: b }
    | TargetSize::Within { height: a, width: b }) = target;
    if a == 0 || b == 0 {
        return Err(unsupported(path, format!("it asks for images of {target:?}")));
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::super::test_pictures::{hash_of_values, picture};
    use super::{Config, DetectionPreprocessor};
    use crate::{Error, Result};

    fn preprocessor(json: &str) -> Result<DetectionPreprocessor> {
        let config: Config = serde_json::from_str(json).unwrap();
        DetectionPreprocessor::new(&config, "preprocessor_config.json".as_ref())
    }

    /// Old and new files mean the same, and what is missing is the class's default.
    #[test]
    fn the_size_is_read_in_every_form() {
        let size = |json: &str| preprocessor(json).unwrap().size(&picture(20, 10)).unwrap();
        for (json, expected) in [
            ("{}", (666, 1333)),
            (r#"{"feature_extractor_type": "DetrFeatureExtractor", "size": 6}"#, (6, 12)),
            (r#"{"size": 6, "max_size": 9}"#, (4, 9)),
            (r#"{"size": {"shortest_edge": 6, "longest_edge": 9}, "max_size": 100}"#, (4, 9)),
            (r#"{"size": {"max_height": 6, "max_width": 8, "height": null}}"#, (4, 8)),
            (r#"{"size": {"height": 6, "width": 8}}"#, (6, 8)),
            (r#"{"size": 6, "do_resize": false}"#, (10, 20)),
        ] {
            assert_eq!(size(json), expected, "{json}");
        }
    }

    /// The hash, the sizes and the values are those of `DetrImageProcessorPil`.
    #[test]
    fn a_batch_is_padded_to_its_largest_image() {
        let plain = r#"{"size": 6, "max_size": 9, "do_rescale": false, "do_normalize": false}"#;
        let [a, b, c] = [picture(8, 5), picture(4, 7), picture(12, 3)];
        let (pixels, mask) = preprocessor(plain).unwrap().pixel_values(&[&a, &b, &c]).unwrap();
        assert_eq!((pixels.shape(), mask.shape()), (&[3, 3, 9, 9][..], &[3, 9, 9][..]));
        assert_eq!(hash_of_values(pixels.as_f32().unwrap()), 0xe50c_2e20_611e_43c3);
        for (mask, (height, width)) in
            mask.as_i64().unwrap().chunks(81).zip([(6, 9), (9, 5), (2, 9)])
        {
            for (at, one) in mask.iter().enumerate() {
                assert_eq!(*one == 1, at / 9 < height && at % 9 < width);
            }
        }
        let scaled = preprocessor(r#"{"size": 6, "do_resize": false}"#).unwrap();
        let (pixels, _) = scaled.pixel_values(&[&picture(2, 1)]).unwrap();
        let expected =
            [-2.117_904, -1.638_410_9, -0.512_605, 0.485_294_22, 1.228_235_5, -1.734_727_6];
        for (got, want) in pixels.as_f32().unwrap().iter().zip(expected) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
    }

    #[test]
    fn padding_can_be_fixed_or_missing() {
        let fixed =
            preprocessor(r#"{"do_resize": false, "pad_size": {"height": 4, "width": 3}}"#).unwrap();
        let (pixels, mask) = fixed.pixel_values(&[&picture(2, 1)]).unwrap();
        assert_eq!(pixels.shape(), [1, 3, 4, 3]);
        assert_eq!(mask.as_i64().unwrap(), [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let error = fixed.pixel_values(&[&picture(4, 1)]).unwrap_err();
        assert!(matches!(error, Error::Image { .. }), "{error}");

        let none =
            preprocessor(r#"{"do_resize": false, "pad_and_return_pixel_mask": false}"#).unwrap();
        let (a, b) = (picture(2, 1), picture(1, 2));
        assert_eq!(none.pixel_values(&[&a, &a]).unwrap().1.as_i64().unwrap(), [1, 1, 1, 1]);
        for images in [&[&a, &b][..], &[]] {
            let error = none.pixel_values(images).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { argument: "images", .. }), "{error}");
        }
    }

    #[test]
    fn what_makes_no_picture_is_refused() {
        for json in [
            r#"{"image_processor_type": "ConditionalDetrImageProcessor"}"#,
            r#"{"size": {"shortest_edge": 800}}"#,
            r#"{"size": 0}"#,
            r#"{"resample": 9}"#,
            r#"{"image_std": [0.2, 0.2, 0]}"#,
            r#"{"pad_size": {"height": 0, "width": 3}}"#,
            r#"{"pad_size": {"height": 4000000000, "width": 4000000000}}"#,
        ] {
            let error = preprocessor(json).unwrap_err();
            assert!(matches!(error, Error::UnsupportedModel { .. }), "{json}: {error}");
        }
        let usual = preprocessor("{}").unwrap();
        let huge = preprocessor(r#"{"size": {"height": 100000, "width": 100000}}"#).unwrap();
        for (preprocessor, image) in [(&usual, picture(3000, 1)), (&huge, picture(1, 1))] {
            let error = preprocessor.pixel_values(&[&image]).unwrap_err();
            assert!(matches!(error, Error::Image { .. }), "{error}");
        }
    }
}
