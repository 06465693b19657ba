//! Text encoders with a masked-token head: embeddings and fill-mask.

use accel_core::SessionOptions;

use super::{
    Pipeline, at_least_one, bad_output, batch_size, load_graph, output_among, run_one,
    scale_to_unit_length, softmax, token_id, top_k,
};
use crate::engine::{Placement, Session};
use crate::model::Token;
use crate::text::{EncodedBatch, TextTokenizer};
use crate::{Error, ModelSource, Result, SkillSpec, Tensor};

const GRAPH: &str = "model";
/// What exporters call the hidden states of the last layer.
const HIDDEN_STATES: &[&str] = &["last_hidden_state", "token_embeddings", "hidden_states"];
const LOGITS: &[&str] = &["logits"];

/// How the vectors of a text's tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean, padding left out.
    Mean,
    /// The vector of the first token.
    Cls,
    /// The largest of each component, padding left out.
    Max,
}

/// One filling of a mask.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskFill {
    /// The token's id.
    pub token_id: i64,
    /// The token's text.
    pub token: String,
    /// The whole text with the mask filled in; special tokens are left out if it was the only one.
    pub sequence: String,
    /// The token's probability.
    pub score: f32,
}

/// A text encoder such as BERT.
#[derive(Debug)]
pub struct TextEncoder {
    session: Box<dyn Session>,
    tokenizer: TextTokenizer,
    max_batch: usize,
}

impl Pipeline for TextEncoder {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let (dir, session) = load_graph(spec, source, options, GRAPH)?;
        let tokenizer = TextTokenizer::open(&dir)?;
        if let Some(stranger) = session.inputs().iter().find(|it| !is_known_input(&it.name)) {
            return Err(Error::UnsupportedModel {
                path: dir.path().to_owned(),
                reason: format!("its graph wants the input `{}`", stranger.name),
                remedy: "a text encoder takes input_ids, attention_mask and token_type_ids"
                    .to_owned(),
            });
        }
        Ok(Self { session, tokenizer, max_batch: batch_size(options) })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        vec![&*self.session]
    }

    fn placement(&self) -> Placement {
        self.session.placement().clone()
    }
}

impl TextEncoder {
    /// The tokenizer.
    pub const fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// A vector for every text, in their order; `normalize` scales each to length 1. Texts beyond
    /// the model's limit are cut. More texts than `max_batch` take several runs.
    ///
    /// # Errors
    /// [`Error::UnknownOutput`] when the graph does not give hidden states;
    /// [`Error::NonFinite`]; what the engine reports.
    pub fn embed(
        &self,
        texts: &[&str],
        pooling: Pooling,
        normalize: bool,
    ) -> Result<Vec<Vec<f32>>> {
        let output = self.output(HIDDEN_STATES)?;
        let mut embeddings = Vec::with_capacity(texts.len());
        for texts in texts.chunks(self.max_batch) {
            let batch = self.tokenizer.encode_batch(texts)?;
            let mask = batch.attention_mask.clone();
            let ([rows, length, width], hidden) =
                run_one(&*self.session, self.inputs(batch), output)?;
            check_shape(output, [rows, length, width], &mask)?;
            let mask = mask.as_i64()?;
            for row in 0..rows {
                let tokens = &hidden[row * length * width..(row + 1) * length * width];
                let mask = &mask[row * length..(row + 1) * length];
                let mut embedding = pool(tokens, mask, width, pooling);
                if normalize {
                    scale_to_unit_length(&mut embedding);
                }
                embeddings.push(embedding);
            }
        }
        Ok(embeddings)
    }

    /// The `top_k` most likely tokens for every mask of `text`, the likeliest first, equal ones
    /// by id; fewer when the vocabulary is smaller. The outer list has one entry for each mask.
    ///
    /// # Errors
    /// [`Error::NoMask`]; [`Error::UnknownOutput`] when the graph has no masked-token head;
    /// [`Error::InvalidArgument`] for a `top_k` of 0; [`Error::NonFinite`]; what the engine
    /// reports.
    pub fn fill_mask(&self, text: &str, top_k: usize) -> Result<Vec<Vec<MaskFill>>> {
        at_least_one("top_k", top_k)?;
        let output = self.output(LOGITS)?;
        let mask_token =
            self.tokenizer.special_tokens().mask_token.as_ref().map_or("", Token::text);
        let batch = self.tokenizer.encode_batch(&[text])?;
        let ids = batch.input_ids.as_i64()?.to_vec();
        let mask_id = self.tokenizer.token_id(mask_token);
        let masks: Vec<_> = (0..ids.len()).filter(|it| Some(ids[*it]) == mask_id).collect();
        if masks.is_empty() {
            return Err(Error::NoMask {
                text: beginning(text),
                mask_token: mask_token.to_owned(),
                tokens: ids.len(),
            });
        }
        let mask = batch.attention_mask.clone();
        let ([rows, length, width], logits) = run_one(&*self.session, self.inputs(batch), output)?;
        check_shape(output, [rows, length, width], &mask)?;
        masks
            .iter()
            .map(|position| {
                let mut scores = logits[position * width..(position + 1) * width].to_vec();
                softmax(&mut scores);
                self.fills(&ids, *position, &scores, top_k, masks.len() == 1)
            })
            .collect()
    }

