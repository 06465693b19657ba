//! A loaded graph and its runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use accel_core::Engine as EngineName;
use rten::{NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::Layout;

use super::mapped::MappedModel;
use super::{kept, panic_message};
use crate::engine::{Feed, Keep, Kept, Placement, Session, TensorInfo};
use crate::error::InputProblem;
use crate::{DType, Error, Result, Tensor, TensorData};

/// A graph loaded by rten.
#[derive(Debug)]
pub(super) struct RtenSession {
    pub(super) model: MappedModel,
    pub(super) inputs: Vec<TensorInfo>,
    pub(super) outputs: Vec<TensorInfo>,
    pub(super) input_ids: Vec<NodeId>,
    pub(super) output_ids: Vec<NodeId>,
    /// `None` is rten's pool, one thread for every physical core.
    pub(super) thread_pool: Option<Arc<ThreadPool>>,
    pub(super) placement: Placement,
}

impl Session for RtenSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn placement(&self) -> &Placement {
        &self.placement
    }

    fn execute(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> Result<Vec<Tensor>> {
        let inputs = inputs.into_iter().map(|(name, it)| (name, Feed::Tensor(it))).collect();
        Ok(kept::execute(self, inputs, outputs, &[])?.0)
    }

    fn execute_keeping(
        &self,
        inputs: Vec<(&str, Feed<'_>)>,
        outputs: &[&str],
        keep: &[Keep<'_>],
    ) -> Result<(Vec<Tensor>, Vec<Kept>)> {
        kept::execute(self, inputs, outputs, keep)
    }
}

impl RtenSession {
    /// rten's id of the input `name`.
    pub(super) fn input_id(&self, name: &str) -> Result<NodeId> {
        find(name, &self.inputs, &self.input_ids).map(|(_, id)| id)
    }

    /// The declaration of the output `name` and rten's id of it.
    pub(super) fn output_id(&self, name: &str) -> Result<(&TensorInfo, NodeId)> {
        find(name, &self.outputs, &self.output_ids)
    }

    /// Gives one value for every one of `ids`.
    pub(super) fn run_values(
        &self,
        values: Vec<(NodeId, ValueOrView<'_>)>,
        ids: &[NodeId],
    ) -> Result<Vec<Value>> {
        let options = RunOptions::default().with_thread_pool(self.thread_pool.clone());
        // A kernel that panics on some shape must not take its caller down. The session holds no
        // state between runs but caches that rten guards itself.
        catch_unwind(AssertUnwindSafe(|| self.model.run(values, ids, Some(options))))
            .map_err(|panic| run_error(format!("it panicked: {}", panic_message(&*panic))))?
            .map_err(|error| run_error(explained(error.to_string())))
    }
}

/// What rten says of an operator, and what that means for a caller when it is about sizes.
fn explained(reason: String) -> String {
    let meaning = if reason.contains("out of range") {
        "an id is not in the model's vocabulary, or the input is longer than the model takes"
    } else if reason.contains("incompatible input shapes") {
        "the inputs' sizes do not fit together, or an input is longer than the model takes"
    } else {
        return reason;
    };
    format!("{reason}; {meaning}")
}

/// The input or output `name` and rten's id of it.
fn find<'a>(
    name: &str,
    infos: &'a [TensorInfo],
    ids: &[NodeId],
) -> Result<(&'a TensorInfo, NodeId)> {
    infos
        .iter()
        .zip(ids)
        .find(|(info, _)| info.name == name)
        .map(|(info, id)| (info, *id))
        .ok_or_else(|| run_error(format!("the graph has no value `{name}`")))
}

/// rten's value of a tensor, its elements moved where rten has their type.
pub(super) fn value_of(name: &str, tensor: Tensor) -> Result<Value> {
    let (shape, data) = tensor.into_parts();
    let shape = shape.as_slice();
    match data {
        TensorData::F32(it) => value(shape, it),
        TensorData::I32(it) => value(shape, it),
        TensorData::I8(it) => value(shape, it),
        TensorData::U8(it) => value(shape, it),
        TensorData::Bool(it) => value(shape, it.into_iter().map(i32::from).collect::<Vec<_>>()),
        TensorData::I64(it) => {
            let narrow = |number: i64| {
                i32::try_from(number).map_err(|_| Error::InvalidInput {
                    input: name.to_owned(),
                    problem: InputProblem::Range,
                    expected: "integers of 32 bits, which rten computes 64-bit ones with"
                        .to_owned(),
                    given: number.to_string(),
                })
            };
            value(shape, it.into_iter().map(narrow).collect::<Result<Vec<_>>>()?)
        }
    }
}

fn value<T>(shape: &[usize], data: Vec<T>) -> Result<Value>
where
    Value: From<rten_tensor::Tensor<T>>,
{
    rten_tensor::Tensor::try_from_data(shape, data)
        .map(Value::from)
        .map_err(|error| run_error(error.to_string()))
}

/// A tensor of rten's value, as the type that the graph declares. rten computes 64-bit integers
/// and truth values as 32-bit integers.
pub(super) fn tensor_of(info: &TensorInfo, value: Value) -> Result<Tensor> {
    let shape = value.shape().to_vec();
    let data = match (value, info.dtype) {
        (Value::FloatTensor(it), DType::F32) => TensorData::F32(it.into_data()),
        (Value::Int32Tensor(it), DType::I32) => TensorData::I32(it.into_data()),
        (Value::Int32Tensor(it), DType::I64) => {
            TensorData::I64(it.into_data().into_iter().map(i64::from).collect())
        }
        (Value::Int32Tensor(it), DType::Bool) => {
            TensorData::Bool(it.into_data().into_iter().map(|it| it != 0).collect())
        }
        (Value::Int8Tensor(it), DType::I8) => TensorData::I8(it.into_data()),
        (Value::UInt8Tensor(it), DType::U8) => TensorData::U8(it.into_data()),
        (other, _) => {
            return Err(Error::BadOutput {
                output: info.name.clone(),
                expected: info.to_string(),
                given: other.dtype().to_string(),
            });
        }
    };
    Tensor::new(shape, data)
}

pub(super) const fn run_error(reason: String) -> Error {
    Error::Run { engine: EngineName::Rten, reason }
}
