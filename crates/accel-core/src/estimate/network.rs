//! A network as memory sees it: stacks of like layers that run one after another.

use super::error::EstimateError;
use super::facts::{Facts, Size};
use super::rules::RULES;

type Result<T> = std::result::Result<T, EstimateError>;

/// Keys and values that a decoder keeps of past tokens, for one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cache {
    /// Numbers kept of a token in a layer that sees everything, and how many such layers there are.
    pub(super) full: (Size, Size),
    /// The same of layers that see a window, and its width in tokens.
    pub(super) sliding: (Size, Size, Size),
    /// Numbers kept of an encoded token, in all layers together.
    pub(super) encoded: Size,
}

/// Layers of one shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stack {
    /// Numbers of a token between the layers.
    pub(super) hidden: Size,
    /// Numbers of a token inside the MLP, at its widest.
    pub(super) inner: Size,
    /// Numbers of a token's queries, keys and values.
    pub(super) projected: Size,
    /// Heads of attention.
    pub(super) heads: Size,
    /// Tokens of one input where the model fixes them; else the workload's context counts.
    pub(super) tokens: Option<Size>,
    /// The most tokens that it takes, where it has a table of positions.
    pub(super) most_tokens: Option<Size>,
    /// Tokens that a token attends to where they are not the input's own: a window, or an encoder's.
    pub(super) attended: Option<Size>,
    /// Numbers of a token behind the head; 0 where only one token or none has any.
    pub(super) logits: Size,
    /// The largest tensor before the layers, for one input: a waveform's or image's first features.
    pub(super) entry: Size,
    /// What is kept of past tokens.
    pub(super) cache: Option<Cache>,
}

/// A whole model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) stacks: Vec<Stack>,
    /// Parameters that are looked up or convolved, which the exporter never quantises.
    pub(super) kept: Size,
    /// Parameters of a head that is tied to looked-up ones: quantised, it is a copy.
    pub(super) tied_head: Size,
    pub(super) assumptions: Vec<String>,
}

/// What a model type is, as far as memory goes.
enum Kind {
    Encoder,
    Decoder,
    EncoderDecoder,
    Image,
    Stages,
    Speech,
    Towers,
    Seeing,
}

fn kind(model_type: &str) -> Option<Kind> {
    Some(match model_type {
        "albert" | "bert" | "camembert" | "deberta" | "deberta-v2" | "distilbert" | "electra"
        | "modernbert" | "mpnet" | "roberta" | "xlm-roberta" | "clip_text_model"
        | "siglip_text_model" => Kind::Encoder,
        "bart" | "blenderbot" | "blenderbot-small" | "m2m_100" | "marian" | "mbart" | "mt5"
        | "pegasus" | "t5" | "umt5" | "whisper" => Kind::EncoderDecoder,
        "audio-spectrogram-transformer"
        | "beit"
        | "clip_vision_model"
        | "deit"
        | "detr"
        | "dinov2"
        | "siglip_vision_model"
        | "timesformer"
        | "videomae"
        | "vit"
        | "yolos" => Kind::Image,
        "convnext" | "mobilenet_v2" | "resnet" | "segformer" | "swin" => Kind::Stages,
        "hubert" | "wav2vec2" => Kind::Speech,
        "blip" | "clap" | "clip" | "siglip" | "xclip" => Kind::Towers,
        "gemma3" | "llava" | "llava_next" | "qwen2_vl" => Kind::Seeing,
        other if RULES.iter().any(|it| it.model_type == other) => Kind::Decoder,
        _ => return None,
    })
}

/// The network that a config describes; `head` is the class, which decides on logits and cache.
pub(super) fn network(facts: &Facts<'_>, class: &str) -> Result<Network> {
    let kind =
        kind(facts.model_type).ok_or_else(|| super::parameters::unknown(facts.model_type))?;
    let mut network = Network::default();
    match kind {
        Kind::Encoder => {
            let mut stack = encoder(facts)?;
            if class.contains("MaskedLM") || class.ends_with("ForPreTraining") {
                stack.logits = facts.optional("vocab_size")?.unwrap_or(0);
            }
            network.kept = vocabulary(facts)? * embedded(facts)?;
            network.stacks.push(stack);
        }
        Kind::Decoder => language(facts, class, &mut network)?,
        Kind::EncoderDecoder => encoder_decoder(facts, class, &mut network)?,
        Kind::Image => {
            network.stacks.push(image(facts)?);
            if facts.model_type == "detr" {
                let said = "an image has 800 by 1066 pixels, as DETR's own processor makes them";
                network.assumptions.push(said.to_owned());
            }
        }
        Kind::Stages => network.stacks.push(stages(facts, &mut network.assumptions)?),
        Kind::Speech => network.stacks.push(speech(facts, &mut network.assumptions)?),
        Kind::Towers => towers(facts, &mut network)?,
        Kind::Seeing => seeing(facts, class, &mut network)?,
    }
    Ok(network)
}

