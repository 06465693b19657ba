//! rten's values between runs.

use std::any::Any;
use std::fmt;
use std::ops::Range;

use rten::{NodeId, Value, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{Tensor as RtenTensor, TensorView};

use super::session::{RtenSession, run_error, tensor_of, value_of};
use crate::engine::{EngineTensor, Feed, Keep, Kept, TensorInfo};
use crate::{DType, Result, Tensor, TensorData};

/// A value of rten that waits for the next run.
pub(super) struct RtenKept {
    value: Value,
    /// As the graph that gave it declares it.
    info: TensorInfo,
    /// The dimension that has room to grow.
    grows: Option<usize>,
}

impl fmt::Debug for RtenKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtenKept")
            .field("info", &self.info)
            .field("shape", &self.shape())
            .finish_non_exhaustive()
    }
}

impl RtenKept {
    fn new(value: Value, info: TensorInfo, grows: Option<usize>) -> Self {
        let value = match (value, grows) {
            (Value::FloatTensor(it), Some(axis)) => Value::FloatTensor(with_room(it, axis)),
            (value, _) => value,
        };
        Self { value, info, grows }
    }
}

impl EngineTensor for RtenKept {
    fn shape(&self) -> Vec<usize> {
        self.value.shape().to_vec()
    }

    fn dtype(&self) -> DType {
        self.info.dtype
    }

    fn select(&self, rows: &[usize]) -> Result<Kept> {
        let Value::FloatTensor(old) = &self.value else {
            return Kept::Host(self.to_tensor()?).select(rows);
        };
        let axis = self.grows.filter(|it| *it > 0 && *it < old.ndim());
        let mut shape = old.shape().to_vec();
        shape[0] = rows.len();
        let mut length = 0..0;
        if let Some(axis) = axis {
            length = 0..shape[axis];
            shape[axis] = room(shape[axis]);
        }
        let mut new = RtenTensor::<f32>::zeros(&shape);
        for (to, from) in rows.iter().enumerate() {
            let mut target = new.slice_axis_mut(0, one(to));
            let source = old.slice_axis(0, one(*from));
            match axis {
                Some(axis) => target.slice_axis_mut(axis, length.clone()).copy_from(&source),
                None => target.copy_from(&source),
            }
        }
        if let Some(axis) = axis {
            new.clip_dim(axis, length);
        }
        let value = Value::FloatTensor(new);
        Ok(Kept::Engine(Box::new(Self { value, info: self.info.clone(), grows: self.grows })))
    }

    fn to_tensor(&self) -> Result<Tensor> {
        tensor_of(&self.info, self.value.clone())
    }
}

const fn one(index: usize) -> Range<usize> {
    index..index + 1
}

/// The length to make room for when `length` is full: so much more that copying is rare, and no
/// more than half again, since the room is memory that nothing else can use.
fn room(length: usize) -> usize {
    length + (length / 2).max(16)
}

/// The tensor itself if one more fits into it along `axis`, else a copy with room.
fn with_room(tensor: RtenTensor<f32>, axis: usize) -> RtenTensor<f32> {
    if axis >= tensor.ndim() || tensor.has_capacity(axis, tensor.size(axis) + 1) {
        return tensor;
    }
    let mut shape = tensor.shape().to_vec();
    shape[axis] = room(shape[axis]);
    let mut roomy = RtenTensor::with_capacity(&shape, axis);
    match roomy.append(axis, &tensor) {
        Ok(()) => roomy,
        // It was made for exactly this; without room the next run copies, and that is all.
        Err(_) => tensor,
    }
}

