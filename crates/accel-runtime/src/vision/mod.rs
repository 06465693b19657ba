//! Images and videos to pixel values, as Hugging Face does it with Pillow.

mod detr;
mod image;
mod packing;
mod pixels;
mod preprocess;
mod processor;
mod resize;
mod target_size;
mod tiles;
mod video;

pub use detr::DetectionPreprocessor;
pub use image::Image;
pub(crate) use packing::Grid;
pub use preprocess::ImagePreprocessor;
pub use tiles::TilePreprocessor;
pub use video::Video;

/// Pictures and hashes for the tests of preprocessing.
#[cfg(test)]
mod test_pictures {
    use super::Image;

    /// A picture of large and small steps; the same in the scripts that made the tests' tables.
    pub(super) fn picture(width: u32, height: u32) -> Image {
        let mut rgb = Vec::new();
        for y in 0..height {
            for x in 0..width {
                for c in 0..3 {
                    let value = (x * 7 + y * 13 + c * 29) * (x + 3) + y * y * c;
                    rgb.push(u8::try_from(value % 256).unwrap());
                }
            }
        }
        Image::from_rgb8(width, height, rgb).unwrap()
    }

    /// FNV-1a.
    pub(super) fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
        bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// The hash of values that are all bytes.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "preprocessed without scaling they are whole numbers below 256"
    )]
    pub(super) fn hash_of_values(values: &[f32]) -> u64 {
        hash(values.iter().map(|it| *it as u8))
    }
}
