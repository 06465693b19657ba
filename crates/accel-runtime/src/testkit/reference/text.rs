//! Texts: embedded, filled, tokenized.

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
