//! `describe [MODEL_DIR] [IMAGE]`: an image in words.
#![expect(clippy::print_stdout, reason = "this program is here to print")]

use accel_runtime::{GenerateOptions, Image};
use tasks::{Failure, argument};

fn main() -> Result<(), Failure> {
    let llava = generated::skills::llava::auto(argument(0, "llava"))?;
    let image = Image::open(argument(1, "llava/inputs/rgb.png"))?;
    let prompt = "USER: <image>\nWhat is shown here? ASSISTANT:";
    let options = GenerateOptions { max_new_tokens: 24, ..Default::default() };
    println!("{}", llava.skill.generate(&image, prompt, &options)?.text);
    Ok(())
}
