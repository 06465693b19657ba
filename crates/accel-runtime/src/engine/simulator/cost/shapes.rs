//! Sizes of what a node gives, from those of what it takes; after the ONNX operators'
//! specification (operator sets 7 to 23) and, for `com.microsoft`, ONNX Runtime's
//! `docs/ContribOperators.md`.

use super::graph::Node;
use super::value::Value;

type Shape = Vec<usize>;

/// A node's inputs; one that is left out or that nothing gives is `None`.
pub(super) struct Inputs<'a>(pub(super) Vec<Option<&'a Value>>);

impl<'a> Inputs<'a> {
    /// The input at `index`.
    pub(super) fn get(&self, index: usize) -> Option<&'a Value> {
        self.0.get(index).copied().flatten()
    }

    /// The shape of the input at `index`.
    pub(super) fn shape(&self, index: usize) -> Option<&'a [usize]> {
        self.get(index)?.shape.as_deref()
    }

    /// The elements of the input at `index`.
    pub(super) fn numbers(&self, index: usize) -> Option<&'a [f64]> {
        self.get(index)?.numbers.as_deref()
    }

    /// The integers of the input at `index`.
    fn integers(&self, index: usize) -> Option<Vec<i64>> {
        Some(self.numbers(index)?.iter().map(|it| whole(*it)).collect())
    }

    /// The integers of the input at `index`, or of the attribute that came before it.
    fn integers_or(&self, index: usize, node: &Node, attribute: &str) -> Option<Vec<i64>> {
        match self.get(index) {
            Some(_) => self.integers(index),
            None => node.list(attribute).map(<[i64]>::to_vec),
        }
    }
}

/// The shape of each of the node's outputs; `None` where it cannot be told.
pub(super) fn infer(node: &Node, inputs: &Inputs<'_>) -> Vec<Option<Shape>> {
    let several = match node.operator.as_str() {
        "Split" => split(node, inputs),
        "TopK" => top_k(node, inputs).map(|it| vec![it.clone(), it]),
        "LSTM" | "GRU" | "RNN" => recurrent(inputs),
        "GroupQueryAttention" => group_query_attention(node, inputs),
        "DynamicQuantizeLinear" => {
            inputs.shape(0).map(|it| vec![it.to_vec(), Vec::new(), Vec::new()])
        }
        _ => one(node, inputs).map(|it| vec![it]),
    };
    let mut shapes: Vec<_> = several.unwrap_or_default().into_iter().map(Some).collect();
    shapes.resize(node.outputs.len(), None);
    shapes
}

