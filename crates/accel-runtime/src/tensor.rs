//! Dense tensors between pipelines and engines.

use std::fmt;

use crate::{Error, Result};

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit floats.
    F32,
    /// 64-bit integers.
    I64,
    /// 32-bit integers.
    I32,
    /// 8-bit integers.
    I8,
    /// Bytes.
    U8,
    /// Truth values.
    Bool,
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F32 => "f32",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::Bool => "bool",
        })
    }
}

/// A tensor's elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// 8-bit integers.
    I8(Vec<i8>),
    /// Bytes.
    U8(Vec<u8>),
    /// Truth values.
    Bool(Vec<bool>),
}

impl TensorData {
    /// The type of the elements.
    pub const fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::I64(_) => DType::I64,
            Self::I32(_) => DType::I32,
            Self::I8(_) => DType::I8,
            Self::U8(_) => DType::U8,
            Self::Bool(_) => DType::Bool,
        }
    }

    /// The number of elements.
    pub const fn len(&self) -> usize {
        match self {
            Self::F32(it) => it.len(),
            Self::I64(it) => it.len(),
            Self::I32(it) => it.len(),
            Self::I8(it) => it.len(),
            Self::U8(it) => it.len(),
            Self::Bool(it) => it.len(),
        }
    }

    /// Whether there are no elements.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

macro_rules! from_vec {
    ($($ty:ty => $variant:ident),+) => {
        $(impl From<Vec<$ty>> for TensorData {
            fn from(elements: Vec<$ty>) -> Self {
                Self::$variant(elements)
            }
        })+
    };
}
from_vec!(f32 => F32, i64 => I64, i32 => I32, i8 => I8, u8 => U8, bool => Bool);

/// A dense tensor in row-major order. Its shape and number of elements always agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
}

impl Tensor {
    /// A tensor of `shape` over `data`, such as `Tensor::new(vec![1, 3], vec![1_i64, 2, 3])`.
    ///
    /// # Errors
    /// [`Error::TensorShape`] when the number of elements is not the product of the shape.
    pub fn new(shape: Vec<usize>, data: impl Into<TensorData>) -> Result<Self> {
        let data = data.into();
        let count = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        if count == Some(data.len()) {
            return Ok(Self { shape, data });
        }
        Err(Error::TensorShape {
            shape,
            expected: count.map_or_else(|| "too many".to_owned(), |it| it.to_string()),
            given: data.len(),
        })
    }

    /// Sizes of the dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements.
    pub const fn data(&self) -> &TensorData {
        &self.data
    }

    /// The type of the elements.
    pub const fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// Shape and elements.
    pub fn into_parts(self) -> (Vec<usize>, TensorData) {
        (self.shape, self.data)
    }

    /// The elements as floats.
    ///
    /// # Errors
    /// [`Error::TensorDtype`] when they are of another type; nothing is converted.
    pub fn as_f32(&self) -> Result<&[f32]> {
        match &self.data {
            TensorData::F32(it) => Ok(it),
            other => Err(Error::TensorDtype { expected: DType::F32, given: other.dtype() }),
        }
    }

    /// The elements as 64-bit integers.
    ///
    /// # Errors
    /// [`Error::TensorDtype`] when they are of another type; nothing is converted.
    pub fn as_i64(&self) -> Result<&[i64]> {
        match &self.data {
            TensorData::I64(it) => Ok(it),
            other => Err(Error::TensorDtype { expected: DType::I64, given: other.dtype() }),
        }
    }

    /// `self`, if all its floats are finite; tensors of other types always are.
    ///
    /// # Errors
    /// [`Error::NonFinite`] naming `output` and the first element that is not.
    pub fn finite(self, output: &str) -> Result<Self> {
        if let TensorData::F32(floats) = &self.data
            && let Some(index) = floats.iter().position(|it| !it.is_finite())
        {
            return Err(Error::NonFinite {
                output: output.to_owned(),
                index,
                value: floats[index],
            });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{DType, Tensor};
    use crate::Error;

    #[test]
    fn shape_and_elements_must_agree() {
        assert!(Tensor::new(vec![2, 3], vec![0.0_f32; 6]).is_ok());
        assert!(Tensor::new(vec![], vec![1_i64]).is_ok());
        assert!(Tensor::new(vec![1, 2, 0, 4], Vec::<f32>::new()).is_ok());
        let error = Tensor::new(vec![2, 3], vec![0.0_f32; 5]).unwrap_err();
        assert_eq!(error.to_string(), "a tensor of shape [2, 3] holds 6 elements, given 5");
        assert!(Tensor::new(vec![usize::MAX, 2], vec![true]).is_err());
    }

    #[test]
    fn reading_as_another_type_is_an_error() {
        let tensor = Tensor::new(vec![1], vec![1_i64]).unwrap();
        assert_eq!(tensor.as_i64().unwrap(), [1]);
        assert!(matches!(
            tensor.as_f32(),
            Err(Error::TensorDtype { expected: DType::F32, given: DType::I64 })
        ));
    }

    #[test]
    fn numbers_that_are_none_are_found() {
        let tensor = Tensor::new(vec![3], vec![0.0, f32::INFINITY, f32::NAN]).unwrap();
        let error = tensor.finite("logits").unwrap_err();
        assert!(matches!(error, Error::NonFinite { index: 1, .. }), "{error}");
    }
}
