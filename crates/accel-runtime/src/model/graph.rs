//! A graph's files.

use std::path::{Component, Path, PathBuf};

use super::onnx::OnnxGraph;
use crate::{Error, Result};

/// An ONNX graph on disk: its file, the files its weights lie in, and what it declares.
#[derive(Clone, Debug)]
pub struct GraphFiles {
    /// The graph's name without precision, such as `model` or `decoder_model_merged`.
    pub name: String,
    /// The ONNX file.
    pub path: PathBuf,
    /// Files beside it that hold weights, in the order of first use.
    pub external_data: Vec<PathBuf>,
    /// Bytes of all of these.
    pub bytes: u64,
    /// Declarations and nodes.
    pub onnx: OnnxGraph,
}

impl GraphFiles {
    /// Reads the declarations of `path` and finds its files.
    ///
    /// # Errors
    /// [`Error::CorruptModel`] when the file is damaged or its weights lie outside their file;
    /// [`Error::MissingFile`] when a file with weights is not there; [`Error::Io`].
    pub fn read(name: &str, path: &Path) -> Result<Self> {
        let onnx = OnnxGraph::read(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut bytes = file_bytes(path)?;
        let mut external_data: Vec<(PathBuf, u64)> = Vec::new();
        for tensor in &onnx.external {
            let corrupt = |what: &str| Error::CorruptModel {
                path: path.to_owned(),
                reason: format!(
                    "the weights of tensor `{}` {what} (`{}`)",
                    tensor.tensor, tensor.location
                ),
            };
            let location = Path::new(&tensor.location);
            let mut components = location.components();
            // A model must not be able to read any file of the machine.
            if !matches!((components.next(), components.next()), (Some(Component::Normal(_)), None))
            {
                return Err(corrupt("do not lie in a file beside the model"));
            }
            let file = folder.join(location);
            let known = external_data.iter().find(|(known, _)| *known == file);
            let size = if let Some((_, size)) = known {
                *size
            } else {
                if !file.is_file() {
                    return Err(Error::MissingFile {
                        what: format!("the weights of {}", path.display()),
                        remedy: "download it beside the model".to_owned(),
                        path: file,
                    });
                }
                let size = file_bytes(&file)?;
                bytes += size;
                external_data.push((file, size));
                size
            };
            if tensor.offset.checked_add(tensor.length).is_none_or(|end| end > size) {
                return Err(corrupt("lie beyond the end of their file"));
            }
        }
        let external_data = external_data.into_iter().map(|(file, _)| file).collect();
        Ok(Self { name: name.to_owned(), path: path.to_owned(), external_data, bytes, onnx })
    }

    /// Bytes of the files as they are now; [`bytes`](Self::bytes) unless they changed.
    pub(crate) fn bytes_now(&self) -> Result<u64> {
        let mut bytes = file_bytes(&self.path)?;
        for file in &self.external_data {
            bytes += file_bytes(file)?;
        }
        Ok(bytes)
    }
}

fn file_bytes(path: &Path) -> Result<u64> {
    match std::fs::metadata(path) {
        Ok(it) => Ok(it.len()),
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}
