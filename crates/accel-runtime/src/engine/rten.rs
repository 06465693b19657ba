//! rten: pure Rust, embedded, CPU only.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use accel_core::{
    CpuOptions, DeviceOptions, Engine as EngineName, GraphOptimization, Platform, SessionOptions,
};
use rten::{
    LoadErrorKind, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView,
};
use rten_tensor::Layout;

use super::{
    Engine, Feed, Keep, Kept, Placement, Session, TensorInfo, check_memory, check_platform, cpu,
    rten_kept,
};
use crate::error::InputProblem;
use crate::model::{GraphFiles, Node, ValueInfo};
use crate::{DType, Dim, Error, Result, Tensor, TensorData};

/// The version of rten that this crate is built with; a test holds it to `Cargo.lock`.
const VERSION: &str = "0.27.0";

/// More threads than this is a mistake: each takes memory, and rten splits work no finer.
const MAX_THREADS: u32 = 1024;

/// The embedded engine.
///
/// Options: `precision` picks the file; `graph_optimization` is off or on (rten has one level);
/// `threads` gives the session its own thread pool, 0 is rten's shared one; `prepack_weights` and
/// `memory_limit_bytes` as documented; `max_batch` is honoured by the pipelines;
/// `allow_cpu_fallback` means nothing here, since there is no other device.
#[derive(Clone, Copy, Debug, Default)]
pub struct RtenEngine;

impl RtenEngine {
    /// The engine; it has no state.
    pub const fn new() -> Self {
        Self
    }
}

impl Engine for RtenEngine {
    fn name(&self) -> EngineName {
        EngineName::Rten
    }

    fn version(&self) -> String {
        VERSION.to_owned()
    }

    fn load(
        &self,
        graph: &GraphFiles,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>> {
        check_platform(platform, options)?;
        let DeviceOptions::Cpu(CpuOptions { prepack_weights }) = options.device else {
            return Err(Error::EngineUnavailable {
                platform,
                engine: EngineName::Rten,
                reason: "rten runs on the CPU only".to_owned(),
                remedy: "use the platform's own engine".to_owned(),
            });
        };
        let thread_pool = thread_pool(options.threads)?;
        check_memory(graph, options)?;
        refuse_wrong_operators(graph)?;
        let inputs = declared(&graph.onnx.inputs, &graph.path)?;
        let outputs = declared(&graph.onnx.outputs, &graph.path)?;

        let mut model_options = ModelOptions::with_all_ops();
        model_options.enable_optimization(options.graph_optimization != GraphOptimization::Off);
        model_options.prepack_weights(prepack_weights);
        // rten runs a graph's constant parts while it loads, and an operator on damaged constants
        // is where a panic is least unlikely (10 000 damaged files caused none). It must not take
        // the caller down.
        let model = catch_unwind(AssertUnwindSafe(|| model_options.load_file(&graph.path)))
            .map_err(|panic| Error::CorruptModel {
                path: graph.path.clone(),
                reason: format!("rten could not make sense of it ({})", panic_message(&*panic)),
            })?
            .map_err(|error| load_error(&error, &graph.path))?;
        let input_ids = ids(&model, &inputs, &graph.path)?;
        let output_ids = ids(&model, &outputs, &graph.path)?;
        let count = graph.onnx.nodes.len();
        let placement = Placement {
            engine: EngineName::Rten,
            engine_version: VERSION.to_owned(),
            device: cpu::device_name().to_owned(),
            nodes: vec![("cpu".to_owned(), count)],
            evidence: format!(
                "rten runs in this process and has no other device than the CPU; \
                 {count} nodes in the graph's file"
            ),
        };
        Ok(Box::new(RtenSession {
            model,
            inputs,
            outputs,
            input_ids,
            output_ids,
            thread_pool,
            placement,
        }))
    }
}

/// A graph loaded by rten.
#[derive(Debug)]
pub(super) struct RtenSession {
    model: Model,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    input_ids: Vec<NodeId>,
    output_ids: Vec<NodeId>,
    /// `None` is rten's pool, one thread for every physical core.
    thread_pool: Option<Arc<ThreadPool>>,
    placement: Placement,
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
        Ok(rten_kept::execute(self, inputs, outputs, &[])?.0)
    }

