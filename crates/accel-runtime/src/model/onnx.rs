//! What an ONNX file says about itself, read without its weights.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

use super::elem_type::elem_type_name;
use super::wire::{Damage, Value, Wire};
use crate::{Dim, Error, Result};

/// A graph's declarations and nodes.
#[derive(Clone, Debug, Default)]
pub struct OnnxGraph {
    /// Inputs that a caller gives: those without an initializer.
    pub inputs: Vec<ValueInfo>,
    /// Outputs.
    pub outputs: Vec<ValueInfo>,
    /// Nodes of the main graph, in the file's order.
    pub nodes: Vec<Node>,
    /// Nodes of the bodies of control flow and of the model's own functions.
    pub inner_nodes: Vec<Node>,
    /// Whether a constant has two or more dimensions and no elements.
    pub(crate) has_empty_constants: bool,
    /// Constants by name, those of the bodies included, with their elements when they are at
    /// most eight of the types `float` and `int64`.
    pub constants: BTreeMap<String, Vec<f64>>,
    /// Initializers of the main graph and of the bodies, as they are declared.
    pub initializers: Vec<Initializer>,
    /// Weights that lie in other files.
    pub(super) external: Vec<ExternalTensor>,
}

/// A constant that the file holds as an initializer.
#[derive(Clone, Debug, Default)]
pub struct Initializer {
    /// Its name.
    pub name: String,
    /// ONNX's number for the type of its elements.
    pub elem_type: u64,
    /// Its dimensions; their product is known not to overflow.
    pub dims: Vec<u64>,
}

/// Constants of more elements are weights.
const FEW: usize = 8;

/// An input or output as the file declares it.
#[derive(Clone, Debug, Default)]
pub struct ValueInfo {
    /// Its name.
    pub name: String,
    /// ONNX's number for the type of the elements (1 is `float`, 7 is `int64`); 0 when the value
    /// is not a tensor.
    pub elem_type: u64,
    /// Its dimensions; `None` when even their number is left open.
    pub dims: Option<Vec<Dim>>,
    /// What it is when it is not a tensor, such as `sequence`; empty for a tensor.
    pub form: &'static str,
}

impl ValueInfo {
    /// What it is in words: a tensor's type of elements, or `sequence`, `optional`, `map`.
    pub fn type_name(&self) -> &'static str {
        if self.form.is_empty() { elem_type_name(self.elem_type) } else { self.form }
    }
}

/// An operator's use in a graph.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The operator, such as `MatMul`.
    pub operator: String,
    /// The operator's domain; empty is ONNX's own.
    pub domain: String,
    /// The node's name, or its first output when it has none.
    pub name: String,
    /// Names of its inputs; empty for one that is left out.
    pub inputs: Vec<String>,
    /// Names of its outputs; empty for one that is left out.
    pub outputs: Vec<String>,
    /// Attributes that are integers or a text.
    pub attributes: Vec<Attribute>,
}

/// An attribute of a node.
#[derive(Clone, Debug, Default)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its value when it is an integer.
    pub integer: Option<i64>,
    /// Its value when it is a row of integers.
    pub integers: Vec<i64>,
    /// Its value when it is a text.
    pub text: Option<String>,
    /// Whether it is a tensor, and its elements as of [`OnnxGraph::constants`].
    tensor: Option<Vec<f64>>,
}

impl Node {
    /// Whether the input at that place is given.
    pub fn has_input(&self, index: usize) -> bool {
        self.inputs.get(index).is_some_and(|it| !it.is_empty())
    }

    /// Whether the output at that place is asked for.
    pub fn has_output(&self, index: usize) -> bool {
        self.outputs.get(index).is_some_and(|it| !it.is_empty())
    }

    /// The integer attribute of that name.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.integer
    }

    /// The text attribute of that name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attribute(name)?.text.as_deref()
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|it| it.name == name)
    }
}

/// Weights in another file.
#[derive(Clone, Debug, Default)]
pub(super) struct ExternalTensor {
    pub(super) tensor: String,
    pub(super) location: String,
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl OnnxGraph {
    /// Reads `path`, weights skipped but their sizes checked.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::CorruptModel`] with the position of the damage.
    pub fn read(path: &Path) -> Result<Self> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut graph = Self::default();
        graph.model(&mut Wire::new(BufReader::new(file)), length).map_err(|damage| {
            Error::CorruptModel { path: path.to_owned(), reason: damage.to_string() }
        })?;
        Ok(graph)
    }

