//! The tensors of a reference, checked as they are taken.

use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

use super::REFERENCE_TENSORS;
use super::file::{damaged, read_file};
use crate::{Result, Tensor, TensorData};

/// The bytes of `reference.safetensors`.
pub(super) struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl TensorFile {
    pub(super) fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(REFERENCE_TENSORS);
        let bytes = read_file(&path)?;
        Ok(Self { path, bytes })
    }

    pub(super) fn index(&self) -> Result<Tensors<'_>> {
        let file = SafeTensors::deserialize(&self.bytes)
            .map_err(|error| damaged(&self.path, error.to_string()))?;
        Ok(Tensors { path: &self.path, file })
    }
}

/// The tensors by name.
pub(super) struct Tensors<'a> {
    path: &'a Path,
    file: SafeTensors<'a>,
}

impl Tensors<'_> {
    pub(super) fn take(&self, name: &str) -> Result<Tensor> {
        let view = self.file.tensor(name).map_err(|_| {
            damaged(self.path, format!("it has no tensor `{name}`, which reference.json names"))
        })?;
        let bytes = view.data();
        let data = match view.dtype() {
            Dtype::F32 => TensorData::F32(elements(bytes, f32::from_le_bytes)),
            Dtype::I64 => TensorData::I64(elements(bytes, i64::from_le_bytes)),
            Dtype::I32 => TensorData::I32(elements(bytes, i32::from_le_bytes)),
            Dtype::I8 => TensorData::I8(elements(bytes, i8::from_le_bytes)),
            Dtype::U8 => TensorData::U8(bytes.to_vec()),
            Dtype::BOOL => TensorData::Bool(bytes.iter().map(|it| *it != 0).collect()),
            other => {
                let reason = format!("tensor `{name}` is {other:?}, which no graph takes here");
                return Err(damaged(self.path, reason));
            }
        };
        let tensor = Tensor::new(view.shape().to_vec(), data)
            .map_err(|error| damaged(self.path, format!("tensor `{name}`: {error}")))?;
        tensor.finite(name).map_err(|error| damaged(self.path, error.to_string()))
    }

    pub(super) fn take_f32(&self, name: &str, rank: usize) -> Result<Tensor> {
        let tensor = self.take(name)?;
        if tensor.as_f32().is_err() || tensor.shape().len() != rank {
            let is = format!("{} of shape {:?}", tensor.dtype(), tensor.shape());
            let reason = format!("tensor `{name}` is {is}, expected f32 with {rank} dimensions");
            return Err(damaged(self.path, reason));
        }
        Ok(tensor)
    }
}

/// The elements that `bytes` spell, `N` bytes each.
fn elements<T, const N: usize>(bytes: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|it| read(*it)).collect()
}
