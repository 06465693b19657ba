//! Stacks over images, video and sound.

use super::{Facts, Result, Size, Stack, heads, width};

/// Tokens are patches of an image or of several.
pub(super) fn image(facts: &Facts<'_>) -> Result<Stack> {
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
pub(super) fn stages(facts: &Facts<'_>, assumptions: &mut Vec<String>) -> Result<Stack> {
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

pub(super) fn speech(facts: &Facts<'_>, assumptions: &mut Vec<String>) -> Result<Stack> {
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
