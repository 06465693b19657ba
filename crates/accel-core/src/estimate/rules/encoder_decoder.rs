//! Encoder-decoders of text: T5 and its kin, BART and its kin.

use super::super::blocks::{
    cross_decoder_layer, embedding, encoder_layer, gated_mlp, linear, mlp, norm, rms_norm,
};
use super::super::facts::{Facts, Size};
use super::Counted;

/// Relative positions in the first layer (T5, mT5) or in every layer (UMT5), no biases, norms
/// without shift.
pub(super) fn t5(facts: &Facts<'_>, head: &str) -> Counted {
    let hidden = facts.size("d_model")?;
    let vocabulary = facts.size("vocab_size")?;
    let heads = facts.size("num_heads")?;
    let width = heads * facts.size("d_kv")?;
    let inner = facts.size("d_ff")?;
    let layers = facts.layers("num_layers")?;
    let decoder_layers =
        if facts.has("num_decoder_layers") { facts.layers("num_decoder_layers")? } else { layers };
    let table = embedding(facts.size("relative_attention_num_buckets")?, heads);
    let everywhere = facts.model_type == "umt5";
    let tables = |layers: Size| table * if everywhere { layers } else { layers.min(1) };
    let attention = 4 * linear(hidden, width, false) + rms_norm(hidden);
    let feed = if facts.text("feed_forward_proj")?.starts_with("gated") {
        gated_mlp(hidden, inner, false)
    } else {
        mlp(hidden, inner, false)
    } + rms_norm(hidden);
    let words = embedding(vocabulary, hidden);
    let encoder = layers * (attention + feed) + tables(layers) + rms_norm(hidden);
    let decoder =
        decoder_layers * (2 * attention + feed) + tables(decoder_layers) + rms_norm(hidden);
    let labels = linear(hidden, facts.labels()?, true);
    // Tied unless the config says otherwise: transformers ties, and takes a head of its own from a
    // checkpoint that has one.
    let tied = !facts.has("tie_word_embeddings") || facts.flag("tie_word_embeddings")?;
    Ok(Some(match head {
        "Model" => words + encoder + decoder,
        "EncoderModel" => words + encoder,
        "ForConditionalGeneration" | "WithLMHeadModel" => {
            words + encoder + decoder + if tied { 0 } else { linear(hidden, vocabulary, false) }
        }
        "ForSequenceClassification" => {
            words + encoder + decoder + linear(hidden, hidden, true) + labels
        }
        "ForTokenClassification" => words + encoder + labels,
        "ForQuestionAnswering" => words + encoder + decoder + labels,
        _ => return Ok(None),
    }))
}

/// How the relatives of BART differ.
struct Kind {
    /// Positions beyond `max_position_embeddings`; none where they are computed, as sines, and
    /// are no weights.
    extra_positions: Option<Size>,
    /// A norm behind the embeddings.
    embedding_norm: bool,
    /// A norm behind the last layer.
    last_norm: bool,
}

impl Kind {
    fn of(model_type: &str) -> Self {
        let (extra_positions, embedding_norm, last_norm) = match model_type {
            "mbart" => (Some(2), true, true),
            "marian" => (Some(0), false, false),
            "blenderbot" | "pegasus" => (Some(0), false, true),
            "m2m_100" => (None, false, true),
            "blenderbot-small" => (Some(0), true, false),
            _ => (Some(2), true, false),
        };
        Self { extra_positions, embedding_norm, last_norm }
    }
}

pub(super) fn bart(facts: &Facts<'_>, head: &str) -> Counted {
    let kind = Kind::of(facts.model_type);
    let hidden = facts.size("d_model")?;
    let vocabulary = facts.size("vocab_size")?;
    let positions = match kind.extra_positions {
        Some(extra) => embedding(facts.size("max_position_embeddings")? + extra, hidden),
        None => 0,
    };
    let around =
        positions + (Size::from(kind.embedding_norm) + Size::from(kind.last_norm)) * norm(hidden);
    let encoder = facts.layers("encoder_layers")?
        * encoder_layer(hidden, facts.size("encoder_ffn_dim")?)
        + around;
    let decoder = facts.layers("decoder_layers")?
        * cross_decoder_layer(hidden, facts.size("decoder_ffn_dim")?)
        + around;
    let tied = facts.flag("tie_word_embeddings")?;
    let words = embedding(vocabulary, hidden);
    // Only Marian may give each side a vocabulary of its own.
    let marian = facts.model_type == "marian";
    let written = facts.optional("decoder_vocab_size")?.filter(|_| marian).unwrap_or(vocabulary);
    let shared = !marian || facts.flag("share_encoder_decoder_embeddings")?;
    let outputs = if shared { vocabulary } else { written };
    let matrix = if tied { 0 } else { linear(hidden, outputs, false) };
    // Untied, encoder and decoder have tables of their own beside the shared one.
    let tables = match (shared, tied) {
        (true, true) => words,
        (true, false) => 2 * words + embedding(written, hidden),
        (false, _) => words + embedding(written, hidden),
    };
    let body = tables + encoder + decoder;
    // BART tells three classes apart where nothing is said (entailment).
    let labels =
        linear(hidden, facts.labels_or(if facts.model_type == "bart" { 3 } else { 2 })?, true);
    Ok(Some(match head {
        "Model" => body,
        "ForConditionalGeneration" | "MTModel" => body + matrix,
        "ForSequenceClassification" => body + linear(hidden, hidden, true) + labels,
        "ForQuestionAnswering" => body + linear(hidden, 2, true),
        "ForCausalLM" => words + decoder + matrix,
        _ => return Ok(None),
    }))
}
