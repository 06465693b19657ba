//! Language models that see: LLaVA, LLaVA-NeXT, Gemma 3, Qwen2-VL, BLIP.

use super::super::blocks::{
    attention, conv, embedding, encoder_layer, linear, mlp, norm, rms_norm,
};
use super::super::facts::{Facts, Size};
use super::bert::Text;
use super::dual::vision_tower;
use super::{Counted, EstimateError, decoder, nested};

/// The language model's matrix to the vocabulary, unless it is that of the embeddings.
fn matrix(facts: &Facts<'_>, text: &Facts<'_>) -> Result<Size, EstimateError> {
    if facts.flag("tie_word_embeddings")? {
        return Ok(0);
    }
    Ok(linear(text.size("hidden_size")?, text.size("vocab_size")?, false))
}

pub(super) fn llava(facts: &Facts<'_>, head: &str) -> Counted {
    let text = facts.part("text_config", "llama")?;
    let vision = facts.part("vision_config", "clip_vision_model")?;
    let tower = if facts.has("vision_config") {
        nested(&vision)?
    } else {
        let whole = vision.with_type("llava_vision_config");
        return llava_parts(facts, head, &text, vision_tower(&whole)?, &whole);
    };
    llava_parts(facts, head, &text, tower, &vision)
}

fn llava_parts(
    facts: &Facts<'_>,
    head: &str,
    text: &Facts<'_>,
    tower: Size,
    vision: &Facts<'_>,
) -> Counted {
    let hidden = text.size("hidden_size")?;
    // Features of several layers may be taken side by side.
    let seen = vision.size("hidden_size")? * facts.entries("vision_feature_layer");
    let bias = facts.flag("multimodal_projector_bias")?;
    let newline = if facts.model_type == "llava_next" { hidden } else { 0 };
    let body =
        nested(text)? + tower + linear(seen, hidden, bias) + linear(hidden, hidden, bias) + newline;
    Ok(match head {
        "Model" => Some(body),
        "ForConditionalGeneration" => Some(body + matrix(facts, text)?),
        _ => None,
    })
}

pub(super) fn gemma3(facts: &Facts<'_>, head: &str) -> Counted {
    let text = facts.part("text_config", "gemma3_text")?;
    let vision = facts.part("vision_config", "siglip_vision_model")?;
    let seen = vision.size("hidden_size")?;
    let body = nested(&text)?
        + nested(&vision)?
        + linear(seen, text.size("hidden_size")?, false)
        + rms_norm(seen);
    Ok(match head {
        "Model" => Some(body),
        "ForConditionalGeneration" => Some(body + matrix(facts, &text)?),
        _ => None,
    })
}

/// Older configs hold the language model's keys at the top.
pub(super) fn qwen2_vl(facts: &Facts<'_>, head: &str) -> Counted {
    let text = if facts.has("text_config") || !facts.has("hidden_size") {
        facts.part("text_config", "qwen2_vl_text")?
    } else {
        facts.with_type("qwen2_vl_text")
    };
    let vision = facts.part("vision_config", "qwen2_vl_vision")?.with_type("qwen2_vl_vision");
    let Some(language) = decoder::decoder(&text, "Model")? else { return Ok(None) };
    let body = language + qwen2_vision(&vision)?;
    Ok(match head {
        "Model" => Some(body),
        "ForConditionalGeneration" => Some(body + matrix(facts, &text)?),
        _ => None,
    })
}

fn qwen2_vision(facts: &Facts<'_>) -> Result<Size, EstimateError> {
    let (size, output) = (facts.size("embed_dim")?, facts.size("hidden_size")?);
    let (patch, frames) = (facts.size("patch_size")?, facts.size("temporal_patch_size")?);
    let layer = encoder_layer(size, facts.size("mlp_ratio")? * size);
    let together = facts.size("spatial_merge_size")?;
    let merged = size * together * together;
    Ok(conv(facts.size("in_channels")?, size, patch * patch * frames, false)
        + facts.layers("depth")? * layer
        + norm(size)
        + linear(merged, merged, true)
        + linear(merged, output, true))
}

/// CLIP's shape with a bias on the patches and no norm before the layers, and a BERT that may look
/// at the image.
pub(super) fn blip(facts: &Facts<'_>, head: &str) -> Counted {
    let vision = facts.part("vision_config", "blip_vision_model")?;
    let part = facts.part("text_config", "blip_text_model")?;
    let text = Text::read(&part)?;
    let (seen, hidden) = (vision.size("hidden_size")?, text.hidden);
    let (patches, projection) = {
        let (image, patch) = (vision.size("image_size")?, vision.size("patch_size")?);
        let side = vision.divide(image, patch, "patch_size")?;
        (side * side, conv(3, seen, patch * patch, true))
    };
    let eyes = seen
        + (patches + 1) * seen
        + projection
        + vision.layers("num_hidden_layers")?
            * encoder_layer(seen, vision.size("intermediate_size")?)
        + norm(seen);
    // Attention to the image is there whenever the text model is a decoder, which is the default;
    // its keys and values come from the image's width.
    let cross = if part.flag("is_decoder")? {
        let width = part.size("encoder_hidden_size")?;
        2 * linear(hidden, hidden, true) + 2 * linear(width, hidden, true) + norm(hidden)
    } else {
        0
    };
    let layer = attention(hidden, true, true) + mlp(hidden, text.inner, true) + 2 * norm(hidden);
    let reader = embedding(text.vocabulary + part.size("max_position_embeddings")?, hidden)
        + norm(hidden)
        + text.layers * (layer + cross);
    let pooler = linear(hidden, hidden, true);
    let writer = reader + text.masked_head(part.flag("tie_word_embeddings")?);
    Ok(Some(match head {
        "ForConditionalGeneration" => eyes + writer,
        "ForQuestionAnswering" => eyes + reader + writer,
        "ForImageTextRetrieval" => {
            let width = facts.size("image_text_hidden_size")?;
            eyes + reader
                + linear(seen, width, true)
                + linear(hidden, width, true)
                + linear(hidden, 2, true)
        }
        "Model" => {
            let width = facts.size("projection_dim")?;
            eyes + reader + pooler + linear(seen, width, false) + linear(hidden, width, false) + 1
        }
        _ => return Ok(None),
    }))
}
