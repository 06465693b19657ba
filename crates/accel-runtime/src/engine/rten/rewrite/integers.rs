//! `ConvInteger` and `MatMulInteger`: rten's sums overflow.

use rten_onnx::onnx::{DataType, NodeProto};

use super::known::Constants;
use super::nodes::Nodes;
use crate::engine::rten::operators::input;

/// `ConvInteger`, which also pads with another value than the zero point, as a convolution of
/// floats, which hold all integers up to 2²⁴: sums of more
/// than 258 products of 8-bit numbers may be rounded, by one part in 16 million.
pub(super) fn convolution(
    node: &NodeProto,
    constants: &Constants,
    nodes: &mut Nodes<'_>,
) -> Result<(), String> {
    let (Some(value), Some(weights), [output]) =
        (input(node, 0), input(node, 1), node.output.as_slice())
    else {
        return Err("it does not have two inputs and one output".to_owned());
    };
    let value = centred(nodes, value, input(node, 2));
    let mut zero = input(node, 3).map(str::to_owned);
    if let Some(name) = &zero {
        let dims = |name: &str| constants.get(name)?.as_ref().map(|it| it.dims.len());
        let rank = dims(name).ok_or("the weights' zero point is not a constant")?;
        if rank == 1 {
            // One for every output channel, the weights' first axis.
            let weights_rank = dims(weights).ok_or("its weights are not a constant")?;
            let axes: Vec<_> = (1..).take(weights_rank.saturating_sub(1)).collect();
            let axes = nodes.integers(&axes);
            zero = Some(nodes.add("Unsqueeze", &[name, &axes]));
        }
    }
    let weights = centred(nodes, weights, zero.as_deref());
    let mut convolution = node.clone();
    convolution.op_type = Some("Conv".to_owned());
    convolution.input = vec![value, weights];
    let sums = nodes.fresh("sums");
    convolution.output = vec![sums.clone()];
    nodes.push(convolution);
    nodes.add_as("Cast", &[&sums], &[("to", i64::from(DataType::INT32.0))], output);
    Ok(())
}

/// `MatMulInteger` as the sum of two, each by half of the second matrix: elements up to 64 in
/// size keep pairs of products within 16 bits. The halves are made once, while the graph is
/// loaded, since the matrix is a constant.
pub(super) fn matmul(
    node: &NodeProto,
    constants: &Constants,
    nodes: &mut Nodes<'_>,
) -> Result<(), String> {
    let (Some(value), Some(weights), [output]) =
        (input(node, 0), input(node, 1), node.output.as_slice())
    else {
        return Err("it does not have two inputs and one output".to_owned());
    };
    let data_type = constants.get(weights).and_then(|it| it.as_ref()?.data_type);
    // What brings the elements to between -128 and 127.
    let shift = match data_type {
        Some(DataType::UINT8) => 128,
        Some(DataType::INT8) => 0,
        _ => return Err("its second matrix is not a constant of 8-bit integers".to_owned()),
    };
    let matrices = halves(nodes, weights, shift);
    let zero = input(node, 3).map_or_else(|| nodes.integer(0), str::to_owned);
    let zeros = halves(nodes, &zero, shift);
    let value_zero = input(node, 2).unwrap_or_default();
    let mut product = |half: usize| {
        nodes.add("MatMulInteger", &[value, &matrices[half], value_zero, &zeros[half]])
    };
    let products = [product(0), product(1)];
    nodes.add_as("Add", &[&products[0], &products[1]], &[], output);
    Ok(())
}

/// Two 8-bit numbers up to 64 in size for each number, whose sum is the number less `shift`.
fn halves(nodes: &mut Nodes<'_>, numbers: &str, shift: i64) -> [String; 2] {
    let (shift, two) = (nodes.integer(shift), nodes.integer(2));
    let wide = nodes.cast(numbers, DataType::INT32);
    let shifted = nodes.add("Sub", &[&wide, &shift]);
    let first = nodes.add("Div", &[&shifted, &two]);
    let second = nodes.add("Sub", &[&shifted, &first]);
    [nodes.cast(&first, DataType::INT8), nodes.cast(&second, DataType::INT8)]
}

/// The difference of integers and their zero point, as floats.
fn centred(nodes: &mut Nodes<'_>, value: &str, zero: Option<&str>) -> String {
    let value = nodes.cast(value, DataType::FLOAT);
    let Some(zero) = zero else { return value };
    let zero = nodes.cast(zero, DataType::FLOAT);
    nodes.add("Sub", &[&value, &zero])
}
