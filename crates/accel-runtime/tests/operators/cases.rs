//! The cases that `tools/operator_cases.py` wrote.

use std::fs;
use std::path::{Path, PathBuf};

use accel_runtime::{DType, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

/// One case of the index.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    /// Its name and its folder.
    pub(crate) name: String,
    /// The operators of its graph, sorted.
    pub(crate) operators: Vec<String>,
    /// The relative difference allowed, as `numpy.testing.assert_allclose` takes it.
    pub(crate) rtol: f64,
    /// The absolute difference allowed.
    pub(crate) atol: f64,
    /// Whether ONNX leaves the result to chance.
    pub(crate) undetermined: bool,
    pub(crate) inputs: Vec<Value>,
    pub(crate) outputs: Vec<Value>,
}

/// A value that is given or expected.
#[derive(Debug, Deserialize)]
pub(crate) struct Value {
    pub(crate) name: String,
    /// ONNX's name of the elements' type.
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    /// Its name among the recorded tensors; texts and values that are no tensors have none.
    pub(crate) key: Option<String>,
}

/// A recorded tensor.
pub(crate) struct Recorded {
    pub(crate) shape: Vec<usize>,
    pub(crate) elements: Elements,
}

/// Elements in the widest type of their kind: integers are compared exactly.
pub(crate) enum Elements {
    Integers(Vec<i128>),
    Floats(Vec<f64>),
}

/// The folder of all cases, and the index.
pub(crate) fn open(folder: &Path) -> Result<Vec<Case>, String> {
    let path = folder.join("index.json");
    let text = fs::read(&path).map_err(|error| {
        format!("{}: {error}; `python tools/operator_cases.py` writes it", path.display())
    })?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}

impl Case {
    pub(crate) fn model(&self, folder: &Path) -> PathBuf {
        folder.join(&self.name).join("model.onnx")
    }

    /// The recorded tensors' file.
    pub(crate) fn bytes(&self, folder: &Path) -> Vec<u8> {
        fs::read(folder.join(&self.name).join("values.safetensors")).unwrap()
    }
}

impl Value {
    /// What was recorded of it, if it is a tensor of numbers.
    pub(crate) fn recorded(&self, bytes: &[u8]) -> Option<Recorded> {
        let file = SafeTensors::deserialize(bytes).unwrap();
        let view = file.tensor(self.key.as_ref()?).unwrap();
        let data = view.data();
        macro_rules! integers {
            ($type:ty) => {
                Elements::Integers(
                    data.as_chunks()
                        .0
                        .iter()
                        .map(|it| <$type>::from_le_bytes(*it).into())
                        .collect(),
                )
            };
        }
        let elements = match view.dtype() {
            Dtype::BOOL | Dtype::U8 => integers!(u8),
            Dtype::I8 => integers!(i8),
            Dtype::I16 => integers!(i16),
            Dtype::U16 => integers!(u16),
            Dtype::I32 => integers!(i32),
            Dtype::U32 => integers!(u32),
            Dtype::I64 => integers!(i64),
            Dtype::U64 => integers!(u64),
            Dtype::F32 => Elements::Floats(
                data.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it).into()).collect(),
            ),
            Dtype::F64 => Elements::Floats(
                data.as_chunks().0.iter().map(|it| f64::from_le_bytes(*it)).collect(),
            ),
            other => panic!("{}: {other:?} is not among the types of the cases", self.name),
        };
        Some(Recorded { shape: view.shape().to_vec(), elements })
    }
}

impl Recorded {
    /// The tensor in the type that an engine declares; `None` when that cannot hold it. Floats
    /// may lose digits, integers nothing.
    pub(crate) fn tensor(&self, dtype: DType) -> Option<Tensor> {
        let data = match (&self.elements, dtype) {
            (Elements::Integers(it), DType::I64) => TensorData::I64(narrowed(it)?),
            (Elements::Integers(it), DType::I32) => TensorData::I32(narrowed(it)?),
            (Elements::Integers(it), DType::I8) => TensorData::I8(narrowed(it)?),
            (Elements::Integers(it), DType::U8) => TensorData::U8(narrowed(it)?),
            (Elements::Integers(it), DType::Bool) => {
                TensorData::Bool(it.iter().map(|it| *it != 0).collect())
            }
            #[expect(clippy::cast_possible_truncation, reason = "as an engine that narrows")]
            (Elements::Floats(it), DType::F32) => {
                TensorData::F32(it.iter().map(|it| *it as f32).collect())
            }
            _ => return None,
        };
        Some(Tensor::new(self.shape.clone(), data).unwrap())
    }
}

fn narrowed<T: TryFrom<i128>>(wide: &[i128]) -> Option<Vec<T>> {
    wide.iter().map(|it| T::try_from(*it).ok()).collect()
}
