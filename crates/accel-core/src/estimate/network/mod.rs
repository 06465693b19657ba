//! A network as memory sees it: stacks of like layers that run one after another.

mod image;
mod text;

use super::error::EstimateError;
use super::facts::{Facts, Size};
use super::rules::RULES;
use image::{image, speech, stages};
use text::{encoder, encoder_decoder, language};

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
