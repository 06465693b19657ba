//! Nodes that onnxruntime-web 1.30 computes wrongly or not at all.

#[cfg(feature = "browser")]
use rten_onnx::onnx::GraphProto;
use rten_onnx::onnx::{DataType, NodeProto};

use super::nodes::Nodes;
#[cfg(feature = "browser")]
use crate::engine::rten::operators::Rewritten;
use crate::engine::rten::operators::{input, integer};

/// What WebGPU needs.
#[cfg(feature = "browser")]
pub(super) const WEBGPU: &[Rewritten] =
    &[Rewritten::And, Rewritten::Cos, Rewritten::Sin, Rewritten::Softplus];

/// What WebNN needs.
#[cfg(feature = "browser")]
pub(super) const WEBNN: &[Rewritten] = &[
    Rewritten::CubicResize,
    Rewritten::GatherElements,
    Rewritten::NearestResize,
    Rewritten::Softplus,
];

/// `And`: the product, as integers of 32 bits.
pub(super) fn and(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (left, right, output) = ends(node)?;
    let left = nodes.cast(left, DataType::INT32);
    let right = nodes.cast(right, DataType::INT32);
    let product = nodes.add("Mul", &[&left, &right]);
    let to = [("to", i64::from(DataType::BOOL.0))];
    nodes.add_as("Cast", &[&product], &to, output);
    Ok(())
}

/// π in three parts, the first two short: their products with whole and half numbers below 2^15
/// are exact, so that what is left of a position loses nothing (Cody and Waite 1980).
const PI: [f32; 3] = [3.140_625, 0.000_967_025_76, 6.278_329_6e-7];

/// The sine's power series from the 13th power down to the third: from -π/2 to π/2 what follows is
/// below 1e-9.
const SERIES: [f32; 6] = [
    1.0 / 6_227_020_800.0,
    -1.0 / 39_916_800.0,
    1.0 / 362_880.0,
    -1.0 / 5_040.0,
    1.0 / 120.0,
    -1.0 / 6.0,
];

/// `Sin` and `Cos`: x less the nearest h π lies within a quarter turn, with h whole for the sine
/// and a whole number k and a half for the cosine. There sin x = (-1)^h sin(x - h π), and
/// cos x = -(-1)^k sin(x - h π). Within 1.3e-7 for values up to 10^4, 1e-6 up to 10^5.
pub(super) fn sine(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (Some(value), [output]) = (input(node, 0), node.output.as_slice()) else {
        return Err("it does not have an input and one output".to_owned());
    };
    let is_cosine = node.op_type.as_deref() == Some("Cos");
    let (half, inverse) = (nodes.float(0.5), nodes.float(std::f32::consts::FRAC_1_PI));
    let turns = nodes.add("Mul", &[value, &inverse]);
    let (whole, nearest) = if is_cosine {
        let whole = nodes.add("Floor", &[&turns]);
        let nearest = nodes.add("Add", &[&whole, &half]);
        (whole, nearest)
    } else {
        let raised = nodes.add("Add", &[&turns, &half]);
        let whole = nodes.add("Floor", &[&raised]);
        (whole.clone(), whole)
    };
    let mut rest = value.to_owned();
    for part in PI {
        let part = nodes.float(part);
        let part = nodes.add("Mul", &[&nearest, &part]);
        rest = nodes.add("Sub", &[&rest, &part]);
    }
    let square = nodes.add("Mul", &[&rest, &rest]);
    let [first, others @ ..] = SERIES;
    let mut sum = nodes.float(first);
    for coefficient in others {
        let coefficient = nodes.float(coefficient);
        sum = nodes.add("Mul", &[&sum, &square]);
        sum = nodes.add("Add", &[&sum, &coefficient]);
    }
    let sum = nodes.add("Mul", &[&sum, &square]);
    let sum = nodes.add("Mul", &[&sum, &rest]);
    let sine = nodes.add("Add", &[&sum, &rest]);
    // Of an odd number, half is left over by a half.
    let halved = nodes.add("Mul", &[&whole, &half]);
    let floor = nodes.add("Floor", &[&halved]);
    let odd = nodes.add("Sub", &[&halved, &floor]);
    let sign = if is_cosine { -1.0_f32 } else { 1.0 };
    let (even, change) = (nodes.float(sign), nodes.float(-4.0 * sign));
    let change = nodes.add("Mul", &[&odd, &change]);
    let sign = nodes.add("Add", &[&even, &change]);
    nodes.add_as("Mul", &[&sine, &sign], &[], output);
    Ok(())
}

