//! `ConvInteger`: rten's sums are off.

use rten_onnx::onnx::{DataType, NodeProto};

use super::known::Constants;
use super::nodes::Nodes;
use crate::engine::rten::operators::input;

/// Writes the node as a convolution of floats, which hold all integers up to 2²⁴: sums of more
/// than 258 products of 8-bit numbers may be rounded, by one part in 16 million.
pub(super) fn rewrite(
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

/// The difference of integers and their zero point, as floats.
fn centred(nodes: &mut Nodes<'_>, value: &str, zero: Option<&str>) -> String {
    let value = nodes.cast(value, DataType::FLOAT);
    let Some(zero) = zero else { return value };
    let zero = nodes.cast(zero, DataType::FLOAT);
    nodes.add("Sub", &[&value, &zero])
}
