//! A compiled graph and its runs.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openvino::{CompiledModel, ElementType, InferRequest};

use super::values::{self, Port, failed, run_error};
use crate::engine::{EngineTensor, Feed, Keep, Kept, Placement, Session, TensorInfo};
use crate::{DType, Result, Tensor};

/// A graph compiled by OpenVINO.
pub(super) struct OpenvinoSession {
    compiled: Mutex<CompiledModel>,
    /// Requests that nothing uses. One serves one run at a time, so there are as many as runs
    /// have met, and two where one run's tensors are kept for the next.
    idle: Idle,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    input_elements: Vec<ElementType>,
    placement: Placement,
    from_cache: bool,
}

type Idle = Arc<Mutex<Vec<InferRequest>>>;

impl fmt::Debug for OpenvinoSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenvinoSession")
            .field("placement", &self.placement)
            .finish_non_exhaustive()
    }
}

impl OpenvinoSession {
    pub(super) fn new(
        compiled: CompiledModel,
        inputs: Vec<Port>,
        outputs: Vec<Port>,
        placement: Placement,
        from_cache: bool,
    ) -> Self {
        let (inputs, input_elements) = inputs.into_iter().map(|it| (it.info, it.element)).unzip();
        Self {
            compiled: Mutex::new(compiled),
            idle: Idle::default(),
            inputs,
            outputs: outputs.into_iter().map(|it| it.info).collect(),
            input_elements,
            placement,
            from_cache,
        }
    }

    fn request(&self) -> Result<Busy> {
        let idle = lock(&self.idle).pop();
        let request = match idle {
            Some(request) => request,
            None => lock(&self.compiled).create_infer_request().map_err(|it| failed(&it))?,
        };
        Ok(Busy { request: Some(request), idle: Arc::clone(&self.idle) })
    }

    fn execute_feeds(
        &self,
        inputs: Vec<(&str, Feed<'_>)>,
        outputs: &[&str],
        keep: &[Keep<'_>],
    ) -> Result<(Vec<Tensor>, Vec<Kept>)> {
        let mut busy = self.request()?;
        // A request that failed, or was left half prepared, is not used again.
        let mut request =
            busy.request.take().ok_or_else(|| run_error("it has no request".into()))?;
        // What the inputs lie in, until the run is over.
        let mut held = Vec::new();
        for (name, feed) in inputs {
            let index = index(&self.inputs, name)?;
            set(&mut request, (index, name, self.input_elements[index]), &feed)?;
            held.push(feed);
        }
        request.infer().map_err(|error| run_error(super::errors::text(&error)))?;
        drop(held);
        let given = outputs
            .iter()
            .map(|name| values::to_tensor(&self.output(&request, name)?.1))
            .collect::<Result<_>>()?;
        let kept = keep
            .iter()
            .map(|it| {
                let (index, tensor) = self.output(&request, it.output)?;
                Ok((self.outputs[index].dtype, values::shape(&tensor)?, tensor))
            })
            .collect::<Result<Vec<_>>>()?;
        busy.request = Some(request);
        let busy = Arc::new(busy);
        let kept = kept.into_iter().map(|(dtype, shape, tensor)| {
            let tensor = Mutex::new(tensor);
            let lent_by = Arc::clone(&busy);
            Kept::Engine(Box::new(OpenvinoKept { tensor, dtype, shape, _lent_by: lent_by }))
        });
        Ok((given, kept.collect()))
    }

    fn output(&self, request: &InferRequest, name: &str) -> Result<(usize, openvino::Tensor)> {
        let index = index(&self.outputs, name)?;
        let tensor = request.get_output_tensor_by_index(index).map_err(|error| failed(&error))?;
        Ok((index, tensor))
    }
}

impl Session for OpenvinoSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn placement(&self) -> &Placement {
        &self.placement
    }

    fn loaded_from_cache(&self) -> Option<bool> {
        Some(self.from_cache)
    }

    fn execute(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> Result<Vec<Tensor>> {
        let inputs = inputs.into_iter().map(|(name, it)| (name, Feed::Tensor(it))).collect();
        Ok(self.execute_feeds(inputs, outputs, &[])?.0)
    }

    fn execute_keeping(
        &self,
        inputs: Vec<(&str, Feed<'_>)>,
        outputs: &[&str],
        keep: &[Keep<'_>],
    ) -> Result<(Vec<Tensor>, Vec<Kept>)> {
        self.execute_feeds(inputs, outputs, keep)
    }
}

/// A request in use; it goes back to the idle ones when nothing needs its tensors any more.
struct Busy {
    request: Option<InferRequest>,
    idle: Idle,
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            lock(&self.idle).push(request);
        }
    }
}

/// An output that stays in the memory of the request that computed it. That request does not
/// run again while the output is there, so that nothing is copied between two steps.
struct OpenvinoKept {
    // Before the request, so that it is gone when the request may run again.
    tensor: Mutex<openvino::Tensor>,
    dtype: DType,
    shape: Vec<usize>,
    _lent_by: Arc<Busy>,
}

impl fmt::Debug for OpenvinoKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenvinoKept")
            .field("dtype", &self.dtype)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl EngineTensor for OpenvinoKept {
    fn shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn select(&self, rows: &[usize]) -> Result<Kept> {
        Kept::Host(self.to_tensor()?).select(rows)
    }

    fn to_tensor(&self) -> Result<Tensor> {
        values::to_tensor(&lock(&self.tensor))
    }
}

/// An input's number and name, and the type of its elements inside.
type Input<'a> = (usize, &'a str, ElementType);

/// Gives the request an input. OpenVINO's own tensor is taken as it is, and must stay until the
/// run is over.
fn set(request: &mut InferRequest, input: Input<'_>, feed: &Feed<'_>) -> Result<()> {
    let kept = match feed {
        Feed::Tensor(tensor) => return set_host(request, input, tensor),
        Feed::Kept(kept) => kept,
        Feed::Shared(kept) => *kept,
    };
    let engine_tensor = match kept {
        Kept::Host(tensor) => return set_host(request, input, tensor),
        Kept::Engine(it) => it.as_ref(),
    };
    if let Some(own) = (engine_tensor as &dyn Any).downcast_ref::<OpenvinoKept>()
        && !own.shape.is_empty()
    {
        let (index, _, element) = input;
        let tensor = lock(&own.tensor);
        if tensor.get_element_type().map_err(|error| failed(&error))? == element {
            let set = request.set_input_tensor_by_index(index, &tensor);
            return set.map_err(|error| failed(&error));
        }
    }
    set_host(request, input, &engine_tensor.to_tensor()?)
}

fn set_host(request: &mut InferRequest, input: Input<'_>, tensor: &Tensor) -> Result<()> {
    let (index, name, element) = input;
    values::check_range(name, tensor)?;
    if tensor.shape().is_empty() {
        // The request's own tensor, since no other is ever set for an input without dimensions.
        let mut own = request.get_tensor(name).map_err(|error| failed(&error))?;
        return values::fill(&mut own, tensor, element);
    }
    let tensor = values::to_openvino(tensor, element)?;
    request.set_input_tensor_by_index(index, &tensor).map_err(|error| failed(&error))
}

fn index(infos: &[TensorInfo], name: &str) -> Result<usize> {
    let index = infos.iter().position(|it| it.name == name);
    index.ok_or_else(|| run_error(format!("the graph has no value `{name}`")))
}

/// What is guarded is whole whenever the guard is not held, whoever panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
