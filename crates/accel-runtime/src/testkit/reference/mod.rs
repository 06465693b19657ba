//! What Hugging Face computed: `reference.json` and `reference.safetensors` beside a model.
//!
//! Reading is strict. A tensor that is named and not there, of a type no graph takes, or not
//! finite, a field nobody knows, a case recorded twice: each is an [`Error`](crate::Error) of the resolve stage,
//! because a test against half a reference proves half of what it says.

mod file;
mod read;
mod tensors;

use std::path::{Path, PathBuf};

use accel_core::Task;

use crate::{Pooling, Result, Tensor};

/// Name of the file that lists what was recorded.
pub const REFERENCE_JSON: &str = "reference.json";
/// Name of the file that holds the tensors.
pub const REFERENCE_TENSORS: &str = "reference.safetensors";

/// Everything recorded of one model.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The model's folder, to which the cases' file names are relative.
    pub dir: PathBuf,
    /// Raw runs of graphs; at least one.
    pub graphs: Vec<GraphCase>,
    /// Text embeddings.
    pub embeddings: Vec<EmbeddingCase>,
    /// Filled masks.
    pub fills: Vec<FillCase>,
    /// Classified images.
    pub images: Vec<ImageCase>,
    /// Generated texts.
    pub generations: Vec<GenerationCase>,
    /// Cases of tasks that no typed pipeline serves yet, by task and name.
    pub others: Vec<(Task, String)>,
    /// Texts and their tokens.
    pub tokenizer: Vec<TokenizerCase>,
}

/// One run of one graph.
#[derive(Clone, Debug)]
pub struct GraphCase {
    /// The graph's file stem, such as `model`.
    pub graph: String,
    /// The case's name, such as `padded_batch`.
    pub case: String,
    /// Inputs by name, in the graph's order.
    pub inputs: Vec<(String, Tensor)>,
    /// Outputs by name, in the graph's order.
    pub outputs: Vec<(String, Tensor)>,
}

/// Texts and their embeddings.
#[derive(Clone, Debug)]
pub struct EmbeddingCase {
    /// The case's name.
    pub case: String,
    /// The texts of one batch.
    pub texts: Vec<String>,
    /// How token vectors become one.
    pub pooling: Pooling,
    /// Whether vectors are scaled to length 1.
    pub normalize: bool,
    /// One row a text.
    pub want: Tensor,
}

/// A text with masks, and what fills them.
#[derive(Clone, Debug)]
pub struct FillCase {
    /// The case's name.
    pub case: String,
    /// The text.
    pub text: String,
    /// How many answers a mask.
    pub top_k: usize,
    /// For every mask the answers, the most likely first.
    pub want: Vec<Vec<Fill>>,
}

/// One answer for one mask.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fill {
    /// The token's id.
    pub token: i64,
    /// The token as text.
    pub token_str: String,
    /// The whole text with the mask filled.
    pub sequence: String,
    /// Its probability.
    pub score: f64,
}

/// An image and its labels.
#[derive(Clone, Debug)]
pub struct ImageCase {
    /// The case's name.
    pub case: String,
    /// The image file, relative to [`Reference::dir`].
    pub image: String,
    /// How many labels.
    pub top_k: usize,
    /// The labels, the most likely first.
    pub want: Vec<Label>,
    /// What preprocessing makes of the image.
    pub pixel_values: Tensor,
    /// How far preprocessed pixels may be off: decoders of lossy formats differ.
    pub pixel_tolerance: f64,
    /// How far scores may be off for the same reason.
    pub score_tolerance: f64,
}

/// A label and its score.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The label.
    pub label: String,
    /// Its probability.
    pub score: f64,
}

/// A prompt and the text that greedy decoding continues it with.
#[derive(Clone, Debug)]
pub struct GenerationCase {
    /// The case's name.
    pub case: String,
    /// What is to be continued.
    pub prompt: Prompt,
    /// The most tokens to generate.
    pub max_new_tokens: usize,
    /// Tokens that end the text besides the model's own.
    pub stop_tokens: Vec<i64>,
    /// The prompt's tokens.
    pub prompt_ids: Vec<i64>,
    /// The chat template's result, when the prompt is a conversation.
    pub prompt_text: Option<String>,
    /// The generated tokens, the ending one included.
    pub token_ids: Vec<i64>,
    /// Their text without special tokens.
    pub text: String,
    /// The logits that each token was chosen from, when recorded: one row a token.
    pub logits: Option<Tensor>,
}

/// What is to be continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A text.
    Text(String),
    /// A conversation: role and content of each message.
    Chat(Vec<(String, String)>),
}

/// A text and its tokens.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerCase {
    /// The text.
    pub text: String,
    /// Its tokens, special ones included.
    pub ids: Vec<i64>,
    /// The tokens as text again, special ones included.
    pub decoded: String,
}

impl Reference {
    /// Reads what was recorded of the model in `dir`.
    ///
    /// # Errors
    /// When a file is missing or is not what it should be; always of the resolve stage.
    pub fn open(dir: &Path) -> Result<Self> {
        read::open(dir)
    }

    /// The recorded runs of `graph`.
    pub fn graph<'a>(&'a self, graph: &'a str) -> impl Iterator<Item = &'a GraphCase> {
        self.graphs.iter().filter(move |it| it.graph == graph)
    }

    /// The recorded graphs' names, each once, in the order recorded.
    pub fn graph_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for case in &self.graphs {
            if !names.contains(&case.graph.as_str()) {
                names.push(&case.graph);
            }
        }
        names
    }
}
