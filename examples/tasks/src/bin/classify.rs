//! `classify [MODEL_DIR] [IMAGE]`: what an image shows.
#![expect(clippy::print_stdout, reason = "this program is here to print")]

use accel_runtime::Image;
use tasks::{Failure, argument};

fn main() -> Result<(), Failure> {
    let vit = generated::skills::vit::auto(argument(0, "vit"))?;
    let image = Image::open(argument(1, "vit/inputs/rgb.png"))?;
    for label in vit.skill.image_classification(&image, 3)? {
        println!("{:.3}  {}", label.score, label.label);
    }
    Ok(())
}
