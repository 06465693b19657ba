//! Loading a graph into a page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use accel_core::{DeviceOptions, Engine as EngineName, Precision, SessionOptions};
use rten_onnx::onnx::ModelProto;
use serde_json::{Value, json};

use super::driver::{Driver, Purpose};
use super::evidence::{Evidence, Places};
use super::kinds::Kinds;
use super::pinned::{self, Variant};
use super::probe::Capability;
use super::session::{BrowserSession, Element, Written};
use super::{level, operators, provider, trial};
use crate::engine::declared::declared;
use crate::engine::rten::{Counts, for_webgpu, for_webnn};
use crate::engine::{Placement, Session, TensorInfo};
use crate::model::{GraphFiles, OnnxGraph, ValueInfo};
use crate::{Dim, Error, Result};

/// Bytes of weights that a page may hold for one graph's sessions, where each size has its own.
const KEPT_BYTES: u64 = 256 << 20;

/// The most sessions of one graph, however small: each holds a compiled graph.
const KEPT_SESSIONS: u64 = 24;

/// Loads the graph, and proves where its nodes are.
pub(super) fn load(
    driver: &Arc<Driver>,
    capability: &Capability,
    graph: &GraphFiles,
    options: &SessionOptions,
) -> Result<Box<dyn Session>> {
    let purpose = Purpose::of(&options.device).ok_or_else(|| Error::InvalidOption {
        option: "device",
        given: options.device.platform().label().to_owned(),
        reason: "a browser serves WebGPU and WebNN only".to_owned(),
    })?;
    if options.precision == Precision::Fp16 && purpose != Purpose::Webnn && !capability.f16 {
        return Err(Error::InvalidOption {
            option: "precision",
            given: options.precision.name().to_owned(),
            reason: format!(
                "the GPU adapter ({}) does not compute in half precision; give fp32",
                capability.device(&options.device)
            ),
        });
    }
    operators::refuse(&graph.onnx, purpose)?;
    let (inputs, input_elements) = ports(&graph.onnx.inputs, &graph.path)?;
    let (outputs, output_elements) = ports(&graph.onnx.outputs, &graph.path)?;
    let pins = purpose == Purpose::Webnn;
    let external = graph
        .external_data
        .iter()
        .map(|path| {
            let content = super::server::Content::File(path.clone());
            let name = path.file_name().map(|it| it.to_string_lossy().into_owned());
            (name.unwrap_or_default(), driver.offer(content))
        })
        .collect();
    let mut model = parse(&graph.path)?;
    let rewritten = rewrite(&mut model, purpose)?;
    let keep = if pins { (KEPT_BYTES / graph.bytes.max(1)).clamp(2, KEPT_SESSIONS) } else { 1 };
    let mut session = BrowserSession {
        driver: Arc::clone(driver),
        purpose,
        number: driver.graph_number(),
        path: graph.path.clone(),
        options: *options,
        external,
        keep,
        pins,
        flags: if pins { pinned::flags(&model) } else { BTreeSet::new() },
        elements: input_elements.into_iter().chain(output_elements).collect(),
        inputs,
        outputs,
        written: Mutex::default(),
        kinds: Kinds::of(&model),
        sole: sole(&graph.onnx),
        placement: Placement {
            engine: EngineName::Browser,
            engine_version: format!("onnxruntime-web {}, {}", capability.version, capability.agent),
            device: capability.device(&options.device),
            software: capability.is_software(&options.device),
            nodes: Vec::new(),
            host_nodes: Vec::new(),
            evidence: String::new(),
        },
    };
    drop(model);
    let (places, sizes) = prove(&session)?;
    session.placement.nodes = vec![places.device];
    if !places.fallen_back.is_empty() {
        session.placement.nodes.push(("CPUExecutionProvider".to_owned(), places.fallen_back.len()));
    }
    session.placement.host_nodes = places.host.into_iter().collect();
    session.placement.evidence = format!("{}{sizes}{}", places.statement, rewriting(&rewritten));
    Ok(Box::new(session))
}

