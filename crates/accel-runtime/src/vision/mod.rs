//! Images to pixel values, as Hugging Face does it with Pillow.

mod image;
mod preprocess;
mod resize;

pub use image::Image;
pub use preprocess::ImagePreprocessor;
