//! `match_sound [MODEL_DIR] [SOUND]`: which text fits a sound best.
#![expect(clippy::print_stdout, reason = "this program is here to print")]

use accel_runtime::{Audio, AudioTextEncoder};
use tasks::{Failure, argument};

fn main() -> Result<(), Failure> {
    let clap = generated::skills::clap::auto(argument(0, "clap"))?;
    let sound = Audio::open(argument(1, "clap/inputs/studio.wav"))?;
    let labels = ["a bird", "rain", "an engine"];
    let found =
        clap.skill.zero_shot_audio_classification(&sound, &labels, AudioTextEncoder::TEMPLATE)?;
    for label in found {
        println!("{:.3}  {}", label.score, label.label);
    }
    Ok(())
}
