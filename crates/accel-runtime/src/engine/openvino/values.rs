//! Tensors as OpenVINO holds them. 16-bit floats are 32-bit floats outside.

use std::path::Path;

use accel_core::Engine as EngineName;
use openvino::{ElementType, InferenceError, InferenceErrorKind, Shape};

use crate::engine::declared::declared;
use crate::engine::{TensorInfo, half};
use crate::error::InputProblem;
use crate::model::ValueInfo;
use crate::{Error, Result, Tensor, TensorData};

/// An input or output: as callers see it, and the type of its elements inside.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) info: TensorInfo,
    pub(super) element: ElementType,
}

/// The graph's declarations.
pub(super) fn ports(values: &[ValueInfo], path: &Path) -> Result<Vec<Port>> {
    // Names cross into C, where a zero ends them.
    if let Some(value) = values.iter().find(|it| it.name.contains('\0')) {
        return Err(Error::UnsupportedModel {
            path: path.to_owned(),
            reason: format!("`{}` has a zero byte in its name", value.name.escape_debug()),
            remedy: "export the model with other names".to_owned(),
        });
    }
    let elements = |elem_type| {
        Some(match elem_type {
            1 => ElementType::F32,
            2 => ElementType::U8,
            3 => ElementType::I8,
            6 => ElementType::I32,
            7 => ElementType::I64,
            9 => ElementType::Boolean,
            10 => ElementType::F16,
            16 => ElementType::Bf16,
            _ => return None,
        })
    };
    let ports = declared(values, path, elements)?;
    Ok(ports.into_iter().map(|(info, element)| Port { info, element }).collect())
}

/// Refuses integers of more than 32 bits: OpenVINO's devices compute 64-bit ones with 32 bits, and
/// would go on with others without a word.
///
/// # Errors
/// [`Error::InvalidInput`] that names the input.
pub(super) fn check_range(name: &str, tensor: &Tensor) -> Result<()> {
    if let TensorData::I64(data) = tensor.data()
        && let Some(number) = data.iter().find(|it| i32::try_from(**it).is_err())
    {
        return Err(Error::InvalidInput {
            input: name.to_owned(),
            problem: InputProblem::Range,
            expected: "integers of 32 bits, which OpenVINO computes 64-bit ones with".to_owned(),
            given: number.to_string(),
        });
    }
    Ok(())
}

/// A tensor of OpenVINO with the elements of `tensor`, which has dimensions: OpenVINO's C
/// interface makes no shape without any.
pub(super) fn to_openvino(tensor: &Tensor, element: ElementType) -> Result<openvino::Tensor> {
    let dims: Vec<i64> =
        tensor.shape().iter().map(|it| i64::try_from(*it).unwrap_or(i64::MAX)).collect();
    let shape = Shape::new(&dims).map_err(|error| failed(&error))?;
    let mut made = openvino::Tensor::new(element, &shape).map_err(|error| failed(&error))?;
    fill(&mut made, tensor, element)?;
    Ok(made)
}

/// Writes the elements of `tensor` into one of OpenVINO's of the same shape.
pub(super) fn fill(
    made: &mut openvino::Tensor,
    tensor: &Tensor,
    element: ElementType,
) -> Result<()> {
    if tensor.data().is_empty() {
        return Ok(());
    }
    match (tensor.data(), element) {
        (TensorData::F32(it), ElementType::F32) => write(made, it, |it| it)?,
        (TensorData::F32(it), ElementType::F16) => write(made, it, half::to_f16)?,
        (TensorData::F32(it), ElementType::Bf16) => write(made, it, half::to_bf16)?,
        (TensorData::I64(it), ElementType::I64) => write(made, it, |it| it)?,
        (TensorData::I32(it), ElementType::I32) => write(made, it, |it| it)?,
        (TensorData::I8(it), ElementType::I8) => write(made, it, |it| it)?,
        (TensorData::U8(it), ElementType::U8) => write(made, it, |it| it)?,
        (TensorData::Bool(it), ElementType::Boolean) => write(made, it, u8::from)?,
        (data, element) => {
            return Err(run_error(format!("{} was given for OpenVINO's {element}", data.dtype())));
        }
    }
    Ok(())
}

fn write<T: Copy, U>(
    tensor: &mut openvino::Tensor,
    from: &[T],
    turn: impl Fn(T) -> U,
) -> Result<()> {
    let into = tensor.get_data_mut::<U>().map_err(|error| failed(&error))?;
    for (into, from) in into.iter_mut().zip(from) {
        *into = turn(*from);
    }
    Ok(())
}

/// The sizes of a tensor of OpenVINO.
pub(super) fn shape(tensor: &openvino::Tensor) -> Result<Vec<usize>> {
    let shape = match tensor.get_shape() {
        // OpenVINO's C interface has no shape without dimensions to give.
        Err(error) if error.kind == InferenceErrorKind::InvalidCParam => {
            return match tensor.get_size() {
                Ok(1) => Ok(Vec::new()),
                _ => Err(failed(&error)),
            };
        }
        shape => shape.map_err(|error| failed(&error))?,
    };
    let size = |it: &i64| usize::try_from(*it).map_err(|_| run_error(format!("a size is {it}")));
    shape.get_dimensions().iter().map(size).collect()
}

/// The elements of a tensor of OpenVINO, widened.
pub(super) fn to_tensor(tensor: &openvino::Tensor) -> Result<Tensor> {
    let shape = shape(tensor)?;
    let empty = shape.contains(&0);
    let element = tensor.get_element_type().map_err(|error| failed(&error))?;
    let data: TensorData = match element {
        ElementType::F32 => read(tensor, empty, |it: f32| it)?.into(),
        ElementType::F16 => read(tensor, empty, half::from_f16)?.into(),
        ElementType::Bf16 => read(tensor, empty, half::from_bf16)?.into(),
        ElementType::I64 => read(tensor, empty, |it: i64| it)?.into(),
        ElementType::I32 => read(tensor, empty, |it: i32| it)?.into(),
        ElementType::I8 => read(tensor, empty, |it: i8| it)?.into(),
        ElementType::U8 => read(tensor, empty, |it: u8| it)?.into(),
        ElementType::Boolean => read(tensor, empty, |it: u8| it != 0)?.into(),
        other => return Err(run_error(format!("it gave elements of type {other}"))),
    };
    Tensor::new(shape, data)
}

/// The elements, turned one by one. A tensor without elements may have no memory to look at.
fn read<T: Copy, U>(
    tensor: &openvino::Tensor,
    empty: bool,
    turn: impl Fn(T) -> U,
) -> Result<Vec<U>> {
    if empty {
        return Ok(Vec::new());
    }
    let data = tensor.get_data::<T>().map_err(|error| failed(&error))?;
    Ok(data.iter().map(|it| turn(*it)).collect())
}

/// The failure of a call on tensors.
pub(super) fn failed(error: &InferenceError) -> Error {
    run_error(super::errors::text(error))
}

pub(super) const fn run_error(reason: String) -> Error {
    Error::Run { engine: EngineName::Openvino, reason }
}
