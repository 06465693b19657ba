//! Encoders of text with twists of their own: ALBERT, ELECTRA, DeBERTa, MPNet, ModernBERT.

use super::super::blocks::{
    attention, conv, embedding, encoder_layer, gated_mlp, linear, mlp, norm,
};
use super::super::facts::{Facts, Size};
use super::Counted;
use super::bert::Text;

/// All layers share the weights of a few groups; embeddings are narrower than the layers.
pub(super) fn albert(facts: &Facts<'_>, head: &str) -> Counted {
    let text = Text::read(facts)?;
    let (hidden, narrow) = (text.hidden, facts.size("embedding_size")?);
    let positions = facts.size("max_position_embeddings")?;
    let segments = facts.size("type_vocab_size")?;
    let distinct = facts.layers("num_hidden_groups")? * facts.layers("inner_group_num")?;
    let body = embedding(text.vocabulary + positions + segments, narrow)
        + norm(narrow)
        + linear(narrow, hidden, true)
        + distinct * encoder_layer(hidden, text.inner);
    let pooler = linear(hidden, hidden, true);
    let labels = linear(hidden, facts.labels()?, true);
    let matrix =
        if facts.flag("tie_word_embeddings")? { 0 } else { linear(narrow, text.vocabulary, true) };
    let masked = linear(hidden, narrow, true) + norm(narrow) + text.vocabulary + matrix;
    Ok(Some(match head {
        "Model" => body + pooler,
        "ForMaskedLM" => body + masked,
        "ForPreTraining" => body + pooler + masked + labels,
        "ForSequenceClassification" => body + pooler + labels,
        "ForMultipleChoice" => body + pooler + linear(hidden, 1, true),
        "ForTokenClassification" | "ForQuestionAnswering" => body + labels,
        _ => return Ok(None),
    }))
}

pub(super) fn electra(facts: &Facts<'_>, head: &str) -> Counted {
    let text = Text::read(facts)?;
    let (hidden, narrow) = (text.hidden, facts.size("embedding_size")?);
    let positions = facts.size("max_position_embeddings")?;
    let segments = facts.size("type_vocab_size")?;
    let project = if narrow == hidden { 0 } else { linear(narrow, hidden, true) };
    let body = embedding(text.vocabulary + positions + segments, narrow)
        + norm(narrow)
        + project
        + text.layers * encoder_layer(hidden, text.inner);
    let dense = linear(hidden, hidden, true);
    let labels = linear(hidden, facts.labels()?, true);
    let matrix = if facts.flag("tie_word_embeddings")? { 0 } else { text.vocabulary * narrow };
    Ok(Some(match head {
        "Model" => body,
        "ForMaskedLM" => {
            body + linear(hidden, narrow, true) + norm(narrow) + text.vocabulary + matrix
        }
        "ForPreTraining" | "ForMultipleChoice" => body + dense + linear(hidden, 1, true),
        "ForSequenceClassification" => body + dense + labels,
        "ForTokenClassification" | "ForQuestionAnswering" => body + labels,
        _ => return Ok(None),
    }))
}

/// Embeddings of both DeBERTas: positions and segments only where asked for.
fn deberta_embeddings(facts: &Facts<'_>, text: &Text) -> Result<Size, super::EstimateError> {
    let narrow = facts.optional("embedding_size")?.unwrap_or(text.hidden);
    // Absent means true.
    let positions = if !facts.has("position_biased_input") || facts.flag("position_biased_input")? {
        facts.size("max_position_embeddings")?
    } else {
        0
    };
    let project = if narrow == text.hidden { 0 } else { linear(narrow, text.hidden, false) };
    Ok(embedding(text.vocabulary + positions + facts.size("type_vocab_size")?, narrow)
        + norm(text.hidden)
        + project)
}

/// Half the length of the table of relative positions.
fn relative_positions(facts: &Facts<'_>, buckets: bool) -> Result<Size, super::EstimateError> {
    // Both keys may be -1, which is "not set".
    let set = |key: &str| facts.optional(key).ok().flatten().filter(|it| *it > 0);
    if let Some(it) = set("position_buckets").filter(|_| buckets) {
        return Ok(it);
    }
    match set("max_relative_positions") {
        Some(it) => Ok(it),
        None => facts.size("max_position_embeddings"),
    }
}

fn deberta_head(facts: &Facts<'_>, head: &str, text: &Text, body: Size) -> Counted {
    let hidden = text.hidden;
    let pooler = linear(hidden, hidden, true);
    let labels = linear(hidden, facts.labels()?, true);
    let narrow = facts.optional("embedding_size")?.unwrap_or(hidden);
    let matrix =
        if facts.flag("tie_word_embeddings")? { 0 } else { linear(narrow, text.vocabulary, true) };
    let masked = linear(hidden, narrow, true) + norm(narrow) + text.vocabulary + matrix;
    Ok(Some(match head {
        "Model" => body,
        "ForMaskedLM" => body + masked,
        "ForSequenceClassification" => body + pooler + labels,
        "ForMultipleChoice" => body + pooler + linear(hidden, 1, true),
        "ForTokenClassification" | "ForQuestionAnswering" => body + labels,
        _ => return Ok(None),
    }))
}

