//! `translate [MODEL_DIR]`: one text to another, the best of four beams.
#![expect(clippy::print_stdout, reason = "this program is here to print")]

use accel_runtime::{GenerateOptions, Strategy};
use tasks::{Failure, argument};

fn main() -> Result<(), Failure> {
    let t5 = generated::skills::t5::auto(argument(0, "t5"))?;
    let options = GenerateOptions {
        max_new_tokens: 24,
        strategy: Strategy::Beams { count: 4, length_penalty: 1.0, early_stopping: false },
        ..Default::default()
    };
    let text = "translate English to German: The harbour is quiet in the morning.";
    println!("{}", t5.skill.text2text(text, &options)?.text);
    Ok(())
}
