//! ViT and what is built like it: DeiT, BEiT, DINOv2, AST, VideoMAE, TimeSformer.

use super::super::blocks::{attention, conv, encoder_layer, gated_mlp, linear, mlp, norm};
use super::super::facts::{Facts, Size};
use super::{Counted, EstimateError};

/// Sizes that all of them share.
pub(super) struct Patches {
    pub(super) hidden: Size,
    pub(super) layers: Size,
    pub(super) height: Size,
    pub(super) width: Size,
    /// The convolution that makes patches into vectors.
    pub(super) projection: Size,
}

impl Patches {
    /// `frames`: how many images a patch reaches over.
    pub(super) fn read(facts: &Facts<'_>, frames: Size) -> Result<Self, EstimateError> {
        let hidden = facts.size("hidden_size")?;
        let (height, width) = facts.pair("image_size")?;
        let (tall, wide) = facts.pair("patch_size")?;
        let channels = facts.size("num_channels")?;
        Ok(Self {
            hidden,
            layers: facts.layers("num_hidden_layers")?,
            height: facts.divide(height, tall, "patch_size")?,
            width: facts.divide(width, wide, "patch_size")?,
            projection: conv(channels, hidden, tall * wide * frames, true),
        })
    }

    pub(super) const fn count(&self) -> Size {
        self.height * self.width
    }
}

/// A layer of ViT; biases of queries, keys and values can be left out.
pub(super) fn layer(facts: &Facts<'_>, hidden: Size) -> Result<Size, EstimateError> {
    let inner = facts.size("intermediate_size")?;
    Ok(attention(hidden, facts.flag("qkv_bias")?, true)
        + mlp(hidden, inner, true)
        + 2 * norm(hidden))
}

pub(super) fn vit(facts: &Facts<'_>, head: &str) -> Counted {
    let patches = Patches::read(facts, 1)?;
    let hidden = patches.hidden;
    let body = hidden
        + (patches.count() + 1) * hidden
        + patches.projection
        + patches.layers * layer(facts, hidden)?
        + norm(hidden);
    let pooled = facts.optional("pooler_output_size")?.unwrap_or(hidden);
    Ok(Some(match head {
        "Model" => body + linear(hidden, pooled, true),
        "ForImageClassification" => body + linear(hidden, facts.labels()?, true),
        _ => return Ok(None),
    }))
}

/// One more token, that learns from a teacher.
pub(super) fn deit(facts: &Facts<'_>, head: &str) -> Counted {
    let patches = Patches::read(facts, 1)?;
    let hidden = patches.hidden;
    let body = 2 * hidden
        + (patches.count() + 2) * hidden
        + patches.projection
        + patches.layers * layer(facts, hidden)?
        + norm(hidden);
    let pooled = facts.optional("pooler_output_size")?.unwrap_or(hidden);
    let labels = linear(hidden, facts.labels()?, true);
    Ok(Some(match head {
        "Model" => body + linear(hidden, pooled, true),
        "ForImageClassification" => body + labels,
        "ForImageClassificationWithTeacher" => body + 2 * labels,
        _ => return Ok(None),
    }))
}

/// Keys without bias, scaled residuals, relative positions for each layer or for all.
pub(super) fn beit(facts: &Facts<'_>, head: &str) -> Counted {
    let patches = Patches::read(facts, 1)?;
    let hidden = patches.hidden;
    let heads = facts.size("num_attention_heads")?;
    let window = (2 * patches.height).saturating_sub(1) * (2 * patches.width).saturating_sub(1);
    let table = (window + 3) * heads;
    let scale = if facts.factor("layer_scale_init_value")? > 0.0 { 2 * hidden } else { 0 };
    let own = if facts.flag("use_relative_position_bias")? { table } else { 0 };
    let shared = if facts.flag("use_shared_relative_position_bias")? { table } else { 0 };
    let layer = encoder_layer(hidden, facts.size("intermediate_size")?) - hidden + scale + own;
    let positions = if facts.flag("use_absolute_position_embeddings")? {
        (patches.count() + 1) * hidden
    } else {
        0
    };
    let mask = if facts.flag("use_mask_token")? { hidden } else { 0 };
    // Behind the last layer, or in the pooler.
    let body = hidden
        + mask
        + positions
        + patches.projection
        + shared
        + patches.layers * layer
        + norm(hidden);
    Ok(Some(match head {
        "Model" => body,
        "ForImageClassification" => body + linear(hidden, facts.labels()?, true),
        _ => return Ok(None),
    }))
}

