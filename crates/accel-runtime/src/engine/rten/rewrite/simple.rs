//! Rewritings of a few nodes each.

use rten_onnx::onnx::{AttributeProto, AttributeType, DataType, NodeProto};

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

/// `QuantizeLinear` with a scale for every place along an axis that the node does not name.
pub(super) fn quantize_axis(node: &NodeProto, nodes: &mut Nodes<'_>) {
    let mut named = node.clone();
    named.attribute.push(AttributeProto {
        name: Some("axis".to_owned()),
        i: Some(1),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    });
    nodes.push(named);
}

/// `Softplus`: max(x, 0) + log(1 + exp(-|x|)), which does not overflow.
pub(super) fn softplus(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (value, output) = ends(node)?;
    let one = nodes.float(1.0);
    let size = nodes.add("Abs", &[value]);
    let negative = nodes.add("Neg", &[&size]);
    let power = nodes.add("Exp", &[&negative]);
    let sum = nodes.add("Add", &[&power, &one]);
    let rest = nodes.add("Log", &[&sum]);
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
