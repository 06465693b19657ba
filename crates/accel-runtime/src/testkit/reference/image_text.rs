//! Images with prompts, and the texts that continue them.

use serde::Deserialize;

use super::Prompt;
use super::read::{Fields, TaskEntry};
use super::tensors::Tensors;
use crate::{Result, Tensor};

/// An image with a prompt, and the text that greedy decoding continues it with.
#[derive(Clone, Debug)]
pub struct ImageTextCase {
    /// The case's name.
    pub case: String,
    /// The image file, relative to [`Reference::dir`](super::Reference::dir).
    pub image: String,
    /// What is to be continued, with a place for the image.
    pub prompt: Prompt,
    /// The most tokens to generate.
    pub max_new_tokens: usize,
    /// The prompt's tokens, those of the image included.
    pub prompt_ids: Vec<i64>,
    /// The chat template's result, when the prompt is a conversation.
    pub prompt_text: Option<String>,
    /// The generated tokens, the ending one included.
    pub token_ids: Vec<i64>,
    /// Their text without special tokens.
    pub text: String,
    /// What preprocessing makes of the image.
    pub pixel_values: Tensor,
    /// How far preprocessed pixels may be off: decoders of lossy formats differ.
    pub pixel_tolerance: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    image: String,
    prompt: Option<String>,
    messages: Option<Vec<Message>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    max_new_tokens: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    prompt_ids: Vec<i64>,
    prompt_text: Option<String>,
    token_ids: Vec<i64>,
    text: String,
}

pub(super) fn image_text_case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<ImageTextCase> {
    let inputs: Inputs = fields.parse("inputs", entry.inputs)?;
    let prompt = match (inputs.prompt, inputs.messages) {
        (Some(text), None) => Prompt::Text(text),
        (None, Some(messages)) => {
            Prompt::Chat(messages.into_iter().map(|it| (it.role, it.content)).collect())
        }
        _ => return Err(fields.damaged("one of prompt and messages is needed")),
    };
    let Parameters { max_new_tokens } = fields.parse("parameters", entry.parameters)?;
    let expected: Expected =
        fields.parse("expected", fields.present("expected", entry.expected)?)?;
    if expected.token_ids.is_empty() || expected.prompt_ids.is_empty() {
        return Err(fields.damaged("no prompt_ids or no token_ids"));
    }
    if matches!(prompt, Prompt::Chat(_)) && expected.prompt_text.is_none() {
        return Err(fields.damaged("a conversation without prompt_text"));
    }
    let [pixel_tolerance] = fields.bounds(entry.tolerance, ["pixel_values"])?;
    Ok(ImageTextCase {
        case: entry.case,
        image: inputs.image,
        prompt,
        max_new_tokens,
        prompt_ids: expected.prompt_ids,
        prompt_text: expected.prompt_text,
        token_ids: expected.token_ids,
        text: expected.text,
        pixel_values: tensors.take_f32(&fields.present("tensor", entry.tensor)?, 4)?,
        pixel_tolerance,
    })
}
