//! Texts: embedded, filled, generated, tokenized.

use serde::Deserialize;

use super::read::{Fields, TaskEntry, TopK};
use super::tensors::Tensors;
use crate::{Pooling, Result, Tensor};

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    texts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolingParameters {
    pooling: String,
    normalize: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

/// Hugging Face's pipeline drops the outer list when there is one mask.
#[derive(Deserialize)]
#[serde(untagged)]
enum Fills {
    OneMask(Vec<Fill>),
    Masks(Vec<Vec<Fill>>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PromptInputs {
    Text(Text),
    Chat { messages: Vec<Message> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GenerationParameters {
    max_new_tokens: usize,
    do_sample: bool,
    #[serde(default)]
    stop_token_ids: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generated {
    prompt_ids: Vec<i64>,
    #[serde(default)]
    prompt_text: Option<String>,
    token_ids: Vec<i64>,
    text: String,
}

pub(super) fn embedding_case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<EmbeddingCase> {
    let Texts { texts } = fields.parse("inputs", entry.inputs)?;
    let parameters: PoolingParameters = fields.parse("parameters", entry.parameters)?;
    let pooling = match parameters.pooling.as_str() {
        "mean" => Pooling::Mean,
        "cls" => Pooling::Cls,
        "max" => Pooling::Max,
        other => return Err(fields.damaged(&format!("unknown pooling `{other}`"))),
    };
    let want = tensors.take_f32(&fields.present("tensor", entry.tensor)?, 2)?;
    if texts.is_empty() || want.shape().first() != Some(&texts.len()) {
        let rows = format!("{} texts and a tensor of {:?}", texts.len(), want.shape());
        return Err(fields.damaged(&rows));
    }
    let normalize = parameters.normalize;
    Ok(EmbeddingCase { case: entry.case, texts, pooling, normalize, want })
}

pub(super) fn fill_case(fields: &Fields<'_>, entry: TaskEntry) -> Result<FillCase> {
    let Text { text } = fields.parse("inputs", entry.inputs)?;
    let TopK { top_k } = fields.parse("parameters", entry.parameters)?;
    let want = match fields.parse("expected", fields.present("expected", entry.expected)?)? {
        Fills::OneMask(fills) => vec![fills],
        Fills::Masks(masks) => masks,
    };
    if want.is_empty() || want.iter().any(Vec::is_empty) {
        return Err(fields.damaged("a mask without answers"));
    }
    Ok(FillCase { case: entry.case, text, top_k, want })
}

pub(super) fn generation_case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<GenerationCase> {
    let prompt = match fields.parse("inputs", entry.inputs)? {
        PromptInputs::Text(Text { text }) => Prompt::Text(text),
        PromptInputs::Chat { messages } => {
            Prompt::Chat(messages.into_iter().map(|it| (it.role, it.content)).collect())
        }
    };
    let parameters: GenerationParameters = fields.parse("parameters", entry.parameters)?;
    if parameters.do_sample {
        // Nobody could repeat it: the generator of random numbers is not the same.
        return Err(fields.damaged("do_sample is true; only greedy results can be compared"));
    }
    let expected: Generated =
        fields.parse("expected", fields.present("expected", entry.expected)?)?;
    if expected.token_ids.is_empty() || expected.prompt_ids.is_empty() {
        return Err(fields.damaged("no prompt_ids or no token_ids"));
    }
    if matches!(prompt, Prompt::Chat(_)) && expected.prompt_text.is_none() {
        return Err(fields.damaged("a conversation without prompt_text"));
    }
    let logits = entry.tensor.map(|name| tensors.take_f32(&name, 2)).transpose()?;
    if logits.as_ref().is_some_and(|it| it.shape()[0] != expected.token_ids.len()) {
        return Err(fields.damaged("as many rows of logits as token_ids are needed"));
    }
    Ok(GenerationCase {
        case: entry.case,
        prompt,
        max_new_tokens: parameters.max_new_tokens,
        stop_tokens: parameters.stop_token_ids,
        prompt_ids: expected.prompt_ids,
        prompt_text: expected.prompt_text,
        token_ids: expected.token_ids,
        text: expected.text,
        logits,
    })
}
