//! The nodes and constants that take a node's place.

use std::cell::RefCell;
use std::collections::HashSet;

use rten_onnx::onnx::{AttributeProto, AttributeType, DataType, NodeProto, TensorProto};

/// Nodes under construction. Every value gets a name that the model does not have.
pub(super) struct Nodes<'a> {
    names: &'a mut HashSet<String>,
    /// What the new names begin with.
    stem: String,
    added: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl<'a> Nodes<'a> {
    /// Nothing yet, for the place of `node`.
    pub(super) fn new(names: &'a mut HashSet<String>, node: &NodeProto) -> Self {
        let stem = node.output.first().cloned().unwrap_or_default();
        Self { names, stem, added: Vec::new(), constants: Vec::new() }
    }

    /// The nodes, each after those that it needs, and the constants.
    pub(super) fn into_parts(self) -> (Vec<NodeProto>, Vec<TensorProto>) {
        (self.added, self.constants)
    }

    /// A node as it is.
    pub(super) fn push(&mut self, node: NodeProto) {
        self.added.push(node);
    }

    /// Adds a node; the name of its output.
    pub(super) fn add(&mut self, operator: &str, inputs: &[&str]) -> String {
        self.add_with(operator, inputs, &[])
    }

    /// Adds a node with attributes; the name of its output.
    pub(super) fn add_with(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, i64)],
    ) -> String {
        let output = self.fresh(operator);
        self.add_as(operator, inputs, attributes, &output);
        output
    }

    /// Adds a node whose output has a given name.
    pub(super) fn add_as(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, i64)],
        output: &str,
    ) {
        let attribute = |(name, value): &(&str, i64)| AttributeProto {
            name: Some((*name).to_owned()),
            i: Some(*value),
            r#type: Some(AttributeType::INT),
            ..AttributeProto::default()
        };
        self.added.push(NodeProto {
            op_type: Some(operator.to_owned()),
            input: inputs.iter().map(|it| (*it).to_owned()).collect(),
            output: vec![output.to_owned()],
            attribute: attributes.iter().map(attribute).collect(),
            ..NodeProto::default()
        });
    }

    /// An integer without dimensions.
    pub(super) fn integer(&mut self, value: i64) -> String {
        self.tensor(DataType::INT64, &[], &value.to_le_bytes())
    }

    /// A row of integers.
    pub(super) fn integers(&mut self, values: &[i64]) -> String {
        let bytes: Vec<_> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.tensor(DataType::INT64, &[values.len()], &bytes)
    }

    /// A float without dimensions.
    pub(super) fn float(&mut self, value: f32) -> String {
        self.tensor(DataType::FLOAT, &[], &value.to_le_bytes())
    }

    /// Adds the size of an axis of `value`, as an integer without dimensions.
    pub(super) fn size(&mut self, value: &str, axis: i64) -> String {
        let shape = self.add("Shape", &[value]);
        let axis = self.integer(axis);
        self.add_with("Gather", &[&shape, &axis], &[("axis", 0)])
    }

    /// Adds the conversion of `value` to another type.
    pub(super) fn cast(&mut self, value: &str, to: DataType) -> String {
        self.add_with("Cast", &[value], &[("to", i64::from(to.0))])
    }

    fn tensor(&mut self, data_type: DataType, dims: &[usize], bytes: &[u8]) -> String {
        let name = self.fresh("constant");
        self.constants.push(TensorProto {
            // The dimensions are lengths of the arrays written in this module's callers.
            dims: dims.iter().map(|it| i64::try_from(*it).unwrap_or(i64::MAX)).collect(),
            data_type: Some(data_type),
            raw_data: Some(RefCell::new(bytes.to_vec())),
            name: Some(name.clone()),
            ..TensorProto::default()
        });
        name
    }

    /// A name that nothing has yet.
    pub(super) fn fresh(&mut self, what: &str) -> String {
        let mut number = self.added.len() + self.constants.len();
        loop {
            let name = format!("{}/{what}_{number}", self.stem);
            if self.names.insert(name.clone()) {
                return name;
            }
            number += 1;
        }
    }
}
