//! Stacks over tokens of text, and what decoders keep of them.

use super::{Cache, Facts, Network, Result, Size, Stack, first, heads, vocabulary, width};

pub(super) fn encoder(facts: &Facts<'_>) -> Result<Stack> {
    let hidden = width(facts)?;
    let inner = match facts.optional("intermediate_size")? {
        Some(it) => it,
        None => facts.optional("hidden_dim")?.unwrap_or(4 * hidden),
    };
    // ModernBERT's MLP is gated: both halves at once.
    let halves = if facts.model_type == "modernbert" { 2 } else { 1 };
    Ok(Stack {
        hidden,
        inner: halves * inner,
        projected: 3 * hidden,
        heads: heads(facts)?,
        most_tokens: facts.optional("max_position_embeddings")?,
        ..Stack::default()
    })
}

/// A decoder of tokens.
pub(super) fn language(facts: &Facts<'_>, class: &str, network: &mut Network) -> Result<()> {
    let hidden = width(facts)?;
    let heads = heads(facts)?;
    let layers = ["num_hidden_layers", "n_layer", "num_layers"];
    let layers = first(facts, &layers)?;
    let head_size = match facts.optional("head_dim")? {
        Some(it) => it,
        None => facts.divide(hidden, heads, "num_attention_heads")?,
    };
    let kv_heads = match facts.model_type {
        "falcon" if facts.flag("new_decoder_architecture")? => {
            facts.optional("num_kv_heads")?.unwrap_or(heads)
        }
        "falcon" if facts.flag("multi_query")? => 1,
        _ => facts.optional("num_key_value_heads")?.unwrap_or(heads),
    };
    let inner = ["intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size"];
    let mut inner_size = 4 * hidden;
    for key in inner {
        if let Some(it) = facts.optional(key)? {
            inner_size = it;
            break;
        }
    }
    // With experts, those that a token is given to.
    if let Some(chosen) = facts.optional("num_experts_per_tok")? {
        let routed = facts.optional("moe_intermediate_size")?.unwrap_or(inner_size);
        inner_size = inner_size.max(routed * chosen);
    }
    let (projected, kept) = if facts.model_type == "deepseek_v3" {
        let rotary = facts.size("qk_rope_head_dim")?;
        let key = facts.size("qk_nope_head_dim")? + rotary;
        network.assumptions.push(
            "the cache is counted compressed (kv_lora_rank + qk_rope_head_dim numbers a token and \
             layer); a runtime that keeps the expanded keys and values needs far more"
                .to_owned(),
        );
        (heads * (2 * key + facts.size("v_head_dim")?), facts.size("kv_lora_rank")? + rotary)
    } else {
        ((heads + 2 * kv_heads) * head_size, 2 * kv_heads * head_size)
    };
    let sliding = sliding(facts, layers)?;
    let window = facts.optional("sliding_window")?.unwrap_or(0);
    if sliding > 0 {
        network.assumptions.push(format!(
            "{sliding} of {layers} layers keep {window} tokens at most; an export whose cache is \
             not cut to the window keeps them all"
        ));
    }
    let generates = class.contains("LM") || class.contains("ForConditionalGeneration");
    let vocabulary = vocabulary(facts)?;
    network.kept += vocabulary * facts.optional("word_embed_proj_dim")?.unwrap_or(hidden);
    if generates && facts.flag("tie_word_embeddings")? {
        network.tied_head = vocabulary * hidden;
    }
    network.stacks.push(Stack {
        hidden,
        // Gate and up side by side.
        inner: 2 * inner_size,
        projected,
        heads,
        logits: if generates { vocabulary } else { 0 },
        cache: keeps(class, generates).then_some(Cache {
            full: (kept, layers - sliding),
            sliding: (kept, sliding, window),
            encoded: 0,
        }),
        ..Stack::default()
    });
    Ok(())
}

/// Whether past tokens are kept: by what generates, and by a decoder without a head, whose use is not
/// known.
fn keeps(class: &str, generates: bool) -> bool {
    generates || class.is_empty() || class.ends_with("Model")
}

/// How many layers see only a window: as `layer_types` says, or as the class derives it
/// (transformers 5.23, `configuration_*.py`).
fn sliding(facts: &Facts<'_>, layers: Size) -> Result<Size> {
    if facts.has("layer_types") {
        let types = facts.texts("layer_types")?;
        return Ok(
            (types.iter().filter(|it| *it == "sliding_attention").count() as Size).min(layers)
        );
    }
    if facts.optional("sliding_window")?.is_none() {
        return Ok(0);
    }
    Ok(match facts.model_type {
        // Every other layer, the first one included.
        "gemma2" => layers.div_ceil(2),
        // All but every sixth.
        "gemma3_text" => {
            let step = facts.optional("sliding_window_pattern")?.unwrap_or(6);
            layers - facts.divide(layers, step, "sliding_window_pattern")?
        }
        "mistral" | "mixtral" | "phi3" | "starcoder2" => layers,
        // Layers from `max_window_layers` on, where it is asked for at all.
        _ if facts.flag("use_sliding_window")? => {
            layers.saturating_sub(facts.optional("max_window_layers")?.unwrap_or(0))
        }
        _ => 0,
    })
}

pub(super) fn encoder_decoder(facts: &Facts<'_>, class: &str, network: &mut Network) -> Result<()> {
    let hidden = facts.size("d_model")?;
    let t5 = matches!(facts.model_type, "t5" | "mt5" | "umt5");
    let (heads, projected, inner, layers) = if t5 {
        let heads = facts.size("num_heads")?;
        let gated = facts.text("feed_forward_proj")?.starts_with("gated");
        let inner = facts.size("d_ff")? * if gated { 2 } else { 1 };
        let layers = match facts.optional("num_decoder_layers")? {
            Some(it) => it,
            None => facts.size("num_layers")?,
        };
        (heads, heads * facts.size("d_kv")?, inner, layers)
    } else {
        let inner = facts.size("decoder_ffn_dim")?.max(facts.size("encoder_ffn_dim")?);
        (facts.size("decoder_attention_heads")?, hidden, inner, facts.size("decoder_layers")?)
    };
    let whisper = facts.model_type == "whisper";
    let positions = facts.optional("max_position_embeddings")?.filter(|_| !t5);
    let encoder = Stack {
        hidden,
        inner,
        projected: 3 * projected,
        heads,
        tokens: if whisper { Some(facts.size("max_source_positions")?) } else { None },
        most_tokens: positions,
        // The first convolution sees two frames a position.
        entry: if whisper { 2 * hidden * facts.size("max_source_positions")? } else { 0 },
        ..Stack::default()
    };
    let generates = class.contains("Generation") || class.contains("MT") || class.contains("LM");
    let vocabulary = vocabulary(facts)?;
    let decoder = Stack {
        hidden,
        inner,
        projected: 3 * projected,
        heads,
        most_tokens: if whisper { Some(facts.size("max_target_positions")?) } else { positions },
        attended: encoder.tokens,
        logits: if generates { vocabulary } else { 0 },
        cache: keeps(class, generates).then_some(Cache {
            full: (2 * projected, layers),
            sliding: (0, 0, 0),
            encoded: 2 * projected * layers,
        }),
        ..Stack::default()
    };
    network.kept = vocabulary * hidden;
    if generates {
        network.tied_head = vocabulary * hidden;
    }
    network.stacks.push(encoder);
    if !class.contains("EncoderModel") {
        network.stacks.push(decoder);
    }
    Ok(())
}