/// The shape of the first output.
fn one(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let first = || inputs.shape(0);
    match node.operator.as_str() {
        "Constant" => node.constant.as_ref()?.shape.clone(),
        "Shape" => {
            let rank = i64::try_from(first()?.len()).ok()?;
            let at = |it: i64| if it < 0 { it + rank } else { it }.clamp(0, rank);
            let (start, end) = (at(node.integer("start", 0)), at(node.integer("end", rank)));
            Some(vec![usize::try_from(end - start).unwrap_or(0)])
        }
        "Size" => Some(Vec::new()),
        "ConstantOfShape" => sizes(&inputs.integers(0)?),
        "MatMul" | "MatMulInteger" => matmul(first()?, inputs.shape(1)?),
        "MatMulNBits" => {
            let mut shape = first()?.to_vec();
            *shape.last_mut()? = usize::try_from(node.integer("N", -1)).ok()?;
            Some(shape)
        }
        "Gemm" => {
            let (a, b) = (first()?, inputs.shape(1)?);
            let rows = if node.integer("transA", 0) == 0 { a.first()? } else { a.get(1)? };
            let columns = if node.integer("transB", 0) == 0 { b.get(1)? } else { b.first()? };
            Some(vec![*rows, *columns])
        }
        "Conv" | "ConvInteger" => convolved(node, first()?, inputs.shape(1)?),
        "QLinearConv" => convolved(node, first()?, inputs.shape(3)?),
        "ConvTranspose" => transposed_convolution(node, first()?, inputs.shape(1)?),
        "MaxPool" | "AveragePool" | "LpPool" => pooled(node, first()?),
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => {
            Some(first()?.iter().enumerate().map(|(i, it)| if i < 2 { *it } else { 1 }).collect())
        }
        "Reshape" => reshape(node, first()?, &inputs.integers(1)?),
        "Flatten" => {
            let shape = first()?;
            let axis = position(node.integer("axis", 1), shape.len() + 1)?;
            Some(vec![shape[..axis].iter().product(), shape[axis..].iter().product()])
        }
        "Transpose" => {
            let shape = first()?;
            match node.list("perm") {
                None => Some(shape.iter().rev().copied().collect()),
                Some(order) => {
                    order.iter().map(|it| shape.get(usize::try_from(*it).ok()?).copied()).collect()
                }
            }
        }
        "Unsqueeze" => unsqueeze(first()?, &inputs.integers_or(1, node, "axes")?),
        "Squeeze" => squeeze(first()?, inputs.integers_or(1, node, "axes").as_deref()),
        "Expand" => broadcast(&[first()?, &sizes(&inputs.integers(1)?)?]),
        "Tile" => {
            let repeats = sizes(&inputs.integers(1)?)?;
            first()?.iter().zip(&repeats).map(|(size, times)| size.checked_mul(*times)).collect()
        }
        "Pad" => padded(node, inputs),
        "Slice" => slice(node, inputs),
        "Concat" => concat(node, inputs),
        "Gather" => {
            let (data, indices) = (first()?, inputs.shape(1)?);
            let axis = position(node.integer("axis", 0), data.len())?;
            Some([&data[..axis], indices, data.get(axis + 1..)?].concat())
        }
        "GatherElements" => inputs.shape(1).map(<[usize]>::to_vec),
        "GatherND" => {
            let (data, indices) = (first()?, inputs.shape(1)?);
            let batch = usize::try_from(node.integer("batch_dims", 0)).ok()?;
            let (depth, outer) = indices.split_last()?;
            Some([outer, data.get(batch.checked_add(*depth)?..)?].concat())
        }
        "ArgMax" | "ArgMin" => {
            let axes = [node.integer("axis", 0)];
            reduced(first()?, Some(&axes), node.integer("keepdims", 1) != 0)
        }
        it if it.starts_with("Reduce") => {
            let axes = inputs.integers_or(1, node, "axes").filter(|it| !it.is_empty());
            if axes.is_none() && inputs.get(1).is_some_and(|it| it.elements() != Some(0.0)) {
                return None;
            }
            if axes.is_none() && node.integer("noop_with_empty_axes", 0) != 0 {
                return Some(first()?.to_vec());
            }
            reduced(first()?, axes.as_deref(), node.integer("keepdims", 1) != 0)
        }
        "Range" => {
            let number = |index| inputs.numbers(index).and_then(|it| it.first().copied());
            let (start, limit, step) = (number(0)?, number(1)?, number(2)?);
            Some(vec![count(((limit - start) / step).ceil())?])
        }
        "Resize" | "Upsample" => resize(node, inputs),
        "Einsum" => Some(einsum(node, inputs)?.output),
        "OneHot" => {
            let depth = count(*inputs.numbers(1)?.first()?)?;
            let mut shape = first()?.to_vec();
            let at = position(node.integer("axis", -1), shape.len() + 1)?;
            shape.insert(at, depth);
            Some(shape)
        }
        "MultiHeadAttention" => {
            let (query, value) = (first()?, inputs.shape(2)?);
            let [batch, length, _] = query else { return None };
            Some(vec![*batch, *length, *value.last()?])
        }
        it if SAME_AS_FIRST.contains(&it) => first().map(<[usize]>::to_vec),
        it if BROADCAST.contains(&it) => {
            let shapes: Option<Vec<_>> = (0..inputs.0.len()).map(|it| inputs.shape(it)).collect();
            broadcast(&shapes?)
        }
        _ => None,
    }
}