/// Runs the graph; values of rten go in and stay outside as they are.
pub(super) fn execute(
    session: &RtenSession,
    inputs: Vec<(&str, Feed<'_>)>,
    outputs: &[&str],
    keep: &[Keep<'_>],
) -> Result<(Vec<Tensor>, Vec<Kept>)> {
    let mut values = Vec::with_capacity(inputs.len());
    for (name, feed) in inputs {
        values.push((session.input_id(name)?, value_or_view(name, feed)?));
    }
    let names = outputs.iter().copied().chain(keep.iter().map(|it| it.output));
    let wanted: Vec<(&TensorInfo, NodeId)> =
        names.map(|it| session.output_id(it)).collect::<Result<_>>()?;
    let ids: Vec<_> = wanted.iter().map(|(_, id)| *id).collect();
    let mut results = session.run_values(values, &ids)?;
    let kept = results.split_off(outputs.len().min(results.len()));
    let given = wanted.iter().zip(results).map(|((info, _), value)| tensor_of(info, value));
    let kept = wanted.iter().skip(outputs.len()).zip(keep).zip(kept).map(|((wanted, keep), it)| {
        let kept = RtenKept::new(it, wanted.0.clone(), keep.grows);
        Kept::Engine(Box::new(kept))
    });
    let kept = kept.collect();
    Ok((given.collect::<Result<_>>()?, kept))
}

fn value_or_view<'a>(name: &str, feed: Feed<'a>) -> Result<ValueOrView<'a>> {
    Ok(match feed {
        Feed::Tensor(tensor) | Feed::Kept(Kept::Host(tensor)) => value_of(name, tensor)?.into(),
        Feed::Kept(Kept::Engine(kept)) => {
            let any: &dyn Any = &*kept;
            if any.is::<RtenKept>() {
                let any: Box<dyn Any> = kept;
                let kept = any.downcast::<RtenKept>();
                kept.map_err(|_| run_error(format!("`{name}` is no value of rten")))?.value.into()
            } else {
                value_of(name, kept.to_tensor()?)?.into()
            }
        }
        Feed::Shared(Kept::Engine(kept)) => {
            let any: &dyn Any = &**kept;
            match any.downcast_ref::<RtenKept>() {
                Some(kept) => kept.value.as_view().into(),
                None => value_of(name, kept.to_tensor()?)?.into(),
            }
        }
        Feed::Shared(Kept::Host(tensor)) => match tensor.data() {
            TensorData::F32(floats) => {
                TensorView::from_data(tensor.shape(), floats.as_slice()).into()
            }
            _ => value_of(name, tensor.clone())?.into(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::any::Any;

    use accel_core::{
        CpuEngine, CpuOptions, DeviceOptions, GraphOptimization, Platform, Precision,
        SessionOptions,
    };
    use rten::Value;

    use super::{RtenKept, room};
    use crate::engine::{Engine, Feed, Keep, Kept, RtenEngine, Session};
    use crate::{ModelDir, Tensor};

    fn decoder() -> Box<dyn Session> {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/qwen3");
        let graph = ModelDir::open(dir).unwrap().graph("model", Precision::Fp32).unwrap();
        let options = SessionOptions {
            precision: Precision::Fp32,
            graph_optimization: GraphOptimization::All,
            threads: 1,
            max_batch: 1,
            memory_limit_bytes: 0,
            cpu_fallback_percent: 0,
            device: DeviceOptions::Cpu(CpuOptions {
                engine: CpuEngine::Rten,
                prepack_weights: false,
                pin_threads: false,
            }),
        };
        RtenEngine::new().load(&graph, Platform::Cpu, &options).unwrap()
    }

    /// One token after `cache`, for every row.
    fn step(
        session: &dyn Session,
        cache: Vec<Kept>,
        rows: usize,
        token: i64,
    ) -> (Tensor, Vec<Kept>) {
        let seen = cache.first().map_or(0, |it| it.shape()[2]);
        let ids = |count: usize, id: i64| Tensor::new(vec![rows, count], vec![id; rows * count]);
        let mut inputs = Vec::new();
        let mut cache = cache.into_iter();
        let names: Vec<_> = session.inputs().iter().map(|it| it.name.clone()).collect();
        let presents: Vec<_> = names
            .iter()
            .filter_map(|it| Some(format!("present.{}", it.strip_prefix("past_key_values.")?)))
            .collect();
        for name in &names {
            let feed = match name.as_str() {
                "input_ids" => Feed::Tensor(ids(1, token).unwrap()),
                "attention_mask" => Feed::Tensor(ids(seen + 1, 1).unwrap()),
                "position_ids" => Feed::Tensor(ids(1, i64::try_from(seen).unwrap()).unwrap()),
                _ => cache.next().map_or_else(
                    || Feed::Tensor(Tensor::new(vec![rows, 2, 0, 16], Vec::<f32>::new()).unwrap()),
                    Feed::Kept,
                ),
            };
            inputs.push((name.as_str(), feed));
        }
        let keep: Vec<_> = presents.iter().map(|it| Keep { output: it, grows: Some(2) }).collect();
        let (mut logits, kept) = session.run_keeping(inputs, &["logits"], &keep).unwrap();
        (logits.pop().unwrap(), kept)
    }

    /// Where the elements lie.
    fn address(kept: &Kept) -> *const f32 {
        let Kept::Engine(kept) = kept else { panic!("{kept:?}") };
        let any: &dyn Any = &**kept;
        let Value::FloatTensor(it) = &any.downcast_ref::<RtenKept>().unwrap().value else {
            panic!("floats")
        };
        it.data_ptr()
    }

    #[test]
    fn a_cache_is_added_to_where_it_lies() {
        let session = decoder();
        let (mut cache, mut moves) = (Vec::new(), 0);
        for token in 0..60 {
            let before: Vec<_> = cache.iter().map(address).collect();
            cache = step(&*session, cache, 1, token).1;
            moves += before.iter().zip(&cache).filter(|(it, kept)| **it != address(kept)).count();
        }
        let mut length = 1;
        let mut refills = 0;
        while length < 60 {
            length = room(length);
            refills += 1;
        }
        assert_eq!(cache[0].shape(), [1, 2, 60, 16]);
        assert!(moves <= refills * cache.len(), "{moves} moves of {} tensors", cache.len());
    }

    /// Rows that were taken out of a cache go on as they would have in it.
    #[test]
    fn rows_of_a_cache_can_be_taken() {
        let session = decoder();
        let (mut alone, mut pair) = (Vec::new(), Vec::new());
        for token in 0..5 {
            alone = step(&*session, alone, 1, token).1;
            pair = step(&*session, pair, 2, token).1;
        }
        let taken: Vec<_> = pair.iter().map(|it| it.select(&[1]).unwrap()).collect();
        let (want, alone) = step(&*session, alone, 1, 7);
        let (got, taken) = step(&*session, taken, 1, 7);
        let far = |a: &Tensor, b: &Tensor| {
            assert_eq!(a.shape(), b.shape());
            let pairs = a.as_f32().unwrap().iter().zip(b.as_f32().unwrap());
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(far(&got, &want) < 1e-4);
        for (got, want) in taken.into_iter().zip(alone) {
            assert!(far(&got.into_tensor().unwrap(), &want.into_tensor().unwrap()) < 1e-4);
        }
    }
}
