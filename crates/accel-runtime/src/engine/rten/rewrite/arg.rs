//! `ArgMax` and `ArgMin`: rten takes the last of equals, ONNX the first unless asked otherwise.

use rten_onnx::onnx::NodeProto;

use super::nodes::Nodes;
use crate::engine::rten::operators::integer;

/// Writes the node so that it takes the one of equals that it asks for.
///
/// The first of equals is the last one read backwards: the axis is reversed, and the index found
/// is counted from the axis' other end. As in `NumPy` and `PyTorch`, a NaN counts as extreme.
pub(super) fn rewrite(node: &NodeProto, nodes: &mut Nodes<'_>) -> Result<(), String> {
    let ([value, ..], [output]) = (node.input.as_slice(), node.output.as_slice()) else {
        return Err("it does not have one input and one output".to_owned());
    };
    let mut last = node.clone();
    last.attribute.retain(|it| it.name.as_deref() != Some("select_last_index"));
    if integer(node, "select_last_index").unwrap_or(0) != 0 {
        nodes.push(last);
        return Ok(());
    }
    let axis = integer(node, "axis").unwrap_or(0);
    let (back, end) = (nodes.integers(&[-1]), nodes.integers(&[i64::MIN]));
    let along = nodes.integers(&[axis]);
    let reversed = nodes.add("Slice", &[value, &back, &end, &along, &back]);
    let index = nodes.fresh("index");
    last.input = vec![reversed];
    last.output = vec![index.clone()];
    nodes.push(last);
    let size = nodes.size(value, axis);
    let one = nodes.integer(1);
    let greatest = nodes.add("Sub", &[&size, &one]);
    nodes.add_as("Sub", &[&greatest, &index], &[], output);
    Ok(())
}
