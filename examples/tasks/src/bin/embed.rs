//! `embed [MODEL_DIR]`: how alike sentences are.
#![expect(clippy::print_stdout, reason = "this program is here to print")]

use accel_runtime::Pooling;
use tasks::{Failure, argument};

fn main() -> Result<(), Failure> {
    let bert = generated::skills::bert::auto(argument(0, "bert"))?;
    let sentences = ["The harbour is quiet.", "The port is calm.", "Bread costs five euros."];
    let vectors = bert.skill.embed(&sentences, Pooling::Mean, true)?;
    for (sentence, vector) in sentences.iter().zip(&vectors).skip(1) {
        // The vectors have length 1, so their product is the cosine.
        let cosine: f32 = vectors[0].iter().zip(vector).map(|(a, b)| a * b).sum();
        println!("{cosine:.3}  {} | {sentence}", sentences[0]);
    }
    Ok(())
}
