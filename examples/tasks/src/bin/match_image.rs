//! `match_image [MODEL_DIR] [IMAGE]`: which text fits an image best.
#![expect(clippy::print_stdout, reason = "this program is here to print")]

use accel_runtime::{Image, ImageTextEncoder};
use tasks::{Failure, argument};

fn main() -> Result<(), Failure> {
    let clip = generated::skills::clip::auto(argument(0, "clip"))?;
    let image = Image::open(argument(1, "clip/inputs/rgb.png"))?;
    let labels = ["a lighthouse", "a clock", "a loaf of bread"];
    let found =
        clip.skill.zero_shot_image_classification(&image, &labels, ImageTextEncoder::TEMPLATE)?;
    for label in found {
        println!("{:.3}  {}", label.score, label.label);
    }
    Ok(())
}
