//! Generated texts.

use serde::Deserialize;
use serde_json::Value;

use super::read::{Fields, TaskEntry};
use super::tensors::Tensors;
use crate::{GenerateOptions, Result, Strategy, Tensor};

/// Prompts and the texts that transformers continues them with, or answers them with.
#[derive(Clone, Debug)]
pub struct GenerationCase {
    /// The case's name.
    pub case: String,
    /// The prompts; several are a batch.
    pub prompts: Vec<GeneratedText>,
    /// What was asked for.
    pub options: GenerateOptions,
    /// The logits that each token was chosen from, when recorded: one row a token. Only of a
    /// single prompt.
    pub logits: Option<Tensor>,
}

/// A prompt and what followed it.
#[derive(Clone, Debug)]
pub struct GeneratedText {
    /// What is to be continued or answered.
    pub prompt: Prompt,
    /// The prompt's tokens.
    pub prompt_ids: Vec<i64>,
    /// The chat template's result, when the prompt is a conversation.
    pub prompt_text: Option<String>,
    /// The generated tokens, the ending one included.
    pub token_ids: Vec<i64>,
    /// Their text without special tokens.
    pub text: String,
}

/// What is to be continued or answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A text.
    Text(String),
    /// A conversation: role and content of each message.
    Chat(Vec<(String, String)>),
}

/// A prompt and what its first new token is drawn from.
#[derive(Clone, Debug)]
pub struct SamplingCase {
    /// The case's name.
    pub case: String,
    /// What is to be continued.
    pub text: String,
    /// The prompt's tokens.
    pub prompt_ids: Vec<i64>,
    /// Temperature, limits and penalty.
    pub options: GenerateOptions,
    /// Of every token of the vocabulary.
    pub probabilities: Tensor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    texts: Option<Vec<String>>,
    #[serde(default)]
    messages: Option<Vec<Message>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Continued {
    max_new_tokens: usize,
    do_sample: bool,
    #[serde(default)]
    stop_token_ids: Vec<i64>,
    #[serde(default)]
    stop_strings: Vec<String>,
    #[serde(default)]
    repetition_penalty: Option<f32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    max_new_tokens: usize,
    num_beams: usize,
    #[serde(default)]
    length_penalty: Option<f32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawn {
    temperature: f32,
    top_k: usize,
    top_p: f32,
    min_p: f32,
    repetition_penalty: f32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    prompt_ids: Vec<i64>,
    #[serde(default)]
    prompt_text: Option<String>,
    token_ids: Vec<i64>,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromptIds {
    prompt_ids: Vec<i64>,
}

/// A case of text-generation.
pub(super) fn continued(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<GenerationCase> {
    let it: Continued = fields.parse("parameters", entry.parameters.clone())?;
    if it.do_sample {
        // Nobody could repeat it: the generator of random numbers is not the same.
        return Err(fields.damaged("do_sample is true; only greedy results can be compared"));
    }
    let options = GenerateOptions {
        max_new_tokens: it.max_new_tokens,
        stop_tokens: it.stop_token_ids,
        stop_strings: it.stop_strings,
        repetition_penalty: it.repetition_penalty.unwrap_or(1.0),
        ..GenerateOptions::default()
    };
    case(fields, tensors, entry, options)
}

/// A case of text2text-generation.
pub(super) fn answered(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<GenerationCase> {
    let it: Answered = fields.parse("parameters", entry.parameters.clone())?;
    let strategy = match (it.num_beams, it.length_penalty) {
        (1, None) => Strategy::Greedy,
        (count @ 2.., Some(length_penalty)) => {
            Strategy::Beams { count, length_penalty, early_stopping: false }
        }
        _ => return Err(fields.damaged("length_penalty is for several beams, and only for them")),
    };
    let max_new_tokens = it.max_new_tokens;
    let options = GenerateOptions { max_new_tokens, strategy, ..GenerateOptions::default() };
    case(fields, tensors, entry, options)
}

fn case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
    options: GenerateOptions,
) -> Result<GenerationCase> {
    options.check().map_err(|error| fields.damaged(&error.to_string()))?;
    let inputs: Inputs = fields.parse("inputs", entry.inputs)?;
    let expected = fields.present("expected", entry.expected)?;
    let one = |expected: Value| Ok(vec![fields.parse::<Expected>("expected", expected)?]);
    let (prompts, expected) = match inputs {
        Inputs { text: Some(text), texts: None, messages: None } => {
            (vec![Prompt::Text(text)], one(expected)?)
        }
        Inputs { text: None, texts: None, messages: Some(messages) } => {
            let turns = messages.into_iter().map(|it| (it.role, it.content)).collect();
            (vec![Prompt::Chat(turns)], one(expected)?)
        }
        Inputs { text: None, texts: Some(texts), messages: None } if !texts.is_empty() => {
            let prompts = texts.into_iter().map(Prompt::Text).collect();
            (prompts, fields.parse("expected", expected)?)
        }
        _ => return Err(fields.damaged("inputs: expected one of `text`, `texts`, `messages`")),
    };
    if prompts.len() != expected.len() {
        let counts = format!("{} texts and {} results", prompts.len(), expected.len());
        return Err(fields.damaged(&counts));
    }
    let mut texts = Vec::with_capacity(prompts.len());
    for (prompt, it) in prompts.into_iter().zip(expected) {
        if it.token_ids.is_empty() || it.prompt_ids.is_empty() {
            return Err(fields.damaged("no prompt_ids or no token_ids"));
        }
        if matches!(prompt, Prompt::Chat(_)) && it.prompt_text.is_none() {
            return Err(fields.damaged("a conversation without prompt_text"));
        }
        let Expected { prompt_ids, prompt_text, token_ids, text } = it;
        texts.push(GeneratedText { prompt, prompt_ids, prompt_text, token_ids, text });
    }
    let logits = entry.tensor.map(|name| tensors.take_f32(&name, 2)).transpose()?;
    let fits = |it: &Tensor| texts.len() == 1 && it.shape()[0] == texts[0].token_ids.len();
    if !logits.as_ref().is_none_or(fits) {
        return Err(fields.damaged("as many rows of logits as token_ids are needed"));
    }
    Ok(GenerationCase { case: entry.case, prompts: texts, options, logits })
}

/// A case of text-generation that records probabilities.
pub(super) fn drawn(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<SamplingCase> {
    let Inputs { text: Some(text), texts: None, messages: None } =
        fields.parse("inputs", entry.inputs)?
    else {
        return Err(fields.damaged("inputs: expected `text`"));
    };
    let it: Drawn = fields.parse("parameters", entry.parameters)?;
    let options = GenerateOptions {
        strategy: Strategy::Sample {
            temperature: it.temperature,
            top_k: it.top_k,
            top_p: it.top_p,
            min_p: it.min_p,
            seed: 0,
        },
        repetition_penalty: it.repetition_penalty,
        ..GenerateOptions::default()
    };
    options.check().map_err(|error| fields.damaged(&error.to_string()))?;
    let PromptIds { prompt_ids } =
        fields.parse("expected", fields.present("expected", entry.expected)?)?;
    let probabilities = tensors.take_f32(&fields.present("tensor", entry.tensor)?, 1)?;
    Ok(SamplingCase { case: entry.case, text, prompt_ids, options, probabilities })
}