    /// `ModelProto`.
    fn model<R: BufRead + Seek>(&mut self, wire: &mut Wire<R>, end: u64) -> Result<(), Damage> {
        let mut has_graph = false;
        wire.message(end, |wire, number, value| match (number, value) {
            (7, Value::Bytes(end)) => {
                has_graph = true;
                self.nodes = self.graph(wire, end, true)?;
                Ok(())
            }
            // A function's nodes are its field 7.
            (25, Value::Bytes(end)) => wire.message(end, |wire, number, value| {
                if let (7, Value::Bytes(end)) = (number, value) {
                    let node = self.node(wire, end)?;
                    self.inner_nodes.push(node);
                }
                Ok(())
            }),
            // Operator sets and metadata.
            (8 | 14, Value::Bytes(end)) => wire.skim(end),
            _ => Ok(()),
        })?;
        if has_graph { Ok(()) } else { Err(wire.malformed("the file holds no graph")) }
    }

    /// `GraphProto`; its nodes. Only the main graph's declarations are the model's.
    fn graph<R: BufRead + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        end: u64,
        main: bool,
    ) -> Result<Vec<Node>, Damage> {
        let mut nodes = Vec::new();
        let mut initializers = Vec::new();
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        wire.message(end, |wire, number, value| {
            let Value::Bytes(end) = value else { return Ok(()) };
            match number {
                1 => nodes.push(self.node(wire, end)?),
                5 => {
                    let (declared, elements) = self.tensor(wire, end)?;
                    self.constants.insert(declared.name.clone(), elements);
                    initializers.push(declared.name.clone());
                    self.initializers.push(declared);
                }
                11 => inputs.push(value_info(wire, end)?),
                12 => outputs.push(value_info(wire, end)?),
                13 => _ = value_info(wire, end)?,
                _ => {}
            }
            Ok(())
        })?;
        if main {
            inputs.retain(|it| !initializers.contains(&it.name));
            self.inputs = inputs;
            self.outputs = outputs;
        }
        Ok(nodes)
    }

    /// `NodeProto`.
    fn node<R: BufRead + Seek>(&mut self, wire: &mut Wire<R>, end: u64) -> Result<Node, Damage> {
        let mut node = Node::default();
        wire.message(end, |wire, number, value| {
            let Value::Bytes(end) = value else { return Ok(()) };
            match number {
                1 => node.inputs.push(wire.text(end)?),
                2 => node.outputs.push(wire.text(end)?),
                3 => node.name = wire.text(end)?,
                4 => node.operator = wire.text(end)?,
                5 => node.attributes.extend(self.attribute(wire, end)?),
                7 => node.domain = wire.text(end)?,
                _ => {}
            }
            Ok(())
        })?;
        if node.name.is_empty() {
            node.name = node.outputs.first().cloned().unwrap_or_default();
        }
        if let ("Constant", "", [output]) =
            (node.operator.as_str(), node.domain.as_str(), node.outputs.as_slice())
        {
            let elements = node.attributes.first().map(|it| {
                #[expect(clippy::cast_precision_loss, reason = "sizes and axes, not ids")]
                let integers = it.integer.iter().chain(&it.integers).map(|it| *it as f64);
                it.tensor.clone().unwrap_or_else(|| integers.take(FEW).collect())
            });
            self.constants.insert(output.clone(), elements.unwrap_or_default());
        }
        node.attributes.retain(|it| it.tensor.is_none());
        Ok(node)
    }

    /// `AttributeProto`, if it is integers, a text or a tensor.
    fn attribute<R: BufRead + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        end: u64,
    ) -> Result<Option<Attribute>, Damage> {
        let mut attribute = Attribute::default();
        wire.message(end, |wire, number, value| {
            match (number, value) {
                (1, Value::Bytes(end)) => attribute.name = wire.text(end)?,
                (3, Value::Varint(it)) => attribute.integer = Some(it.cast_signed()),
                (4, Value::Bytes(end)) => attribute.text = Some(wire.text(end)?),
                (8, Value::Varint(it)) => attribute.integers.push(it.cast_signed()),
                (8, Value::Bytes(end)) => {
                    attribute.integers.extend(wire.packed(end)?.into_iter().map(u64::cast_signed));
                }
                (5 | 10, Value::Bytes(end)) => attribute.tensor = Some(self.tensor(wire, end)?.1),
                (6 | 11, Value::Bytes(end)) => {
                    let nodes = self.graph(wire, end, false)?;
                    self.inner_nodes.extend(nodes);
                }
                _ => {}
            }
            Ok(())
        })?;
        let is_empty = attribute.integer.is_none()
            && attribute.text.is_none()
            && attribute.integers.is_empty()
            && attribute.tensor.is_none();
        Ok((!is_empty).then_some(attribute))
    }

    /// `TensorProto`: its name, and its elements when they are few. Its size must be what
    /// its shape and type say.
    fn tensor<R: BufRead + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        end: u64,
    ) -> Result<(Initializer, Vec<f64>), Damage> {
        let mut dims = Vec::new();
        let (mut held, mut integers) = (Vec::new(), Vec::new());
        let few = |size: u64| size * FEW as u64;
        let (mut data_type, mut raw_bytes, mut is_external) = (0, None, false);
        let mut external = ExternalTensor::default();
        let mut length_given = None;
        wire.message(end, |wire, number, value| {
            match (number, value) {
                (1, Value::Varint(it)) => dims.push(it),
                (1, Value::Bytes(end)) => dims.extend(wire.packed(end)?),
                (2, Value::Varint(it)) => data_type = it,
                (8, Value::Bytes(end)) => external.tensor = wire.text(end)?,
                // Floats and 64-bit integers have fields of their own beside the raw one.
                (4, Value::Bytes(end)) if wire.remaining(end) <= few(4) => {
                    held = wire.bytes(end)?;
                }
                (7, Value::Bytes(end)) if wire.remaining(end) <= few(10) => {
                    integers = wire.packed(end)?;
                }
                (9, Value::Bytes(end)) => {
                    raw_bytes = Some(wire.remaining(end));
                    if wire.remaining(end) <= few(8) {
                        held = wire.bytes(end)?;
                    }
                }
                (13, Value::Bytes(end)) => {
                    let (key, value) = string_pair(wire, end)?;
                    let number = || {
                        value.parse().map_err(|_| {
                            wire.malformed("an external tensor's place is not a number")
                        })
                    };
                    match key.as_str() {
                        "offset" => external.offset = number()?,
                        "length" => length_given = Some(number()?),
                        "location" => external.location = value,
                        _ => {}
                    }
                }
                (14, Value::Varint(it)) => is_external = it == 1,
                _ => {}
            }
            Ok(())
        })?;
        let elements = element_count(&dims)
            .ok_or_else(|| wire.malformed("a tensor's shape is negative or too large"))?;
        self.has_empty_constants |= elements == 0 && dims.len() > 1;
        let bytes = byte_size(elements, data_type);
        let stated = if is_external { length_given } else { raw_bytes };
        if let (Some(bytes), Some(stated)) = (bytes, stated)
            && bytes != u128::from(stated)
        {
            return Err(wire.malformed("a tensor's data does not have the size of its shape"));
        }
        let name = external.tensor.clone();
        if is_external {
            // Without a stated length it is what the shape asks for; what no file can hold is
            // found to lie beyond the file's end.
            let implied = bytes.map(|it| u64::try_from(it).unwrap_or(u64::MAX));
            external.length = stated.or(implied).unwrap_or(0);
            self.external.push(external);
        }
        #[expect(clippy::cast_precision_loss, reason = "sizes and axes, not ids")]
        let mut elements: Vec<f64> = match data_type {
            1 => held.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it).into()).collect(),
            7 if integers.is_empty() => {
                held.as_chunks().0.iter().map(|it| i64::from_le_bytes(*it) as f64).collect()
            }
            7 => integers.iter().map(|it| it.cast_signed() as f64).collect(),
            _ => Vec::new(),
        };
        if elements.len() > FEW {
            elements.clear();
        }
        Ok((Initializer { name, elem_type: data_type, dims }, elements))
    }
}

