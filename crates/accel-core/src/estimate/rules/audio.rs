//! Sound: Whisper, Wav2Vec2 and HuBERT, CLAP.

use super::super::blocks::{conv, cross_decoder_layer, embedding, encoder_layer, linear, norm};
use super::super::facts::{Facts, Size};
use super::swin::stages;
use super::{Counted, EstimateError};

/// Two convolutions, fixed positions (which are weights all the same), keys without bias.
pub(super) fn whisper(facts: &Facts<'_>, head: &str) -> Counted {
    let hidden = facts.size("d_model")?;
    let vocabulary = facts.size("vocab_size")?;
    let layers = facts.layers("encoder_layers")?;
    let encoder = conv(facts.size("num_mel_bins")?, hidden, 3, true)
        + conv(hidden, hidden, 3, true)
        + embedding(facts.size("max_source_positions")?, hidden)
        + layers * (encoder_layer(hidden, facts.size("encoder_ffn_dim")?) - hidden)
        + norm(hidden);
    let decoder = embedding(vocabulary + facts.size("max_target_positions")?, hidden)
        + facts.layers("decoder_layers")?
            * (cross_decoder_layer(hidden, facts.size("decoder_ffn_dim")?) - 2 * hidden)
        + norm(hidden);
    let tied = facts.flag("tie_word_embeddings")?;
    let matrix = if tied { 0 } else { linear(hidden, vocabulary, false) };
    Ok(Some(match head {
        "Model" => encoder + decoder,
        "ForConditionalGeneration" => encoder + decoder + matrix,
        "ForCausalLM" => decoder + matrix,
        "ForAudioClassification" => {
            let project = facts.size("classifier_proj_size")?;
            encoder
                + weighted_layers(facts, layers)?
                + linear(hidden, project, true)
                + linear(project, facts.labels()?, true)
        }
        _ => return Ok(None),
    }))
}

/// A weight for the embeddings and for each layer, where their outputs are mixed.
fn weighted_layers(facts: &Facts<'_>, layers: Size) -> Result<Size, EstimateError> {
    Ok(if facts.flag("use_weighted_layer_sum")? { layers + 1 } else { 0 })
}

/// Convolutions over the waveform, then a Transformer; positions come from a convolution.
pub(super) fn wav2vec2(facts: &Facts<'_>, head: &str) -> Counted {
    let hidden = facts.size("hidden_size")?;
    let layers = facts.layers("num_hidden_layers")?;
    let widths = facts.sizes("conv_dim")?;
    let kernels = facts.sizes("conv_kernel")?;
    let bias = facts.flag("conv_bias")?;
    let every = facts.text("feat_extract_norm")? == "layer";
    let mut inputs = 1;
    let mut extractor = 0;
    for (at, (&width, &kernel)) in widths.iter().zip(&kernels).enumerate() {
        extractor += conv(inputs, width, kernel, bias);
        extractor += if every || at == 0 { norm(width) } else { 0 };
        inputs = width;
    }
    let hubert = facts.model_type == "hubert";
    let normed = !hubert || facts.flag("feat_proj_layer_norm")?;
    let project = if normed { norm(inputs) } else { 0 } + linear(inputs, hidden, true);
    let taps = facts.size("num_conv_pos_embeddings")?;
    let groups = facts.size("num_conv_pos_embedding_groups")?;
    let each = facts.divide(hidden, groups, "num_conv_pos_embedding_groups")?;
    // Batch norm, or a kernel that is split into its lengths and directions.
    let scale = if hubert && facts.flag("conv_pos_batch_norm")? { norm(hidden) } else { taps };
    let positions = conv(each, hidden, taps, true) + scale;
    let masked = facts.factor("mask_time_prob")? > 0.0 || facts.factor("mask_feature_prob")? > 0.0;
    let (adapters, output) = if hubert { (0, hidden) } else { adapter(facts, hidden)? };
    let body = extractor
        + project
        + if masked { hidden } else { 0 }
        + positions
        + norm(hidden)
        + layers
            * (encoder_layer(hidden, facts.size("intermediate_size")?) + small(facts, hidden)?)
        + adapters;
    let labels = facts.labels()?;
    let weighted = weighted_layers(facts, layers)?;
    Ok(Some(match head {
        "Model" => body,
        "ForCTC" => body + linear(output, facts.size("vocab_size")?, true),
        "ForSequenceClassification" => {
            let width = facts.size("classifier_proj_size")?;
            body + weighted + linear(hidden, width, true) + linear(width, labels, true)
        }
        "ForAudioFrameClassification" => body + weighted + linear(hidden, labels, true),
        "ForPreTraining" if !hubert => {
            let groups = facts.size("num_codevector_groups")?;
            let codes = facts.size("num_codevectors_per_group")?;
            let size = facts.size("codevector_dim")?;
            let project = facts.size("proj_codevector_dim")?;
            // The vectors of all groups together are as wide as `codevector_dim`.
            let vectors = groups * codes * facts.divide(size, groups, "num_codevector_groups")?;
            body + vectors
                + linear(inputs, groups * codes, true)
                + linear(hidden, project, true)
                + linear(size, project, true)
        }
        _ => return Ok(None),
    }))
}