/// `GatherElements`: the data as a row, and every element's place in it. Of the data, what lies
/// beyond the indices along other axes than the node's is never taken, so it is cut off first;
/// then both are of the same sizes before the axis, and after it.
pub(super) fn gather_elements(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let (data, indices, output) = ends(node)?;
    let axis = integer(node, "axis").unwrap_or(0);
    let (first, end, along) =
        (nodes.integers(&[0]), nodes.integers(&[i64::MAX]), nodes.integers(&[axis]));
    let one = nodes.integers(&[1]);
    let shape = nodes.add("Shape", &[indices]);
    let data_shape = nodes.add("Shape", &[data]);
    let length = nodes.add_with("Gather", &[&data_shape, &along], &[("axis", 0)]);
    let count = nodes.add_with("Gather", &[&shape, &along], &[("axis", 0)]);
    let before = nodes.add("Slice", &[&shape, &first, &along]);
    // After the last axis is nothing, and -1 + 1 would be the first.
    let next = nodes.integers(&[if axis == -1 { i64::MAX } else { axis + 1 }]);
    let after = nodes.add("Slice", &[&shape, &next, &end]);

    let ends = nodes.add_with("Concat", &[&before, &length, &after], &[("axis", 0)]);
    let starts = nodes.add("Sub", &[&ends, &ends]);
    let data = nodes.add("Slice", &[data, &starts, &ends]);
    let row = nodes.integers(&[-1]);
    let data = nodes.add("Reshape", &[&data, &row]);

    let mut product = |sizes: &str| {
        // The product of none is one.
        let sizes = nodes.add_with("Concat", &[&one, sizes], &[("axis", 0)]);
        nodes.add_with("ReduceProd", &[&sizes], &[("keepdims", 0)])
    };
    let (outer, inner) = (product(&before), product(&after));
    let (outer_row, inner_row) =
        (nodes.add("Reshape", &[&outer, &one]), nodes.add("Reshape", &[&inner, &one]));
    let block = nodes.add_with("Concat", &[&outer_row, &count, &inner_row], &[("axis", 0)]);
    let index = nodes.cast(indices, DataType::INT64);
    let index = nodes.add("Reshape", &[&index, &block]);
    let (zero, step) = (nodes.integer(0), nodes.integer(1));
    let negative = nodes.add("Less", &[&index, &zero]);
    let from_end = nodes.add("Add", &[&index, &length]);
    let index = nodes.add("Where", &[&negative, &from_end, &index]);
    let place = nodes.add("Mul", &[&index, &inner_row]);

    let outer = nodes.add("Range", &[&zero, &outer, &step]);
    let second_and_third = nodes.integers(&[1, 2]);
    let outer = nodes.add("Unsqueeze", &[&outer, &second_and_third]);
    let stride = nodes.add("Mul", &[&length, &inner_row]);
    let outer = nodes.add("Mul", &[&outer, &stride]);
    let inner = nodes.add("Range", &[&zero, &inner, &step]);
    let offset = nodes.add("Add", &[&outer, &inner]);
    let place = nodes.add("Add", &[&place, &offset]);
    let gathered = nodes.add_with("Gather", &[&data, &place], &[("axis", 0)]);
    nodes.add_as("Reshape", &[&gathered, &shape], &[("allowzero", 1)], output);
    Ok(())
}

/// Whether the graph, or a body in it, holds values of half precision.
#[cfg(feature = "browser")]
pub(super) fn has_half(graph: &GraphProto) -> bool {
    let half = |it: i32| matches!(it, 10 | 16);
    let mut declared = graph.input.iter().chain(&graph.output).chain(&graph.value_info);
    let in_node = |node: &NodeProto| {
        let casts = integer(node, "to").is_some_and(|it| i32::try_from(it).is_ok_and(half));
        casts
            || node.attribute.iter().any(|it| {
                it.g.as_ref().is_some_and(has_half)
                    || it.t.as_ref().and_then(|it| it.data_type).is_some_and(|it| half(it.0))
            })
    };
    graph.initializer.iter().filter_map(|it| it.data_type).any(|it| half(it.0))
        || graph.node.iter().any(in_node)
        || declared.any(|it| {
            let tensor = it.r#type.as_ref().and_then(|it| it.tensor_type.as_ref());
            tensor.and_then(|it| it.elem_type).is_some_and(|it| half(it.0))
        })
}

/// The node's two inputs and its output.
fn ends(node: &NodeProto) -> Result<(&str, &str, &str), String> {
    match (input(node, 0), input(node, 1), node.output.as_slice()) {
        (Some(first), Some(second), [output]) => Ok((first, second, output)),
        _ => Err("it does not have two inputs and one output".to_owned()),
    }
}
