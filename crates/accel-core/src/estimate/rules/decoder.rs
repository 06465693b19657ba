//! Decoders of LLaMA's shape: grouped attention, an MLP that is mostly gated, rotary positions.

use super::super::blocks::{Grouped, embedding, gated_mlp, linear, mlp, norm, rms_norm};
use super::super::facts::{Facts, Size};
use super::gpt::decoder_head;
use super::{Counted, EstimateError};

/// Attention of a decoder: heads and their size, derived where the config leaves them out.
pub(super) fn grouped(facts: &Facts<'_>) -> Result<Grouped, EstimateError> {
    let hidden = facts.size("hidden_size")?;
    let heads = facts.size("num_attention_heads")?;
    let kv_heads = facts.optional("num_key_value_heads")?.unwrap_or(heads);
    let head_size = match facts.optional("head_dim")? {
        Some(it) => it,
        None => facts.divide(hidden, heads, "num_attention_heads")?,
    };
    Ok(Grouped { hidden, heads, kv_heads, head_size })
}

/// Where a layer has norms, how they are made, and what has a bias.
struct Shape {
    qkv_bias: bool,
    output_bias: bool,
    /// Parameters of the MLP.
    mlp: Size,
    /// Parameters of norms of queries and keys.
    query_norms: Size,
    /// Norms of a layer.
    norms: Size,
    /// Parameters of a norm.
    norm: Size,
    /// The head to the vocabulary has a bias.
    head_bias: bool,
}

pub(super) fn decoder(facts: &Facts<'_>, head: &str) -> Counted {
    let attention = grouped(facts)?;
    let shape = shape(facts, attention)?;
    let (hidden, vocabulary) = (attention.hidden, facts.size("vocab_size")?);
    let layer = attention.count(shape.qkv_bias, shape.output_bias)
        + shape.query_norms
        + shape.mlp
        + shape.norms * shape.norm;
    let body =
        embedding(vocabulary, hidden) + facts.layers("num_hidden_layers")? * layer + shape.norm;
    let bias = if shape.head_bias && head == "ForCausalLM" { vocabulary } else { 0 };
    decoder_head(facts, head, body + bias, hidden, vocabulary)
}

fn shape(facts: &Facts<'_>, attention: Grouped) -> Result<Shape, EstimateError> {
    let Grouped { hidden, heads, kv_heads, head_size } = attention;
    let inner = facts.size("intermediate_size")?;
    let bias = facts.flag("attention_bias")?;
    let llama = Shape {
        qkv_bias: bias,
        output_bias: bias,
        mlp: gated_mlp(hidden, inner, false),
        query_norms: 0,
        norms: 2,
        norm: rms_norm(hidden),
        head_bias: false,
    };
    Ok(match facts.model_type {
        "llama" | "granite" | "smollm3" => {
            Shape { mlp: gated_mlp(hidden, inner, facts.flag("mlp_bias")?), ..llama }
        }
        "mistral" | "phi3" => Shape { qkv_bias: false, output_bias: false, ..llama },
        "qwen2" | "qwen2_vl_text" => Shape { qkv_bias: true, output_bias: false, ..llama },
        "qwen3" => Shape { query_norms: 2 * head_size, ..llama },
        "gemma2" => Shape { norms: 4, ..llama },
        "gemma3_text" => Shape { norms: 4, query_norms: 2 * head_size, ..llama },
        // A norm without parameters.
        "olmo" => Shape { norm: 0, ..llama },
        "olmo2" => Shape { query_norms: (heads + kv_heads) * head_size, ..llama },
        // Attention and MLP side by side behind one norm.
        "cohere" => Shape {
            norms: 1,
            query_norms: if facts.flag("use_qk_norm")? {
                (heads + kv_heads) * head_size
            } else {
                0
            },
            ..llama
        },
        "phi" => Shape {
            qkv_bias: true,
            output_bias: true,
            mlp: mlp(hidden, inner, true),
            query_norms: if facts.flag("qk_layernorm")? { 2 * norm(head_size) } else { 0 },
            norms: 1,
            norm: norm(hidden),
            head_bias: true,
        },
        "stablelm" => Shape {
            qkv_bias: facts.flag("use_qkv_bias")?,
            output_bias: false,
            query_norms: if facts.flag("qk_layernorm")? {
                (heads + kv_heads) * head_size
            } else {
                0
            },
            norms: if facts.flag("use_parallel_residual")? { 1 } else { 2 },
            norm: norm(hidden),
            ..llama
        },
        "starcoder2" => {
            let bias = facts.flag("use_bias")?;
            Shape {
                qkv_bias: bias,
                output_bias: bias,
                mlp: linear(hidden, inner, bias) + linear(inner, hidden, bias),
                norm: norm(hidden),
                ..llama
            }
        }
        _ => llama,
    })
}
