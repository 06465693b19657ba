//! Which nodes of a graph compute with whole numbers and truth values only.

use std::collections::HashMap;

use rten_onnx::onnx::{AttributeProto, DataType, GraphProto, ModelProto, NodeProto};

/// ONNX's numbers of `float` and `int64` and `bool`.
const FLOAT: i32 = 1;
const UINT8: i32 = 2;
const INT32: i32 = 6;
const INT64: i32 = 7;
const BOOL: i32 = 9;

/// Whether nodes are arithmetic of shapes, indexes and masks, by operator and name.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    whole: HashMap<(String, String), bool>,
}

impl Kinds {
    /// Reads the model's own declarations; types follow from the operators' definitions.
    pub(super) fn of(model: &ModelProto) -> Self {
        let mut kinds = Self::default();
        if let Some(graph) = &model.graph {
            kinds.survey(graph, &mut HashMap::new());
        }
        kinds
    }

    /// Whether all that this node reads and writes are whole numbers and truth values. Reading a
    /// shape is, whatever has the shape, and so is making floats of whole numbers: it ends them.
    /// Not known is no.
    pub(super) fn is_whole(&self, operator: &str, name: &str) -> bool {
        let known = self.whole.get(&(operator.to_owned(), name.to_owned()));
        // ONNX Runtime's layout optimizer permutes the sizes that an operator takes with nodes of
        // its own (`PermuteInput` in `onnx_transpose_optimization.cc`).
        known.copied().unwrap_or(operator == "Gather" && is_made(name))
    }

    /// Types of a body's values are added to those of the graph around it.
    fn survey(&mut self, graph: &GraphProto, types: &mut HashMap<String, i32>) {
        for tensor in &graph.initializer {
            let name = tensor.name.clone().unwrap_or_default();
            types.insert(name, tensor.data_type.map_or(0, |it| it.0));
        }
        for declared in graph.input.iter().chain(&graph.value_info) {
            let tensor = declared.r#type.as_ref().and_then(|it| it.tensor_type.as_ref());
            let kind = tensor.and_then(|it| it.elem_type).map_or(0, |it| it.0);
            types.insert(declared.name.clone().unwrap_or_default(), kind);
        }
        for node in &graph.node {
            let given: Vec<_> = node
                .input
                .iter()
                .filter(|it| !it.is_empty())
                .map(|it| types.get(it).copied().unwrap_or(0))
                .collect();
            let mut made = results(node, types);
            for body in node.attribute.iter().filter_map(|it| it.g.as_ref()) {
                self.survey(body, types);
                if made.is_empty() {
                    made = body
                        .output
                        .iter()
                        .map(|it| types.get(it.name.as_deref().unwrap_or_default()))
                        .map(|it| it.copied().unwrap_or(0))
                        .collect();
                }
            }
            let operator = node.op_type.as_deref().unwrap_or_default();
            let whole = match operator {
                "Shape" | "Size" => true,
                "Cast" => given.iter().all(|it| is_whole(*it)),
                _ => !made.is_empty() && given.iter().chain(&made).all(|it| is_whole(*it)),
            };
            // Nodes of one operator and name are told apart by nothing: each must be.
            let key = (operator.to_owned(), node.name.clone().unwrap_or_default());
            let known = self.whole.entry(key).or_insert(true);
            *known &= whole;
            let last = made.last().copied().unwrap_or(0);
            for (i, output) in node.output.iter().enumerate() {
                types.insert(output.clone(), made.get(i).copied().unwrap_or(last));
            }
        }
    }
}

/// A name that ONNX Runtime gives to a `Gather` of its own: `Gather`, or `Gather_token_8`.
fn is_made(name: &str) -> bool {
    name == "Gather" || name.starts_with("Gather_token_")
}

const fn is_whole(kind: i32) -> bool {
    // Signed and unsigned integers of 8 to 64 bits, and truth values.
    matches!(kind, 2..=7 | 9 | 12 | 13)
}

