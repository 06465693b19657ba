//! Images and videos to pixel values, as Hugging Face does it with Pillow.

mod image;
mod preprocess;
mod resize;
mod video;

pub use image::Image;
pub use preprocess::ImagePreprocessor;
pub use video::Video;
