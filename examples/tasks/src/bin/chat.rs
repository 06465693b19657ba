//! `chat [MODEL_DIR]`: an answer, word by word as it is generated.
#![expect(clippy::print_stdout, reason = "this program is here to print")]

use std::io::{Write as _, stdout};
use std::ops::ControlFlow;

use accel_runtime::{GenerateOptions, Message};
use tasks::{Failure, argument};

fn main() -> Result<(), Failure> {
    let qwen3 = generated::skills::qwen3::auto(argument(0, "qwen3"))?;
    let question = [Message::new("user", "What is the capital of the island?")];
    let options = GenerateOptions { max_new_tokens: 24, ..Default::default() };
    let reply = qwen3.skill.stream_chat(&question, &options, |piece| {
        print!("{piece}");
        // Whoever reads along has gone when the pipe is closed.
        if stdout().flush().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    println!("\n({} tokens, {:?})", reply.token_ids.len(), reply.stopped);
    Ok(())
}
