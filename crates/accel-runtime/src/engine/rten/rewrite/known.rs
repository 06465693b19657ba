//! What a model's file says about its values.

use std::collections::{BTreeMap, HashSet};

use rten_onnx::onnx::{DataType, GraphProto, NodeProto, TensorProto, ValueInfoProto};

use super::ranks::Ranks;
use crate::engine::rten::operators::{Domain, input, integer, operator};

/// A constant.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub(super) dims: Vec<i64>,
    pub(super) data_type: Option<DataType>,
    /// Whether it holds 8-bit integers from -64 to 64 and nothing else.
    is_small: bool,
    /// Its elements when they are at most eight floats.
    pub(super) floats: Option<Vec<f32>>,
}

impl Constant {
    /// Whether it has one element.
    pub(super) fn is_single(&self) -> bool {
        self.dims.iter().all(|it| *it == 1)
    }
}

/// Constants by name; `None` when two bodies have constants of one name.
pub(super) type Constants = BTreeMap<String, Option<Constant>>;

/// What is known of a model's values, those in the bodies of its control flow included.
#[derive(Default)]
pub(super) struct Known {
    /// Names in use: a new value's name must not repeat one, not even one of an outer graph.
    pub(super) names: HashSet<String>,
    pub(super) constants: Constants,
    /// What values are the transposition of; `None` when two bodies have values of one name.
    pub(super) transposed: BTreeMap<String, Option<String>>,
    /// Values that are true or false, and stored as 1 or 0.
    truths: HashSet<String>,
    /// Values that may be something else. A name can be both in two bodies.
    others: HashSet<String>,
    /// How many dimensions values have at least.
    pub(super) ranks: Ranks,
}

impl Known {
    pub(super) fn of(graph: &GraphProto) -> Self {
        let mut known = Self::default();
        known.survey(graph);
        known
    }

    /// The shape of a constant.
    pub(super) fn dims(&self, name: &str) -> Option<&[i64]> {
        self.constants.get(name)?.as_ref().map(|it| it.dims.as_slice())
    }

    /// Whether it is a constant of 8-bit integers from -64 to 64.
    pub(super) fn is_small(&self, name: &str) -> bool {
        self.constants.get(name).and_then(Option::as_ref).is_some_and(|it| it.is_small)
    }

    /// Whether the node makes numbers true or false.
    pub(super) fn casts_to_bool(&self, node: &NodeProto) -> bool {
        (to_bool(node) || self.is_truth(node, 1)) && !self.is_truth(node, 0)
    }

    /// Whether the node's input at that place is true or false.
    pub(super) fn is_truth(&self, node: &NodeProto, index: usize) -> bool {
        input(node, index).is_some_and(|it| self.truths.contains(it) && !self.others.contains(it))
    }

    fn survey(&mut self, graph: &GraphProto) {
        for tensor in &graph.initializer {
            self.constant(tensor.name.as_deref().unwrap_or_default(), tensor);
        }
        for declared in graph.input.iter().chain(&graph.output).chain(&graph.value_info) {
            self.names.extend(declared.name.clone());
            self.ranks.declared(declared);
        }
        for input in &graph.input {
            self.value(input.name.as_ref(), is_bool(input));
        }
        for node in &graph.node {
            self.names.extend(node.input.iter().chain(&node.output).cloned());
            if operator(node).1 != "Constant" {
                self.value(node.output.first(), gives_truths(node) || to_bool(node));
            }
            if let Some((output, source)) = transposition(node) {
                let known = self.transposed.contains_key(output);
                let source = (!known).then(|| source.to_owned());
                self.transposed.insert(output.to_owned(), source);
            }
            for attribute in &node.attribute {
                if let Some(body) = &attribute.g {
                    self.survey(body);
                }
                if let ((Domain::Onnx, "Constant"), Some(tensor), [output]) =
                    (operator(node), &attribute.t, node.output.as_slice())
                {
                    self.constant(output, tensor);
                }
            }
            self.ranks.node(node, &self.constants);
        }
    }

    fn value(&mut self, name: Option<&String>, is_truth: bool) {
        let names = if is_truth { &mut self.truths } else { &mut self.others };
        names.extend(name.cloned());
    }

    fn constant(&mut self, name: &str, tensor: &TensorProto) {
        self.names.insert(name.to_owned());
        self.value(Some(&name.to_owned()), tensor.data_type == Some(DataType::BOOL));
        let constant = Constant {
            dims: tensor.dims.clone(),
            data_type: tensor.data_type,
            is_small: is_small(tensor),
            floats: small_floats(tensor),
        };
        self.ranks.add(name, tensor.dims.len());
        let known = self.constants.contains_key(name);
        self.constants.insert(name.to_owned(), if known { None } else { Some(constant) });
    }
}

/// What a node that exchanges two axes gives, and what it takes.
fn transposition(node: &NodeProto) -> Option<(&str, &str)> {
    let order = node.attribute.iter().find(|it| it.name.as_deref() == Some("perm"));
    let exchanges = order.is_none_or(|it| it.ints == [1, 0]);
    match (operator(node), node.output.as_slice()) {
        ((Domain::Onnx, "Transpose"), [output]) if exchanges => Some((output, input(node, 0)?)),
        _ => None,
    }
}

fn is_bool(value: &ValueInfoProto) -> bool {
    let tensor = value.r#type.as_ref().and_then(|it| it.tensor_type.as_ref());
    tensor.is_some_and(|it| it.elem_type == Some(DataType::BOOL))
}

/// Whether the node is a cast to truth values.
fn to_bool(node: &NodeProto) -> bool {
    operator(node) == (Domain::Onnx, "Cast")
        && integer(node, "to") == Some(i64::from(DataType::BOOL.0))
}

/// Whether the node's first output is true or false, whatever its inputs.
fn gives_truths(node: &NodeProto) -> bool {
    matches!(
        operator(node),
        (
            Domain::Onnx,
            "And"
                | "Equal"
                | "Greater"
                | "GreaterOrEqual"
                | "IsInf"
                | "IsNaN"
                | "Less"
                | "LessOrEqual"
                | "Not"
                | "Or"
                | "Xor"
        )
    )
}

/// Those of other files are not looked at.
fn is_small(tensor: &TensorProto) -> bool {
    tensor.data_type == Some(DataType::INT8)
        && tensor.raw_data.as_ref().is_some_and(|raw| {
            raw.borrow().iter().all(|byte| byte.cast_signed().unsigned_abs() <= 64)
        })
}

fn small_floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    let count = tensor.dims.iter().try_fold(1_i64, |product, dim| product.checked_mul(*dim))?;
    if tensor.data_type != Some(DataType::FLOAT) || !(0..=8).contains(&count) {
        return None;
    }
    let elements = match &tensor.raw_data {
        Some(raw) => {
            let raw = raw.borrow();
            raw.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it)).collect()
        }
        None => tensor.float_data.clone(),
    };
    (i64::try_from(elements.len()) == Ok(count)).then_some(elements)
}