pub(super) fn dinov2(facts: &Facts<'_>, head: &str) -> Counted {
    let patches = Patches::read(facts, 1)?;
    let hidden = patches.hidden;
    let inner = scaled(hidden, facts.factor("mlp_ratio")?);
    let feed = if facts.flag("use_swiglu_ffn")? {
        // Two thirds, in whole eights.
        gated_mlp(hidden, (inner * 2 / 3).div_ceil(8) * 8, true)
    } else {
        mlp(hidden, inner, true)
    };
    let layer =
        attention(hidden, facts.flag("qkv_bias")?, true) + feed + 2 * norm(hidden) + 2 * hidden;
    let mask = if facts.flag("use_mask_token")? { hidden } else { 0 };
    let body = hidden
        + mask
        + (patches.count() + 1) * hidden
        + patches.projection
        + patches.layers * layer
        + norm(hidden);
    Ok(Some(match head {
        "Model" => body,
        "ForImageClassification" => body + linear(2 * hidden, facts.labels()?, true),
        _ => return Ok(None),
    }))
}

/// `size` times a factor, rounded down as Python's `int` does.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "sizes are below 2^48 here, and factors are not negative"
)]
pub(super) fn scaled(size: Size, factor: f64) -> Size {
    (size as f64 * factor) as Size
}

/// A spectrogram cut into patches that overlap.
pub(super) fn spectrogram(facts: &Facts<'_>, head: &str) -> Counted {
    let hidden = facts.size("hidden_size")?;
    let patch = facts.size("patch_size")?;
    let steps = |size: &str, stride: &str| -> Result<Size, EstimateError> {
        let room = facts.size(size)?.saturating_sub(patch);
        Ok(facts.divide(room, facts.size(stride)?, stride)? + 1)
    };
    let count = steps("num_mel_bins", "frequency_stride")? * steps("max_length", "time_stride")?;
    let body = 2 * hidden
        + (count + 2) * hidden
        + conv(1, hidden, patch * patch, true)
        + facts.layers("num_hidden_layers")? * layer(facts, hidden)?
        + norm(hidden);
    Ok(Some(match head {
        "Model" => body,
        "ForAudioClassification" => body + norm(hidden) + linear(hidden, facts.labels()?, true),
        _ => return Ok(None),
    }))
}

/// Patches reach over several frames; positions are sines; keys have no bias.
pub(super) fn videomae(facts: &Facts<'_>, head: &str) -> Counted {
    let patches = Patches::read(facts, facts.size("tubelet_size")?)?;
    let hidden = patches.hidden;
    // Older configs have the key that other models have.
    let key = if facts.has("qkv_bias") { "qkv_bias" } else { "qv_bias" };
    let biased = if facts.flag(key)? { 2 * hidden } else { 0 };
    let layer = attention(hidden, false, true)
        + biased
        + mlp(hidden, facts.size("intermediate_size")?, true)
        + 2 * norm(hidden);
    let pooled = facts.flag("use_mean_pooling")?;
    let body = patches.projection + patches.layers * layer;
    Ok(Some(match head {
        "Model" => body + if pooled { 0 } else { norm(hidden) },
        // Behind the last layer, or before the classifier.
        "ForVideoClassification" => body + norm(hidden) + linear(hidden, facts.labels()?, true),
        _ => return Ok(None),
    }))
}

/// Attention over time beside that over space.
pub(super) fn timesformer(facts: &Facts<'_>, head: &str) -> Counted {
    let patches = Patches::read(facts, 1)?;
    let hidden = patches.hidden;
    let kind = facts.text("attention_type")?;
    let mut layer = layer(facts, hidden)?;
    if kind == "divided_space_time" {
        layer += attention(hidden, facts.flag("qkv_bias")?, true)
            + norm(hidden)
            + linear(hidden, hidden, true);
    }
    let times = if kind == "space_only" { 0 } else { facts.size("num_frames")? * hidden };
    let body = hidden
        + (patches.count() + 1) * hidden
        + times
        + patches.projection
        + patches.layers * layer
        + norm(hidden);
    Ok(Some(match head {
        "Model" => body,
        "ForVideoClassification" => body + linear(hidden, facts.labels()?, true),
        _ => return Ok(None),
    }))
}