/// The adapter behind the layers, and the width that it leaves.
fn adapter(facts: &Facts<'_>, hidden: Size) -> Result<(Size, Size), EstimateError> {
    if !facts.flag("add_adapter")? {
        return Ok((0, hidden));
    }
    let output = facts.optional("output_hidden_size")?.unwrap_or(hidden);
    let project = if output == hidden { 0 } else { linear(hidden, output, true) + norm(output) };
    let layer = conv(output, 2 * output, facts.size("adapter_kernel_size")?, true);
    Ok((project + facts.layers("num_adapter_layers")? * layer, output))
}

/// The small adapter inside each layer that attends in the stable way.
fn small(facts: &Facts<'_>, hidden: Size) -> Result<Size, EstimateError> {
    if !facts.flag("do_stable_layer_norm")? {
        return Ok(0);
    }
    Ok(match facts.optional("adapter_attn_dim")? {
        Some(narrow) => norm(hidden) + linear(hidden, narrow, true) + linear(narrow, hidden, true),
        None => 0,
    })
}

/// RoBERTa beside a Swin that sees spectrograms.
pub(super) fn clap(facts: &Facts<'_>, head: &str) -> Counted {
    if head != "Model" {
        return Ok(None);
    }
    let width = facts.size("projection_dim")?;
    let text = facts.part("text_config", "clap_text_model")?;
    let hidden = text.size("hidden_size")?;
    let entries = text.size("vocab_size")?
        + text.size("type_vocab_size")?
        + text.size("max_position_embeddings")?;
    let read = embedding(entries, hidden)
        + norm(hidden)
        + text.layers("num_hidden_layers")?
            * encoder_layer(hidden, text.size("intermediate_size")?)
        + linear(hidden, hidden, true);
    let audio = facts.part("audio_config", "clap_audio_model")?;
    let output = audio.size("hidden_size")?;
    let meet = |inputs: Size| linear(inputs, width, true) + linear(width, width, true);
    Ok(Some(read + clap_audio(&audio)? + meet(hidden) + meet(output) + 2))
}

fn clap_audio(facts: &Facts<'_>) -> Result<Size, EstimateError> {
    let first = facts.size("patch_embeds_hidden_size")?;
    let inputs = facts.size("patch_embed_input_channels")?;
    let (tall, wide) = facts.pair("patch_size")?;
    let fused = facts.flag("enable_fusion")?;
    let crops = if fused && facts.text("fusion_type")? == "channel_map" { 4 } else { 1 };
    let (layers, last) = stages(facts, first, "num_attention_heads")?;
    let mut count = conv(crops * inputs, first, tall * wide, true)
        + if facts.flag("enable_patch_layer_norm")? { norm(first) } else { 0 }
        + layers
        + norm(facts.size("num_mel_bins")?)
        + norm(last);
    if fused {
        let narrow = facts.divide(first, facts.size("aff_block_r")?, "aff_block_r")?;
        let branch =
            linear(first, narrow, true) + norm(narrow) + linear(narrow, first, true) + norm(first);
        count += 2 * branch + conv(inputs, first, tall * wide * 3, true);
    }
    Ok(count)
}
