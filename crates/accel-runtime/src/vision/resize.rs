//! Resizing as Pillow 13 does it, to the byte.
//!
//! Written by hand because no crate gives Pillow's bytes: `fast_image_resize` 6 computes with
//! 16-bit weights where Pillow has 22 bits and differs by one step on most pictures.

use std::f64::consts::PI;

use super::Image;
use crate::{Error, Result};

/// Bits behind the point of Pillow's weights for 8-bit pixels (`PRECISION_BITS`).
const PRECISION: u32 = 32 - 8 - 2;
const CHANNELS: usize = 3;

/// How pixels are weighed.
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
    /// The filter that `preprocessor_config.json` gives as `resample`: Pillow's number.
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

    /// How far a pixel's weight reaches, in pixels of the larger grid.
    const fn support(self) -> f64 {
        match self {
            Self::Nearest | Self::Box => 0.5,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    /// The weight of a pixel at distance `x`.
    #[expect(
        clippy::suboptimal_flops,
        reason = "Pillow's own operations in its own order; fused ones round otherwise"
    )]
    fn weight(self, x: f64) -> f64 {
        let distance = x.abs();
        match self {
            Self::Nearest | Self::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Self::Bilinear => (1.0 - distance).max(0.0),
            Self::Hamming if distance == 0.0 => 1.0,
            Self::Hamming if distance >= 1.0 => 0.0,
            Self::Hamming => {
                let angle = distance * PI;
                // Single precision, as Pillow writes them.
                angle.sin() / angle * (f64::from(0.54_f32) + f64::from(0.46_f32) * angle.cos())
            }
            Self::Bicubic => {
                const A: f64 = -0.5;
                if distance < 1.0 {
                    ((A + 2.0) * distance - (A + 3.0)) * distance * distance + 1.0
                } else if distance < 2.0 {
                    (((distance - 5.0) * distance + 8.0) * distance - 4.0) * A
                } else {
                    0.0
                }
            }
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Lanczos => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) }
}

/// `image` at `width` x `height` pixels.
pub(super) fn resize(image: &Image, width: u32, height: u32, resample: Resample) -> Result<Image> {
    if width == 0 || height == 0 {
        return Err(Error::Image {
            what: format!("{image:?}"),
            reason: format!("it cannot be resized to {width} x {height} pixels"),
        });
    }
    let (from_width, from_height) = (image.width() as usize, image.height() as usize);
    let (to_width, to_height) = (width as usize, height as usize);
    let mut rgb = image.rgb8().to_vec();
    if resample == Resample::Nearest {
        rgb = nearest(&rgb, (from_width, from_height), (to_width, to_height));
        return Image::from_rgb8(width, height, rgb);
    }
    // Between the passes there are bytes, so their order shows in the result. Pillow 13 shrinks
    // the height first where it loses more than twice as many pixels as the width; earlier
    // versions always began with the width, which differs by one step here and there.
    let height_first =
        from_height.saturating_sub(to_height) > 2 * from_width.saturating_sub(to_width);
    for of_height in [height_first, !height_first] {
        if of_height && from_height != to_height {
            let row_bytes = rgb.len() / from_height;
            rgb = columns(&rgb, row_bytes, &weights(from_height, to_height, resample));
        } else if !of_height && from_width != to_width {
            rgb = rows(&rgb, from_width, &weights(from_width, to_width, resample));
        }
    }
    Image::from_rgb8(width, height, rgb)
}

/// The source pixels of one target pixel along an axis.
struct Window {
    /// The first of them.
    first: usize,
    /// Their weights, with [`PRECISION`] bits behind the point.
    weights: Vec<i64>,
}

/// Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixel counts fit 32 bits and so a double; negative bounds are clamped to 0 as by Pillow"
)]
fn weights(from: usize, to: usize, resample: Resample) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let filter_scale = scale.max(1.0);
    let support = resample.support() * filter_scale;
    (0..to)
        .map(|target| {
            let center = (target as f64 + 0.5) * scale;
            let first = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(from);
            let weights: Vec<_> = (first..end)
                .map(|it| resample.weight((it as f64 - center + 0.5) / filter_scale))
                .collect();
            let total: f64 = weights.iter().sum();
            let fixed = |weight: &f64| {
                let weight = if total == 0.0 { *weight } else { weight / total };
                // `round` goes away from zero, as Pillow's adding of half with the sign does.
                (weight * f64::from(1_u32 << PRECISION)).round() as i64
            };
            Window { first, weights: weights.iter().map(fixed).collect() }
        })
        .collect()
}

