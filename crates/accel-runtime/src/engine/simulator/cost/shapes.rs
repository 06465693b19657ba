//! Sizes of what a node gives, from those of what it takes; after the ONNX operators'
//! specification (operator sets 7 to 23) and, for `com.microsoft`, ONNX Runtime's
//! `docs/ContribOperators.md`.

mod layout;
mod windows;

pub(super) use self::layout::slices;
use self::layout::{concat, padded, reduced, reshape, slice, split, squeeze, top_k, unsqueeze};
use self::windows::{convolved, pooled, resize, transposed_convolution};
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
        "Gather" | "GatherElements" | "GatherND" => gathered(node, inputs),
        "ArgMax" | "ArgMin" => {
            let axes = [node.integer("axis", 0)];
            reduced(first()?, Some(&axes), node.integer("keepdims", 1) != 0)
        }
        it if it.starts_with("Reduce") => reduction(node, inputs),
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

/// What a `Reduce…` leaves.
fn reduction(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let first = || inputs.shape(0);
    let axes = inputs.integers_or(1, node, "axes").filter(|it| !it.is_empty());
    if axes.is_none() && inputs.get(1).is_some_and(|it| it.elements() != Some(0.0)) {
        return None;
    }
    if axes.is_none() && node.integer("noop_with_empty_axes", 0) != 0 {
        return Some(first()?.to_vec());
    }
    reduced(first()?, axes.as_deref(), node.integer("keepdims", 1) != 0)
}

/// What is taken from the first input by the indexes of the second.
fn gathered(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let (data, indices) = (inputs.shape(0)?, inputs.shape(1)?);
    match node.operator.as_str() {
        "Gather" => {
            let axis = position(node.integer("axis", 0), data.len())?;
            Some([&data[..axis], indices, data.get(axis + 1..)?].concat())
        }
        "GatherND" => {
            let batch = usize::try_from(node.integer("batch_dims", 0)).ok()?;
            let (depth, outer) = indices.split_last()?;
            Some([outer, data.get(batch.checked_add(*depth)?..)?].concat())
        }
        _ => Some(indices.to_vec()),
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
