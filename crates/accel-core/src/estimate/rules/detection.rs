//! Detectors of objects: DETR, YOLOS.

use super::super::blocks::{conv, cross_decoder_layer, embedding, encoder_layer, linear, norm};
use super::super::facts::{Facts, Size};
use super::convolutional::{resnet_body, resnet_width};
use super::vision::{Patches, layer};
use super::{Counted, EstimateError};
use crate::Value;

/// Parameters of the backbone and its last width. Its batch norms are frozen: buffers.
fn backbone(facts: &Facts<'_>) -> Result<(Size, Size), EstimateError> {
    let part = facts.part("backbone_config", "timm_backbone")?;
    if part.model_type == "resnet" {
        return Ok((resnet_body(&part, true)?, resnet_width(&part)?));
    }
    let name =
        if part.has("backbone") { part.text("backbone")? } else { facts.text("backbone")? };
    // timm's own networks, which transformers takes where nothing else is said.
    let depths: [Size; 4] = match name.as_str() {
        "" | "resnet50" => [3, 4, 6, 3],
        "resnet101" => [3, 4, 23, 3],
        _ => {
            let found = Value::Text(name);
            let expected = "resnet50, resnet101 or a backbone_config of type resnet";
            return Err(facts.malformed("backbone", expected, &found));
        }
    };
    let mut inputs = 64;
    let mut count = conv(facts.size("num_channels")?, inputs, 49, false);
    for (depth, width) in depths.into_iter().zip([256, 512, 1024, 2048]) {
        let narrow: Size = width / 4;
        let layer = |inputs: Size| {
            conv(inputs, narrow, 1, false)
                + conv(narrow, narrow, 9, false)
                + conv(narrow, width, 1, false)
        };
        count += layer(inputs) + conv(inputs, width, 1, false) + (depth - 1) * layer(width);
        inputs = width;
    }
    Ok((count, inputs))
}

/// Three layers that say where an object is.
const fn boxes(hidden: Size, outputs: Size) -> Size {
    2 * linear(hidden, hidden, true) + linear(hidden, outputs, true)
}

pub(super) fn detr(facts: &Facts<'_>, head: &str) -> Counted {
    let hidden = facts.size("d_model")?;
    let (network, width) = backbone(facts)?;
    let positions = if facts.text("position_embedding_type")? == "learned" {
        2 * embedding(50, hidden / 2)
    } else {
        0
    };
    let body = network
        + positions
        + embedding(facts.size("num_queries")?, hidden)
        + conv(width, hidden, 1, true)
        + facts.layers("encoder_layers")? * encoder_layer(hidden, facts.size("encoder_ffn_dim")?)
        + facts.layers("decoder_layers")?
            * cross_decoder_layer(hidden, facts.size("decoder_ffn_dim")?)
        + norm(hidden);
    Ok(Some(match head {
        "Model" => body,
        // One class more: nothing there.
        "ForObjectDetection" => body + linear(hidden, facts.labels()? + 1, true) + boxes(hidden, 4),
        _ => return Ok(None),
    }))
}

pub(super) fn yolos(facts: &Facts<'_>, head: &str) -> Counted {
    let patches = Patches::read(facts, 1)?;
    let hidden = patches.hidden;
    let tokens = facts.size("num_detection_tokens")?;
    let sequence = patches.count() + tokens + 1;
    let between = if facts.flag("use_mid_position_embeddings")? {
        patches.layers.saturating_sub(1) * sequence * hidden
    } else {
        0
    };
    let body = (1 + tokens) * hidden
        + sequence * hidden
        + patches.projection
        + between
        + patches.layers * layer(facts, hidden)?
        + norm(hidden);
    Ok(Some(match head {
        "Model" => body + linear(hidden, hidden, true),
        "ForObjectDetection" => body + boxes(hidden, facts.labels()? + 1) + boxes(hidden, 4),
        _ => return Ok(None),
    }))
}
