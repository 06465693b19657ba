//! A graph in a page, and its runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use accel_core::{DeviceOptions, Engine as EngineName, PowerPreference, SessionOptions};
use serde_json::{Value, json};

use super::driver::{Driver, Purpose};
use super::evidence::{Evidence, Places};
use super::kinds::Kinds;
use super::load;
use super::message::{self, Message};
use super::pinned::{self, Variant};
use crate::engine::{Placement, Session, TensorInfo, said};
use crate::{DType, Dim, Error, Result, Tensor, TensorData};

/// onnxruntime-web's name of a type of elements.
pub(super) type Element = &'static str;

/// A graph as the page fetches it.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) address: String,
    /// The inputs that it still has.
    pub(super) inputs: Vec<String>,
}

/// A graph that a page runs. WebNN's are compiled for each size of the inputs that comes.
#[derive(Debug)]
pub(super) struct BrowserSession {
    pub(super) driver: Arc<Driver>,
    pub(super) purpose: Purpose,
    /// This graph's number among the engine's.
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) options: SessionOptions,
    /// Names of the files beside the graph, and where the page finds them.
    pub(super) external: Vec<(String, String)>,
    /// How many compiled sizes the page keeps.
    pub(super) keep: u64,
    /// Whether sizes have to be known.
    pub(super) pins: bool,
    /// Inputs that choose a branch.
    pub(super) flags: BTreeSet<String>,
    pub(super) elements: HashMap<String, Element>,
    pub(super) inputs: Vec<TensorInfo>,
    pub(super) outputs: Vec<TensorInfo>,
    pub(super) written: Mutex<BTreeMap<Variant, Written>>,
    pub(super) kinds: Kinds,
    /// A node, with its operator, if all of the graph's are of this operator.
    pub(super) sole: Option<(String, String)>,
    pub(super) placement: Placement,
}

impl Session for BrowserSession {
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
        let (variant, shapes) = self.variant(&inputs);
        let (wanted, fed) = self.wanted(&variant, &shapes)?;
        let mut bytes = Vec::new();
        let mut given = Vec::new();
        for (name, tensor) in inputs.iter().filter(|(name, _)| fed.iter().any(|it| it == name)) {
            let from = bytes.len();
            message::append(&mut bytes, tensor);
            let element = self.elements.get(*name).copied().unwrap_or_default();
            given.push(json!({
                "name": name,
                "type": element,
                "dims": tensor.shape(),
                "length": bytes.len() - from,
            }));
        }
        drop(inputs);
        let job = json!({"kind": "run", "session": wanted, "inputs": given, "outputs": outputs});
        let (head, bytes) = self.call(&job, &bytes)?;
        if let Some(error) = head["error"].as_str() {
            return Err(self.failed(&head, error, |reason| run_error(&reason)));
        }
        if head["created"] == true {
            // Another size, or another page: its placement is proven like the first.
            load::judge(self, &lines(&head))?;
        }
        self.results(&head, &bytes, outputs)
    }
}

impl BrowserSession {
    /// Makes the session for a variant and sizes; where its nodes are.
    ///
    /// # Errors
    /// [`Error::Run`] when other sizes are no remedy: the page was lost or trapped.
    pub(super) fn create(
        &self,
        variant: &Variant,
        shapes: &BTreeMap<String, Vec<usize>>,
    ) -> Result<Places> {
        let (wanted, _) = self.wanted(variant, shapes)?;
        let (head, _) = self.call(&json!({"kind": "load", "session": wanted}), &[])?;
        if let Some(error) = head["error"].as_str() {
            if head["broken"] == true {
                return Err(self.aborted(error));
            }
            return Err(self.failed(&head, error, |reason| self.load_error(reason)));
        }
        load::judge(self, &lines(&head))
    }

    /// The error of a module that is of no use any more, after `said`: other graphs get a new page.
    fn aborted(&self, said: &str) -> Error {
        match self.sole.clone() {
            Some((operator, node)) => Error::UnsupportedOperator {
                operator,
                node,
                engine: EngineName::Browser,
                why: format!("onnxruntime-web's module aborts while it compiles it: {said}"),
                alternatives: vec![EngineName::Ort],
            },
            None => run_error(&format!("while it compiled the graph: {said}")),
        }
    }

    /// The error of a graph that cannot be loaded.
    pub(super) fn load_error(&self, reason: String) -> Error {
        Error::Load { engine: EngineName::Browser, path: self.path.clone(), reason }
    }

    fn call(&self, job: &Value, bytes: &[u8]) -> Result<Message> {
        self.driver.call(self.purpose, job, bytes).map_err(|reason| run_error(&reason))
    }

