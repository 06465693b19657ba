//! Decoders with mixtures of experts: Mixtral, Qwen2-MoE, Qwen3-MoE, and DeepSeek-V3 with its
//! compressed attention (MLA).

use super::super::blocks::{embedding, experts, gated_mlp, linear, rms_norm};
use super::super::facts::{Facts, Size};
use super::decoder::grouped;
use super::gpt::decoder_head;
use super::{Counted, EstimateError};

pub(super) fn mixture(facts: &Facts<'_>, head: &str) -> Counted {
    let attention = grouped(facts)?;
    let (hidden, vocabulary) = (attention.hidden, facts.size("vocab_size")?);
    let layers = facts.layers("num_hidden_layers")?;
    let inner = facts.size("intermediate_size")?;
    let dense = gated_mlp(hidden, inner, false);
    let (weights, sparse, sparse_layers) = match facts.model_type {
        "mixtral" => (
            attention.count(false, false),
            experts(hidden, inner, facts.size("num_local_experts")?),
            layers,
        ),
        "qwen2_moe" => {
            let shared = facts.size("shared_expert_intermediate_size")?;
            let routed = facts.size("moe_intermediate_size")?;
            (
                attention.count(facts.flag("qkv_bias")?, false),
                experts(hidden, routed, facts.size("num_experts")?)
                    + gated_mlp(hidden, shared, false)
                    + linear(hidden, 1, false),
                sparse_layers(facts, layers)?,
            )
        }
        _ => {
            let bias = facts.flag("attention_bias")?;
            let routed = facts.size("moe_intermediate_size")?;
            (
                attention.count(bias, bias) + 2 * rms_norm(attention.head_size),
                experts(hidden, routed, facts.size("num_experts")?),
                sparse_layers(facts, layers)?,
            )
        }
    };
    let body = embedding(vocabulary, hidden)
        + layers * (weights + 2 * rms_norm(hidden))
        + sparse_layers * sparse
        + (layers - sparse_layers) * dense
        + rms_norm(hidden);
    decoder_head(facts, head, body, hidden, vocabulary)
}

/// How many layers have experts: every `decoder_sparse_step`th, but for `mlp_only_layers`.
fn sparse_layers(facts: &Facts<'_>, layers: Size) -> Result<Size, EstimateError> {
    let experts = facts.size("num_experts")?;
    let step = facts.optional("decoder_sparse_step")?.unwrap_or(1);
    let dense =
        if facts.has("mlp_only_layers") { facts.sizes("mlp_only_layers")? } else { Vec::new() };
    facts.divide(layers, step, "decoder_sparse_step")?;
    let sparse =
        |layer: &Size| experts > 0 && (layer + 1).is_multiple_of(step) && !dense.contains(layer);
    Ok((0..layers).filter(sparse).count() as Size)
}

/// Queries, and keys with values, go through narrow layers; a part of each head has positions.
pub(super) fn deepseek(facts: &Facts<'_>, head: &str) -> Counted {
    let (hidden, vocabulary) = (facts.size("hidden_size")?, facts.size("vocab_size")?);
    let heads = facts.size("num_attention_heads")?;
    let bias = facts.flag("attention_bias")?;
    let rotary = facts.size("qk_rope_head_dim")?;
    let plain = facts.size("qk_nope_head_dim")?;
    let value = facts.size("v_head_dim")?;
    let narrow = facts.size("kv_lora_rank")?;
    let queries = heads * (rotary + plain);
    let query = match facts.optional("q_lora_rank")? {
        None => linear(hidden, queries, false),
        Some(rank) => linear(hidden, rank, bias) + rms_norm(rank) + linear(rank, queries, false),
    };
    let attention = query
        + linear(hidden, narrow + rotary, bias)
        + rms_norm(narrow)
        + linear(narrow, heads * (plain + value), false)
        + linear(heads * value, hidden, bias);
    let layers = facts.layers("num_hidden_layers")?;
    let dense_layers = facts.size("first_k_dense_replace")?.min(layers);
    let routed = facts.size("moe_intermediate_size")?;
    let shared = facts.optional("n_shared_experts")?.unwrap_or(0);
    let sparse = experts(hidden, routed, facts.size("n_routed_experts")?)
        + gated_mlp(hidden, routed * shared, false);
    let body = embedding(vocabulary, hidden)
        + layers * (attention + 2 * rms_norm(hidden))
        + dense_layers * gated_mlp(hidden, facts.size("intermediate_size")?, false)
        + (layers - dense_layers) * sparse
        + rms_norm(hidden);
    decoder_head(facts, head, body, hidden, vocabulary)
}