/// Every row, `width` pixels wide, by the windows.
fn rows(rgb: &[u8], width: usize, windows: &[Window]) -> Vec<u8> {
    let mut resized = Vec::with_capacity(rgb.len() / width * windows.len());
    for row in rgb.chunks_exact(width * CHANNELS) {
        for window in windows {
            let mut sums = [HALF; CHANNELS];
            let pixels = row[window.first * CHANNELS..].chunks_exact(CHANNELS);
            for (pixel, weight) in pixels.zip(&window.weights) {
                for (sum, byte) in sums.iter_mut().zip(pixel) {
                    *sum += i64::from(*byte) * weight;
                }
            }
            resized.extend(sums.map(clip));
        }
    }
    resized
}

/// Every column, in rows of `row_bytes` bytes, by the windows.
fn columns(rgb: &[u8], row_bytes: usize, windows: &[Window]) -> Vec<u8> {
    let mut resized = Vec::with_capacity(row_bytes * windows.len());
    let mut sums = vec![HALF; row_bytes];
    for window in windows {
        sums.fill(HALF);
        let rows = rgb[window.first * row_bytes..].chunks_exact(row_bytes);
        for (row, weight) in rows.zip(&window.weights) {
            for (sum, byte) in sums.iter_mut().zip(row) {
                *sum += i64::from(*byte) * weight;
            }
        }
        resized.extend(sums.iter().map(|it| clip(*it)));
    }
    resized
}

/// Half a step, so that cutting off rounds.
const HALF: i64 = 1 << (PRECISION - 1);

fn clip(sum: i64) -> u8 {
    u8::try_from((sum >> PRECISION).clamp(0, 255)).unwrap_or(u8::MAX)
}

