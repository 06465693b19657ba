//! A graph's inputs and outputs as callers see them, beside the engine's own types.

use std::path::Path;

use super::TensorInfo;
use crate::model::ValueInfo;
use crate::{DType, Error, Result};

/// What the file declares, each with the engine's own type: `native` gives that for ONNX's number
/// of a type (`onnx.proto`, `TensorProto.DataType`), or nothing for a type that the engine does not
/// pass. Floats of other widths are floats of 32 bits to callers.
///
/// # Errors
/// [`Error::UnsupportedModel`] for such a type and for a value without a declared shape.
pub(super) fn declared<T>(
    values: &[ValueInfo],
    path: &Path,
    native: impl Fn(u64) -> Option<T>,
) -> Result<Vec<(TensorInfo, T)>> {
    values
        .iter()
        .map(|value| {
            let unsupported = |reason: String| Error::UnsupportedModel {
                path: path.to_owned(),
                reason: format!("`{}` {reason}", value.name.escape_debug()),
                remedy: "export the model with tensors of float, int or bool type".to_owned(),
            };
            let dtype = match value.elem_type {
                1 | 10 | 11 | 16 => Some(DType::F32),
                2 => Some(DType::U8),
                3 => Some(DType::I8),
                6 => Some(DType::I32),
                7 => Some(DType::I64),
                9 => Some(DType::Bool),
                _ => None,
            };
            let Some((dtype, native)) = dtype.zip(native(value.elem_type)) else {
                return Err(unsupported(format!(
                    "is of type {}, which tensors here do not have",
                    value.type_name()
                )));
            };
            let dims = value.dims.clone();
            let dims = dims.ok_or_else(|| unsupported("has no declared shape".to_owned()))?;
            Ok((TensorInfo { name: value.name.clone(), dtype, dims }, native))
        })
        .collect()
}
