//! Networks of convolutions: ResNet, ConvNeXt, MobileNetV2.

use super::super::blocks::{conv, conv_norm, depthwise, linear, norm};
use super::super::facts::{Facts, Size};
use super::{Counted, EstimateError};
use crate::Value;

/// Convolutions of a ResNet, each with what follows it.
///
/// `frozen`: batch norms hold buffers only, as in DETR's backbone.
pub(super) fn resnet_body(facts: &Facts<'_>, frozen: bool) -> Result<Size, EstimateError> {
    let unit = |inputs: Size, outputs: Size, taps: Size| {
        if frozen { conv(inputs, outputs, taps, false) } else { conv_norm(inputs, outputs, taps) }
    };
    let kind = facts.text("layer_type")?;
    let basic = match kind.as_str() {
        "basic" => true,
        "bottleneck" => false,
        _ => {
            let found = Value::Text(kind);
            return Err(facts.malformed("layer_type", "basic or bottleneck", &found));
        }
    };
    let mut inputs = facts.size("embedding_size")?;
    let mut count = unit(facts.size("num_channels")?, inputs, 49);
    let depths = facts.sizes("depths")?;
    let early = facts.flag("downsample_in_first_stage")?;
    for (stage, (&width, &depth)) in facts.sizes("hidden_sizes")?.iter().zip(&depths).enumerate() {
        let narrow = facts.divide(width, 4, "hidden_sizes")?;
        let strided = stage > 0 || early;
        let layer = |inputs: Size| {
            if basic {
                unit(inputs, width, 9) + unit(width, width, 9)
            } else {
                unit(inputs, narrow, 1) + unit(narrow, narrow, 9) + unit(narrow, width, 1)
            }
        };
        // Where the shape changes, the input is projected.
        let shortcut = if inputs != width || strided { unit(inputs, width, 1) } else { 0 };
        if depth > 0 {
            count += layer(inputs) + shortcut + (depth - 1) * layer(width);
        }
        inputs = width;
    }
    Ok(count)
}

/// Channels of the last stage.
pub(super) fn resnet_width(facts: &Facts<'_>) -> Result<Size, EstimateError> {
    Ok(facts.sizes("hidden_sizes")?.last().copied().unwrap_or(0))
}

pub(super) fn resnet(facts: &Facts<'_>, head: &str) -> Counted {
    let body = resnet_body(facts, false)?;
    Ok(Some(match head {
        "Model" => body,
        "ForImageClassification" => body + linear(resnet_width(facts)?, facts.labels()?, true),
        _ => return Ok(None),
    }))
}

pub(super) fn convnext(facts: &Facts<'_>, head: &str) -> Counted {
    let widths = facts.sizes("hidden_sizes")?;
    let depths = facts.sizes("depths")?;
    let patch = facts.size("patch_size")?;
    let scaled = facts.factor("layer_scale_init_value")? > 0.0;
    let mut inputs = widths.first().copied().unwrap_or(0);
    let mut body = conv(facts.size("num_channels")?, inputs, patch * patch, true) + norm(inputs);
    for (stage, (&width, &depth)) in widths.iter().zip(&depths).enumerate() {
        if stage > 0 {
            body += norm(inputs) + conv(inputs, width, 4, true);
        }
        body += depth
            * (depthwise(width, 49, true)
                + norm(width)
                + linear(width, 4 * width, true)
                + linear(4 * width, width, true)
                + if scaled { width } else { 0 });
        inputs = width;
    }
    body += norm(inputs);
    Ok(Some(match head {
        "Model" => body,
        "ForImageClassification" => body + linear(inputs, facts.labels()?, true),
        _ => return Ok(None),
    }))
}

/// Channels of the stem's output and of the 16 blocks.
const MOBILE: [Size; 17] = [16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320];

pub(super) fn mobilenet_v2(facts: &Facts<'_>, head: &str) -> Counted {
    let multiplier = facts.factor("depth_multiplier")?;
    let divisor = facts.size("depth_divisible_by")?;
    let least = facts.size("min_depth")?;
    facts.divide(1, divisor, "depth_divisible_by")?;
    // The nearest multiple, but never more than a tenth less.
    let whole = |size: Size| {
        let near = ((2 * size + divisor) / (2 * divisor) * divisor).max(least);
        if 10 * near < 9 * size { near + divisor } else { near }
    };
    let channels = |size: Size| whole(rounded(size, multiplier));
    let expand = facts.factor("expand_ratio")?;
    let separable = |inputs: Size, outputs: Size| {
        depthwise(inputs, 9, false) + norm(inputs) + conv_norm(inputs, outputs, 1)
    };
    let stem = channels(32);
    let mut body = conv_norm(facts.size("num_channels")?, stem, 9);
    if !facts.flag("first_layer_is_expansion")? {
        body += conv_norm(stem, stem, 1);
    }
    body += separable(stem, channels(MOBILE[0]));
    for pair in MOBILE.windows(2) {
        let (inputs, outputs) = (channels(pair[0]), channels(pair[1]));
        let wide = whole(rounded(inputs, expand));
        body += conv_norm(inputs, wide, 1) + separable(wide, outputs);
    }
    let outputs =
        if facts.flag("finegrained_output")? && multiplier < 1.0 { 1280 } else { channels(1280) };
    body += conv_norm(channels(320), outputs, 1);
    Ok(Some(match head {
        "Model" => body,
        "ForImageClassification" => body + linear(outputs, facts.labels()?, true),
        _ => return Ok(None),
    }))
}

/// `size` times a factor, to the nearest whole number, halves to the even one, as Python rounds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "channels are below 2^48, and factors are not negative"
)]
fn rounded(size: Size, factor: f64) -> Size {
    (size as f64 * factor).round_ties_even() as Size
}
