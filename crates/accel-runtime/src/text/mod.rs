//! Text to token ids and back, as Hugging Face does it.

mod chat;
mod ctc;
mod tokenizer;

pub use chat::{ChatTemplate, Message};
pub use ctc::{CtcCharacter, CtcText, CtcTokenizer};
pub use tokenizer::{EncodedBatch, TextTokenizer};
