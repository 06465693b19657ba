//! What a transcription gives.

/// What is said in a sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// The text.
    pub text: String,
    /// The tokens that the text was read from. Whisper: all that it wrote, with special tokens
    /// and times, without its prompts and the tokens that end its windows, as transformers'
    /// `generate` gives them. CTC: the likeliest token of every frame.
    pub token_ids: Vec<i64>,
    /// Parts of the text with their times; empty when none were asked for.
    pub chunks: Vec<Chunk>,
}

/// A part of a text and when it is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The part.
    pub text: String,
    /// When it begins, in seconds from the beginning of the sound.
    pub start_s: f64,
    /// When it ends; `None` when the model did not say.
    pub end_s: Option<f64>,
}
