//! How a graph's files become rten's model, its weights in memory once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use accel_core::Engine as EngineName;
use rten::{LoadErrorKind, Model, ModelOptions};
use rten_onnx::onnx::{DataLocation, GraphProto, ModelProto, StringStringEntryProto, TensorProto};

use super::rewrite::{self, Counts};
use super::{operators, panic_message};
use crate::model::GraphFiles;
use crate::{Error, Result};

/// Constants of fewer bytes stay in the graph when it is written anew.
const SMALL_BYTES: usize = 1024;

/// A loaded model and how it came to be.
pub(super) struct Loaded {
    pub(super) model: Model,
    /// What was rewritten; empty when rten read the file as it is.
    pub(super) rewritten: Counts,
}

/// Loads the graph, rewritten where rten would compute it wrongly.
pub(super) fn load(graph: &GraphFiles, mut options: ModelOptions) -> Result<Loaded> {
    let onnx = &graph.onnx;
    let rewriting = onnx.nodes.iter().chain(&onnx.inner_nodes).any(operators::needs_rewriting);
    // rten runs a graph's constant parts while it loads, and an operator on damaged constants
    // is where a panic is least unlikely (10 000 damaged files caused none). It must not take
    // the caller down.
    let loaded = catch_unwind(AssertUnwindSafe(|| {
        if rewriting {
            let (bytes, rewritten) = write_anew(graph, &mut options)?;
            let model = options.load(bytes).map_err(|error| load_error(&error, &graph.path))?;
            Ok(Loaded { model, rewritten })
        } else {
            let model =
                options.load_file(&graph.path).map_err(|error| load_error(&error, &graph.path))?;
            Ok(Loaded { model, rewritten: Counts::new() })
        }
    }));
    loaded.map_err(|panic| Error::CorruptModel {
        path: graph.path.clone(),
        reason: format!("rten could not make sense of it ({})", panic_message(&*panic)),
    })?
}

/// The graph as rten shall read it, its weights handed over through `options` instead of being
/// copied into it.
fn write_anew(graph: &GraphFiles, options: &mut ModelOptions) -> Result<(Vec<u8>, Counts)> {
    let corrupt = |reason: String| Error::CorruptModel { path: graph.path.clone(), reason };
    let file =
        File::open(&graph.path).map_err(|source| Error::Io { path: graph.path.clone(), source })?;
    let mut model = ModelProto::parse_file(file).map_err(|it| corrupt(it.to_string()))?;
    // rten tells ONNX files from others by it.
    model.ir_version.get_or_insert(0);
    let mut counts = Counts::new();
    if let Some(main) = &mut model.graph {
        counts = rewrite::rewrite(main).map_err(|refusal| Error::UnsupportedOperator {
            operator: refusal.operator.to_owned(),
            node: refusal.node,
            engine: EngineName::Rten,
            why: refusal.why,
            alternatives: vec![EngineName::Ort, EngineName::Openvino],
        })?;
        let folder = graph.path.parent().unwrap_or(Path::new(""));
        Weights { folder, options, count: 0, external: BTreeMap::new() }.take_from(main)?;
    }
    let bytes = model.write_buf().map_err(|it| corrupt(it.to_string()))?;
    Ok((bytes, counts))
}

/// Moves weights out of a graph and into the options that rten loads it with.
struct Weights<'a> {
    folder: &'a Path,
    options: &'a mut ModelOptions,
    count: usize,
    /// The new name of a part of a file, by the file's name and the part's offset and length.
    external: BTreeMap<(String, u64, u64), String>,
}

impl Weights<'_> {
    fn take_from(&mut self, graph: &mut GraphProto) -> Result<()> {
        for tensor in &mut graph.initializer {
            self.take(tensor)?;
        }
        for attribute in graph.node.iter_mut().flat_map(|it| &mut it.attribute) {
            if let Some(tensor) = &mut attribute.t {
                self.take(tensor)?;
            }
            if let Some(body) = &mut attribute.g {
                self.take_from(body)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, tensor: &mut TensorProto) -> Result<()> {
        if tensor.data_location == Some(DataLocation::EXTERNAL) {
            return self.read(tensor);
        }
        let large = |raw: &std::cell::RefCell<Vec<u8>>| raw.borrow().len() >= SMALL_BYTES;
        if let Some(raw) = tensor.raw_data.take_if(|it| large(it)) {
            let bytes = raw.into_inner();
            let length = bytes.len() as u64;
            let name = self.hand_over(bytes);
            place(tensor, &name, length);
        }
        Ok(())
    }

    /// Reads a tensor's part of another file.
    fn read(&mut self, tensor: &mut TensorProto) -> Result<()> {
        let entry = |key: &str| {
            let entry = tensor.external_data.iter().find(|it| it.key.as_deref() == Some(key));
            entry.and_then(|it| it.value.clone())
        };
        let location = entry("location").unwrap_or_default();
        let offset = entry("offset").and_then(|it| it.parse().ok()).unwrap_or(0);
        let path = self.folder.join(&location);
        let io = |source| Error::Io { path: path.clone(), source };
        let length = entry("length").and_then(|it| it.parse().ok()).unwrap_or(0);
        let part = (location, offset, length);
        let name = if let Some(name) = self.external.get(&part) {
            name.clone()
        } else {
            let mut file = File::open(&path).map_err(io)?;
            file.seek(SeekFrom::Start(offset)).map_err(io)?;
            let mut bytes = Vec::new();
            file.take(length).read_to_end(&mut bytes).map_err(io)?;
            let name = self.hand_over(bytes);
            self.external.insert(part, name.clone());
            name
        };
        place(tensor, &name, length);
        Ok(())
    }

    fn hand_over(&mut self, bytes: Vec<u8>) -> String {
        // rten insists on this ending.
        let name = format!("{}.data", self.count);
        self.count += 1;
        self.options.external_data(&name, bytes);
        name
    }
}

/// Writes where the tensor's elements lie.
fn place(tensor: &mut TensorProto, name: &str, length: u64) {
    let entry = |key: &str, value: String| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value),
    };
    tensor.raw_data = None;
    tensor.data_location = Some(DataLocation::EXTERNAL);
    tensor.external_data = vec![
        entry("location", name.to_owned()),
        entry("offset", "0".to_owned()),
        entry("length", length.to_string()),
    ];
}

fn load_error(error: &rten::LoadError, path: &Path) -> Error {
    let (path, reason) = (path.to_owned(), error.to_string());
    match error.kind() {
        LoadErrorKind::ParseError | LoadErrorKind::GraphError => {
            Error::CorruptModel { path, reason }
        }
        _ => Error::Load { engine: EngineName::Rten, path, reason },
    }
}