/// Types of a node's outputs, the last one repeated; empty when bodies decide, 0 when unknown.
fn results(node: &NodeProto, types: &HashMap<String, i32>) -> Vec<i32> {
    let given = |index: usize| -> i32 {
        node.input.get(index).and_then(|it| types.get(it)).copied().unwrap_or(0)
    };
    let attribute = |name: &str| -> Option<&AttributeProto> {
        node.attribute.iter().find(|it| it.name.as_deref() == Some(name))
    };
    let number = |name: &str| attribute(name).and_then(|it| it.i);
    let stated = |name: &str, otherwise: i32| {
        vec![number(name).map_or(otherwise, |it| i32::try_from(it).unwrap_or(0))]
    };
    let tensor = |name: &str| attribute(name)?.t.as_ref()?.data_type.map(|DataType(it)| it);
    if !matches!(node.domain.as_deref().unwrap_or_default(), "" | "ai.onnx") {
        return vec![0];
    }
    match node.op_type.as_deref().unwrap_or_default() {
        "If" | "Loop" | "Scan" => Vec::new(),
        "Shape" | "Size" | "NonZero" | "ArgMax" | "ArgMin" | "NonMaxSuppression" => vec![INT64],
        "And" | "Equal" | "Greater" | "GreaterOrEqual" | "IsInf" | "IsNaN" | "Less"
        | "LessOrEqual" | "Not" | "Or" | "Xor" => vec![BOOL],
        "Cast" => stated("to", 0),
        "CastLike" | "DequantizeLinear" | "Where" => vec![given(1)],
        "OneHot" => vec![given(2)],
        "TopK" | "Unique" | "MaxPool" => vec![given(0), INT64],
        "Constant" => vec![match (tensor("value"), node.attribute.first()) {
            (Some(kind), _) => kind,
            (None, Some(it)) if matches!(it.name.as_deref(), Some("value_int" | "value_ints")) => {
                INT64
            }
            (None, Some(it))
                if matches!(it.name.as_deref(), Some("value_float" | "value_floats")) =>
            {
                FLOAT
            }
            _ => 0,
        }],
        "ConstantOfShape" => vec![tensor("value").unwrap_or(FLOAT)],
        "QuantizeLinear" => vec![if given(2) == 0 { UINT8 } else { given(2) }],
        "DynamicQuantizeLinear" => vec![UINT8, FLOAT, UINT8],
        "MatMulInteger" | "ConvInteger" => vec![INT32],
        "EyeLike" | "RandomNormalLike" | "RandomUniformLike" | "Bernoulli" => {
            stated("dtype", given(0))
        }
        "RandomNormal" | "RandomUniform" => stated("dtype", FLOAT),
        "Multinomial" => stated("dtype", INT32),
        "BlackmanWindow" | "HammingWindow" | "HannWindow" | "MelWeightMatrix" => {
            stated("output_datatype", FLOAT)
        }
        _ => vec![given(0)],
    }
}

#[cfg(test)]
mod tests {
    use rten_onnx::onnx::{
        AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TypeProto, TypeProtoTensor,
        ValueInfoProto,
    };

    use super::Kinds;

    fn node(operator: &str, input: &[&str], output: &str, to: Option<i64>) -> NodeProto {
        NodeProto {
            op_type: Some(operator.to_owned()),
            name: Some(format!("the {output}")),
            input: input.iter().map(|it| (*it).to_owned()).collect(),
            output: vec![output.to_owned()],
            attribute: to
                .map(|it| AttributeProto {
                    name: Some("to".to_owned()),
                    i: Some(it),
                    ..AttributeProto::default()
                })
                .into_iter()
                .collect(),
            ..NodeProto::default()
        }
    }

    #[test]
    fn shapes_and_masks_are_whole_and_what_reads_floats_is_not() {
        let x = ValueInfoProto {
            name: Some("x".to_owned()),
            r#type: Some(TypeProto {
                tensor_type: Some(TypeProtoTensor {
                    elem_type: Some(DataType::FLOAT),
                    shape: None,
                }),
                ..TypeProto::default()
            }),
        };
        let graph = GraphProto {
            input: vec![x],
            node: vec![
                node("Shape", &["x"], "shape", None),
                node("Add", &["shape", "shape"], "sum", None),
                node("Less", &["shape", "sum"], "mask", None),
                node("Cast", &["mask"], "floats", Some(1)),
                node("Mul", &["floats", "floats"], "product", None),
                node("Cast", &["product"], "rounded", Some(7)),
                node("Less", &["x", "x"], "compared", None),
                node("Add", &["unknown", "shape"], "odd", None),
            ],
            ..GraphProto::default()
        };
        let model = ModelProto { graph: Some(graph), ..ModelProto::default() };
        let kinds = Kinds::of(&model);
        let whole =
            |operator: &str, output: &str| kinds.is_whole(operator, &format!("the {output}"));
        assert!(whole("Shape", "shape") && whole("Add", "sum") && whole("Less", "mask"));
        assert!(whole("Cast", "floats"));
        assert!(!whole("Mul", "product") && !whole("Cast", "rounded"));
        assert!(!whole("Less", "compared") && !whole("Add", "odd"));
        assert!(!whole("MatMul", "nothing"));
        assert!(kinds.is_whole("Gather", "Gather_token_8"));
        assert!(!kinds.is_whole("Gather", "Gather of someone"));
    }
}