/// Queries and values have a bias, keys have none; relative positions have matrices of their own.
pub(super) fn deberta(facts: &Facts<'_>, head: &str) -> Counted {
    let text = Text::read(facts)?;
    let hidden = text.hidden;
    let relative = facts.flag("relative_attention")?;
    let mut layer = 3 * linear(hidden, hidden, false)
        + 2 * hidden
        + linear(hidden, hidden, true)
        + mlp(hidden, text.inner, true)
        + 2 * norm(hidden);
    let mut table = 0;
    if relative {
        let kinds = facts.texts("pos_att_type")?;
        let has = |kind: &str| kinds.iter().any(|it| it == kind);
        layer += if has("c2p") { linear(hidden, hidden, false) } else { 0 };
        layer += if has("p2c") { linear(hidden, hidden, true) } else { 0 };
        table = embedding(2 * relative_positions(facts, false)?, hidden);
    }
    let body = deberta_embeddings(facts, &text)? + table + text.layers * layer;
    deberta_head(facts, head, &text, body)
}

/// Relative positions fall into buckets and may share the matrices of attention; a convolution
/// may stand beside the first layer.
pub(super) fn deberta_v2(facts: &Facts<'_>, head: &str) -> Counted {
    let text = Text::read(facts)?;
    let hidden = text.hidden;
    let mut layer = encoder_layer(hidden, text.inner);
    let mut body = deberta_embeddings(facts, &text)?;
    if facts.flag("relative_attention")? {
        if !facts.flag("share_att_key")? {
            let kinds = facts.texts("pos_att_type")?;
            let ways = kinds.iter().filter(|it| *it == "c2p" || *it == "p2c").count();
            layer += ways as Size * linear(hidden, hidden, true);
        }
        body += embedding(2 * relative_positions(facts, true)?, hidden);
    }
    if facts.text("norm_rel_ebd")?.split('|').any(|it| it.trim() == "layer_norm") {
        body += norm(hidden);
    }
    let kernel = facts.optional("conv_kernel_size")?.unwrap_or(0);
    if kernel > 0 {
        let groups = facts.optional("conv_groups")?.unwrap_or(1);
        let inputs = facts.divide(hidden, groups, "conv_groups")?;
        body += conv(inputs, hidden, kernel, true) + norm(hidden);
    }
    deberta_head(facts, head, &text, body + text.layers * layer)
}

/// One table of relative positions for all layers.
pub(super) fn mpnet(facts: &Facts<'_>, head: &str) -> Counted {
    let text = Text::read(facts)?;
    let hidden = text.hidden;
    let buckets = facts.size("relative_attention_num_buckets")?;
    let heads = facts.size("num_attention_heads")?;
    let body = embedding(text.vocabulary + facts.size("max_position_embeddings")?, hidden)
        + norm(hidden)
        + embedding(buckets, heads)
        + text.layers * encoder_layer(hidden, text.inner);
    let dense = linear(hidden, hidden, true);
    let labels = linear(hidden, facts.labels()?, true);
    Ok(Some(match head {
        "Model" => body + dense,
        "ForMaskedLM" => body + text.masked_head(facts.flag("tie_word_embeddings")?),
        "ForSequenceClassification" => body + dense + labels,
        "ForMultipleChoice" => body + dense + linear(hidden, 1, true),
        "ForTokenClassification" | "ForQuestionAnswering" => body + labels,
        _ => return Ok(None),
    }))
}

/// Rotary positions, a gated MLP, and no norm before the first attention.
pub(super) fn modernbert(facts: &Facts<'_>, head: &str) -> Counted {
    let text = Text::read(facts)?;
    let hidden = text.hidden;
    let scale = if facts.flag("norm_bias")? { norm(hidden) } else { hidden };
    let bias = facts.flag("attention_bias")?;
    let layer = attention(hidden, bias, bias)
        + gated_mlp(hidden, text.inner, false)
        + if facts.flag("mlp_bias")? { 2 * text.inner + hidden } else { 0 }
        + 2 * scale;
    // The first layer's norm of attention is the embeddings'.
    let first = if text.layers > 0 { scale } else { 0 };
    let body = embedding(text.vocabulary, hidden) + scale + text.layers * layer - first + scale;
    let dense = linear(hidden, hidden, facts.flag("classifier_bias")?) + scale;
    let labels = linear(hidden, facts.labels()?, true);
    let tied = facts.flag("tie_word_embeddings")?;
    let matrix = if tied { 0 } else { text.vocabulary * hidden };
    let bias = if facts.flag("decoder_bias")? { text.vocabulary } else { 0 };
    Ok(Some(match head {
        "Model" => body,
        "ForMaskedLM" => body + dense + matrix + bias,
        "ForSequenceClassification" | "ForTokenClassification" | "ForQuestionAnswering" => {
            body + dense + labels
        }
        "ForMultipleChoice" => body + dense + linear(hidden, 1, true),
        _ => return Ok(None),
    }))
}
