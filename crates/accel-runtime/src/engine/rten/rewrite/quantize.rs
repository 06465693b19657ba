//! `QuantizeLinear` and `DynamicQuantizeLinear`: rten multiplies by the scale's reciprocal, ONNX
//! divides by the scale. The quotients differ in their last digit, and where one lies half-way
//! between two integers, the result does too. Where no axis is named, rten takes the last one
//! and ONNX the second.

use rten_onnx::onnx::{DataType, NodeProto};

use super::known::Constants;
use super::nodes::Nodes;
use crate::engine::rten::operators::{attribute, input, integer};

/// Whether rten quantizes as the node asks for, but for the rounding.
pub(super) fn is_served(node: &NodeProto) -> bool {
    attribute(node, "block_size").is_none() && without_zero(node).is_some()
}

/// The type of the result when there is no zero point.
fn without_zero(node: &NodeProto) -> Option<DataType> {
    match integer(node, "output_dtype").unwrap_or(0) {
        0 | 2 => Some(DataType::UINT8),
        3 => Some(DataType::INT8),
        _ => None,
    }
}

/// `QuantizeLinear`.
pub(super) fn given_scale(
    node: &NodeProto,
    constants: &Constants,
    nodes: &mut Nodes<'_>,
) -> Result<(), String> {
    let (Some(value), Some(scale), [output]) =
        (input(node, 0), input(node, 1), node.output.as_slice())
    else {
        return Err("it does not have two inputs and one output".to_owned());
    };
    let is_single = constants.get(scale).and_then(|it| Some(it.as_ref()?.is_single()));
    let axis = integer(node, "axis").unwrap_or(1);
    let spread = |nodes: &mut Nodes<'_>, numbers: &str| {
        let shape = nodes.add("Shape", &[value]);
        if is_single == Some(true) {
            let no_sizes = nodes.integers(&[]);
            let number = nodes.add("Reshape", &[numbers, &no_sizes]);
            return nodes.add("Expand", &[&number, &shape]);
        }
        // What ones stand for is the scale, wherever it lies along the axis, if there is one.
        let one = nodes.integers(&[1]);
        let ones = nodes.add("Expand", &[&one, &shape]);
        let ones = nodes.cast(&ones, DataType::UINT8);
        nodes.add_with("DequantizeLinear", &[&ones, numbers], &[("axis", axis)])
    };
    let scales = spread(nodes, scale);
    let quotient = nodes.add("Div", &[value, &scales]);
    let rounded = nodes.add("Round", &[&quotient]);
    let Some(zero) = input(node, 2) else {
        let to = without_zero(node).ok_or("its type is not one of 8 bits")?;
        nodes.add_as("Cast", &[&rounded], &[("to", i64::from(to.0))], output);
        return Ok(());
    };
    let zeros = nodes.cast(zero, DataType::FLOAT);
    let zeros = spread(nodes, &zeros);
    let sum = nodes.add("Add", &[&rounded, &zeros]);
    // Casts keep to the type's range.
    nodes.add_as("CastLike", &[&sum, zero], &[], output);
    Ok(())
}

/// `DynamicQuantizeLinear`: rten's scale and zero point are right.
pub(super) fn dynamic_scale(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (Some(value), [output, rest @ ..]) = (input(node, 0), node.output.as_slice()) else {
        return Err("it does not have an input and an output".to_owned());
    };
    let mut named = |index: usize| match rest.get(index).filter(|it| !it.is_empty()) {
        Some(name) => name.clone(),
        None => nodes.fresh("scale"),
    };
    let (scale, zero) = (named(0), named(1));
    let mut measure = node.clone();
    measure.output = vec![nodes.fresh("quantized"), scale.clone(), zero.clone()];
    nodes.push(measure);
    // rten divides by a single number by multiplying as well.
    let shape = nodes.add("Shape", &[value]);
    let scales = nodes.add("Expand", &[&scale, &shape]);
    let quotient = nodes.add("Div", &[value, &scales]);
    let rounded = nodes.add("Round", &[&quotient]);
    let zero = nodes.cast(&zero, DataType::FLOAT);
    let sum = nodes.add("Add", &[&rounded, &zero]);
    nodes.add_as("Cast", &[&sum], &[("to", i64::from(DataType::UINT8.0))], output);
    Ok(())
}
