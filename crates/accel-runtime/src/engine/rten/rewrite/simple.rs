//! Rewritings of a few nodes each.

use rten_onnx::onnx::{DataType, NodeProto};

use super::Transposed;
use super::nodes::Nodes;
use crate::engine::rten::operators::{input, integer};

/// `Cast` and `CastLike` to truth values: whatever is not zero is true, NaN included.
pub(super) fn cast_to_bool(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (value, output) = ends(node)?;
    let number = nodes.cast(value, DataType::FLOAT);
    let zero = nodes.float(0.0);
    let is_zero = nodes.add("Equal", &[&number, &zero]);
    nodes.add_as("Not", &[&is_zero], &[], output);
    Ok(())
}

/// `Softmax` and `LogSoftmax` of operator sets before 13: over all axes from `axis`, by default
/// the second, at once.
pub(super) fn flat_softmax(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (value, output) = ends(node)?;
    let axis = integer(node, "axis").unwrap_or(1);
    let operator = node.op_type.as_deref().unwrap_or_default();
    let shape = nodes.add("Shape", &[value]);
    let matrix = nodes.add_with("Flatten", &[value], &[("axis", axis)]);
    let result = nodes.add_with(operator, &[&matrix], &[("axis", -1)]);
    nodes.add_as("Reshape", &[&result, &shape], &[("allowzero", 1)], output);
    Ok(())
}

/// `MatMul` by a vector: by a matrix of one column, which is taken away again.
pub(super) fn matmul_vector(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (value, output) = ends(node)?;
    let vector = input(node, 1).ok_or("it has one input")?;
    let (second, last) = (nodes.integers(&[1]), nodes.integers(&[-1]));
    let column = nodes.add("Unsqueeze", &[vector, &second]);
    let product = nodes.add("MatMul", &[value, &column]);
    nodes.add_as("Squeeze", &[&product, &last], &[], output);
    Ok(())
}

/// `MatMul` by what may be a vector: of the sizes of the first matrix and of rten's result, those
/// that the result is to have.
pub(super) fn matmul_unknown(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (value, output) = ends(node)?;
    let other = input(node, 1).ok_or("it has one input")?;
    let product = nodes.add("MatMul", &[value, other]);
    let (zero, one) = (nodes.integers(&[0]), nodes.integers(&[1]));
    let (outer, own) = (nodes.add("Shape", &[value]), nodes.add("Shape", &[&product]));
    let sizes = nodes.add_with("Concat", &[&outer, &own], &[("axis", 0)]);
    // The shape of a shape is the number of dimensions, as a row of one.
    let (rank, all) = (nodes.add("Shape", &[&outer]), nodes.add("Shape", &[&sizes]));
    let other_shape = nodes.add("Shape", &[other]);
    let other_rank = nodes.add("Shape", &[&other_shape]);
    let is_vector = nodes.add("Equal", &[&other_rank, &one]);
    let without_last = nodes.add("Sub", &[&rank, &one]);
    let start = nodes.add("Where", &[&is_vector, &zero, &rank]);
    let end = nodes.add("Where", &[&is_vector, &without_last, &all]);
    let shape = nodes.add("Slice", &[&sizes, &start, &end]);
    nodes.add_as("Reshape", &[&product, &shape], &[("allowzero", 1)], output);
    Ok(())
}

/// `MatMul` by the transposition of a constant: the rows of the other operand, times the constant as
/// it lies in memory.
pub(super) fn matmul_transposed(
    node: &NodeProto,
    by: Option<&Transposed>,
    nodes: &mut Nodes<'_>,
) -> Result<(), String> {
    let (value, output) = ends(node)?;
    let Transposed { name, rows, columns } = by.ok_or("its second input is no such constant")?;
    let (first, last) = (nodes.integers(&[0]), nodes.integers(&[-1]));
    let (flat, width) = (nodes.integers(&[-1, *columns]), nodes.integers(&[*rows]));
    let shape = nodes.add("Shape", &[value]);
    let outer = nodes.add("Slice", &[&shape, &first, &last]);
    let shape = nodes.add_with("Concat", &[&outer, &width], &[("axis", 0)]);
    let matrix = nodes.add("Reshape", &[value, &flat]);
    let product = nodes.add_with("Gemm", &[&matrix, name], &[("transB", 1)]);
    nodes.add_as("Reshape", &[&product, &shape], &[("allowzero", 1)], output);
    Ok(())
}

