//! `match_video [MODEL_DIR] [FOLDER]`: which text fits a video best; the folder holds its frames as
//! images, in the order of their names.
#![expect(clippy::print_stdout, reason = "this program is here to print")]

use accel_runtime::{Video, VideoTextEncoder};
use tasks::{Failure, argument};

fn main() -> Result<(), Failure> {
    let xclip = generated::skills::xclip::auto(argument(0, "xclip"))?;
    let video = Video::open(argument(1, "xclip/inputs/many"))?;
    let labels = ["playing chess", "swimming", "baking bread"];
    let found =
        xclip.skill.zero_shot_video_classification(&video, &labels, VideoTextEncoder::TEMPLATE)?;
    for label in found {
        println!("{:.3}  {}", label.score, label.label);
    }
    Ok(())
}