    fn execute_keeping(
        &self,
        inputs: Vec<(&str, Feed<'_>)>,
        outputs: &[&str],
        keep: &[Keep<'_>],
    ) -> Result<(Vec<Tensor>, Vec<Kept>)> {
        rten_kept::execute(self, inputs, outputs, keep)
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
            .map_err(|error| run_error(error.to_string()))
    }
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

/// Declarations as rten takes and gives them: it widens half precision and narrows doubles.
fn declared(values: &[ValueInfo], path: &Path) -> Result<Vec<TensorInfo>> {
    values
        .iter()
        .map(|value| {
            let unsupported = |reason: String| Error::UnsupportedModel {
                path: path.to_owned(),
                reason: format!("`{}` {reason}", value.name),
                remedy: "export the model with tensors of float, int or bool type".to_owned(),
            };
            let dtype = match value.elem_type {
                1 | 10 | 11 => DType::F32,
                2 => DType::U8,
                3 => DType::I8,
                6 => DType::I32,
                7 => DType::I64,
                9 => DType::Bool,
                other => {
                    return Err(unsupported(format!(
                        "has ONNX element type {other}, which rten does not have"
                    )));
                }
            };
            let dims = value.dims.clone();
            let dims: Vec<Dim> =
                dims.ok_or_else(|| unsupported("has no declared shape".to_owned()))?;
            Ok(TensorInfo { name: value.name.clone(), dtype, dims })
        })
        .collect()
}

fn ids(model: &Model, infos: &[TensorInfo], path: &Path) -> Result<Vec<NodeId>> {
    infos
        .iter()
        .map(|info| {
            model.find_node(&info.name).ok_or_else(|| Error::CorruptModel {
                path: path.to_owned(),
                reason: format!("nothing in the graph makes or takes `{}`", info.name),
            })
        })
        .collect()
}

/// Refuses the operators that rten 0.27 computes without an error and wrongly.
fn refuse_wrong_operators(graph: &GraphFiles) -> Result<()> {
    for node in graph.onnx.nodes.iter().chain(&graph.onnx.inner_nodes) {
        if let Some((operator, why)) = wrong(node) {
            return Err(Error::UnsupportedOperator {
                operator: operator.to_owned(),
                node: node.name.clone(),
                engine: EngineName::Rten,
                why: why.to_owned(),
                alternatives: vec![EngineName::Ort, EngineName::Openvino],
            });
        }
    }
    Ok(())
}

/// Why rten computes the node wrongly, if it does.
fn wrong(node: &Node) -> Option<(&'static str, &'static str)> {
    if !matches!(node.domain.as_str(), "" | "ai.onnx") {
        return None;
    }
    match node.operator.as_str() {
        "Resize" => {
            let mode = node.attribute("mode").and_then(|it| it.text.as_deref());
            (mode == Some("cubic")).then_some((
                "Resize (mode=cubic)",
                "rten interpolates linearly where the graph asks for cubic",
            ))
        }
        "ArgMax" if takes_first(node) => Some((
            "ArgMax (select_last_index=0)",
            "rten returns the last of equal maxima where ONNX wants the first",
        )),
        "ArgMin" if takes_first(node) => Some((
            "ArgMin (select_last_index=0)",
            "rten returns the last of equal minima where ONNX wants the first",
        )),
        _ => None,
    }
}

/// Whether the node asks for the first of equals, which is ONNX's default.
fn takes_first(node: &Node) -> bool {
    let last = node.attribute("select_last_index").and_then(|it| it.integer);
    last.unwrap_or(0) == 0
}

fn thread_pool(threads: u32) -> Result<Option<Arc<ThreadPool>>> {
    match threads {
        0 => Ok(None),
        1..=MAX_THREADS => Ok(Some(Arc::new(ThreadPool::with_num_threads(threads as usize)))),
        _ => Err(Error::InvalidOption {
            option: "threads",
            given: threads.to_string(),
            reason: format!("give at most {MAX_THREADS}, or 0 for one for every physical core"),
        }),
    }
}

fn load_error(error: &rten::LoadError, path: &Path) -> Error {
    let (path, reason) = (path.to_owned(), error.to_string());
    match error.kind() {
        LoadErrorKind::ParseError | LoadErrorKind::GraphError => {
            Error::CorruptModel { path, reason }
        }
        _ => Error::Load { engine: EngineName::Rten, path, reason },
    }
}

pub(super) const fn run_error(reason: String) -> Error {
    Error::Run { engine: EngineName::Rten, reason }
}

/// What a panic said.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::VERSION;

    #[test]
    fn the_reported_version_is_the_one_built_in() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
        let lock = std::fs::read_to_string(lock).unwrap();
        assert!(lock.contains(&format!("name = \"rten\"\nversion = \"{VERSION}\"")));
    }
}
