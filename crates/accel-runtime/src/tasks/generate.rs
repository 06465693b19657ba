//! What a generation is asked for and what it gives.

/// How a text is to be continued.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateOptions {
    /// Tokens at most; at least 1.
    pub max_new_tokens: usize,
    /// How each token is chosen.
    pub sampling: Sampling,
    /// Tokens that end the text besides the model's own.
    pub stop_tokens: Vec<i64>,
}

impl Default for GenerateOptions {
    /// 256 tokens, the likeliest each time.
    fn default() -> Self {
        Self { max_new_tokens: 256, sampling: Sampling::Greedy, stop_tokens: Vec::new() }
    }
}

/// How a token is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// The likeliest; of equal ones the first.
    Greedy,
    /// At random by probability, after transformers' warpers in transformers' order. The same
    /// seed gives the same tokens; they are not those of PyTorch's generator.
    Sample {
        /// Above 0; below 1 sharpens, above 1 flattens.
        temperature: f32,
        /// Only so many of the likeliest, and those equal to the last of them; 0 is all.
        top_k: usize,
        /// Only the likeliest that together have this probability, in (0, 1]; 1 is all.
        top_p: f32,
        /// Seed of the random generator.
        seed: u64,
    },
}

/// A generated text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The new tokens, the one that ended the text included.
    pub token_ids: Vec<i64>,
    /// Their text without special tokens. When the caller stopped it: what was streamed.
    pub text: String,
    /// Why it ended.
    pub stopped: Stop,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model, or the caller's `stop_tokens`, ended the text with this token.
    Token(i64),
    /// It has as many tokens as asked for.
    MaxNewTokens,
    /// The model's context is full.
    ContextFull,
    /// The caller's callback said so.
    Cancelled,
}

/// One step of a generation.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The new token.
    pub token: i64,
    /// The scores it was chosen from, one for every token of the vocabulary.
    pub logits: &'a [f32],
}