/// `Sign`: zero stays what it is.
pub(super) fn sign(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (value, output) = ends(node)?;
    // A zero of the value's type; where it is not a number, neither is the sign of one.
    let zero = nodes.add("Sub", &[value, value]);
    let is_zero = nodes.add("Equal", &[value, &zero]);
    let sign = nodes.add("Sign", &[value]);
    nodes.add_as("Where", &[&is_zero, value, &sign], &[], output);
    Ok(())
}

/// `ReduceMax` and `ReduceMin` of truth values, as numbers: of none, the greatest is less than
/// every number and the least is greater.
pub(super) fn reduce_truths(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (value, output) = ends(node)?;
    let number = nodes.cast(value, DataType::FLOAT);
    let mut reduce = node.clone();
    let reduced = nodes.fresh("reduced");
    reduce.input[0] = number;
    reduce.output = vec![reduced.clone()];
    nodes.push(reduce);
    let half = nodes.float(0.5);
    nodes.add_as("Greater", &[&reduced, &half], &[], output);
    Ok(())
}

/// `Expand` by fewer sizes than the value has dimensions: ones before them change
/// nothing.
pub(super) fn expand_by_fewer(
    node: &NodeProto,
    missing: usize,
    nodes: &mut Nodes<'_>,
) -> Result<(), String> {
    let (value, output) = ends(node)?;
    let sizes = input(node, 1).ok_or("it has one input")?;
    let ones = nodes.integers(&vec![1; missing]);
    let sizes = nodes.add_with("Concat", &[&ones, sizes], &[("axis", 0)]);
    nodes.add_as("Expand", &[value, &sizes], &[], output);
    Ok(())
}

/// The series of `atanh(s) / s` in s², from s¹² down to s⁰: up to s = 1/3 what follows is below 1e-8.
const ATANH: [f32; 7] = [1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0, 1.0];

/// `Softplus`: `max(x, 0) + ln(1 + u)` with `u = exp(-|x|)`, and `ln(1 + u) = 2 atanh(u / (2 + u))`,
/// because 1 + u would lose the digits of a small u.
pub(super) fn softplus(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (value, output) = ends(node)?;
    let two = nodes.float(2.0);
    let size = nodes.add("Abs", &[value]);
    let negative = nodes.add("Neg", &[&size]);
    let power = nodes.add("Exp", &[&negative]);
    let below = nodes.add("Add", &[&power, &two]);
    let part = nodes.add("Div", &[&power, &below]);
    let square = nodes.add("Mul", &[&part, &part]);
    let [first, others @ ..] = ATANH;
    let mut sum = nodes.float(first);
    for coefficient in others {
        let coefficient = nodes.float(coefficient);
        sum = nodes.add("Mul", &[&sum, &square]);
        sum = nodes.add("Add", &[&sum, &coefficient]);
    }
    let rest = nodes.add("Mul", &[&sum, &part]);
    let rest = nodes.add("Mul", &[&rest, &two]);
    let linear = nodes.add("Relu", &[value]);
    nodes.add_as("Add", &[&linear, &rest], &[], output);
    Ok(())
}

/// The node's first input and its output.
fn ends(node: &NodeProto) -> Result<(&str, &str), String> {
    match (input(node, 0), node.output.as_slice()) {
        (Some(value), [output]) => Ok((value, output)),
        _ => Err("it does not have an input and one output".to_owned()),
    }
}