/// The pixel under each target pixel's middle. Positions are summed up as Pillow does, roundings
/// included.
fn nearest(
    rgb: &[u8],
    (from_width, from_height): (usize, usize),
    (to_width, to_height): (usize, usize),
) -> Vec<u8> {
    let (x, y) = (positions(from_width, to_width), positions(from_height, to_height));
    let mut resized = Vec::with_capacity(to_width * to_height * CHANNELS);
    for y in y {
        for x in &x {
            let at = (y * from_width + x) * CHANNELS;
            resized.extend_from_slice(&rgb[at..at + CHANNELS]);
        }
    }
    resized
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixel counts fit 32 bits and so a double, and positions are not negative"
)]
fn positions(from: usize, to: usize) -> Vec<usize> {
    let scale = from as f64 / to as f64;
    let middles = std::iter::successors(Some(scale * 0.5), |it| Some(it + scale));
    middles.take(to).map(|it| (it as usize).min(from - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_pictures::{hash, picture};
    use super::{Resample, resize};

    /// Hashes of what Pillow 13.0.0 makes of the same pictures.
    #[test]
    fn every_filter_gives_pillows_bytes() {
        #[rustfmt::skip]
        let table = [
            (Resample::Nearest, (7, 5), (3, 4), 0x32d9_9441_cac7_5b43),
            (Resample::Nearest, (7, 5), (19, 11), 0x48ad_63a3_220a_6b0f),
            (Resample::Nearest, (64, 40), (32, 32), 0xcfa0_322b_2c95_39a5),
            (Resample::Nearest, (300, 7), (32, 32), 0xf133_97bd_de03_21f5),
            (Resample::Nearest, (13, 90), (224, 5), 0xfe64_ccdc_d6dc_2743),
            (Resample::Nearest, (1, 1), (3, 2), 0x2038_a718_3668_ed1b),
            (Resample::Nearest, (50, 75), (50, 20), 0xf9c3_0fdd_3c7c_9b05),
            (Resample::Lanczos, (7, 5), (3, 4), 0xb92b_0271_39fb_7ee3),
            (Resample::Lanczos, (7, 5), (19, 11), 0x295f_8e1f_e730_2e8c),
            (Resample::Lanczos, (64, 40), (32, 32), 0xba2d_fd66_ac56_0490),
            (Resample::Lanczos, (300, 7), (32, 32), 0x2aff_2577_c6e6_5dfb),
            (Resample::Lanczos, (13, 90), (224, 5), 0x6456_865a_d307_0472),
            (Resample::Lanczos, (1, 1), (3, 2), 0x2038_a718_3668_ed1b),
            (Resample::Lanczos, (50, 75), (50, 20), 0x414f_6b11_8021_0c0c),
            (Resample::Bilinear, (7, 5), (3, 4), 0xb1dc_3d6c_f791_2b29),
            (Resample::Bilinear, (7, 5), (19, 11), 0x0b14_e699_b742_5e3c),
            (Resample::Bilinear, (64, 40), (32, 32), 0xb31a_33f6_68ce_0295),
            (Resample::Bilinear, (300, 7), (32, 32), 0xe978_8486_829a_98c4),
            (Resample::Bilinear, (13, 90), (224, 5), 0xfb72_1b31_0b0f_50f7),
            (Resample::Bilinear, (1, 1), (3, 2), 0x2038_a718_3668_ed1b),
            (Resample::Bilinear, (50, 75), (50, 20), 0xa133_24e9_54da_f73c),
            (Resample::Bicubic, (7, 5), (3, 4), 0x81d2_6dc5_7655_3b72),
            (Resample::Bicubic, (7, 5), (19, 11), 0xc7a2_b1c6_84fd_87ec),
            (Resample::Bicubic, (64, 40), (32, 32), 0xb01c_2c41_ced9_5781),
            (Resample::Bicubic, (300, 7), (32, 32), 0xc612_c8d5_6bd2_b2b0),
            (Resample::Bicubic, (13, 90), (224, 5), 0x3112_6372_0208_b79d),
            (Resample::Bicubic, (1, 1), (3, 2), 0x2038_a718_3668_ed1b),
            (Resample::Bicubic, (50, 75), (50, 20), 0x221c_753a_02d3_80ab),
            (Resample::Box, (7, 5), (3, 4), 0x1974_c81b_292e_2c08),
            (Resample::Box, (7, 5), (19, 11), 0x48ad_63a3_220a_6b0f),
            (Resample::Box, (64, 40), (32, 32), 0x47bd_c0ab_701a_9825),
            (Resample::Box, (300, 7), (32, 32), 0x14a2_f0ea_526c_7148),
            (Resample::Box, (13, 90), (224, 5), 0x44ae_0265_7743_f6e4),
            (Resample::Box, (1, 1), (3, 2), 0x2038_a718_3668_ed1b),
            (Resample::Box, (50, 75), (50, 20), 0xaf15_0512_e8a8_0f9c),
            (Resample::Hamming, (7, 5), (3, 4), 0x289e_a2fa_3c27_9341),
            (Resample::Hamming, (7, 5), (19, 11), 0x2e4c_204d_fa0f_5a38),
            (Resample::Hamming, (64, 40), (32, 32), 0x7d46_9ce0_7e7b_137f),
            (Resample::Hamming, (300, 7), (32, 32), 0x1594_7089_c99c_0385),
            (Resample::Hamming, (13, 90), (224, 5), 0xdf2a_eca6_419c_6d8e),
            (Resample::Hamming, (1, 1), (3, 2), 0x2038_a718_3668_ed1b),
            (Resample::Hamming, (50, 75), (50, 20), 0xe1c0_c87a_47ef_2a6f),
        ];
        let mut wrong = Vec::new();
        for (resample, from, to, expected) in table {
            let resized = resize(&picture(from.0, from.1), to.0, to.1, resample).unwrap();
            if hash(resized.rgb8().iter().copied()) != expected {
                wrong.push((resample, from, to));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn no_pixels_are_refused() {
        assert!(resize(&picture(2, 2), 0, 2, Resample::Bilinear).is_err());
    }
}