    fn fills(
        &self,
        ids: &[i64],
        position: usize,
        scores: &[f32],
        k: usize,
        only_mask: bool,
    ) -> Result<Vec<MaskFill>> {
        let pad = self.tokenizer.special_tokens().pad_token.as_ref();
        let pad = pad.and_then(|it| self.tokenizer.token_id(it.text()));
        let mut filled = ids.to_vec();
        top_k(scores, k)
            .into_iter()
            .map(|index| {
                let token_id = token_id(index);
                filled[position] = token_id;
                // As Hugging Face does: a mask that is filled with padding is left out.
                let shown: Vec<_> = filled.iter().copied().filter(|it| Some(*it) != pad).collect();
                Ok(MaskFill {
                    token_id,
                    token: self.tokenizer.decode(&[token_id], false)?,
                    // Among several masks the others must stay visible.
                    sequence: self.tokenizer.decode(&shown, only_mask)?,
                    score: scores[index],
                })
            })
            .collect()
    }

    /// The batch as the graph's own inputs.
    fn inputs(&self, batch: EncodedBatch) -> Vec<(&str, Tensor)> {
        let EncodedBatch { input_ids, attention_mask, token_type_ids } = batch;
        let mut inputs = vec![("input_ids", input_ids)];
        for (name, tensor) in
            [("attention_mask", attention_mask), ("token_type_ids", token_type_ids)]
        {
            if self.session.inputs().iter().any(|it| it.name == name) {
                inputs.push((name, tensor));
            }
        }
        inputs
    }

    fn output(&self, names: &[&'static str]) -> Result<&'static str> {
        output_among(&*self.session, names).ok_or_else(|| {
            let known: Vec<_> = self.session.outputs().iter().map(|it| it.name.clone()).collect();
            Error::UnknownOutput { output: names.join("` or `"), known }
        })
    }
}

/// As much of a text as an error should show.
fn beginning(text: &str) -> String {
    const SHOWN: usize = 100;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn is_known_input(name: &str) -> bool {
    matches!(name, "input_ids" | "attention_mask" | "token_type_ids")
}

/// Refuses results that are not one vector for each token of each text.
fn check_shape(output: &str, shape: [usize; 3], mask: &Tensor) -> Result<()> {
    let [rows, length, width] = shape;
    if mask.shape() == [rows, length] && width > 0 {
        return Ok(());
    }
    let expected = format!("a vector for each of {:?} tokens", mask.shape());
    Err(bad_output(output, &expected, &format!("{shape:?}")))
}

/// One vector of the token vectors of a text, `width` floats each.
fn pool(tokens: &[f32], mask: &[i64], width: usize, pooling: Pooling) -> Vec<f32> {
    let mut real =
        tokens.chunks_exact(width).zip(mask).filter(|(_, mask)| **mask != 0).map(|(it, _)| it);
    match pooling {
        Pooling::Cls => tokens.get(..width).map_or_else(|| vec![0.0; width], <[f32]>::to_vec),
        Pooling::Max => {
            let Some(first) = real.next() else { return vec![0.0; width] };
            real.fold(first.to_vec(), |mut max, token| {
                for (max, value) in max.iter_mut().zip(token) {
                    *max = max.max(*value);
                }
                max
            })
        }
        Pooling::Mean => {
            let mut sums = vec![0.0_f64; width];
            let mut count = 0.0_f64;
            for token in real {
                count += 1.0;
                for (sum, value) in sums.iter_mut().zip(token) {
                    *sum += f64::from(*value);
                }
            }
            // A text without a single token has the zero vector, as in sentence-transformers.
            let count = count.max(1e-9);
            #[expect(clippy::cast_possible_truncation, reason = "a mean of floats fits one")]
            sums.iter().map(|sum| (sum / count) as f32).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pooling, pool};

    #[test]
    fn padding_does_not_count() {
        let tokens = [1.0, -4.0, 3.0, -2.0, 99.0, 99.0];
        let mask = [1, 1, 0];
        assert_eq!(pool(&tokens, &mask, 2, Pooling::Mean), [2.0, -3.0]);
        assert_eq!(pool(&tokens, &mask, 2, Pooling::Max), [3.0, -2.0]);
        assert_eq!(pool(&tokens, &mask, 2, Pooling::Cls), [1.0, -4.0]);
        assert_eq!(pool(&tokens, &[0, 0, 0], 2, Pooling::Mean), [0.0, 0.0]);
        assert_eq!(pool(&tokens, &[0, 0, 0], 2, Pooling::Max), [0.0, 0.0]);
        for pooling in [Pooling::Mean, Pooling::Max, Pooling::Cls] {
            assert_eq!(pool(&[], &[], 2, pooling), [0.0, 0.0]);
        }
    }
}