/// The first of several keys that the class has.
fn first(facts: &Facts<'_>, keys: &[&str]) -> Result<Size> {
    for key in keys {
        if let Some(it) = facts.optional(key)? {
            return Ok(it);
        }
    }
    facts.size(keys.first().copied().unwrap_or_default())
}

fn vocabulary(facts: &Facts<'_>) -> Result<Size> {
    Ok(facts.optional("vocab_size")?.unwrap_or(0))
}

/// Numbers of a word before the layers.
fn embedded(facts: &Facts<'_>) -> Result<Size> {
    match facts.optional("embedding_size")? {
        Some(it) => Ok(it),
        None => width(facts),
    }
}

fn width(facts: &Facts<'_>) -> Result<Size> {
    first(facts, &["hidden_size", "d_model", "n_embd", "dim", "embed_dim"])
}

fn heads(facts: &Facts<'_>) -> Result<Size> {
    first(
        facts,
        &["num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads"],
    )
}

fn encoder(facts: &Facts<'_>) -> Result<Stack> {
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
fn language(facts: &Facts<'_>, class: &str, network: &mut Network) -> Result<()> {
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
        cache: generates.then_some(Cache {
            full: (kept, layers - sliding),
            sliding: (kept, sliding, window),
            encoded: 0,
        }),
        ..Stack::default()
    });
    Ok(())
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