    /// What the page said, with the operator's name where one was refused.
    fn failed(&self, head: &Value, said: &str, otherwise: impl Fn(String) -> Error) -> Error {
        let refused = Evidence::read(&lines(head)).refused;
        if let (Some((operator, node)), true) =
            (refused.first(), said.contains("fallback to CPU EP"))
        {
            return load::refused(self, operator, node);
        }
        if let Some(set) = said::unreleased(said) {
            return Error::UnsupportedModel {
                path: self.path.clone(),
                reason: format!(
                    "it is of operator set {set}, which onnxruntime-web does not take since it \
                     was not released when this version of it was"
                ),
                remedy: "export it with an earlier operator set".to_owned(),
            };
        }
        let half = said::needs_half(said).map(|it| {
            (it, "in half precision (float16), which the GPU adapter does not compute".to_owned())
        });
        let lacking = || said::unsupported(said).map(|it| (it, said.trim().to_owned()));
        match half.or_else(lacking) {
            Some(((operator, node), why)) => Error::UnsupportedOperator {
                operator,
                node,
                engine: EngineName::Browser,
                why,
                alternatives: vec![EngineName::Ort],
            },
            None => otherwise(said.to_owned()),
        }
    }

    /// What is particular to these inputs.
    fn variant(&self, inputs: &[(&str, Tensor)]) -> (Variant, BTreeMap<String, Vec<usize>>) {
        let mut variant = Variant::default();
        let mut shapes = BTreeMap::new();
        if !self.pins {
            return (variant, shapes);
        }
        for (name, tensor) in inputs {
            if let (true, TensorData::Bool(it)) = (self.flags.contains(*name), tensor.data())
                && let [flag] = it.as_slice()
            {
                variant.flags.insert((*name).to_owned(), *flag);
            }
            if tensor.data().is_empty() {
                variant.empty.insert((*name).to_owned(), tensor.shape().to_vec());
            }
            shapes.insert((*name).to_owned(), tensor.shape().to_vec());
        }
        (variant, shapes)
    }

    /// What the page needs to find or make the session, and the inputs to feed it.
    fn wanted(
        &self,
        variant: &Variant,
        shapes: &BTreeMap<String, Vec<usize>>,
    ) -> Result<(Value, Vec<String>)> {
        let written = {
            let mut known = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(written) = known.get(variant) {
                written.clone()
            } else {
                let written = load::written(self, variant)?;
                known.insert(variant.clone(), written.clone());
                written
            }
        };
        let mut sizes = BTreeMap::new();
        for info in &self.inputs {
            for (axis, (dim, size)) in
                info.dims.iter().zip(shapes.get(&info.name).into_iter().flatten()).enumerate()
            {
                match dim {
                    Dim::Fixed(_) => {}
                    Dim::Symbol(name) => _ = sizes.insert(name.clone(), *size),
                    Dim::Unknown => {
                        _ = sizes.insert(pinned::dimension(&info.name, axis), *size);
                    }
                }
            }
        }
        let key = format!("{} {} {sizes:?}", self.number, written.address);
        let power = match &self.options.device {
            DeviceOptions::Webgpu(it) if it.power_preference != PowerPreference::Default => {
                Some(it.power_preference.name())
            }
            _ => None,
        };
        let external: Vec<_> = self
            .external
            .iter()
            .map(|(path, address)| json!({"path": path, "address": address}))
            .collect();
        let wanted = json!({
            "key": key,
            "graph": self.number,
            "keep": self.keep,
            "model": written.address,
            "external": external,
            "powerPreference": power,
            "options": load::session_options(&self.options, &sizes),
        });
        Ok((wanted, written.inputs))
    }

    /// The tensors of an answer.
    fn results(&self, head: &Value, bytes: &[u8], names: &[&str]) -> Result<Vec<Tensor>> {
        let mut rest = bytes;
        names
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let made = &head["outputs"][i];
                let dtype = made["type"].as_str().and_then(dtype);
                let shape: Option<Vec<usize>> = made["dims"].as_array().and_then(|dims| {
                    dims.iter().map(|it| usize::try_from(it.as_u64()?).ok()).collect()
                });
                let length = made["length"].as_u64().and_then(|it| usize::try_from(it).ok());
                let parts = length.and_then(|it| rest.split_at_checked(it));
                let (Some(dtype), Some(shape), Some((own, others))) = (dtype, shape, parts) else {
                    return Err(self.bad(name, made));
                };
                rest = others;
                let data = message::elements(dtype, own).ok_or_else(|| self.bad(name, made))?;
                Tensor::new(shape, data)
            })
            .collect()
    }

    fn bad(&self, output: &str, made: &Value) -> Error {
        let declared = self.outputs.iter().find(|it| it.name == output);
        Error::BadOutput {
            output: output.to_owned(),
            expected: declared.map(ToString::to_string).unwrap_or_default(),
            given: made.to_string(),
        }
    }
}

impl Drop for BrowserSession {
    fn drop(&mut self) {
        self.driver.release(self.purpose, self.number);
        let written =
            std::mem::take(self.written.get_mut().unwrap_or_else(PoisonError::into_inner));
        for address in written.values().map(|it| &it.address) {
            self.driver.withdraw(address);
        }
        for (_, address) in &self.external {
            self.driver.withdraw(address);
        }
    }
}

fn dtype(element: &str) -> Option<DType> {
    Some(match element {
        "float32" | "float16" => DType::F32,
        "int64" => DType::I64,
        "int32" => DType::I32,
        "int8" => DType::I8,
        "uint8" => DType::U8,
        "bool" => DType::Bool,
        _ => return None,
    })
}

fn lines(head: &Value) -> Vec<&str> {
    head["log"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn run_error(reason: &str) -> Error {
    Error::Run { engine: EngineName::Browser, reason: reason.to_owned() }
}