/// Operators whose first output has the shape of their first input.
const SAME_AS_FIRST: &[&str] = &[
    "Abs",
    "Acos",
    "Acosh",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BatchNormalization",
    "BitwiseNot",
    "Cast",
    "CastLike",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "Cosh",
    "CumSum",
    "DequantizeLinear",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "FastGelu",
    "Floor",
    "Gelu",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "IsInf",
    "IsNaN",
    "LRN",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "LpNormalization",
    "Mish",
    "Neg",
    "Not",
    "QuantizeLinear",
    "QuickGelu",
    "RMSNormalization",
    "Reciprocal",
    "Relu",
    "RotaryEmbedding",
    "Round",
    "ScatterElements",
    "ScatterND",
    "Selu",
    "Sigmoid",
    "Sign",
    "SimplifiedLayerNormalization",
    "Sin",
    "Sinh",
    "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization",
    "Softmax",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
    "Trilu",
];

/// Operators that broadcast all their inputs against each other.
const BROADCAST: &[&str] = &[
    "Add",
    "And",
    "BiasGelu",
    "BitShift",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "Div",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Or",
    "PRelu",
    "Pow",
    "Sub",
    "Sum",
    "Where",
    "Xor",
];

/// What numpy's broadcasting makes of the shapes.
pub(super) fn broadcast(shapes: &[&[usize]]) -> Option<Shape> {
    let rank = shapes.iter().map(|it| it.len()).max()?;
    let mut result = vec![1; rank];
    for shape in shapes {
        for (size, is) in shape.iter().rev().zip(result.iter_mut().rev()) {
            match (*size, *is) {
                (1, _) => {}
                (size, 1) => *is = size,
                (size, is) if size == is => {}
                _ => return None,
            }
        }
    }
    Some(result)
}

fn matmul(a: &[usize], b: &[usize]) -> Option<Shape> {
    let (a_outer, a_inner) = a.split_at(a.len().saturating_sub(2));
    let (b_outer, b_inner) = b.split_at(b.len().saturating_sub(2));
    let mut shape = broadcast(&[a_outer, b_outer])?;
    // A vector's own dimension goes away.
    if let [rows, _] = a_inner {
        shape.push(*rows);
    }
    if let [_, columns] = b_inner {
        shape.push(*columns);
    }
    (!a.is_empty() && !b.is_empty()).then_some(shape)
}

fn convolved(node: &Node, input: &[usize], weights: &[usize]) -> Option<Shape> {
    let kernel = weights.get(2..)?;
    let spatial = windows(node, input.get(2..)?, kernel)?;
    Some([&[*input.first()?, *weights.first()?][..], &spatial].concat())
}

fn pooled(node: &Node, input: &[usize]) -> Option<Shape> {
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

fn transposed_convolution(node: &Node, input: &[usize], weights: &[usize]) -> Option<Shape> {
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

fn reshape(node: &Node, shape: &[usize], target: &[i64]) -> Option<Shape> {
    let keeps_zero = node.integer("allowzero", 0) != 0;
    let mut result = Vec::with_capacity(target.len());
    let mut open = None;
    for (i, size) in target.iter().enumerate() {
        result.push(match size {
            0 if !keeps_zero => *shape.get(i)?,
            -1 => {
                open = Some(i);
                1
            }
            size => usize::try_from(*size).ok()?,
        });
    }
    if let Some(open) = open {
        let rest = result.iter().try_fold(1_usize, |all, it| all.checked_mul(*it))?;
        let all = shape.iter().try_fold(1_usize, |all, it| all.checked_mul(*it))?;
        result[open] = all.checked_div(rest)?;
    }
    Some(result)
}

fn unsqueeze(shape: &[usize], axes: &[i64]) -> Option<Shape> {
    let rank = shape.len().checked_add(axes.len())?;
    let axes: Option<Vec<_>> = axes.iter().map(|it| position(*it, rank)).collect();
    let axes = axes?;
    let mut sizes = shape.iter();
    (0..rank).map(|it| if axes.contains(&it) { Some(1) } else { sizes.next().copied() }).collect()
}

fn squeeze(shape: &[usize], axes: Option<&[i64]>) -> Option<Shape> {
    let Some(axes) = axes else {
        return Some(shape.iter().copied().filter(|it| *it != 1).collect());
    };
    let axes: Option<Vec<_>> = axes.iter().map(|it| position(*it, shape.len())).collect();
    let axes = axes?;
    Some(shape.iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, it)| *it).collect())
}

