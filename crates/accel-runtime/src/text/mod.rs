//! Text to token ids and back, as Hugging Face does it.

mod chat;
mod tokenizer;

pub use chat::{ChatTemplate, Message};
pub use tokenizer::{EncodedBatch, TextTokenizer};
