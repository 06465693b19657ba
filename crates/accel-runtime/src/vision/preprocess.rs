//! What `preprocessor_config.json` asks for, done in transformers' order: resize, crop, rescale,
//! normalise.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Image;
use super::resize::{Resample, resize};
use crate::{Error, ModelDir, Result, Tensor};

const FILE: &str = "preprocessor_config.json";
pub(super) const CHANNELS: usize = 3;

/// Image processors of transformers whose whole behaviour the fields below describe. Others
/// resize, pad or scale in ways of their own.
const KNOWN_PROCESSORS: &[&str] = &["ViT", "DeiT", "CLIP", "Siglip", "VideoMAE", LLAVA];
/// Those of them that take a `size` of one number for the shortest edge, the others for a square
/// (transformers 5.23, `default_to_square` of each class), and that crop unless told otherwise.
const CROPPING_PROCESSORS: &[&str] = &["CLIP", "VideoMAE", LLAVA];
/// The one that pads to a square before anything else where it is asked to pad.
const LLAVA: &str = "Llava";

/// Where processors are saved whole since transformers 5; such a part of it goes before [`FILE`].
const PROCESSOR_FILE: &str = "processor_config.json";

#[derive(Deserialize)]
struct ProcessorConfig<T> {
    image_processor: Option<T>,
}

/// What the model's files say about its image preprocessing, and which of them does.
pub(super) fn read_config<T: DeserializeOwned>(dir: &ModelDir) -> Result<(T, PathBuf)> {
    let whole: Option<ProcessorConfig<T>> = dir.optional_json(PROCESSOR_FILE)?;
    if let Some(config) = whole.and_then(|it| it.image_processor) {
        return Ok((config, dir.path().join(PROCESSOR_FILE)));
    }
    let config = dir.required_json(FILE, "the model's image preprocessing")?;
    Ok((config, dir.path().join(FILE)))
}

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

/// What becomes of a pixel's bytes, in this order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaling {
    /// What they are multiplied with.
    pub(super) rescale: Option<f64>,
    /// Mean and standard deviation of each channel.
    pub(super) normalize: Option<([f64; CHANNELS], [f64; CHANNELS])>,
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
        Ok(Self { resize, crop, bars, scaling: Scaling { rescale, normalize } })
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

impl Scaling {
    /// Appends the image's values, channel by channel, with numpy's roundings: rescaled in double
    /// precision, normalised in single.
    #[expect(clippy::cast_possible_truncation, reason = "numpy's astype(float32)")]
    pub(super) fn append(self, image: &Image, values: &mut Vec<f32>) {
        for channel in 0..CHANNELS {
            let normalize =
                self.normalize.map(|(mean, std)| (mean[channel] as f32, std[channel] as f32));
            values.extend(image.rgb8().iter().skip(channel).step_by(CHANNELS).map(|byte| {
                let value = match self.rescale {
                    Some(factor) => (f64::from(*byte) * factor) as f32,
                    None => f32::from(*byte),
                };
                match normalize {
                    Some((mean, std)) => (value - mean) / std,
                    None => value,
                }
            }));
        }
    }
}

/// The error for a batch of no images.
pub(super) fn none_given() -> Error {
    Error::InvalidArgument {
        argument: "images",
        given: "none".to_owned(),
        expected: "at least one".to_owned(),
    }
}

/// The error for what a `preprocessor_config.json` asks for and is not done here.
pub(super) fn unsupported(path: &Path, reason: String) -> Error {
    Error::UnsupportedModel {
        path: path.to_owned(),
        reason,
        remedy: "preprocess the images yourself and run the graph with GraphModel".to_owned(),
    }
}

/// Refuses an image processor of transformers that is none of `known`; no name is taken for one
/// of them.
pub(super) fn known_processor(name: Option<&str>, known: &[&str], path: &Path) -> Result<()> {
    match name {
        Some(name) if !class_name(name).is_some_and(|it| known.contains(&it)) => {
            Err(unsupported(path, format!("image processor `{name}` is not known")))
        }
        _ => Ok(()),
    }
}

