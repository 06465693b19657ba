//! rten: pure Rust, embedded, CPU only.

mod kept;
mod limits;
mod load;
mod mapped;
mod operators;
mod rewrite;
mod session;
mod weights;

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use accel_core::{
    CpuOptions, DeviceOptions, Engine as EngineName, GraphOptimization, Platform, SessionOptions,
};
use rten::{Model, ModelOptions, NodeId, ThreadPool};

#[cfg(feature = "browser")]
pub(super) use self::rewrite::{Counts, for_webgpu, for_webnn};
use self::session::RtenSession;
use super::declared::declared;
use super::{Engine, Lack, Placement, Session, TensorInfo, check_memory, check_platform, cpu};
use crate::model::{GraphFiles, ValueInfo};
use crate::{Error, Result};

/// The version of rten that this crate is built with; a test holds it to `Cargo.lock`.
const VERSION: &str = "0.27.0";

/// More threads than this is a mistake: each takes memory, and rten splits work no finer.
const MAX_THREADS: u32 = 1024;

/// The embedded engine.
///
/// Options: `precision` picks the file; `graph_optimization` is off or on (rten has one level);
/// `threads` gives the session its own thread pool, 0 is rten's shared one; `pin_threads` is
/// refused, since rten cannot; `prepack_weights` and `memory_limit_bytes` as documented;
/// `max_batch` is honoured by the pipelines; `cpu_fallback_percent` means nothing here, since
/// there is no other device.
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
        let DeviceOptions::Cpu(CpuOptions { prepack_weights, pin_threads, .. }) = options.device
        else {
            return Err(Error::EngineUnavailable {
                platform,
                engine: EngineName::Rten,
                lack: Lack::Engine,
                reason: "rten runs on the CPU only".to_owned(),
                remedy: "use the platform's own engine".to_owned(),
            });
        };
        if pin_threads {
            return Err(Error::InvalidOption {
                option: "pin_threads",
                given: "true".to_owned(),
                reason: "rten leaves its threads to the system; take `engine: ort`, or false"
                    .to_owned(),
            });
        }
        let thread_pool = thread_pool(options.threads)?;
        check_memory(graph, options)?;
        let inputs = inputs_or_outputs(&graph.onnx.inputs, &graph.path)?;
        let outputs = inputs_or_outputs(&graph.onnx.outputs, &graph.path)?;

        let mut model_options = ModelOptions::with_all_ops();
        model_options.enable_optimization(options.graph_optimization != GraphOptimization::Off);
        model_options.prepack_weights(prepack_weights);
        let load::Loaded { model, rewritten } = load::load(graph, model_options)?;
        let input_ids = ids(&model, &inputs, &graph.path)?;
        let output_ids = ids(&model, &outputs, &graph.path)?;
        let count = graph.onnx.nodes.len();
        let placement = Placement {
            engine: EngineName::Rten,
            engine_version: VERSION.to_owned(),
            device: cpu::device_name().to_owned(),
            software: false,
            nodes: vec![("cpu".to_owned(), count)],
            host_nodes: Vec::new(),
            evidence: format!(
                "rten runs in this process and has no other device than the CPU; \
                 {count} nodes in the graph's file{}",
                rewriting(&rewritten)
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

/// Declarations as rten takes and gives them: it widens half precision. Doubles, which it would
/// narrow, and brain floats are refused.
fn inputs_or_outputs(values: &[ValueInfo], path: &Path) -> Result<Vec<TensorInfo>> {
    let narrow = |elem_type| (!matches!(elem_type, 11 | 16)).then_some(());
    Ok(declared(values, path, narrow)?.into_iter().map(|(info, ())| info).collect())
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

/// What was rewritten, as the end of a sentence.
fn rewriting(counts: &rewrite::Counts) -> String {
    if counts.is_empty() {
        return String::new();
    }
    let each: Vec<_> =
        counts.iter().map(|(operator, count)| format!("{count} {operator}")).collect();
    format!(", of which rewritten because rten computes them differently: {}", each.join(", "))
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
