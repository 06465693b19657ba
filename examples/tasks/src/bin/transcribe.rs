//! `transcribe [MODEL_DIR] [SOUND]`: what is said, and when.
#![expect(clippy::print_stdout, reason = "this program is here to print")]

use accel_runtime::{Audio, Timestamps, TranscribeOptions};
use tasks::{Failure, argument};

fn main() -> Result<(), Failure> {
    let whisper = generated::skills::whisper::auto(argument(0, "whisper"))?;
    let sound = Audio::open(argument(1, "whisper/inputs/speech.wav"))?;
    let options = TranscribeOptions { timestamps: Timestamps::Segments, ..Default::default() };
    let transcript = whisper.skill.transcribe(&sound, &options)?;
    for chunk in &transcript.chunks {
        let end = chunk.end_s.map_or_else(|| "?".to_owned(), |it| format!("{it:.2}"));
        println!("{:.2} to {end} s  {}", chunk.start_s, chunk.text);
    }
    println!("{}", transcript.text);
    Ok(())
}