/// What a processor's class is called after: `CLIP` of `CLIPImageProcessorFast`.
fn class_name(processor: &str) -> Option<&str> {
    let name = processor.trim_end_matches("Fast").trim_end_matches("Pil");
    name.strip_suffix("ImageProcessor").or(name.strip_suffix("FeatureExtractor"))
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

/// The image in the middle of a square, with bars of `colour` beside it: `pad_to_square` of
/// transformers 5.23, `image_processing_pil_llava.py`.
fn square(image: &Image, colour: [u8; CHANNELS]) -> Result<Image> {
    let edge = image.width().max(image.height());
    if u64::from(edge) * u64::from(edge) > MAX_PIXELS {
        return Err(Error::Image {
            what: format!("{image:?}"),
            reason: format!("as a square it takes {edge} x {edge} pixels"),
        });
    }
    let top = (edge - image.height()) / 2;
    let left = (edge - image.width()) / 2;
    on_canvas(image, (edge, edge), (top, left), colour)
}

/// A picture of `height` x `width` pixels of one colour, with the image `top` and `left` pixels
/// from its corner. What does not fit is cut off.
pub(super) fn on_canvas(
    image: &Image,
    (height, width): (u32, u32),
    (top, left): (u32, u32),
    colour: [u8; CHANNELS],
) -> Result<Image> {
    let mut rgb = colour.repeat(height as usize * width as usize);
    let row_bytes = image.width() as usize * CHANNELS;
    let shown = row_bytes.min(width.saturating_sub(left) as usize * CHANNELS);
    let rows = rgb.chunks_exact_mut(width as usize * CHANNELS).skip(top as usize);
    for (row, pixels) in rows.zip(image.rgb8().chunks_exact(row_bytes)) {
        let left = left as usize * CHANNELS;
        if let Some(target) = row.get_mut(left..left + shown) {
            target.copy_from_slice(&pixels[..shown]);
        }
    }
    Image::from_rgb8(width, height, rgb)
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

/// Pixels of a picture that is made here: far more than any model takes, and nothing that fills
/// the memory, whatever a configuration or a picture of one pixel by thousands asks for.
pub(super) const MAX_PIXELS: u64 = 1 << 26;

/// Pixels of one batch at most: each takes 20 bytes here before the model has seen any.
pub(super) const MAX_BATCH_PIXELS: u64 = 1 << 28;

/// The middle of the image; black where the image is smaller than the crop. Halves round as in
/// transformers' `center_crop`: the offset down, padding up.
fn center_crop(image: &Image, height: u32, width: u32) -> Result<Image> {
    let top = offset(image.height(), height);
    let left = offset(image.width(), width);
    let row_bytes = image.width() as usize * CHANNELS;
    let mut rgb = vec![0; height as usize * width as usize * CHANNELS];
    for (y, target) in (0_i64..).zip(rgb.chunks_exact_mut(width as usize * CHANNELS)) {
        let Ok(source_y) = usize::try_from(y + top) else { continue };
        if source_y >= image.height() as usize {
            continue;
        }
        let source = &image.rgb8()[source_y * row_bytes..][..row_bytes];
        for (x, pixel) in (0_i64..).zip(target.chunks_exact_mut(CHANNELS)) {
            if let Ok(source_x) = usize::try_from(x + left)
                && let Some(found) = source.chunks_exact(CHANNELS).nth(source_x)
            {
                pixel.copy_from_slice(found);
            }
        }
    }
    Image::from_rgb8(width, height, rgb)
}

/// Where the crop begins in the image; negative when the image is smaller.
fn offset(image: u32, crop: u32) -> i64 {
    // Flooring serves both: -1 pixel of room is one row of padding above and none below.
    (i64::from(image) - i64::from(crop)).div_euclid(2)
}

#[cfg(test)]
mod tests {
    use super::super::test_pictures::{hash_of_values, picture};
    use super::{Config, ImagePreprocessor, Target, center_crop};
    use crate::{Error, Image};

    fn image(width: u32, height: u32) -> Image {
        let pixels = u8::try_from(width * height).unwrap();
        Image::from_rgb8(width, height, (1..=pixels).flat_map(|it| [it; 3]).collect()).unwrap()
    }

    fn reds(image: &Image) -> Vec<u8> {
        image.rgb8().iter().step_by(3).copied().collect()
    }

    fn preprocessor(json: &str) -> crate::Result<ImagePreprocessor> {
        let config: Config = serde_json::from_str(json).unwrap();
        ImagePreprocessor::new(&config, "preprocessor_config.json".as_ref())
    }

    /// Expectations are transformers' `center_crop` on the same pixels.
    #[test]
    fn crops_are_cut_from_the_middle_and_padded_with_black() {
        assert_eq!(reds(&center_crop(&image(4, 3), 1, 2).unwrap()), [6, 7]);
        assert_eq!(reds(&center_crop(&image(3, 3), 2, 2).unwrap()), [1, 2, 4, 5]);
        assert_eq!(reds(&center_crop(&image(1, 1), 2, 2).unwrap()), [0, 0, 0, 1]);
        assert_eq!(reds(&center_crop(&image(2, 1), 2, 1).unwrap()), [0, 1]);
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
