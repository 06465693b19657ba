//! BERT, RoBERTa and its kin, DistilBERT.

use super::super::blocks::{embedding, encoder_layer, linear, norm};
use super::super::facts::{Facts, Size};
use super::Counted;

/// Sizes that all encoders of text share.
pub(super) struct Text {
    pub(super) vocabulary: Size,
    pub(super) hidden: Size,
    pub(super) inner: Size,
    pub(super) layers: Size,
}

impl Text {
    pub(super) fn read(facts: &Facts<'_>) -> Result<Self, super::EstimateError> {
        Ok(Self {
            vocabulary: facts.size("vocab_size")?,
            hidden: facts.size("hidden_size")?,
            inner: facts.size("intermediate_size")?,
            layers: facts.layers("num_hidden_layers")?,
        })
    }

    /// Dense layer, norm and the vocabulary's bias. Unless it is tied to the embeddings, the
    /// layer to the vocabulary comes on top, with a second bias.
    pub(super) const fn masked_head(&self, tied: bool) -> Size {
        let matrix = if tied { 0 } else { linear(self.hidden, self.vocabulary, true) };
        linear(self.hidden, self.hidden, true) + norm(self.hidden) + self.vocabulary + matrix
    }
}

/// Embeddings of words, positions and kinds of segments, with a norm.
fn embeddings(facts: &Facts<'_>, text: &Text) -> Result<Size, super::EstimateError> {
    let positions = facts.size("max_position_embeddings")?;
    let segments = facts.size("type_vocab_size")?;
    Ok(embedding(text.vocabulary + positions + segments, text.hidden) + norm(text.hidden))
}

pub(super) fn bert(facts: &Facts<'_>, head: &str) -> Counted {
    let text = Text::read(facts)?;
    let hidden = text.hidden;
    let body = embeddings(facts, &text)? + text.layers * encoder_layer(hidden, text.inner);
    let pooler = linear(hidden, hidden, true);
    let labels = linear(hidden, facts.labels()?, true);
    let masked = text.masked_head(facts.flag("tie_word_embeddings")?);
    Ok(Some(match head {
        "Model" => body + pooler,
        "ForMaskedLM" | "LMHeadModel" => body + masked,
        "ForPreTraining" => body + pooler + masked + linear(hidden, 2, true),
        "ForNextSentencePrediction" => body + pooler + linear(hidden, 2, true),
        "ForSequenceClassification" => body + pooler + labels,
        "ForMultipleChoice" => body + pooler + linear(hidden, 1, true),
        "ForTokenClassification" | "ForQuestionAnswering" => body + labels,
        _ => return Ok(None),
    }))
}

pub(super) fn roberta(facts: &Facts<'_>, head: &str) -> Counted {
    let text = Text::read(facts)?;
    let hidden = text.hidden;
    let body = embeddings(facts, &text)? + text.layers * encoder_layer(hidden, text.inner);
    let pooler = linear(hidden, hidden, true);
    let labels = linear(hidden, facts.labels()?, true);
    Ok(Some(match head {
        "Model" => body + pooler,
        "ForMaskedLM" | "ForCausalLM" => {
            body + text.masked_head(facts.flag("tie_word_embeddings")?)
        }
        "ForSequenceClassification" => body + linear(hidden, hidden, true) + labels,
        "ForMultipleChoice" => body + pooler + linear(hidden, 1, true),
        "ForTokenClassification" | "ForQuestionAnswering" => body + labels,
        _ => return Ok(None),
    }))
}

pub(super) fn distilbert(facts: &Facts<'_>, head: &str) -> Counted {
    let text = Text {
        vocabulary: facts.size("vocab_size")?,
        hidden: facts.size("dim")?,
        inner: facts.size("hidden_dim")?,
        layers: facts.layers("n_layers")?,
    };
    let hidden = text.hidden;
    let positions = facts.size("max_position_embeddings")?;
    let body = embedding(text.vocabulary + positions, hidden)
        + norm(hidden)
        + text.layers * encoder_layer(hidden, text.inner);
    let dense = linear(hidden, hidden, true);
    let labels = linear(hidden, facts.labels()?, true);
    Ok(Some(match head {
        "Model" => body,
        // One bias, tied or not.
        "ForMaskedLM" => {
            let tied = facts.flag("tie_word_embeddings")?;
            body + text.masked_head(true) + if tied { 0 } else { text.vocabulary * hidden }
        }
        "ForSequenceClassification" => body + dense + labels,
        "ForMultipleChoice" => body + dense + linear(hidden, 1, true),
        "ForTokenClassification" | "ForQuestionAnswering" => body + labels,
        _ => return Ok(None),
    }))
}