/// A node with its operator, if the graph has no other operator.
fn sole(graph: &OnnxGraph) -> Option<(String, String)> {
    let first = graph.nodes.first()?;
    let mut all = graph.nodes.iter().chain(&graph.inner_nodes);
    let alone = all.all(|it| (&it.domain, &it.operator) == (&first.domain, &first.operator));
    alone.then(|| (first.operator.clone(), first.name.clone()))
}

/// Makes the first session; where it is placed, and for which sizes it was made.
fn prove(session: &BrowserSession) -> Result<(Places, String)> {
    if !session.pins {
        return session.create(&Variant::default(), &BTreeMap::new()).map(|it| (it, String::new()));
    }
    let flags = session.flags.iter().map(|it| (it.clone(), true)).collect();
    let variant = Variant { flags, empty: BTreeMap::new() };
    let mut first = None;
    for length in trial::LENGTHS {
        let shapes = trial::shapes(&session.inputs, length);
        match session.create(&variant, &shapes) {
            Ok(places) => {
                let sizes = format!(
                    ", for sizes of {length}; a session is made and checked for each other size"
                );
                return Ok((places, sizes));
            }
            // These are no matter of sizes.
            Err(error @ (Error::Run { .. } | Error::EngineUnavailable { .. })) => {
                return Err(error);
            }
            // An operator that is refused at two sizes is refused at all.
            Err(error) => match &first {
                Some(first) if is_refusal_of(&error, first) => return Err(error),
                Some(_) => {}
                None => first = Some(error),
            },
        }
        // Without an open dimension there is nothing else to try.
        if session.inputs.iter().flat_map(|it| &it.dims).all(|it| matches!(it, Dim::Fixed(_))) {
            break;
        }
    }
    Err(first.unwrap_or_else(|| session.load_error("there was nothing to try".to_owned())))
}

/// Whether both refuse one operator.
fn is_refusal_of(error: &Error, other: &Error) -> bool {
    matches!(
        (error, other),
        (
            Error::UnsupportedOperator { operator, .. },
            Error::UnsupportedOperator { operator: other, .. },
        ) if operator == other
    )
}