fn padded(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let mut shape = inputs.shape(0)?.to_vec();
    let pads = inputs.integers_or(1, node, "pads")?;
    let axes = match inputs.get(3) {
        Some(_) => inputs.integers(3)?,
        None => (0..i64::try_from(shape.len()).ok()?).collect(),
    };
    for (i, axis) in axes.iter().enumerate() {
        let axis = position(*axis, shape.len())?;
        let more = pads.get(i)?.checked_add(*pads.get(i + axes.len())?)?;
        shape[axis] = shape[axis].checked_add_signed(isize::try_from(more).ok()?)?;
    }
    Some(shape)
}

fn slice(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let mut shape = inputs.shape(0)?.to_vec();
    for (axis, range) in slices(node, inputs, &shape)? {
        shape[axis] = range.count();
    }
    Some(shape)
}

/// Where a slice of one dimension begins, ends, and how far it steps.
pub(super) struct Cut {
    start: i64,
    end: i64,
    step: i64,
}

impl Cut {
    /// How many elements it takes.
    fn count(&self) -> usize {
        let span = if self.step > 0 { self.end - self.start } else { self.start - self.end };
        let steps = span.max(0).unsigned_abs().div_ceil(self.step.unsigned_abs().max(1));
        usize::try_from(steps).unwrap_or(usize::MAX)
    }

    /// The indexes that it takes.
    pub(super) fn indexes(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.count())
            .filter_map(|it| i64::try_from(it).ok())
            .filter_map(|it| usize::try_from(self.start + it * self.step).ok())
    }
}

/// What a `Slice` takes of each axis that it cuts.
pub(super) fn slices(
    node: &Node,
    inputs: &Inputs<'_>,
    shape: &[usize],
) -> Option<Vec<(usize, Cut)>> {
    let starts = inputs.integers_or(1, node, "starts")?;
    let ends = inputs.integers_or(2, node, "ends")?;
    let axes = match inputs.get(3) {
        Some(_) => inputs.integers(3)?,
        None => match node.list("axes") {
            Some(axes) => axes.to_vec(),
            None => (0..i64::try_from(starts.len()).ok()?).collect(),
        },
    };
    let steps = match inputs.get(4) {
        Some(_) => inputs.integers(4)?,
        None => vec![1; starts.len()],
    };
    let mut cuts = Vec::with_capacity(axes.len());
    for (i, axis) in axes.iter().enumerate() {
        let axis = position(*axis, shape.len())?;
        let size = i64::try_from(shape[axis]).ok()?;
        let step = *steps.get(i)?;
        let at = |it: i64| if it < 0 { it.saturating_add(size) } else { it };
        let (start, end) = (at(*starts.get(i)?), at(*ends.get(i)?));
        cuts.push(match step {
            0 => return None,
            1.. => (axis, Cut { start: start.clamp(0, size), end: end.clamp(0, size), step }),
            _ => {
                let start = start.clamp(0, (size - 1).max(0));
                (axis, Cut { start, end: end.clamp(-1, size), step })
            }
        });
    }
    Some(cuts)
}

fn concat(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let mut shape = inputs.shape(0)?.to_vec();
    let axis = position(node.integer("axis", 0), shape.len())?;
    for index in 1..inputs.0.len() {
        shape[axis] = shape[axis].checked_add(*inputs.shape(index)?.get(axis)?)?;
    }
    Some(shape)
}

fn split(node: &Node, inputs: &Inputs<'_>) -> Option<Vec<Shape>> {
    let shape = inputs.shape(0)?;
    let axis = position(node.integer("axis", 0), shape.len())?;
    let parts = match inputs.integers_or(1, node, "split") {
        Some(parts) => sizes(&parts)?,
        None if inputs.get(1).is_some() => return None,
        None => {
            let count = node.outputs.len().max(1);
            let each = shape[axis].div_ceil(count);
            (0..count).map(|it| each.min(shape[axis].saturating_sub(it * each))).collect()
        }
    };
    let part = |size| {
        let mut shape = shape.to_vec();
        shape[axis] = size;
        shape
    };
    Some(parts.into_iter().map(part).collect())
}

