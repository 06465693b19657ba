//! LLaVA-NeXT's images: the whole picture in one tile, then the picture at the resolution that
//! suits it best, cut into tiles. After transformers 5.23, `image_processing_pil_llava_next.py`.

use std::path::Path;

use serde::Deserialize;

use super::Image;
use super::pixels::{CHANNELS, MAX_BATCH_PIXELS, MAX_PIXELS, cut_out, on_canvas};
use super::preprocess::{Config, ImagePreprocessor, Size};
use super::processor::{known_processor, read_config, unsupported};
use super::resize::{Resample, resize};
use crate::{ModelDir, Result, Tensor};

/// What the processor's file says besides what all of them say.
#[derive(Debug, Deserialize)]
struct Pinpoints {
    image_grid_pinpoints: Option<Vec<[u32; 2]>>,
}

/// Edge of a tile where the file names none, in pixels.
const EDGE: u32 = 224;
/// Pillow's number of the filter that is taken where the file names none, the bicubic one.
const BICUBIC: u64 = 3;

/// Turns an image into the tiles that a model takes.
#[derive(Clone, Debug)]
pub struct TilePreprocessor {
    /// Heights and widths that images are brought to, in pixels; all are whole tiles.
    resolutions: Vec<(u32, u32)>,
    /// Edge of the tiles that the image is cut into.
    tile: u32,
    /// Height and width of the whole image's tile before what is done to every tile.
    whole: (u32, u32),
    resample: Resample,
    /// What is done to every tile.
    each: ImagePreprocessor,
}

impl TilePreprocessor {
    /// Reads the model's `preprocessor_config.json`.
    ///
    /// # Errors
    /// [`Error::MissingFile`](crate::Error::MissingFile) or
    /// [`Error::InvalidFile`](crate::Error::InvalidFile);
    /// [`Error::UnsupportedModel`](crate::Error::UnsupportedModel) when it asks for something that
    /// is not done here.
    pub fn open(dir: &ModelDir) -> Result<Self> {
        let (config, path) = read_config(dir)?;
        let (pinpoints, _) = read_config(dir)?;
        Self::new(config, pinpoints, &path)
    }

    fn new(mut config: Config, pinpoints: Pinpoints, path: &Path) -> Result<Self> {
        known_processor(config.image_processor_type.take().as_deref(), &["LlavaNext"], path)?;
        // That pads the batch with black tiles, for images of fewer tiles. Here there is one image.
        config.do_pad = None;
        let number = *config.resample.get_or_insert(BICUBIC);
        let resample = Resample::from_pillow(number)
            .ok_or_else(|| unsupported(path, format!("resample = {number} is no Pillow filter")))?;
        let size = match config.size {
            None => Size::ShortestEdge { shortest_edge: EDGE, longest_edge: None },
            Some(Size::Legacy(edge)) => {
                Size::ShortestEdge { shortest_edge: edge, longest_edge: None }
            }
            Some(size) => size,
        };
        let whole = match size {
            Size::Exact { height, width } => (height, width),
            Size::ShortestEdge { shortest_edge: edge, .. } | Size::Legacy(edge) => (edge, edge),
        };
        let crop = config.crop_size.unwrap_or(Size::Legacy(EDGE));
        let tile = match crop {
            Size::Exact { height, .. } => height,
            Size::Legacy(edge) | Size::ShortestEdge { shortest_edge: edge, .. } => edge,
        };
        config.size = Some(size);
        config.crop_size = Some(crop);
        config.do_resize.get_or_insert(true);
        config.do_center_crop.get_or_insert(true);
        let each = ImagePreprocessor::new(&config, path)?;

        let resolutions: Vec<_> = pinpoints
            .image_grid_pinpoints
            .unwrap_or_default()
            .into_iter()
            .map(|[height, width]| (height, width))
            .collect();
        if resolutions.is_empty() {
            return Err(unsupported(path, "it names no image_grid_pinpoints".to_owned()));
        }
        let pixels = |(height, width)| u64::from(height) * u64::from(width);
        if tile == 0 || !(1..=MAX_PIXELS).contains(&pixels(whole)) {
            let reason = format!("it asks for tiles of {tile} pixels and images of {whole:?}");
            return Err(unsupported(path, reason));
        }
        // Every tile can come out as large as that of the whole image, or as the crop.
        let largest = pixels(whole).max(pixels((tile, tile)));
        if let Some(it) = resolutions.iter().find(|it| {
            let tiles = 1 + pixels(**it) / pixels((tile, tile));
            let fits = (1..=MAX_PIXELS).contains(&pixels(**it))
                && tiles.saturating_mul(largest) <= MAX_BATCH_PIXELS;
            !fits || it.0 % tile != 0 || it.1 % tile != 0
        }) {
            let reason = format!("{it:?} of image_grid_pinpoints are no tiles of {tile} pixels");
            return Err(unsupported(path, reason));
        }
        Ok(Self { resolutions, tile, whole, resample, each })
    }

    /// The image as `f32 [tiles, 3, height, width]`: first the whole of it, whatever its
    /// proportions, then its tiles, row by row from the top.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image).
    pub fn pixel_values(&self, image: &Image) -> Result<Tensor> {
        let (height, width) = self.resolution(image);
        let (inner_height, inner_width) = within((image.height(), image.width()), (height, width));
        let resized = resize(image, inner_width, inner_height, self.resample)?;
        let corner = ((height - inner_height) / 2, (width - inner_width) / 2);
        let padded = on_canvas(&resized, (height, width), corner, [0; CHANNELS])?;

        let mut tiles = vec![resize(image, self.whole.1, self.whole.0, self.resample)?];
        for top in (0..height).step_by(self.tile as usize) {
            for left in (0..width).step_by(self.tile as usize) {
                tiles.push(cut_out(&padded, (top, left), self.tile)?);
            }
        }
        self.each.pixel_values(&tiles.iter().collect::<Vec<_>>())
    }

