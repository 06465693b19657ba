//! Stages that shrink the image: Swin (and the sound encoder of CLAP), SegFormer.

use super::super::blocks::{attention, conv, conv_norm, depthwise, linear, mlp, norm};
use super::super::facts::{Facts, Size};
use super::vision::scaled;
use super::{Counted, EstimateError};
use crate::Value;

/// Above the number of stages of any model; each doubles the width.
const MOST_STAGES: usize = 16;

/// Stages of windows: all layers, and the steps between the stages that halve height and width
/// and double the channels. The width of the last stage comes second.
pub(super) fn stages(
    facts: &Facts<'_>,
    first: Size,
    heads_key: &str,
) -> Result<(Size, Size), EstimateError> {
    let depths = facts.sizes("depths")?;
    let heads = facts.sizes(heads_key)?;
    if depths.is_empty() || depths.len() > MOST_STAGES || heads.len() < depths.len() {
        let found = Value::List(vec![Value::Null; depths.len()]);
        return Err(facts.malformed("depths", "1 to 16 stages, each with heads", &found));
    }
    let window = (2 * facts.size("window_size")?).saturating_sub(1);
    let ratio = facts.factor("mlp_ratio")?;
    let bias = facts.flag("qkv_bias")?;
    let mut width = first;
    let mut count = 0;
    for (stage, (depth, heads)) in depths.iter().zip(&heads).enumerate() {
        if stage > 0 {
            count += linear(4 * width, 2 * width, false) + norm(4 * width);
            width *= 2;
        }
        count += depth
            * (attention(width, bias, true)
                + window * window * heads
                + mlp(width, scaled(width, ratio), true)
                + 2 * norm(width));
    }
    Ok((count, width))
}

pub(super) fn swin(facts: &Facts<'_>, head: &str) -> Counted {
    let first = facts.size("embed_dim")?;
    let (height, width) = facts.pair("image_size")?;
    let (tall, wide) = facts.pair("patch_size")?;
    let (layers, last) = stages(facts, first, "num_heads")?;
    let patches =
        facts.divide(height, tall, "patch_size")? * facts.divide(width, wide, "patch_size")?;
    let positions = if facts.flag("use_absolute_embeddings")? { patches * first } else { 0 };
    let body = conv(facts.size("num_channels")?, first, tall * wide, true)
        + norm(first)
        + positions
        + layers
        + norm(last);
    Ok(Some(match head {
        "Model" => body,
        "ForImageClassification" => body + linear(last, facts.labels()?, true),
        _ => return Ok(None),
    }))
}

/// Attention on a shrunk image, a convolution inside the MLP.
pub(super) fn segformer(facts: &Facts<'_>, head: &str) -> Counted {
    let widths = facts.sizes("hidden_sizes")?;
    let keys = ["depths", "sr_ratios", "mlp_ratios", "patch_sizes"];
    let mut lists = Vec::new();
    for key in keys {
        let list = facts.sizes(key)?;
        if list.len() < widths.len() {
            let found = Value::List(vec![Value::Null; list.len()]);
            return Err(facts.malformed(key, "an entry for each of `hidden_sizes`", &found));
        }
        lists.push(list);
    }
    let mut inputs = facts.size("num_channels")?;
    let mut body = 0;
    for (stage, &width) in widths.iter().enumerate() {
        let at = |list: usize| lists[list][stage];
        let inner = width * at(2);
        let shrink =
            if at(1) > 1 { conv(width, width, at(1) * at(1), true) + norm(width) } else { 0 };
        let layer = attention(width, true, true)
            + shrink
            + mlp(width, inner, true)
            + depthwise(inner, 9, true)
            + 2 * norm(width);
        body +=
            conv(inputs, width, at(3) * at(3), true) + norm(width) + at(0) * layer + norm(width);
        inputs = width;
    }
    let labels = facts.labels()?;
    Ok(Some(match head {
        "Model" => body,
        "ForImageClassification" => body + linear(inputs, labels, true),
        "ForSemanticSegmentation" => {
            let decoder = facts.size("decoder_hidden_size")?;
            let each: Size = widths.iter().map(|it| linear(*it, decoder, true)).sum();
            body + each
                + conv_norm(decoder * widths.len() as Size, decoder, 1)
                + linear(decoder, labels, true)
        }
        _ => return Ok(None),
    }))
}