fn top_k(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let mut shape = inputs.shape(0)?.to_vec();
    let axis = position(node.integer("axis", -1), shape.len())?;
    shape[axis] = count(*inputs.numbers(1)?.first()?)?;
    Some(shape)
}

fn reduced(shape: &[usize], axes: Option<&[i64]>, keep: bool) -> Option<Shape> {
    let axes: Option<Vec<_>> = match axes {
        Some(axes) => axes.iter().map(|it| position(*it, shape.len())).collect(),
        None => Some((0..shape.len()).collect()),
    };
    let axes = axes?;
    let sizes = shape.iter().enumerate().filter_map(|(i, size)| match axes.contains(&i) {
        true if keep => Some(1),
        true => None,
        false => Some(*size),
    });
    Some(sizes.collect())
}

fn resize(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
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
    for (axis, number) in axes.iter().zip(numbers) {
        let axis = position(*axis, shape.len())?;
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
        let size = if is_scale { (shape[axis] as f64 * number).floor() } else { *number };
        shape[axis] = count(size)?;
    }
    Some(shape)
}

fn recurrent(inputs: &Inputs<'_>) -> Option<Vec<Shape>> {
    let [length, batch, _] = *inputs.shape(0)? else { return None };
    let [directions, _, hidden] = *inputs.shape(2)? else { return None };
    let state = vec![directions, batch, hidden];
    Some(vec![vec![length, directions, batch, hidden], state.clone(), state])
}

fn group_query_attention(node: &Node, inputs: &Inputs<'_>) -> Option<Vec<Shape>> {
    let [batch, length, width] = *inputs.shape(0)? else { return None };
    let heads = usize::try_from(node.integer("num_heads", 0)).ok()?;
    let kv_heads = usize::try_from(node.integer("kv_num_heads", 0)).ok()?;
    // Query, key and value may come as one.
    let parts = if inputs.get(1).is_some() { heads } else { heads + 2 * kv_heads };
    let size = width.checked_div(parts)?;
    let past = inputs.shape(3).map_or(Some(0), |it| it.get(2).copied())?;
    let present = vec![batch, kv_heads, past.checked_add(length)?, size];
    Some(vec![vec![batch, length, heads * size], present.clone(), present])
}

/// An `Einsum`'s output, and the sizes of all its letters.
pub(super) struct Einsum {
    pub(super) output: Shape,
    pub(super) letters: Vec<usize>,
}

/// What an `Einsum` without an ellipsis gives.
pub(super) fn einsum(node: &Node, inputs: &Inputs<'_>) -> Option<Einsum> {
    let equation: String = node.text("equation")?.split_whitespace().collect();
    let (terms, output) = equation.split_once("->")?;
    if equation.contains('.') {
        return None;
    }
    let mut letters: Vec<(char, usize)> = Vec::new();
    for (index, term) in terms.split(',').enumerate() {
        for (letter, size) in term.chars().zip(inputs.shape(index)?) {
            match letters.iter_mut().find(|(it, _)| *it == letter) {
                Some((_, known)) => *known = (*known).max(*size),
                None => letters.push((letter, *size)),
            }
        }
    }
    let size = |letter| letters.iter().find(|(it, _)| *it == letter).map(|(_, size)| *size);
    let output = output.chars().map(size).collect::<Option<_>>()?;
    Some(Einsum { output, letters: letters.into_iter().map(|(_, size)| size).collect() })
}

/// The axis as an index below `rank`.
pub(super) fn position(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let axis = if axis < 0 { axis + rank } else { axis };
    usize::try_from(axis).ok().filter(|_| axis < rank)
}

fn sizes(integers: &[i64]) -> Option<Shape> {
    integers.iter().map(|it| usize::try_from(*it).ok()).collect()
}

/// A float that counts something.
fn count(number: f64) -> Option<usize> {
    usize::try_from(whole(number)).ok()
}

/// A float without its fraction; beyond the range of integers, the nearest of them.
#[expect(clippy::cast_possible_truncation, reason = "saturates, as meant")]
fn whole(number: f64) -> i64 {
    number as i64
}
