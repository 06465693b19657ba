//! How many operations a node takes and how many bytes it moves.
//!
//! A product of an m×k and a k×n matrix is 2·m·n·k operations, a convolution 2 for each weight
//! of a filter and each element that it gives: the count that `torch.utils.flop_counter` and
//! NVIDIA's "Matrix Multiplication Background User's Guide" take. Operations of other nodes are
//! counted by their passes over the elements; moving bytes is what they take their time for.

use super::graph::Node;
use super::shapes::{Inputs, einsum};
use super::value::{ElementType, Value, product};

/// What a node does.
pub(super) struct Work {
    pub(super) flops: f64,
    pub(super) bytes: f64,
    pub(super) is_product: bool,
    pub(super) dtype: ElementType,
}

/// Whether the node gives the same bytes under another shape, or reads no elements at all.
pub(super) fn is_view(node: &Node) -> bool {
    matches!(
        node.operator.as_str(),
        "Constant"
            | "Dropout"
            | "Flatten"
            | "Identity"
            | "Reshape"
            | "Shape"
            | "Size"
            | "Squeeze"
            | "Unsqueeze"
    )
}

/// The node's work; `None` where a size that it depends on is not known.
pub(super) fn work(node: &Node, inputs: &Inputs<'_>, outputs: &[Value]) -> Option<Work> {
    let is_product = PRODUCTS.contains(&node.operator.as_str());
    let flops = if is_product {
        products(node, inputs, outputs)?
    } else {
        passes(&node.operator) * outputs.first()?.elements()?
    };
    let dtype = computed_in(node, inputs, outputs);
    Some(Work { flops, bytes: bytes(node, inputs, outputs)?, is_product, dtype })
}

/// Operators that multiply matrices.
const PRODUCTS: &[&str] = &[
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "Einsum",
    "GRU",
    "Gemm",
    "GroupQueryAttention",
    "LSTM",
    "MatMul",
    "MatMulInteger",
    "MatMulNBits",
    "MultiHeadAttention",
    "QLinearConv",
    "RNN",
];

/// Operations of a node that multiplies matrices.
fn products(node: &Node, inputs: &Inputs<'_>, outputs: &[Value]) -> Option<f64> {
    let given = outputs.first().and_then(Value::elements);
    let elements_times = |inner: Option<f64>| Some(2.0 * given? * inner?);
    let last = |index: usize| inputs.shape(index).and_then(|it| it.last().copied()).map(float);
    match node.operator.as_str() {
        "MatMul" | "MatMulInteger" | "MatMulNBits" => elements_times(last(0)),
        "Gemm" => {
            let inner = usize::from(node.integer("transA", 0) == 0);
            elements_times(inputs.shape(0).and_then(|it| it.get(inner).copied()).map(float))
        }
        "Conv" | "ConvInteger" => elements_times(filter(inputs.shape(1))),
        "QLinearConv" => elements_times(filter(inputs.shape(3))),
        "ConvTranspose" => {
            // Every element of the input meets every weight of its filters once.
            inputs
                .get(0)
                .and_then(Value::elements)
                .zip(filter(inputs.shape(1)))
                .map(|(elements, filter)| 2.0 * elements * filter)
        }
        "Einsum" => einsum(node, inputs).map(|it| 2.0 * product(&it.letters)),
        "LSTM" => recurrent(inputs, 4.0),
        "GRU" => recurrent(inputs, 3.0),
        "RNN" => recurrent(inputs, 1.0),
        "GroupQueryAttention" => {
            // Query times keys, and their weights times values.
            let context = outputs.get(1).and_then(|it| it.shape.as_ref()?.get(2).copied());
            given.zip(context).map(|(given, context)| 4.0 * given * float(context))
        }
        "MultiHeadAttention" => {
            let context = inputs.shape(1).and_then(|it| it.get(1).copied());
            given.zip(context).map(|(given, context)| 4.0 * given * float(context))
        }
        _ => None,
    }
}

/// Weights of one filter: channels of its group times the window.
fn filter(weights: Option<&[usize]>) -> Option<f64> {
    Some(product(weights?.get(1..)?))
}

/// A recurrent layer's products: of inputs and of states with the weights of each gate.
fn recurrent(inputs: &Inputs<'_>, gates: f64) -> Option<f64> {
    let [length, batch, width] = *inputs.shape(0)? else { return None };
    let [directions, _, hidden] = *inputs.shape(2)? else { return None };
    let steps = float(length) * float(batch) * float(directions);
    Some(2.0 * steps * gates * float(hidden) * (float(width) + float(hidden)))
}

/// Passes over the elements of the output.
fn passes(operator: &str) -> f64 {
    match operator {
        // Maximum, difference, exponential, sum, quotient.
        "Softmax" | "LogSoftmax" => 5.0,
        // Mean, difference, square, its mean, quotient, scale, shift.
        "LayerNormalization"
        | "InstanceNormalization"
        | "GroupNormalization"
        | "SkipLayerNormalization" => 7.0,
        // Square, its mean, quotient, scale.
        "RMSNormalization"
        | "SimplifiedLayerNormalization"
        | "SkipSimplifiedLayerNormalization" => 4.0,
        "BatchNormalization" => 2.0,
        "Cast" | "Concat" | "ConstantOfShape" | "Expand" | "Gather" | "GatherElements"
        | "GatherND" | "Pad" | "ScatterElements" | "ScatterND" | "Slice" | "Split" | "Tile"
        | "Transpose" | "Trilu" => 0.0,
        _ => 1.0,
    }
}

fn bytes(node: &Node, inputs: &Inputs<'_>, outputs: &[Value]) -> Option<f64> {
    // An output that the graph leaves out is not written.
    let named = outputs.iter().zip(&node.outputs).filter(|(_, name)| !name.is_empty());
    let written: f64 = named.map(|(value, _)| value.bytes()).sum::<Option<f64>>()?;
    let taken = |index: usize| inputs.get(index).map_or(Some(0.0), Value::bytes);
    Some(match node.operator.as_str() {
        // Of a table, only the rows asked for are read.
        "Gather" | "GatherElements" | "GatherND" => 2.0 * written + taken(1)?,
        "Slice" => 2.0 * written,
        _ => written + inputs.0.iter().flatten().map(|it| it.bytes()).sum::<Option<f64>>()?,
    })
}

/// The type that the arithmetic units see.
fn computed_in(node: &Node, inputs: &Inputs<'_>, outputs: &[Value]) -> ElementType {
    match node.operator.as_str() {
        "MatMulInteger" | "ConvInteger" | "QLinearConv" => ElementType::I8,
        _ => {
            let dtypes = inputs.0.iter().flatten().map(|it| it.dtype);
            let float = dtypes.chain(outputs.iter().map(|it| it.dtype)).find(|it| it.is_float());
            float.or_else(|| outputs.first().map(|it| it.dtype)).unwrap_or(ElementType::Other)
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a cost needs no 53 bits")]
const fn float(size: usize) -> f64 {
    size as f64
}
