//! A graph as the cost pass reads it: nodes, and the shapes and types of weights without the
//! weights.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use rten_onnx::onnx::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

use super::value::{ElementType, Value};
use crate::{Error, Result};

/// A graph without its weights.
#[derive(Debug, Default)]
pub(in crate::engine::simulator) struct CostGraph {
    /// The main graph.
    pub(super) main: Body,
    /// Inputs that a caller gives: name and type.
    pub(super) inputs: Vec<(String, ElementType)>,
    /// Bytes of all weights.
    pub(in crate::engine::simulator) weight_bytes: f64,
}

/// Nodes that run one after another.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) nodes: Vec<Node>,
    pub(super) weights: Vec<(String, Value)>,
    pub(super) outputs: Vec<String>,
}

/// A node with what its shapes and costs depend on.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) operator: String,
    /// An input that is left out has an empty name.
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    integers: BTreeMap<String, i64>,
    lists: BTreeMap<String, Vec<i64>>,
    texts: BTreeMap<String, String>,
    /// What a `Constant` gives, and a `ConstantOfShape` repeats.
    pub(super) constant: Option<Value>,
    bodies: BTreeMap<String, Body>,
}

impl CostGraph {
    /// Reads the file at `path`; of its weights only shapes, types and very small values stay.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::CorruptModel`] when it is no ONNX file.
    pub(in crate::engine::simulator) fn read(path: &Path) -> Result<Self> {
        let file =
            File::open(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        let corrupt = |reason: String| Error::CorruptModel { path: path.to_owned(), reason };
        let model = ModelProto::parse_file(file).map_err(|error| corrupt(error.to_string()))?;
        let graph = model.graph.ok_or_else(|| corrupt("the file holds no graph".to_owned()))?;
        let main = body(&graph);
        let is_weight = |name: &str| main.weights.iter().any(|(it, _)| it == name);
        let inputs =
            graph.input.iter().map(declared).filter(|(name, _)| !is_weight(name)).collect();
        let weight_bytes = weight_bytes(&main);
        Ok(Self { main, inputs, weight_bytes })
    }

    /// Names of the inputs that a caller gives, in the order of their declaration.
    pub(in crate::engine::simulator) fn input_names(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(|(name, _)| name.as_str())
    }

    /// Names of the outputs, in the order of their declaration.
    pub(in crate::engine::simulator) fn output_names(&self) -> &[String] {
        &self.main.outputs
    }
}

impl Node {
    /// The integer attribute of that name, else `default`.
    pub(super) fn integer(&self, name: &str, default: i64) -> i64 {
        self.integers.get(name).copied().unwrap_or(default)
    }

    /// The list of integers of that name.
    pub(super) fn list(&self, name: &str) -> Option<&[i64]> {
        self.lists.get(name).map(Vec::as_slice)
    }

    /// The text of that name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// The body of that name.
    pub(super) fn body(&self, name: &str) -> Option<&Body> {
        self.bodies.get(name)
    }
}

fn weight_bytes(body: &Body) -> f64 {
    let own: f64 = body.weights.iter().filter_map(|(_, value)| value.bytes()).sum();
    let inner = body.nodes.iter().flat_map(|it| it.bodies.values()).map(weight_bytes);
    own + inner.sum::<f64>()
}

fn declared(info: &ValueInfoProto) -> (String, ElementType) {
    let tensor = info.r#type.as_ref().and_then(|it| it.tensor_type.as_ref());
    let elem_type = tensor.and_then(|it| it.elem_type).map_or(0, |it| it.0);
    (info.name.clone().unwrap_or_default(), ElementType::of_onnx(elem_type))
}

fn body(graph: &GraphProto) -> Body {
    Body {
        nodes: graph.node.iter().map(node).collect(),
        weights: graph
            .initializer
            .iter()
            .map(|it| (it.name.clone().unwrap_or_default(), tensor(it)))
            .collect(),
        outputs: graph.output.iter().filter_map(|it| it.name.clone()).collect(),
    }
}

fn node(proto: &NodeProto) -> Node {
    let mut node = Node {
        name: proto.name.clone().unwrap_or_default(),
        operator: proto.op_type.clone().unwrap_or_default(),
        inputs: proto.input.clone(),
        outputs: proto.output.clone(),
        ..Node::default()
    };
    if node.name.is_empty() {
        node.name = proto.output.first().cloned().unwrap_or_default();
    }
    for attribute in &proto.attribute {
        let name = attribute.name.clone().unwrap_or_default();
        if let Some(it) = attribute.i {
            node.integers.insert(name.clone(), it);
        }
        if let Some(it) = &attribute.s {
            node.texts.insert(name.clone(), it.clone());
        }
        if !attribute.ints.is_empty() {
            node.lists.insert(name.clone(), attribute.ints.clone());
        }
        if let Some(it) = &attribute.g {
            node.bodies.insert(name.clone(), body(it));
        }
        if matches!(node.operator.as_str(), "Constant" | "ConstantOfShape") {
            node.constant = node.constant.take().or_else(|| match name.as_str() {
                "value" => attribute.t.as_ref().map(tensor),
                "value_int" => attribute.i.map(|it| constant(&[], &[it])),
                "value_ints" => Some(constant(&[attribute.ints.len()], &attribute.ints)),
                "value_float" => attribute.f.map(|it| Value {
                    dtype: ElementType::F32,
                    shape: Some(Vec::new()),
                    numbers: Some(vec![f64::from(it)]),
                }),
                _ => None,
            });
        }
    }
    node
}

#[expect(clippy::cast_precision_loss, reason = "sizes and indexes are far below 2^53")]
fn constant(shape: &[usize], numbers: &[i64]) -> Value {
    Value {
        dtype: ElementType::I64,
        shape: Some(shape.to_vec()),
        numbers: Some(numbers.iter().map(|it| *it as f64).collect()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes and indexes are far below 2^53")]
fn tensor(proto: &TensorProto) -> Value {
    let dtype = ElementType::of_onnx(proto.data_type.map_or(0, |it| it.0));
    let shape: Option<Vec<usize>> = proto.dims.iter().map(|it| usize::try_from(*it).ok()).collect();
    let mut value = Value { dtype, shape, numbers: None };
    let Some(count) = value.few_elements() else { return value };
    let raw = proto.raw_data.as_ref().map(|it| it.borrow());
    let numbers: Vec<f64> = match (raw.as_deref().filter(|it| !it.is_empty()), dtype) {
        (Some(raw), ElementType::I64) => read(raw, |it| i64::from_le_bytes(it) as f64),
        (Some(raw), ElementType::I32) => read(raw, |it| i32::from_le_bytes(it).into()),
        (Some(raw), ElementType::F32) => read(raw, |it| f32::from_le_bytes(it).into()),
        (Some(raw), ElementType::Bool) => raw.iter().map(|it| f64::from(*it)).collect(),
        (None, ElementType::I64) => proto.int64_data.iter().map(|it| *it as f64).collect(),
        (None, ElementType::I32 | ElementType::Bool) => {
            proto.int32_data.iter().map(|it| f64::from(*it)).collect()
        }
        (None, ElementType::F32) => proto.float_data.iter().map(|it| f64::from(*it)).collect(),
        _ => return value,
    };
    value.numbers = (numbers.len() == count).then_some(numbers);
    value
}

fn read<const N: usize>(raw: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    raw.chunks_exact(N).filter_map(|it| it.try_into().ok()).map(number).collect()
}
