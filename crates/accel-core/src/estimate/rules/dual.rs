//! Two towers that meet: CLIP, SigLIP, X-CLIP.

use super::super::blocks::{attention, conv, embedding, encoder_layer, linear, mlp, norm};
use super::super::facts::{Facts, Size};
use super::{Counted, EstimateError};

/// Layers of a tower.
fn layers(facts: &Facts<'_>) -> Result<Size, EstimateError> {
    let layer = encoder_layer(facts.size("hidden_size")?, facts.size("intermediate_size")?);
    Ok(facts.layers("num_hidden_layers")? * layer)
}

fn text_tower(facts: &Facts<'_>) -> Result<Size, EstimateError> {
    let hidden = facts.size("hidden_size")?;
    let entries = facts.size("vocab_size")? + facts.size("max_position_embeddings")?;
    Ok(embedding(entries, hidden) + layers(facts)? + norm(hidden))
}

/// A class token, patches without bias, norms before and behind the layers.
pub(super) fn vision_tower(facts: &Facts<'_>) -> Result<Size, EstimateError> {
    let hidden = facts.size("hidden_size")?;
    let (positions, projection) = patches(facts, false)?;
    Ok(hidden + projection + (positions + 1) * hidden + layers(facts)? + 2 * norm(hidden))
}

/// How many patches there are, and the convolution that makes them.
pub(super) fn patches(facts: &Facts<'_>, bias: bool) -> Result<(Size, Size), EstimateError> {
    let hidden = facts.size("hidden_size")?;
    let (image, patch) = (facts.size("image_size")?, facts.size("patch_size")?);
    let side = facts.divide(image, patch, "patch_size")?;
    Ok((side * side, conv(facts.size("num_channels")?, hidden, patch * patch, bias)))
}

pub(super) fn clip_text(facts: &Facts<'_>, head: &str) -> Counted {
    let projection = linear(facts.size("hidden_size")?, facts.size("projection_dim")?, false);
    Ok(tower(text_tower(facts)?, projection, head))
}

pub(super) fn clip_vision(facts: &Facts<'_>, head: &str) -> Counted {
    let projection = linear(facts.size("hidden_size")?, facts.size("projection_dim")?, false);
    Ok(tower(vision_tower(facts)?, projection, head))
}

fn tower(body: Size, projection: Size, head: &str) -> Option<Size> {
    match head {
        "Model" => Some(body),
        "ModelWithProjection" => Some(body + projection),
        _ => None,
    }
}

pub(super) fn clip(facts: &Facts<'_>, head: &str) -> Counted {
    let vision = facts.part("vision_config", "clip_vision_model")?;
    let seen = vision.size("hidden_size")?;
    Ok(match head {
        "Model" => {
            let text = facts.part("text_config", "clip_text_model")?;
            let width = facts.size("projection_dim")?;
            Some(
                text_tower(&text)?
                    + vision_tower(&vision)?
                    + linear(text.size("hidden_size")?, width, false)
                    + linear(seen, width, false)
                    + 1,
            )
        }
        "ForImageClassification" => {
            Some(vision_tower(&vision)? + linear(seen, facts.labels()?, true))
        }
        _ => None,
    })
}

pub(super) fn siglip_text(facts: &Facts<'_>, head: &str) -> Counted {
    let hidden = facts.size("hidden_size")?;
    let project = linear(hidden, facts.optional("projection_size")?.unwrap_or(hidden), true);
    Ok((head == "Model").then_some(text_tower(facts)? + project))
}

/// No class token; attention pools.
pub(super) fn siglip_vision(facts: &Facts<'_>, head: &str) -> Counted {
    if head != "Model" {
        return Ok(None);
    }
    let hidden = facts.size("hidden_size")?;
    let (positions, projection) = patches(facts, true)?;
    let pool = if facts.flag("vision_use_head")? {
        hidden
            + attention(hidden, true, true)
            + norm(hidden)
            + mlp(hidden, facts.size("intermediate_size")?, true)
    } else {
        0
    };
    Ok(Some(projection + positions * hidden + layers(facts)? + norm(hidden) + pool))
}

pub(super) fn siglip(facts: &Facts<'_>, head: &str) -> Counted {
    let vision = facts.part("vision_config", "siglip_vision_model")?;
    let Some(seen) = siglip_vision(&vision, "Model")? else { return Ok(None) };
    Ok(match head {
        "Model" => {
            let text = facts.part("text_config", "siglip_text_model")?;
            siglip_text(&text, "Model")?.map(|it| it + seen + 2)
        }
        "ForImageClassification" => {
            let hidden = vision.size("hidden_size")?;
            Some(seen + linear(hidden, facts.labels()?, true))
        }
        _ => None,
    })
}

/// CLIP whose frames exchange messages, a small encoder over them, and prompts made from them.
pub(super) fn xclip(facts: &Facts<'_>, head: &str) -> Counted {
    if head != "Model" {
        return Ok(None);
    }
    let text = facts.part("text_config", "xclip_text_model")?;
    let vision = facts.part("vision_config", "xclip_vision_model")?;
    let width = facts.size("projection_dim")?;
    let (read, seen) = (text.size("hidden_size")?, vision.size("hidden_size")?);
    let messages = linear(seen, seen, true) + norm(seen) + attention(seen, true, true);
    let over = vision.size("mit_hidden_size")?;
    let frames = vision.size("num_frames")? * over
        + vision.layers("mit_num_hidden_layers")?
            * encoder_layer(over, vision.size("mit_intermediate_size")?);
    let prompt = attention(width, false, true) + 2 * norm(width) + mlp(width, 4 * width, true);
    Ok(Some(
        text_tower(&text)?
            + vision_tower(&vision)?
            + vision.layers("num_hidden_layers")? * messages
            + linear(seen, width, false)
            + linear(read, width, false)
            + 1
            + norm(seen)
            + seen * width
            + frames
            + norm(width)
            + width
            + facts.layers("prompt_layers")? * prompt,
    ))
}