fn encoder_decoder(facts: &Facts<'_>, class: &str, network: &mut Network) -> Result<()> {
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
        cache: generates.then_some(Cache {
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
    network.stacks.extend([encoder, decoder]);
    Ok(())
}

/// Tokens are patches of an image or of several.
fn image(facts: &Facts<'_>) -> Result<Stack> {
    let hidden = width(facts)?;
    if facts.model_type == "detr" {
        // 800 by 1066 pixels, the size that its processor makes; 32 pixels a token. The backbone's
        // first stage has 64 channels at half the size.
        return Ok(Stack {
            hidden,
            inner: facts.size("encoder_ffn_dim")?,
            projected: 3 * hidden,
            heads: facts.size("encoder_attention_heads")?,
            tokens: Some(25 * 34),
            entry: 64 * 400 * 533,
            ..Stack::default()
        });
    }
    let tokens = if facts.model_type == "audio-spectrogram-transformer" {
        let patch = facts.size("patch_size")?;
        let steps = |size: &str, stride: &str| {
            facts.divide(facts.size(size)?.saturating_sub(patch), facts.size(stride)?, stride)
        };
        (steps("num_mel_bins", "frequency_stride")? + 1) * (steps("max_length", "time_stride")? + 1)
            + 2
    } else {
        let (height, tall) = (facts.pair("image_size")?, facts.pair("patch_size")?);
        let rows = facts.divide(height.0, tall.0, "patch_size")?;
        let columns = facts.divide(height.1, tall.1, "patch_size")?;
        let times = match facts.model_type {
            "timesformer" => facts.size("num_frames")?,
            "videomae" => facts.divide(
                facts.size("num_frames")?,
                facts.size("tubelet_size")?,
                "tubelet_size",
            )?,
            _ => 1,
        };
        let more =
            if facts.model_type == "yolos" { facts.size("num_detection_tokens")? } else { 0 };
        rows * columns * times + 1 + more
    };
    let inner = facts.optional("intermediate_size")?.unwrap_or(4 * hidden);
    Ok(Stack {
        hidden,
        inner,
        projected: 3 * hidden,
        heads: heads(facts)?,
        tokens: Some(tokens),
        ..Stack::default()
    })
}

/// The first stage is the largest: later ones halve height and width and double the channels.
fn stages(facts: &Facts<'_>, assumptions: &mut Vec<String>) -> Result<Stack> {
    let image = if let Ok(Some(it)) = facts.optional("image_size") {
        it
    } else {
        assumptions.push("images have 224 by 224 pixels".to_owned());
        224
    };
    // Numbers of a place, its widest inside a layer, and how many pixels a side of it has.
    let (wide, inner, stride): (Size, Size, Size) = match facts.model_type {
        "resnet" => (facts.size("embedding_size")?, 0, 2),
        "mobilenet_v2" => (32, 96, 2),
        "segformer" => {
            let wide = facts.sizes("hidden_sizes")?.first().copied().unwrap_or(0);
            (wide, 4 * wide, 4)
        }
        "convnext" => {
            let wide = facts.sizes("hidden_sizes")?.first().copied().unwrap_or(0);
            (wide, 4 * wide, facts.size("patch_size")?)
        }
        _ => {
            let wide = facts.size("embed_dim")?;
            (wide, 4 * wide, facts.size("patch_size")?)
        }
    };
    let side = facts.divide(image, stride, "patch_size")?;
    let window = facts.optional("window_size")?;
    Ok(Stack {
        hidden: wide,
        inner,
        projected: 3 * wide,
        heads: match window {
            Some(_) => facts.sizes("num_heads")?.first().copied().unwrap_or(0),
            None => 0,
        },
        tokens: Some(side * side),
        attended: window.map(|it| it * it),
        ..Stack::default()
    })
}

/// Ten seconds of sound at 16 kHz.
const SAMPLES: Size = 160_000;

fn speech(facts: &Facts<'_>, assumptions: &mut Vec<String>) -> Result<Stack> {
    assumptions.push("an input is ten seconds of sound at 16 kHz".to_owned());
    let hidden = facts.size("hidden_size")?;
    let strides = facts.sizes("conv_stride")?;
    let mut tokens = SAMPLES;
    let mut entry = 0;
    for (width, stride) in facts.sizes("conv_dim")?.iter().zip(&strides) {
        tokens = facts.divide(tokens, *stride, "conv_stride")?;
        entry = entry.max(tokens * width);
    }
    Ok(Stack {
        hidden,
        inner: facts.size("intermediate_size")?,
        projected: 3 * hidden,
        heads: facts.size("num_attention_heads")?,
        tokens: Some(tokens),
        entry,
        ..Stack::default()
    })
}

/// Two encoders, one after the other.
fn towers(facts: &Facts<'_>, network: &mut Network) -> Result<()> {
    let types = match facts.model_type {
        "blip" => ("blip_text_model", "blip_vision_model"),
        "clap" => ("clap_text_model", "clap_audio_model"),
        "clip" => ("clip_text_model", "clip_vision_model"),
        "siglip" => ("siglip_text_model", "siglip_vision_model"),
        _ => ("xclip_text_model", "xclip_vision_model"),
    };
    let text = facts.part("text_config", types.0)?;
    network.kept = vocabulary(&text)? * width(&text)?;
    network.stacks.push(encoder(&text)?);
    if facts.model_type == "clap" {
        let audio = facts.part("audio_config", types.1)?;
        let wide = audio.size("patch_embeds_hidden_size")?;
        let side =
            audio.divide(audio.size("spec_size")?, audio.pair("patch_size")?.0, "patch_size")?;
        let window = audio.size("window_size")?;
        network.stacks.push(Stack {
            hidden: wide,
            inner: 4 * wide,
            projected: 3 * wide,
            heads: audio.sizes("num_attention_heads")?.first().copied().unwrap_or(0),
            tokens: Some(side * side),
            attended: Some(window * window),
            ..Stack::default()
        });
        return Ok(());
    }
    let vision = facts.part("vision_config", types.1)?;
    let mut stack = image(&vision)?;
    if facts.model_type == "xclip" {
        // Frames go through the tower side by side.
        let frames = vision.size("num_frames")?;
        stack.attended = stack.tokens;
        stack.tokens = stack.tokens.map(|it| it * frames);
    }
    network.stacks.push(stack);
    Ok(())
}

/// A language model behind an image's encoder.
fn seeing(facts: &Facts<'_>, class: &str, network: &mut Network) -> Result<()> {
    let (text_type, vision_type) = match facts.model_type {
        "gemma3" => ("gemma3_text", "siglip_vision_model"),
        "qwen2_vl" => ("qwen2_vl_text", "qwen2_vl_vision"),
        _ => ("llama", "clip_vision_model"),
    };
    let flat = facts.model_type == "qwen2_vl" && !facts.has("text_config");
    let text = if flat && facts.has("hidden_size") {
        facts.with_type(text_type)
    } else {
        facts.part("text_config", text_type)?
    };
    language(&text, class, network)?;
    let vision = facts.part("vision_config", vision_type)?;
    if facts.model_type == "qwen2_vl" {
        network.assumptions.push("an image has 4096 patches (about 900 by 900 pixels)".to_owned());
        let hidden = vision.with_type(vision_type).size("embed_dim")?;
        network.stacks.push(Stack {
            hidden,
            inner: 4 * hidden,
            projected: 3 * hidden,
            heads: vision.with_type(vision_type).size("num_heads")?,
            tokens: Some(4096),
            ..Stack::default()
        });
        return Ok(());
    }
    let whole =
        if facts.has("vision_config") { vision } else { vision.with_type("llava_vision_config") };
    network.stacks.push(image(&whole)?);
    network.assumptions.push(
        "the context holds the image's tokens too; images are encoded one at a time".to_owned(),
    );
    Ok(())
}
