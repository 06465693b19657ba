//! Tensors as ONNX Runtime has them.

use std::fmt::Debug;
use std::path::Path;

use accel_core::Engine as EngineName;
use ort::memory::AllocationDevice;
use ort::value::{DynTensor, PrimitiveTensorElementType, Tensor as OrtTensor, TensorElementType};

use super::foreign;
use crate::engine::declared::declared;
use crate::engine::half;
use crate::model::ValueInfo;
use crate::{DType, Error, Result, Tensor, TensorData, TensorInfo};

/// An input or output: what callers see, and the type that the graph itself has. Halves and
/// doubles are floats to callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) info: TensorInfo,
    pub(super) native: TensorElementType,
}

/// The ports that a graph declares.
pub(super) fn ports(values: &[ValueInfo], path: &Path) -> Result<Vec<Port>> {
    let natives = |elem_type| {
        Some(match elem_type {
            1 => TensorElementType::Float32,
            2 => TensorElementType::Uint8,
            3 => TensorElementType::Int8,
            6 => TensorElementType::Int32,
            7 => TensorElementType::Int64,
            9 => TensorElementType::Bool,
            10 => TensorElementType::Float16,
            11 => TensorElementType::Float64,
            16 => TensorElementType::Bfloat16,
            _ => return None,
        })
    };
    let ports = declared(values, path, natives)?;
    Ok(ports.into_iter().map(|(info, native)| Port { info, native }).collect())
}

/// ONNX Runtime's value of a tensor, its elements moved where they have the graph's type.
pub(super) fn value_of(tensor: Tensor, native: TensorElementType) -> Result<DynTensor> {
    let (shape, data) = tensor.into_parts();
    match data {
        TensorData::F32(it) => match native {
            TensorElementType::Float16 => bits(native, &shape, &it, half::to_f16),
            TensorElementType::Bfloat16 => bits(native, &shape, &it, half::to_bf16),
            TensorElementType::Float64 => {
                moved(shape, it.into_iter().map(f64::from).collect::<Vec<_>>())
            }
            _ => moved(shape, it),
        },
        TensorData::I64(it) => moved(shape, it),
        TensorData::I32(it) => moved(shape, it),
        TensorData::I8(it) => moved(shape, it),
        TensorData::U8(it) => moved(shape, it),
        TensorData::Bool(it) => moved(shape, it),
    }
    .map_err(|error| run_error(&error))
}

fn moved<T>(shape: Vec<usize>, data: Vec<T>) -> ort::Result<DynTensor>
where
    T: PrimitiveTensorElementType + Clone + Debug + 'static,
{
    OrtTensor::from_array((shape, data)).map(OrtTensor::upcast)
}

fn bits(
    native: TensorElementType,
    shape: &[usize],
    data: &[f32],
    narrow: fn(f32) -> u16,
) -> ort::Result<DynTensor> {
    let bits: Vec<_> = data.iter().map(|it| narrow(*it)).collect();
    foreign::tensor_of_bits(native, shape, &bits)
}

/// A tensor with a copy of the value's elements, as callers see the port.
pub(super) fn tensor_of(info: &TensorInfo, value: &DynTensor) -> Result<Tensor> {
    if value.memory_info().is_cpu_accessible() {
        return host_tensor_of(info, value);
    }
    let copy = value.to(AllocationDevice::CPU, 0).map_err(|error| run_error(&error))?;
    host_tensor_of(info, &copy)
}

fn host_tensor_of(info: &TensorInfo, value: &DynTensor) -> Result<Tensor> {
    let shape = shape_of(value);
    let native = *value.data_type();
    let data = match (native, info.dtype) {
        (TensorElementType::Float32, DType::F32) => copied::<f32>(value)?.into(),
        (TensorElementType::Float16, DType::F32) => widened(value, half::from_f16)?,
        (TensorElementType::Bfloat16, DType::F32) => widened(value, half::from_bf16)?,
        (TensorElementType::Float64, DType::F32) => {
            #[expect(clippy::cast_possible_truncation, reason = "doubles are floats to callers")]
            let narrow = |it: f64| it as f32;
            TensorData::F32(copied::<f64>(value)?.into_iter().map(narrow).collect())
        }
        (TensorElementType::Int64, DType::I64) => copied::<i64>(value)?.into(),
        (TensorElementType::Int32, DType::I32) => copied::<i32>(value)?.into(),
        (TensorElementType::Int8, DType::I8) => copied::<i8>(value)?.into(),
        (TensorElementType::Uint8, DType::U8) => copied::<u8>(value)?.into(),
        (TensorElementType::Bool, DType::Bool) => copied::<bool>(value)?.into(),
        (other, _) => {
            return Err(Error::BadOutput {
                output: info.name.clone(),
                expected: info.to_string(),
                given: format!("{other} {shape:?}"),
            });
        }
    };
    Tensor::new(shape, data)
}

/// Sizes of a value's dimensions.
pub(super) fn shape_of(value: &DynTensor) -> Vec<usize> {
    // A value that exists has no negative sizes.
    value.shape().iter().map(|it| usize::try_from(*it).unwrap_or(0)).collect()
}

fn copied<T: PrimitiveTensorElementType + Clone>(value: &DynTensor) -> Result<Vec<T>> {
    let (_, data) = value.try_extract_tensor::<T>().map_err(|error| run_error(&error))?;
    Ok(data.to_vec())
}

fn widened(value: &DynTensor, widen: fn(u16) -> f32) -> Result<TensorData> {
    let bits = foreign::bits_of_tensor(value).map_err(|error| run_error(&error))?;
    Ok(TensorData::F32(bits.into_iter().map(widen).collect()))
}

/// What ONNX Runtime said when it failed.
pub(super) fn run_error<R>(error: &ort::Error<R>) -> Error {
    Error::Run { engine: EngineName::Ort, reason: error.message().to_owned() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::ports;
    use crate::model::ValueInfo;
    use crate::{DType, Dim, Error};

    #[test]
    fn types_that_tensors_do_not_have_are_refused_by_name() {
        let declared = |elem_type, dims| {
            let value = ValueInfo { name: "x".to_owned(), elem_type, dims, form: "" };
            ports(&[value], Path::new("model.onnx"))
        };
        let dims = Some(vec![Dim::Fixed(1)]);
        for (elem_type, dtype) in
            [(1, DType::F32), (10, DType::F32), (16, DType::F32), (9, DType::Bool)]
        {
            assert_eq!(declared(elem_type, dims.clone()).unwrap()[0].info.dtype, dtype);
        }
        // Text, complex numbers, no tensor at all; and a tensor of any rank.
        for (elem_type, dims) in [(8, dims.clone()), (14, dims.clone()), (0, dims), (1, None)] {
            let error = declared(elem_type, dims).unwrap_err();
            assert!(
                matches!(&error, Error::UnsupportedModel { reason, .. } if reason.contains("`x`"))
            );
        }
    }
}
