//! OpenVINO: Intel's runtime for its processors, GPUs and NPUs, loaded at run time.

mod cache;
mod errors;
mod library;
mod operators;
mod options;
mod rewrite;
mod session;
mod values;

use accel_core::{DeviceOptions, Engine as EngineName, OpenvinoOptions, Platform, SessionOptions};
use openvino::{
    CompiledModel, Core, DeviceType, InferenceError, Model, PropertyKey, RwPropertyKey,
};

use self::cache::Place;
use self::options::{Properties, Property};
use self::session::OpenvinoSession;
use self::values::Port;
use super::{Engine, Lack, Placement, Session, alternatives, check_memory, check_platform};
use crate::model::{GraphFiles, Node};
use crate::{Error, Result};

pub use library::{Device, Found, LIBRARY, found};

/// OpenVINO.
///
/// It reads ONNX files itself. Options: `precision` picks the file; `graph_optimization` must be
/// `all`, since OpenVINO offers nothing to limit its own; `threads` and `pin_threads` are the
/// device `cpu`'s; `inference_precision`, `performance_hint`, `streams` and `threads` are read
/// back from the compiled model, and one that OpenVINO replaced is an error; `model_cache` keeps
/// compiled models in the user's cache folder; `max_batch` is honoured by the pipelines. OpenVINO
/// runs a graph on its device whole or not at all, so that nothing is left for
/// `cpu_fallback_percent` to allow.
#[derive(Clone, Copy, Debug)]
pub struct OpenvinoEngine {
    found: &'static Found,
}

impl OpenvinoEngine {
    /// The engine, if its library and the device of `options` are there.
    ///
    /// # Errors
    /// [`Error::EngineUnavailable`] when they are not; [`Error::InvalidOption`] for a device that
    /// cannot be.
    pub fn new(options: &OpenvinoOptions) -> Result<Self> {
        let found = found()?;
        library::device(found, options)?;
        Ok(Self { found })
    }
}

impl Engine for OpenvinoEngine {
    fn name(&self) -> EngineName {
        EngineName::Openvino
    }

    fn version(&self) -> String {
        self.found.version.clone()
    }

    fn load(
        &self,
        graph: &GraphFiles,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>> {
        check_platform(platform, options)?;
        let DeviceOptions::Openvino(own) = &options.device else {
            return Err(Error::EngineUnavailable {
                platform,
                engine: EngineName::Openvino,
                lack: Lack::Engine,
                reason: "OpenVINO has devices of its own".to_owned(),
                remedy: "use the platform's own engine".to_owned(),
            });
        };
        let device = library::device(self.found, own)?;
        let properties = options::properties(options, own)?;
        check_memory(graph, options)?;
        operators::refuse(&graph.onnx)?;
        let inputs = values::ports(&graph.onnx.inputs, &graph.path)?;
        let outputs = values::ports(&graph.onnx.outputs, &graph.path)?;

        // A core of its own, so that no other load's properties are left in it.
        let mut core = Core::new().map_err(|error| load_error(graph, error.to_string()))?;
        self.set(&mut core, &device, &properties)?;
        let place = own.model_cache.then(|| self.place(graph, &device, &properties)).transpose()?;
        if let Some(place) = &place {
            let folder = place.folder();
            let folder = folder.to_str().ok_or_else(|| Error::InvalidOption {
                option: "model_cache",
                given: "true".to_owned(),
                reason: format!("{} is not UTF-8, which OpenVINO needs", folder.display()),
            })?;
            for it in self.targets(&device) {
                let set = core.set_property(&named(&it.name), &RwPropertyKey::CacheDir, folder);
                set.map_err(|error| refused("model_cache", "true", &error))?;
            }
        }
        let model = read(&mut core, graph)?;
        let compiled = core
            .compile_model(&model, named(&device))
            .map_err(|error| errors::load(&error, graph))?;
        drop(model);
        if let Some(place) = place {
            place.keep()?;
        }
        check_ports(&compiled, graph, &inputs, &outputs)?;
        check_effects(&compiled, &device, &properties)?;
        let placement = self.placement(&compiled, graph, &device)?;
        let from_cache = evidence(&compiled, "LOADED_FROM_CACHE")?;
        let from_cache = matches!(from_cache.as_str(), "YES" | "true" | "1");
        Ok(Box::new(OpenvinoSession::new(compiled, inputs, outputs, placement, from_cache)))
    }
}

impl OpenvinoEngine {
    /// The devices that may run a model asked for on `device`.
    fn targets(self, device: &str) -> Vec<Device> {
        let all = self.found.devices.iter();
        all.filter(|it| device == "AUTO" || it.name == device).cloned().collect()
    }

