//! How many weights a model's files hold, from their headers alone: no weight is read.
//!
//! Counted are logical weights: a packed matrix of four bits counts its numbers, not its bytes.
//! Buffers (running means, position numbers, masks) and the scales of quantised weights do not
//! count; which tensors those are follows from names and types, see [`safetensors`] and [`onnx`].

pub mod onnx;
pub mod safetensors;

use std::path::{Path, PathBuf};

use accel_core::{Precision, Vocabulary as _};

use crate::{ModelDir, Result};

/// What the headers of a model's files say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightCount {
    /// Logical weights.
    pub parameters: u64,
    /// Tensors that these are in.
    pub tensors: u64,
    /// Bytes of all files, headers included.
    pub file_bytes: u64,
    /// The files that were looked at.
    pub files: Vec<PathBuf>,
    /// The precision of the graphs that were counted; `None` for safetensors.
    pub precision: Option<Precision>,
    /// What was left out or taken as given, as sentences.
    pub notes: Vec<String>,
}

/// The weights of the model in a folder: of its safetensors files, else of its ONNX graphs in
/// `precision`, else of those in the first precision that is there; `None` where neither is.
///
/// # Errors
/// [`Error`](crate::Error) naming the file that is damaged, hostile or missing.
pub fn count(dir: &Path, precision: Option<Precision>) -> Result<Option<WeightCount>> {
    if let Some(found) = safetensors::count(dir)? {
        return Ok(Some(found));
    }
    if !dir.join("config.json").is_file() {
        return Ok(None);
    }
    let model = ModelDir::open(dir)?;
    let wanted = precision.into_iter().chain(Precision::ALL.iter().copied());
    for precision in wanted {
        let names = model.graph_names(precision)?;
        if !names.is_empty() {
            return onnx::count(&model, &names, precision).map(Some);
        }
    }
    Ok(None)
}
