//! Small ONNX files, written byte by byte.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

pub(crate) const FLOAT: u64 = 1;
pub(crate) const INT64: u64 = 7;
pub(crate) const BOOL: u64 = 9;
pub(crate) const FLOAT16: u64 = 10;

/// A message under construction.
#[derive(Clone, Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    pub(crate) fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    pub(crate) fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub(crate) fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        self.0.push(u8::try_from(value).unwrap());
    }
}

pub(crate) fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> Message {
    let node = inputs.iter().fold(Message::default(), |node, it| node.text(1, it));
    outputs.iter().fold(node, |node, it| node.text(2, it)).text(4, operator)
}

pub(crate) fn integer_attribute(name: &str, value: u64) -> Message {
    Message::default().text(1, name).number(3, value).number(20, 2)
}

pub(crate) fn text_attribute(name: &str, value: &str) -> Message {
    Message::default().text(1, name).text(4, value).number(20, 3)
}

/// An input or output; a dimension is a size or a name.
pub(crate) fn value(name: &str, elem_type: u64, dims: &[&str]) -> Message {
    let shape = dims.iter().fold(Message::default(), |shape, dim| {
        let dim = match dim.parse() {
            Ok(size) => Message::default().number(1, size),
            Err(_) => Message::default().text(2, dim),
        };
        shape.message(1, &dim)
    });
    let tensor = Message::default().number(1, elem_type).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// An initializer of floats.
pub(crate) fn floats(name: &str, dims: &[u64], values: &[f32]) -> Message {
    let raw: Vec<_> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    let tensor = dims.iter().fold(Message::default(), |tensor, dim| tensor.number(1, *dim));
    tensor.number(2, FLOAT).text(8, name).bytes(9, &raw)
}

/// A graph of nodes, initializers, inputs and outputs.
pub(crate) fn graph(
    nodes: &[Message],
    initializers: &[Message],
    inputs: &[Message],
    outputs: &[Message],
) -> Message {
    let mut graph = Message::default();
    for (field, parts) in [(1, nodes), (5, initializers), (11, inputs), (12, outputs)] {
        graph = parts.iter().fold(graph, |graph, it| graph.message(field, it));
    }
    graph.text(2, "test")
}

/// A file of a graph.
pub(crate) fn model(graph: &Message) -> Vec<u8> {
    let operator_set = Message::default().text(1, "").number(2, 18);
    Message::default().number(1, 9).message(7, graph).message(8, &operator_set).0
}

/// A model's folder with one graph.
pub(crate) fn folder(bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("onnx")).unwrap();
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    fs::write(folder.path().join("onnx/model.onnx"), bytes).unwrap();
    folder
}

/// What the names of graphs in fewer bits end with.
const FEWER_BITS: [&str; 4] = ["_fp16", "_int8", "_q4", "_qdq"];

/// A copy of a model's folder, one level deep and its graphs in 32 bits.
pub(crate) fn copy_of(model: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("onnx")).unwrap();
    for source in [model.to_owned(), model.join("onnx")] {
        for entry in fs::read_dir(&source).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            if path.is_file() && !FEWER_BITS.iter().any(|it| stem.ends_with(it)) {
                let target = folder.path().join(path.strip_prefix(model).unwrap());
                fs::copy(&path, target).unwrap();
            }
        }
    }
    folder
}