    /// Where the compiled model is kept.
    fn place(self, graph: &GraphFiles, device: &str, properties: &Properties) -> Result<Place> {
        let all = [&*properties.device, &*properties.auto].concat();
        Place::claim(graph, &self.found.version, &self.targets(device), &all)
    }

    fn set(self, core: &mut Core, device: &str, properties: &Properties) -> Result<()> {
        let set = |core: &mut Core, target: &str, property: &Property| {
            let Property { option, key, value } = property;
            let set = core.set_property(&named(target), key, value);
            set.map_err(|it| refused(option, value, &it))
        };
        for target in self.targets(device) {
            for it in &properties.device {
                set(core, &target.name, it)?;
            }
        }
        for it in &properties.auto {
            set(core, "AUTO", it)?;
        }
        Ok(())
    }

    /// Where OpenVINO says that it runs the model.
    fn placement(
        self,
        compiled: &CompiledModel,
        graph: &GraphFiles,
        device: &str,
    ) -> Result<Placement> {
        let said = evidence(compiled, "EXECUTION_DEVICES")?;
        let known = self.found.devices.iter().find(|it| it.name == said);
        let known = known.ok_or_else(|| {
            let devices: Vec<_> = self.found.devices.iter().map(|it| it.name.as_str()).collect();
            load_error(
                graph,
                format!(
                    "asked for {device}, it says EXECUTION_DEVICES = {said}, which is not one of \
                     its devices ({})",
                    devices.join(", ")
                ),
            )
        })?;
        let count = graph.onnx.nodes.len() + graph.onnx.inner_nodes.len();
        Ok(Placement {
            engine: EngineName::Openvino,
            engine_version: self.found.version.clone(),
            device: format!("{} ({})", known.name, known.full_name),
            software: false,
            nodes: vec![(known.name.clone(), count)],
            host_nodes: Vec::new(),
            evidence: format!(
                "asked for {device}, OpenVINO reports EXECUTION_DEVICES = {said} for the compiled \
                 model, which it runs there as a whole; {count} nodes in the graph's file"
            ),
        })
    }
}

/// The error of a graph whose input OpenVINO removed, with the node that was to take it.
fn folded_away(graph: &GraphFiles, input: &str) -> Option<Error> {
    let nodes = &graph.onnx.nodes;
    let takes = |it: &&Node| it.inputs.iter().any(|it| it == input);
    let node = nodes.iter().find(takes).or(nodes.first())?;
    Some(Error::UnsupportedOperator {
        operator: node.operator.clone(),
        node: node.name.clone(),
        engine: EngineName::Openvino,
        why: format!(
            "OpenVINO finds a simpler form of it, and then does not know its input `{input}`"
        ),
        alternatives: alternatives::to_openvino(&node.operator),
    })
}

fn read(core: &mut Core, graph: &GraphFiles) -> Result<Model> {
    let model = if let Some(what) = rewrite::needed(&graph.onnx) {
        core.read_model_from_buffer(&rewritten(graph, what)?, None)
    } else {
        let path = graph.path.to_str().ok_or_else(|| Error::InvalidFile {
            path: graph.path.clone(),
            reason: "its path is not UTF-8, which OpenVINO needs".to_owned(),
            remedy: "move the model to another folder".to_owned(),
        })?;
        core.read_model_from_file(path, "")
    };
    model.map_err(|error| errors::load(&error, graph))
}

/// The graph's file without what OpenVINO would misread or compute otherwise.
fn rewritten(graph: &GraphFiles, what: &str) -> Result<Vec<u8>> {
    let path = || graph.path.clone();
    if !graph.external_data.is_empty() {
        return Err(Error::UnsupportedModel {
            path: path(),
            reason: format!(
                "it has {what}, and its weights lie in another file, so that it cannot be handed \
                 over rewritten"
            ),
            remedy: "export it with its weights in one file, or run it on another engine"
                .to_owned(),
        });
    }
    let bytes = std::fs::read(&graph.path).map_err(|source| Error::Io { path: path(), source })?;
    rewrite::rewrite(&bytes).map_err(|rewrite::Malformed| Error::CorruptModel {
        path: path(),
        reason: "it is not a protocol buffer".to_owned(),
    })
}

/// Refuses a compiled model whose inputs or outputs are not, in their order, the graph's:
/// requests take and give tensors by number.
fn check_ports(
    compiled: &CompiledModel,
    graph: &GraphFiles,
    inputs: &[Port],
    outputs: &[Port],
) -> Result<()> {
    let failed = |error: InferenceError| load_error(graph, errors::text(&error));
    let sizes = (compiled.get_input_size(), compiled.get_output_size());
    let sizes = (sizes.0.map_err(failed)?, sizes.1.map_err(failed)?);
    // A name that is gone is an input that nothing needs any more.
    let gone = inputs.iter().find(|it| compiled.get_input_by_name(&it.info.name).is_err());
    let gone = gone.or_else(|| inputs.first().filter(|_| sizes.0 < inputs.len()));
    if let Some(error) = gone.and_then(|it| folded_away(graph, &it.info.name)) {
        return Err(error);
    }
    if sizes != (inputs.len(), outputs.len()) {
        return Err(load_error(
            graph,
            format!(
                "it compiled {} inputs and {} outputs, and the file has {} and {}",
                sizes.0,
                sizes.1,
                inputs.len(),
                outputs.len()
            ),
        ));
    }
    for (side, ports) in [("input", inputs), ("output", outputs)] {
        for (i, port) in ports.iter().enumerate() {
            let name = port.info.name.as_str();
            let (there, by_name) = if side == "input" {
                (compiled.get_input_by_index(i), compiled.get_input_by_name(name))
            } else {
                (compiled.get_output_by_index(i), compiled.get_output_by_name(name))
            };
            let (there, by_name) = (there.map_err(failed)?, by_name.map_err(failed)?);
            // A tensor that is given under several names has the same first one everywhere.
            let same = there.get_name().map_err(failed)? == by_name.get_name().map_err(failed)?;
            let element = there.get_element_type().map_err(failed)?;
            if !same || element != port.element {
                return Err(load_error(
                    graph,
                    format!("its {side} {i} is not `{name}` of type {}", port.element),
                ));
            }
        }
    }
    Ok(())
}

/// Refuses a compiled model that has other properties than were set.
fn check_effects(compiled: &CompiledModel, device: &str, properties: &Properties) -> Result<()> {
    // `AUTO` states the properties of the device that it chose, all in one.
    let chosen = match device {
        "AUTO" => Some(evidence(compiled, "DEVICE_PROPERTIES")?),
        _ => None,
    };
    for it in &properties.device {
        let key = it.key.as_ref();
        let effective = match &chosen {
            Some(all) => options::stated(all, key).unwrap_or("nothing").to_owned(),
            None => evidence(compiled, key)?,
        };
        options::check_effect(it, &effective)?;
    }
    Ok(())
}

/// A property that the compiled model must state.
fn evidence(compiled: &CompiledModel, key: &str) -> Result<String> {
    let value = compiled.get_property(&PropertyKey::Other(key.to_owned().into()));
    value.map(std::borrow::Cow::into_owned).map_err(|error| Error::Run {
        engine: EngineName::Openvino,
        reason: format!("it does not state {key} of the compiled model: {}", errors::text(&error)),
    })
}

fn named(device: &str) -> DeviceType<'static> {
    DeviceType::from(device).to_owned()
}

fn refused(option: &'static str, given: &str, error: &InferenceError) -> Error {
    Error::InvalidOption {
        option,
        given: given.to_owned(),
        reason: format!("OpenVINO refuses it: {}", errors::text(error)),
    }
}

fn load_error(graph: &GraphFiles, reason: String) -> Error {
    Error::Load { engine: EngineName::Openvino, path: graph.path.clone(), reason }
}
