//! What is known of a value before it is computed.

use serde::{Deserialize, Serialize};

/// Values of at most so many elements are followed through a graph's arithmetic: shapes and
/// indexes are short, and longer values decide no shape.
pub(super) const FOLD_LIMIT: usize = 64;

/// The type of a tensor's elements in a file; wider than [`DType`](crate::DType), since an engine
/// may widen what a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// 32-bit floats.
    F32,
    /// 16-bit floats of IEEE 754.
    F16,
    /// 16-bit floats with the exponent of 32-bit ones.
    Bf16,
    /// 64-bit floats.
    F64,
    /// 64-bit integers.
    I64,
    /// 32-bit integers.
    I32,
    /// 8-bit integers.
    I8,
    /// Bytes.
    U8,
    /// 4-bit integers, signed or not.
    I4,
    /// Truth values.
    Bool,
    /// Anything else.
    Other,
}

impl ElementType {
    /// Of ONNX's number, `TensorProto.DataType` in `onnx.proto`.
    pub(super) const fn of_onnx(number: i32) -> Self {
        match number {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            6 => Self::I32,
            7 => Self::I64,
            9 => Self::Bool,
            10 => Self::F16,
            11 => Self::F64,
            16 => Self::Bf16,
            21 | 22 => Self::I4,
            _ => Self::Other,
        }
    }

    /// Bytes of one element.
    pub(super) const fn bytes(self) -> f64 {
        match self {
            Self::F64 | Self::I64 => 8.0,
            Self::F32 | Self::I32 | Self::Other => 4.0,
            Self::F16 | Self::Bf16 => 2.0,
            Self::I8 | Self::U8 | Self::Bool => 1.0,
            Self::I4 => 0.5,
        }
    }

    /// Whether it is a floating-point type.
    pub(super) const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16 | Self::F64)
    }

    /// Its name, as profiles write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F64 => "f64",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I4 => "i4",
            Self::Bool => "bool",
            Self::Other => "other",
        }
    }
}

/// What is known of a value.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) dtype: ElementType,
    pub(super) shape: Option<Vec<usize>>,
    /// Its elements when there are at most [`FOLD_LIMIT`] and they are known; integers are exact
    /// up to 2^53, which no size reaches.
    pub(super) numbers: Option<Vec<f64>>,
}

impl Value {
    /// The number of elements; a float, since a damaged graph's may exceed any integer.
    pub(super) fn elements(&self) -> Option<f64> {
        self.shape.as_deref().map(product)
    }

    /// The number of elements when there are few enough to be followed.
    pub(super) fn few_elements(&self) -> Option<usize> {
        few(self.shape.as_deref()?)
    }

    /// Bytes of all elements.
    pub(super) fn bytes(&self) -> Option<f64> {
        Some(self.elements()? * self.dtype.bytes())
    }
}

/// The product of sizes when it is at most [`FOLD_LIMIT`].
pub(super) fn few(sizes: &[usize]) -> Option<usize> {
    let count = sizes.iter().try_fold(1_usize, |all, it| all.checked_mul(*it))?;
    (count <= FOLD_LIMIT).then_some(count)
}

/// The product of sizes.
#[expect(clippy::cast_precision_loss, reason = "a cost needs no 53 bits")]
pub(super) fn product(sizes: &[usize]) -> f64 {
    sizes.iter().map(|it| *it as f64).product()
}