    /// Height and width in pixels that the image is brought to before it is cut.
    ///
    /// `select_best_resolution` of transformers' `image_processing_utils.py`: the one that keeps
    /// most of the image's pixels, and of equal ones the smallest.
    pub fn resolution(&self, image: &Image) -> (u32, u32) {
        let (height, width) = (f64::from(image.height()), f64::from(image.width()));
        let own = u64::from(image.height()) * u64::from(image.width());
        let mut best = (0, 0);
        let (mut most_kept, mut least_wasted) = (0, u64::MAX);
        for &(to_height, to_width) in &self.resolutions {
            let scale = (f64::from(to_width) / width).min(f64::from(to_height) / height);
            let kept = (cut_off(width * scale) * cut_off(height * scale)).min(own);
            let wasted = u64::from(to_height) * u64::from(to_width) - kept;
            if kept > most_kept || kept == most_kept && wasted < least_wasted {
                (most_kept, least_wasted) = (kept, wasted);
                best = (to_height, to_width);
            }
        }
        best
    }
}

/// Python's `int` of a positive number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most the edge of a resolution, and positive"
)]
fn cut_off(value: f64) -> u64 {
    value as u64
}

/// Height and width of an image that fills `to` in one direction: `get_patch_output_size` of
/// transformers' `image_processing_utils.py`.
fn within((height, width): (u32, u32), (to_height, to_width): (u32, u32)) -> (u32, u32) {
    let (by_width, by_height) =
        (f64::from(to_width) / f64::from(width), f64::from(to_height) / f64::from(height));
    let rounded_up = |edge: u32, scale: f64, most: u32| {
        u32::try_from(cut_off((f64::from(edge) * scale).ceil())).unwrap_or(most).min(most)
    };
    if by_width < by_height {
        (rounded_up(height, by_width, to_height), to_width)
    } else {
        (to_height, rounded_up(width, by_height, to_width))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_pictures::{hash_of_values, picture};
    use super::TilePreprocessor;
    use crate::{Error, Result};

    fn preprocessor(json: &str) -> Result<TilePreprocessor> {
        let config = serde_json::from_str(json).unwrap();
        let pinpoints = serde_json::from_str(json).unwrap();
        TilePreprocessor::new(config, pinpoints, "preprocessor_config.json".as_ref())
    }

    /// Resolutions and hashes are those of `LlavaNextImageProcessorPil` on the same pictures.
    #[test]
    fn tiles_equal_hugging_face() {
        let preprocessor = preprocessor(
            r#"{"image_processor_type": "LlavaNextImageProcessor", "do_pad": true, "resample": 3,
                "size": {"shortest_edge": 8}, "crop_size": {"height": 8, "width": 8},
                "image_grid_pinpoints": [[8, 16], [16, 8], [16, 16], [24, 8], [8, 24]],
                "do_rescale": false, "do_normalize": false}"#,
        )
        .unwrap();
        for ((width, height), resolution, expected) in [
            ((8, 8), (8, 16), 0x74ab_86e9_10e9_c605),
            ((1, 1), (8, 16), 0xa7dc_e9be_82c9_2525),
            ((30, 7), (8, 24), 0x2d75_1958_e753_0c25),
            ((7, 30), (24, 8), 0xbad3_72eb_39b4_310d),
            ((19, 20), (16, 16), 0x2965_58fd_0015_2d14),
            ((20, 19), (16, 16), 0x744d_ece7_7630_7398),
            ((100, 3), (8, 16), 0xea41_0ba1_ff07_c0ad),
            ((3, 100), (8, 16), 0xd3e7_fa80_1cb7_63b4),
            ((13, 11), (16, 16), 0x70b8_83c1_13f4_689a),
            ((16, 16), (16, 16), 0x15e2_f2e8_f19b_1643),
            ((5, 9), (16, 8), 0x9da3_3c1d_e4aa_cf6c),
        ] {
            let image = picture(width, height);
            assert_eq!(preprocessor.resolution(&image), resolution, "{image:?}");
            let pixels = preprocessor.pixel_values(&image).unwrap();
            let tiles = 1 + (resolution.0 / 8 * (resolution.1 / 8)) as usize;
            assert_eq!(pixels.shape(), [tiles, 3, 8, 8]);
            assert_eq!(hash_of_values(pixels.as_f32().unwrap()), expected, "{image:?}");
        }
    }

    #[test]
    fn what_makes_no_tiles_is_refused() {
        for json in [
            r#"{"image_processor_type": "CLIPImageProcessor", "image_grid_pinpoints": [[224, 448]]}"#,
            "{}",
            r#"{"image_grid_pinpoints": []}"#,
            r#"{"image_grid_pinpoints": [[224, 225]]}"#,
            r#"{"image_grid_pinpoints": [[0, 224]]}"#,
            r#"{"image_grid_pinpoints": [[4294967040, 4294967040]]}"#,
            r#"{"image_grid_pinpoints": [[224, 448]], "resample": 9}"#,
            r#"{"image_grid_pinpoints": [[8192, 8192]], "crop_size": {"height": 1, "width": 1}}"#,
            r#"{"image_grid_pinpoints": [[224, 448]], "crop_size": {"height": 0, "width": 1}}"#,
        ] {
            let error = preprocessor(json).unwrap_err();
            assert!(matches!(error, Error::UnsupportedModel { .. }), "{json}: {error}");
        }
    }
}
