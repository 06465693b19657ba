//! Weights on their way from files to rten.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use rten_onnx::onnx::{DataLocation, GraphProto, StringStringEntryProto, TensorProto};

use super::load::corrupt;
use super::mapped::MappedFile;
use crate::model::{GraphFiles, byte_size, element_count};
use crate::{Error, Result};

/// Constants of fewer bytes stay in the graph.
const SMALL_BYTES: usize = 1024;

/// rten uses elements in place only where they lie at a multiple of their size, which is at most
/// this; those of larger types it copies.
const ALIGNMENT: u64 = 4;

/// Weights taken out of a graph, under the names that the graph now gives them.
pub(super) struct Weights<'a> {
    graph: &'a GraphFiles,
    /// Those that were in the graph's own file.
    pub(super) buffers: Vec<(String, Vec<u8>)>,
    /// Those of other files.
    pub(super) files: Vec<(String, MappedFile)>,
    /// Where in `files` a file is.
    places: BTreeMap<PathBuf, usize>,
}

impl<'a> Weights<'a> {
    /// Nothing yet.
    pub(super) const fn of(graph: &'a GraphFiles) -> Self {
        Self { graph, buffers: Vec::new(), files: Vec::new(), places: BTreeMap::new() }
    }

    /// Takes the weights of a graph and of the bodies of its control flow.
    pub(super) fn take_from(&mut self, graph: &mut GraphProto) -> Result<()> {
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
            return self.map(tensor);
        }
        if let Some(raw) = tensor.raw_data.take_if(|it| it.borrow().len() >= SMALL_BYTES) {
            self.hand_over(tensor, raw.into_inner());
        }
        Ok(())
    }

    fn hand_over(&mut self, tensor: &mut TensorProto, bytes: Vec<u8>) {
        // rten insists on this ending.
        let name = format!("buffer_{}.data", self.buffers.len());
        place(tensor, &name, 0, bytes.len() as u64);
        self.buffers.push((name, bytes));
    }

    /// Finds a tensor's part of another file.
    fn map(&mut self, tensor: &mut TensorProto) -> Result<()> {
        let entry = |key: &str| {
            let entry = tensor.external_data.iter().find(|it| it.key.as_deref() == Some(key));
            entry.and_then(|it| it.value.as_deref())
        };
        let changed = || corrupt(self.graph, "its files changed while it was loaded".to_owned());
        let number = |key: &str| entry(key).map(str::parse).transpose().map_err(|_| changed());
        let offset: u64 = number("offset")?.unwrap_or(0);
        let length: u64 = match number("length")? {
            Some(length) => length,
            None => implied_length(tensor).ok_or_else(changed)?,
        };
        let folder = self.graph.path.parent().unwrap_or(Path::new(""));
        let path = folder.join(entry("location").unwrap_or_default());
        let index = self.file(&path)?;
        let Some((name, file)) = self.files.get(index) else { return Err(changed()) };
        let bytes = file.bytes(offset, length).ok_or_else(changed)?;
        if offset.is_multiple_of(ALIGNMENT) {
            let name = name.clone();
            place(tensor, &name, offset, length);
        } else {
            let bytes = bytes.to_vec();
            self.hand_over(tensor, bytes);
        }
        Ok(())
    }

    /// The place of a file in `files`, where it is put if it is not there yet.
    fn file(&mut self, path: &Path) -> Result<usize> {
        if let Some(index) = self.places.get(path) {
            return Ok(*index);
        }
        // Only what was found to lie beside the model is opened.
        if !self.graph.external_data.iter().any(|it| it == path) {
            return Err(corrupt(self.graph, "its files changed while it was loaded".to_owned()));
        }
        let io = |source| Error::Io { path: path.to_owned(), source };
        let file = File::open(path).and_then(|it| MappedFile::open(&it)).map_err(io)?;
        let index = self.files.len();
        self.files.push((format!("file_{index}.data"), file));
        self.places.insert(path.to_owned(), index);
        Ok(index)
    }
}

/// The length of a tensor's elements by its shape and type.
fn implied_length(tensor: &TensorProto) -> Option<u64> {
    let dims: Vec<_> = tensor.dims.iter().map(|it| it.cast_unsigned()).collect();
    let data_type = u64::try_from(tensor.data_type?.0).ok()?;
    u64::try_from(byte_size(element_count(&dims)?, data_type)?).ok()
}

/// Writes where the tensor's elements lie.
fn place(tensor: &mut TensorProto, name: &str, offset: u64, length: u64) {
    let entry = |key: &str, value: String| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value),
    };
    tensor.raw_data = None;
    tensor.data_location = Some(DataLocation::EXTERNAL);
    tensor.external_data = vec![
        entry("location", name.to_owned()),
        entry("offset", offset.to_string()),
        entry("length", length.to_string()),
    ];
}
