//! Tensors in SafeTensors files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use accel_runtime::{DType, Tensor, TensorData};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::failure::Failure;

/// The most that a file of inputs may have.
const MOST_BYTES: u64 = 8 << 30;

fn broken(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::input("invalid-input", format!("{}: {why}", path.display()))
}

/// The tensors of a file, by name.
///
/// # Errors
/// A file that is not there, is no SafeTensors file, or holds elements of a type that no engine
/// takes.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Tensor>, Failure> {
    let metadata = fs::metadata(path).map_err(|it| broken(path, it))?;
    if !metadata.is_file() {
        return Err(broken(path, "it is not a file"));
    }
    if metadata.len() > MOST_BYTES {
        return Err(broken(path, format!("it has more than {MOST_BYTES} bytes")));
    }
    let bytes = fs::read(path).map_err(|it| broken(path, it))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|it| broken(path, format!("it is no SafeTensors file: {it}")))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let bytes = view.data();
        let data = match view.dtype() {
            Dtype::F32 => TensorData::F32(elements(bytes, f32::from_le_bytes)),
            Dtype::I64 => TensorData::I64(elements(bytes, i64::from_le_bytes)),
            Dtype::I32 => TensorData::I32(elements(bytes, i32::from_le_bytes)),
            Dtype::I8 => TensorData::I8(elements(bytes, i8::from_le_bytes)),
            Dtype::U8 => TensorData::U8(bytes.to_vec()),
            Dtype::BOOL => TensorData::Bool(bytes.iter().map(|it| *it != 0).collect()),
            other => {
                return Err(broken(
                    path,
                    format!(
                        "tensor `{name}` holds {other:?}; tensors here hold F32, I64, I32, I8, U8 \
                         or BOOL (give half precision as F32)"
                    ),
                ));
            }
        };
        tensors.insert(name.to_owned(), Tensor::new(view.shape().to_vec(), data)?);
    }
    Ok(tensors)
}

/// The elements that `bytes` spell, `N` bytes each.
fn elements<T, const N: usize>(bytes: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|it| read(*it)).collect()
}

/// Writes the tensors; the file appears whole or not at all.
///
/// # Errors
/// What the system refuses.
pub(super) fn write(path: &Path, tensors: &[(&str, Tensor)]) -> Result<(), Failure> {
    let encoded: Vec<_> = tensors.iter().map(|(name, it)| (*name, it, bytes(it.data()))).collect();
    let mut views = Vec::with_capacity(encoded.len());
    for (name, tensor, bytes) in &encoded {
        let view = TensorView::new(dtype(tensor.dtype()), tensor.shape().to_vec(), bytes)
            .map_err(|it| broken(path, format!("tensor `{name}`: {it}")))?;
        views.push((*name, view));
    }
    let file = safetensors::serialize(views, None).map_err(|it| broken(path, it))?;
    let name = path.file_name().ok_or_else(|| broken(path, "it is not the name of a file"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written = fs::write(&temporary, file).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        Failure::io("write", path)(error)
    })
}

const fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F32 => Dtype::F32,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I8 => Dtype::I8,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}

fn bytes(data: &TensorData) -> Vec<u8> {
    match data {
        TensorData::F32(it) => it.iter().flat_map(|it| it.to_le_bytes()).collect(),
        TensorData::I64(it) => it.iter().flat_map(|it| it.to_le_bytes()).collect(),
        TensorData::I32(it) => it.iter().flat_map(|it| it.to_le_bytes()).collect(),
        TensorData::I8(it) => it.iter().flat_map(|it| it.to_le_bytes()).collect(),
        TensorData::U8(it) => it.clone(),
        TensorData::Bool(it) => it.iter().map(|it| u8::from(*it)).collect(),
    }
}