/// Reads the graph with its weights.
pub(super) fn parse(path: &Path) -> Result<ModelProto> {
    let file = File::open(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    ModelProto::parse_file(file)
        .map_err(|error| Error::CorruptModel { path: path.to_owned(), reason: error.to_string() })
}

/// The graph for a variant, as the page gets it: the file itself where nothing has to change.
pub(super) fn written(session: &BrowserSession, variant: &Variant) -> Result<Written> {
    let all = || session.inputs.iter().map(|it| it.name.clone()).collect();
    let content = super::server::Content::File(session.path.clone());
    let mut model = parse(&session.path)?;
    let rewritten = rewrite(&mut model, session.purpose)?;
    let unnamed = session.inputs.iter().flat_map(|it| &it.dims).any(|it| *it == Dim::Unknown);
    let pinned = session.pins && (unnamed || variant != &Variant::default());
    if !pinned && rewritten.is_empty() {
        return Ok(Written { address: session.driver.offer(content), inputs: all() });
    }
    let inputs = if session.pins {
        pinned::name_dimensions(&mut model);
        pinned::pin(&mut model, variant)
    } else {
        all()
    };
    let bytes = model.write_buf().map_err(|error| session.load_error(error.to_string()))?;
    let content = super::server::Content::Bytes(Arc::new(bytes));
    Ok(Written { address: session.driver.offer(content), inputs })
}

/// Rewrites what the platform computes wrongly; how many nodes of each kind.
fn rewrite(model: &mut ModelProto, purpose: Purpose) -> Result<Counts> {
    let rewritten = match purpose {
        Purpose::Webgpu(_) => for_webgpu(model),
        Purpose::Webnn => for_webnn(model),
    };
    rewritten.map_err(|refusal| Error::UnsupportedOperator {
        operator: refusal.operator,
        node: refusal.node,
        engine: EngineName::Browser,
        why: refusal.why,
        alternatives: vec![EngineName::Ort],
    })
}

/// What was rewritten, as the end of a sentence.
fn rewriting(counts: &Counts) -> String {
    if counts.is_empty() {
        return String::new();
    }
    let each: Vec<_> =
        counts.iter().map(|(operator, count)| format!("{count} {operator}")).collect();
    format!("; rewritten because onnxruntime-web computes them differently: {}", each.join(", "))
}

/// What onnxruntime-web is told when it makes a session.
pub(super) fn session_options(options: &SessionOptions, sizes: &BTreeMap<String, usize>) -> Value {
    let fallback = if options.cpu_fallback_percent > 0 { "0" } else { "1" };
    let mut created = match &options.device {
        DeviceOptions::Webnn(it) => {
            let mut provider = super::probe::preference(it.power_preference);
            provider["name"] = "webnn".into();
            provider["deviceType"] = it.device.name().into();
            json!({
                "executionProviders": [provider],
                // All sizes are known, so that nothing need be left for the CPU.
                "extra": {"session": {"disable_cpu_ep_fallback": fallback}},
            })
        }
        DeviceOptions::Webgpu(it) => json!({
            "executionProviders": [
                {"name": "webgpu", "preferredLayout": it.layout.name().to_uppercase()}
            ],
            // Shapes are computed on the CPU, which the option would forbid: which nodes are
            // there is read from the log instead, and all but shapes are refused.
            "extra": {"session": {"disable_cpu_ep_fallback": "0"}},
        }),
        _ => json!({}),
    };
    created["graphOptimizationLevel"] = level(options.graph_optimization).into();
    created["freeDimensionOverrides"] = json!(sizes);
    created
}

/// Judges a session's log.
pub(super) fn judge(session: &BrowserSession, log: &[&str]) -> Result<Places> {
    let evidence = Evidence::read(log);
    let places = evidence
        .places(provider(&session.options.device), &session.kinds)
        .map_err(|reason| session.load_error(format!("its placement is not proven: {reason}")))?;
    let allowed = usize::from(session.options.cpu_fallback_percent);
    let total = places.device.1 + places.fallen_back.len();
    if places.fallen_back.len() * 100 > total * allowed
        && let Some((operator, node)) = places.fallen_back.first()
    {
        return Err(refused(session, operator, node));
    }
    Ok(places)
}

/// An operator that the platform does not compute.
pub(super) fn refused(session: &BrowserSession, operator: &str, node: &str) -> Error {
    Error::UnsupportedOperator {
        operator: operator.to_owned(),
        node: node.to_owned(),
        engine: EngineName::Browser,
        why: format!(
            "onnxruntime-web has no {} form of it for these types and sizes and would leave it \
             to the CPU (option `cpu_fallback_percent`)",
            session.options.device.platform().label()
        ),
        alternatives: vec![EngineName::Ort],
    }
}

/// Inputs or outputs, and the page's word for the elements of each by name.
type Ports = (Vec<TensorInfo>, Vec<(String, Element)>);

/// Declarations as the page takes and gives them: half precision is widened on the way.
fn ports(values: &[ValueInfo], path: &Path) -> Result<Ports> {
    let elements = |elem_type| -> Option<Element> {
        Some(match elem_type {
            1 => "float32",
            2 => "uint8",
            3 => "int8",
            6 => "int32",
            7 => "int64",
            9 => "bool",
            10 => "float16",
            _ => return None,
        })
    };
    let ports = declared(values, path, elements)?.into_iter();
    Ok(ports.map(|(info, element)| (info.clone(), (info.name, element))).unzip())
}
