//! `detect [MODEL_DIR] [IMAGE]`: what is where in an image.
#![expect(clippy::print_stdout, reason = "this program is here to print")]

use accel_runtime::Image;
use tasks::{Failure, argument};

fn main() -> Result<(), Failure> {
    let detr = generated::skills::detr::auto(argument(0, "detr"))?;
    let image = Image::open(argument(1, "detr/inputs/rgb.png"))?;
    // Untrained weights are never sure of anything; a trained model is asked for 0.9.
    for object in detr.skill.object_detection(&image, 0.3)? {
        let area = object.bounding_box;
        println!(
            "{:.3}  {}  from ({:.1}, {:.1}) to ({:.1}, {:.1})",
            object.score, object.label, area.xmin, area.ymin, area.xmax, area.ymax
        );
    }
    Ok(())
}
