//! Images to pixel values, as Hugging Face does it with Pillow.

mod detr;
mod image;
mod preprocess;
mod resize;

pub use detr::DetectionPreprocessor;
pub use image::Image;
pub use preprocess::ImagePreprocessor;
