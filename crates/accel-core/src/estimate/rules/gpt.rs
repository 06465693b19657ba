//! Decoders from before LLaMA's shape became common: GPT-2, GPT-Neo, GPT-J, GPT-NeoX, OPT, BLOOM,
//! Falcon.

use super::super::blocks::{attention, embedding, encoder_layer, linear, mlp, norm};
use super::super::facts::{Facts, Size};
use super::{Counted, EstimateError};

/// Heads of a decoder whose body is counted: the matrix to the vocabulary (unless it is that of
/// the embeddings), or a score for each label.
pub(super) fn decoder_head(
    facts: &Facts<'_>,
    head: &str,
    body: Size,
    hidden: Size,
    vocabulary: Size,
) -> Counted {
    let matrix =
        if facts.flag("tie_word_embeddings")? { 0 } else { linear(hidden, vocabulary, false) };
    let labels = facts.labels()?;
    Ok(Some(match head {
        "Model" => body,
        "ForCausalLM" | "LMHeadModel" => body + matrix,
        "ForSequenceClassification" => body + linear(hidden, labels, false),
        "ForTokenClassification" => body + linear(hidden, labels, true),
        "ForQuestionAnswering" => body + linear(hidden, 2, true),
        _ => return Ok(None),
    }))
}

/// The MLP's inner size, four times the outer one if not given.
fn inner(facts: &Facts<'_>, key: &str, hidden: Size) -> Result<Size, EstimateError> {
    Ok(facts.optional(key)?.unwrap_or(4 * hidden))
}

pub(super) fn gpt2(facts: &Facts<'_>, head: &str) -> Counted {
    let (hidden, vocabulary) = (facts.size("n_embd")?, facts.size("vocab_size")?);
    let mut layer = encoder_layer(hidden, inner(facts, "n_inner", hidden)?);
    if facts.flag("add_cross_attention")? {
        layer += attention(hidden, true, true) + norm(hidden);
    }
    let body = embedding(vocabulary + facts.size("n_positions")?, hidden)
        + facts.layers("n_layer")? * layer
        + norm(hidden);
    if head == "DoubleHeadsModel" {
        let matrix = if facts.flag("tie_word_embeddings")? { 0 } else { vocabulary * hidden };
        // `summary_proj_to_labels` with one label.
        return Ok(Some(body + matrix + linear(hidden, 1, true)));
    }
    decoder_head(facts, head, body, hidden, vocabulary)
}

pub(super) fn gpt_neo(facts: &Facts<'_>, head: &str) -> Counted {
    let (hidden, vocabulary) = (facts.size("hidden_size")?, facts.size("vocab_size")?);
    let layer = attention(hidden, false, true)
        + mlp(hidden, inner(facts, "intermediate_size", hidden)?, true)
        + 2 * norm(hidden);
    let body = embedding(vocabulary + facts.size("max_position_embeddings")?, hidden)
        + facts.layers("num_layers")? * layer
        + norm(hidden);
    decoder_head(facts, head, body, hidden, vocabulary)
}

/// Attention and MLP side by side behind one norm; the head has a bias.
pub(super) fn gptj(facts: &Facts<'_>, head: &str) -> Counted {
    let (hidden, vocabulary) = (facts.size("n_embd")?, facts.size("vocab_size")?);
    let layer = attention(hidden, false, false)
        + mlp(hidden, inner(facts, "n_inner", hidden)?, true)
        + norm(hidden);
    let body = embedding(vocabulary, hidden) + facts.layers("n_layer")? * layer + norm(hidden);
    let bias = if head == "ForCausalLM" { vocabulary } else { 0 };
    decoder_head(facts, head, body + bias, hidden, vocabulary)
}

pub(super) fn gpt_neox(facts: &Facts<'_>, head: &str) -> Counted {
    let (hidden, vocabulary) = (facts.size("hidden_size")?, facts.size("vocab_size")?);
    let bias = facts.flag("attention_bias")?;
    let layer = attention(hidden, bias, bias)
        + mlp(hidden, facts.size("intermediate_size")?, true)
        + 2 * norm(hidden);
    let body =
        embedding(vocabulary, hidden) + facts.layers("num_hidden_layers")? * layer + norm(hidden);
    decoder_head(facts, head, body, hidden, vocabulary)
}

/// Embeddings may be narrower than the layers; two more positions than tokens.
pub(super) fn opt(facts: &Facts<'_>, head: &str) -> Counted {
    let (hidden, vocabulary) = (facts.size("hidden_size")?, facts.size("vocab_size")?);
    let narrow = facts.optional("word_embed_proj_dim")?.unwrap_or(hidden);
    let bias = facts.flag("enable_bias")?;
    let scale = if facts.flag("layer_norm_elementwise_affine")? { norm(hidden) } else { 0 };
    let layer =
        attention(hidden, bias, bias) + mlp(hidden, facts.size("ffn_dim")?, bias) + 2 * scale;
    let project = if narrow == hidden { 0 } else { 2 * linear(hidden, narrow, false) };
    let last = facts.flag("do_layer_norm_before")? && !facts.flag("_remove_final_layer_norm")?;
    let body = embedding(vocabulary, narrow)
        + embedding(facts.size("max_position_embeddings")? + 2, hidden)
        + project
        + facts.layers("num_hidden_layers")? * layer
        + if last { scale } else { 0 };
    decoder_head(facts, head, body, narrow, vocabulary)
}

/// No positions; a norm behind the embeddings.
pub(super) fn bloom(facts: &Facts<'_>, head: &str) -> Counted {
    let (hidden, vocabulary) = (facts.size("hidden_size")?, facts.size("vocab_size")?);
    let body = embedding(vocabulary, hidden)
        + norm(hidden)
        + facts.layers("n_layer")? * encoder_layer(hidden, 4 * hidden)
        + norm(hidden);
    decoder_head(facts, head, body, hidden, vocabulary)
}

/// Three generations: one head of keys and values for all queries, one for a group, or one each.
pub(super) fn falcon(facts: &Facts<'_>, head: &str) -> Counted {
    let (hidden, vocabulary) = (facts.size("hidden_size")?, facts.size("vocab_size")?);
    let heads = facts.size("num_attention_heads")?;
    let head_size = facts.divide(hidden, heads, "num_attention_heads")?;
    let bias = facts.flag("bias")?;
    let grouped = facts.flag("new_decoder_architecture")?;
    let qkv = if grouped {
        (2 * facts.optional("num_kv_heads")?.unwrap_or(heads) + heads) * head_size
    } else if facts.flag("multi_query")? {
        hidden + 2 * head_size
    } else {
        3 * hidden
    };
    let norms = if facts.flag("parallel_attn")? {
        match facts.optional("num_ln_in_parallel_attn")? {
            Some(2) => 2,
            None if grouped => 2,
            _ => 1,
        }
    } else {
        2
    };
    let layer = linear(hidden, qkv, bias)
        + linear(hidden, hidden, bias)
        + mlp(hidden, inner(facts, "ffn_hidden_size", hidden)?, bias)
        + norms * norm(hidden);
    let body =
        embedding(vocabulary, hidden) + facts.layers("num_hidden_layers")? * layer + norm(hidden);
    decoder_head(facts, head, body, hidden, vocabulary)
}