/// `ValueInfoProto`.
fn value_info<R: BufRead + Seek>(wire: &mut Wire<R>, end: u64) -> Result<ValueInfo, Damage> {
    let mut info = ValueInfo::default();
    wire.message(end, |wire, number, value| {
        match (number, value) {
            (1, Value::Bytes(end)) => info.name = wire.text(end)?,
            (2, Value::Bytes(end)) => type_proto(wire, end, &mut info)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(info)
}

/// `TypeProto`; of what is no tensor, only its kind is of interest.
fn type_proto<R: BufRead + Seek>(
    wire: &mut Wire<R>,
    end: u64,
    info: &mut ValueInfo,
) -> Result<(), Damage> {
    wire.message(end, |wire, number, value| match (number, value) {
        (1, Value::Bytes(end)) => wire.message(end, |wire, number, value| {
            match (number, value) {
                (1, Value::Varint(it)) => info.elem_type = it,
                (2, Value::Bytes(end)) => info.dims = Some(shape(wire, end)?),
                _ => {}
            }
            Ok(())
        }),
        // A sequence's or optional's element type is field 1 of the message.
        (4 | 9, Value::Bytes(end)) => {
            info.form = if number == 4 { "sequence" } else { "optional" };
            wire.message(end, |wire, number, value| match (number, value) {
                (1, Value::Bytes(end)) => type_proto(wire, end, &mut ValueInfo::default()),
                _ => Ok(()),
            })
        }
        (5, Value::Bytes(_)) => {
            info.form = "map";
            Ok(())
        }
        (8, Value::Bytes(_)) => {
            info.form = "sparse tensor";
            Ok(())
        }
        _ => Ok(()),
    })
}

/// `TensorShapeProto`.
fn shape<R: BufRead + Seek>(wire: &mut Wire<R>, end: u64) -> Result<Vec<Dim>, Damage> {
    let mut dims = Vec::new();
    wire.message(end, |wire, number, value| {
        let (1, Value::Bytes(end)) = (number, value) else { return Ok(()) };
        let mut dim = Dim::Unknown;
        wire.message(end, |wire, number, value| {
            match (number, value) {
                (1, Value::Varint(it)) => {
                    // Some exporters write -1 for a size that is open.
                    dim = usize::try_from(it.cast_signed()).map_or(Dim::Unknown, Dim::Fixed);
                }
                (2, Value::Bytes(end)) => {
                    let name = wire.text(end)?;
                    dim = if name.is_empty() { Dim::Unknown } else { Dim::Symbol(name) };
                }
                _ => {}
            }
            Ok(())
        })?;
        dims.push(dim);
        Ok(())
    })?;
    Ok(dims)
}

/// `StringStringEntryProto`.
fn string_pair<R: BufRead + Seek>(
    wire: &mut Wire<R>,
    end: u64,
) -> Result<(String, String), Damage> {
    let (mut key, mut text) = (String::new(), String::new());
    wire.message(end, |wire, number, value| {
        match (number, value) {
            (1, Value::Bytes(end)) => key = wire.text(end)?,
            (2, Value::Bytes(end)) => text = wire.text(end)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok((key, text))
}

/// The number of a tensor's elements, if its shape has one.
pub(crate) fn element_count(dims: &[u64]) -> Option<u64> {
    dims.iter().try_fold(1_u64, |product, dim| {
        // Negative sizes are read as enormous ones.
        let dim = u64::try_from(dim.cast_signed()).ok()?;
        product.checked_mul(dim)
    })
}

/// Bytes of so many elements of a type; `None` when the type's size is not known here.
pub(crate) fn byte_size(elements: u64, data_type: u64) -> Option<u128> {
    let bits = match data_type {
        21..=23 => 4,
        2 | 3 | 9 | 17..=20 | 24 => 8,
        4 | 5 | 10 | 16 => 16,
        1 | 6 | 12 => 32,
        7 | 11 | 13 | 14 => 64,
        15 => 128,
        _ => return None,
    };
    Some((u128::from(elements) * bits).div_ceil(8))
}
