//! Resizing as Pillow does it.

use fast_image_resize::images::{Image as Buffer, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::Image;
use crate::{Error, Result};

/// How pixels are weighed, by Pillow's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resample {
    Nearest,
    Lanczos,
    Bilinear,
    Bicubic,
    Box,
    Hamming,
}

impl Resample {
    /// The filter that `preprocessor_config.json` gives as `resample`.
    pub(super) const fn from_pillow(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Nearest,
            1 => Self::Lanczos,
            2 => Self::Bilinear,
            3 => Self::Bicubic,
            4 => Self::Box,
            5 => Self::Hamming,
            _ => return None,
        })
    }

    const fn algorithm(self) -> ResizeAlg {
        ResizeAlg::Convolution(match self {
            Self::Nearest => return ResizeAlg::Nearest,
            Self::Lanczos => FilterType::Lanczos3,
            Self::Bilinear => FilterType::Bilinear,
            // Pillow's bicubic has a = -0.5, which is this one.
            Self::Bicubic => FilterType::CatmullRom,
            Self::Box => FilterType::Box,
            Self::Hamming => FilterType::Hamming,
        })
    }
}

/// `image` at `width` x `height` pixels.
pub(super) fn resize(image: &Image, width: u32, height: u32, resample: Resample) -> Result<Image> {
    if (image.width(), image.height()) == (width, height) {
        return Ok(image.clone());
    }
    let failed = |reason: String| Error::Image { what: format!("{image:?}"), reason };
    let source = ImageRef::new(image.width(), image.height(), image.rgb8(), PixelType::U8x3)
        .map_err(|error| failed(error.to_string()))?;
    let mut target = Buffer::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(resample.algorithm());
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|error| failed(error.to_string()))?;
    Image::from_rgb8(width, height, target.into_vec())
}
