//! Attributes that a node leaves out and rten takes for those of an image.

use rten_onnx::onnx::{AttributeProto, AttributeType, NodeProto};

use super::known::Known;
use crate::engine::rten::operators::{Domain, attribute, input, operator, text};

/// Writes ONNX's defaults of strides, dilations and pads into convolutions and poolings of
/// another number of axes than two. rten reports those that it does not serve.
pub(super) fn complete(node: &mut NodeProto, known: &Known) {
    let (Domain::Onnx, operator) = operator(node) else { return };
    let is_pooling = match operator {
        "Conv" | "ConvInteger" | "ConvTranspose" => false,
        "AveragePool" | "MaxPool" => true,
        _ => return,
    };
    let weights = || {
        let name = input(node, 1)?;
        let rank = known.dims(name).map(<[_]>::len);
        rank.or_else(|| known.ranks.dims(name).map(<[_]>::len))?.checked_sub(2)
    };
    let kernel = attribute(node, "kernel_shape").map(|it| it.ints.len());
    let Some(axes) = kernel.or_else(weights) else { return };
    let mut missing = vec![("strides", vec![1; axes])];
    if !is_pooling {
        missing.push(("dilations", vec![1; axes]));
    }
    if matches!(text(node, "auto_pad"), None | Some("NOTSET")) {
        missing.push(("pads", vec![0; 2 * axes]));
    }
    missing.retain(|(name, _)| attribute(node, name).is_none());
    node.attribute.extend(missing.into_iter().map(|(name, values)| AttributeProto {
        name: Some(name.to_owned()),
        ints: values,
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    }));
}
