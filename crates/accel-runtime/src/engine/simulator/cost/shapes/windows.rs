//! Sizes of what windows are moved over: convolutions, pools; and of what is resized.

use super::super::graph::Node;
use super::{Inputs, Shape, count, position, sizes};

pub(super) fn convolved(node: &Node, input: &[usize], weights: &[usize]) -> Option<Shape> {
    let kernel = weights.get(2..)?;
    let spatial = windows(node, input.get(2..)?, kernel)?;
    Some([&[*input.first()?, *weights.first()?][..], &spatial].concat())
}

pub(super) fn pooled(node: &Node, input: &[usize]) -> Option<Shape> {
    let kernel = sizes(node.list("kernel_shape")?)?;
    let spatial = windows(node, input.get(2..)?, &kernel)?;
    Some([input.get(..2)?, &spatial].concat())
}

/// How many windows fit into each spatial dimension.
fn windows(node: &Node, spatial: &[usize], kernel: &[usize]) -> Option<Shape> {
    let strides = node.list("strides").map(sizes);
    let strides = strides.unwrap_or_else(|| Some(vec![1; kernel.len()]))?;
    let dilations = node.list("dilations").map(sizes);
    let dilations = dilations.unwrap_or_else(|| Some(vec![1; kernel.len()]))?;
    let pads = node.list("pads").map(sizes);
    let pads = pads.unwrap_or_else(|| Some(vec![0; 2 * kernel.len()]))?;
    let rounds_up = node.integer("ceil_mode", 0) != 0;
    let mut counts = Vec::with_capacity(spatial.len());
    for (i, size) in spatial.iter().enumerate() {
        let stride = *strides.get(i)?;
        let steps = match node.text("auto_pad") {
            Some("SAME_UPPER" | "SAME_LOWER") => Some(size.div_ceil(stride.max(1))),
            is => {
                let pads = if is == Some("VALID") {
                    0
                } else {
                    pads.get(i)?.checked_add(*pads.get(i + kernel.len())?)?
                };
                let window = kernel
                    .get(i)?
                    .checked_sub(1)?
                    .checked_mul(*dilations.get(i)?)?
                    .checked_add(1)?;
                let room = size.checked_add(pads)?.checked_sub(window)?;
                let steps =
                    if rounds_up { room.div_ceil(stride.max(1)) } else { room / stride.max(1) };
                Some(steps + 1)
            }
        };
        counts.push(steps?);
    }
    Some(counts)
}

pub(super) fn transposed_convolution(
    node: &Node,
    input: &[usize],
    weights: &[usize],
) -> Option<Shape> {
    let kernel = weights.get(2..)?;
    let groups = usize::try_from(node.integer("group", 1)).ok()?;
    let mut shape = vec![*input.first()?, weights.get(1)?.checked_mul(groups)?];
    let entry = |name: &str, index: usize, default: i64| {
        node.list(name).map_or(Some(default), |it| it.get(index).copied())
    };
    for (i, size) in input.get(2..)?.iter().enumerate() {
        let (size, kernel_size) =
            (i64::try_from(*size).ok()?, i64::try_from(*kernel.get(i)?).ok()?);
        let pads = entry("pads", i, 0)? + entry("pads", i + kernel.len(), 0)?;
        let window = (kernel_size - 1).checked_mul(entry("dilations", i, 1)?)? + 1;
        let total = (size - 1).checked_mul(entry("strides", i, 1)?)?.checked_add(window)?;
        let total = total - pads + entry("output_padding", i, 0)?;
        shape.push(usize::try_from(total).ok()?);
    }
    Some(shape)
}

pub(super) fn resize(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let mut shape = inputs.shape(0)?.to_vec();
    let given = |index| inputs.numbers(index).filter(|it| !it.is_empty());
    // Before operator set 11 the scales came second.
    let scales = if node.operator == "Upsample" || inputs.0.len() == 2 { 1 } else { 2 };
    let (numbers, is_scale) = match (given(3), given(scales)) {
        (Some(sizes), _) => (sizes, false),
        (None, Some(scales)) => (scales, true),
        (None, None) => return None,
    };
    let axes: Vec<_> = match node.list("axes") {
        Some(axes) => axes.to_vec(),
        None => (0..i64::try_from(shape.len()).ok()?).collect(),
    };
    for (index, number) in axes.iter().zip(numbers) {
        let dimension = position(*index, shape.len())?;
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
        let size = if is_scale { (shape[dimension] as f64 * number).floor() } else { *number };
        shape[dimension] = count(size)?;
    }
    Some(shape)
}
