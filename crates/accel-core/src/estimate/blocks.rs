//! What networks are built of, each as the number of its parameters.

use super::facts::Size;

/// A fully connected layer.
pub(super) const fn linear(inputs: Size, outputs: Size, bias: bool) -> Size {
    inputs * outputs + if bias { outputs } else { 0 }
}

/// A normalisation with scale and shift: layer norm, group norm, batch norm (its running mean and
/// variance are buffers).
pub(super) const fn norm(size: Size) -> Size {
    2 * size
}

/// A normalisation with scale alone.
pub(super) const fn rms_norm(size: Size) -> Size {
    size
}

/// A table of vectors.
pub(super) const fn embedding(entries: Size, size: Size) -> Size {
    entries * size
}

/// A convolution with a kernel of `taps` values for each pair of channels.
pub(super) const fn conv(inputs: Size, outputs: Size, taps: Size, bias: bool) -> Size {
    inputs * outputs * taps + if bias { outputs } else { 0 }
}

/// A convolution that treats every channel on its own.
pub(super) const fn depthwise(channels: Size, taps: Size, bias: bool) -> Size {
    channels * taps + if bias { channels } else { 0 }
}

/// A convolution without bias, and batch norm.
pub(super) const fn conv_norm(inputs: Size, outputs: Size, taps: Size) -> Size {
    conv(inputs, outputs, taps, false) + norm(outputs)
}

/// Query, key, value and output of the same width, as in BERT and ViT.
pub(super) const fn attention(size: Size, qkv_bias: bool, output_bias: bool) -> Size {
    3 * linear(size, size, qkv_bias) + linear(size, size, output_bias)
}

/// Attention where keys and values may have fewer heads than queries (GQA, MQA).
#[derive(Clone, Copy)]
pub(super) struct Grouped {
    pub(super) hidden: Size,
    pub(super) heads: Size,
    pub(super) kv_heads: Size,
    pub(super) head_size: Size,
}

impl Grouped {
    pub(super) const fn count(self, qkv_bias: bool, output_bias: bool) -> Size {
        let Self { hidden, heads, kv_heads, head_size } = self;
        linear(hidden, heads * head_size, qkv_bias)
            + 2 * linear(hidden, kv_heads * head_size, qkv_bias)
            + linear(heads * head_size, hidden, output_bias)
    }
}

/// Up and down again.
pub(super) const fn mlp(size: Size, inner: Size, bias: bool) -> Size {
    linear(size, inner, bias) + linear(inner, size, bias)
}

/// Gate and up side by side, and down again.
pub(super) const fn gated_mlp(size: Size, inner: Size, bias: bool) -> Size {
    2 * linear(size, inner, bias) + linear(inner, size, bias)
}

/// Experts that are gated MLPs, and the router that chooses among them.
pub(super) const fn experts(size: Size, inner: Size, count: Size) -> Size {
    count * gated_mlp(size, inner, false) + linear(size, count, false)
}

/// A layer of BERT: attention and MLP, each with a layer norm, everything with bias. The layers
/// of ViT, CLIP, Wav2Vec2 and BART's encoder are as large.
pub(super) const fn encoder_layer(size: Size, inner: Size) -> Size {
    attention(size, true, true) + mlp(size, inner, true) + 2 * norm(size)
}

/// A layer of BART's decoder: an encoder's, and attention to the encoder.
pub(super) const fn cross_decoder_layer(size: Size, inner: Size) -> Size {
    encoder_layer(size, inner) + attention(size, true, true) + norm(size)
}
