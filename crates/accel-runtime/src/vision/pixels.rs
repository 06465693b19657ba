//! What preprocessing does to the pixels of a picture, besides resizing it.

use super::Image;
use crate::{Error, Result};

pub(super) const CHANNELS: usize = 3;

/// Pixels of a picture that is made here: far more than any model takes, and nothing that fills
/// the memory, whatever a configuration or a picture of one pixel by thousands asks for.
pub(super) const MAX_PIXELS: u64 = 1 << 26;

/// Pixels of one batch at most: each takes 20 bytes here before the model has seen any.
pub(super) const MAX_BATCH_PIXELS: u64 = 1 << 28;

/// What becomes of a pixel's bytes, in this order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaling {
    /// What they are multiplied with.
    pub(super) rescale: Option<f64>,
    /// Mean and standard deviation of each channel.
    pub(super) normalize: Option<([f64; CHANNELS], [f64; CHANNELS])>,
}

impl Scaling {
    /// `Err` says which number makes no pixels: engines can lose a value that is none on the way
    /// (`max(NaN, 0)` is 0), so the result would be wrong and not look it.
    pub(super) fn new(
        rescale: Option<f64>,
        normalize: Option<([f64; CHANNELS], [f64; CHANNELS])>,
    ) -> Result<Self, String> {
        let scaling = Self { rescale, normalize };
        for byte in [0, u8::MAX] {
            if (0..CHANNELS).any(|channel| !scaling.value(channel)(byte).is_finite()) {
                return Err(format!(
                    "rescale_factor, image_mean and image_std make no numbers of pixels: {scaling:?}"
                ));
            }
        }
        Ok(scaling)
    }

    /// What becomes of a byte of `channel`.
    #[expect(clippy::cast_possible_truncation, reason = "numpy's astype(float32)")]
    fn value(self, channel: usize) -> impl Fn(u8) -> f32 {
        let normalize =
            self.normalize.map(|(mean, std)| (mean[channel] as f32, std[channel] as f32));
        move |byte| {
            let value = match self.rescale {
                Some(factor) => (f64::from(byte) * factor) as f32,
                None => f32::from(byte),
            };
            match normalize {
                Some((mean, std)) => (value - mean) / std,
                None => value,
            }
        }
    }

    /// Appends the image's values, channel by channel, with numpy's roundings: rescaled in double
    /// precision, normalised in single.
    pub(super) fn append(self, image: &Image, values: &mut Vec<f32>) {
        for channel in 0..CHANNELS {
            let value = self.value(channel);
            let bytes = image.rgb8().iter().skip(channel).step_by(CHANNELS);
            values.extend(bytes.map(|byte| value(*byte)));
        }
    }
}

/// The middle of the image; black where the image is smaller than the crop. Halves round as in
/// transformers' `center_crop`: the offset down, padding up.
pub(super) fn center_crop(image: &Image, height: u32, width: u32) -> Result<Image> {
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

/// The image in the middle of a square, with bars of `colour` beside it: `pad_to_square` of
/// transformers 5.23, `image_processing_pil_llava.py`.
pub(super) fn square(image: &Image, colour: [u8; CHANNELS]) -> Result<Image> {
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

/// The square of `edge` pixels at `top` and `left` of an image that reaches that far.
pub(super) fn cut_out(image: &Image, (top, left): (u32, u32), edge: u32) -> Result<Image> {
    let row_bytes = image.width() as usize * CHANNELS;
    let columns = left as usize * CHANNELS..(left + edge) as usize * CHANNELS;
    let rows = image.rgb8().chunks_exact(row_bytes).skip(top as usize).take(edge as usize);
    let rgb = rows.flat_map(|row| &row[columns.clone()]).copied().collect();
    Image::from_rgb8(edge, edge, rgb)
}

#[cfg(test)]
mod tests {
    use super::center_crop;
    use crate::Image;

    fn image(width: u32, height: u32) -> Image {
        let pixels = u8::try_from(width * height).unwrap();
        Image::from_rgb8(width, height, (1..=pixels).flat_map(|it| [it; 3]).collect()).unwrap()
    }

    fn reds(image: &Image) -> Vec<u8> {
        image.rgb8().iter().step_by(3).copied().collect()
    }

    /// Expectations are transformers' `center_crop` on the same pixels.
    #[test]
    fn crops_are_cut_from_the_middle_and_padded_with_black() {
        assert_eq!(reds(&center_crop(&image(4, 3), 1, 2).unwrap()), [6, 7]);
        assert_eq!(reds(&center_crop(&image(3, 3), 2, 2).unwrap()), [1, 2, 4, 5]);
        assert_eq!(reds(&center_crop(&image(1, 1), 2, 2).unwrap()), [0, 0, 0, 1]);
        assert_eq!(reds(&center_crop(&image(2, 1), 2, 1).unwrap()), [0, 1]);
    }
}
