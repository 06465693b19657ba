//! How a graph's files become rten's model, with each weight in memory once.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use accel_core::Engine as EngineName;
use rten::{LoadError, LoadErrorKind, ModelOptions};
use rten_onnx::onnx::ModelProto;

use super::mapped::MappedModel;
use super::rewrite::{self, Counts};
use super::weights::Weights;
use super::{limits, panic_message};
use crate::engine::alternatives;
use crate::model::GraphFiles;
use crate::{Error, Result};

/// A loaded model and how it came to be.
pub(super) struct Loaded {
    pub(super) model: MappedModel,
    /// What was rewritten.
    pub(super) rewritten: Counts,
}

/// Loads the graph, rewritten where rten would compute it wrongly.
///
/// The graph is read here and given to rten without its weights: those of the file itself are
/// handed over as they were read, and those of other files as maps of them.
pub(super) fn load(graph: &GraphFiles, options: ModelOptions) -> Result<Loaded> {
    // rten runs a graph's constant parts while it loads, and an operator on damaged constants
    // is where a panic is least unlikely (10 000 damaged files caused none). It must not take
    // the caller down.
    catch_unwind(AssertUnwindSafe(|| load_unguarded(graph, options))).map_err(|panic| {
        corrupt(graph, format!("rten could not make sense of it ({})", panic_message(&*panic)))
    })?
}

fn load_unguarded(graph: &GraphFiles, mut options: ModelOptions) -> Result<Loaded> {
    let bytes = graph.bytes_now()?;
    if bytes != graph.bytes {
        let reason = format!("its files have {bytes} bytes and had {} a moment ago", graph.bytes);
        return Err(corrupt(graph, reason));
    }
    let file =
        File::open(&graph.path).map_err(|source| Error::Io { path: graph.path.clone(), source })?;
    let mut model =
        ModelProto::parse_file(file).map_err(|error| corrupt(graph, error.to_string()))?;
    // rten tells ONNX files from others by it.
    model.ir_version.get_or_insert(0);
    if let Some(main) = &model.graph {
        limits::check(main, graph.bytes).map_err(|reason| corrupt(graph, reason))?;
    }
    let rewritten = rewrite::rewrite(&mut model).map_err(|refusal| Error::UnsupportedOperator {
        alternatives: alternatives::to_rten(&refusal.operator),
        operator: refusal.operator,
        node: refusal.node,
        engine: EngineName::Rten,
        why: refusal.why,
    })?;
    let mut weights = Weights::of(graph);
    if let Some(graph) = &mut model.graph {
        weights.take_from(graph)?;
    }
    let bytes = model.write_buf().map_err(|error| corrupt(graph, error.to_string()))?;
    drop(model);
    let Weights { buffers, files, .. } = weights;
    for (name, bytes) in buffers {
        options.external_data(&name, bytes);
    }
    let (names, files): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    let model = MappedModel::load(files, |lent| {
        for (name, bytes) in names.iter().zip(lent) {
            options.external_data_static(name, bytes);
        }
        options.load(bytes)
    });
    let model = model.map_err(|error| load_error(&error, graph))?;
    Ok(Loaded { model, rewritten })
}

/// The error of a graph that is damaged.
pub(super) fn corrupt(graph: &GraphFiles, reason: String) -> Error {
    Error::CorruptModel { path: graph.path.clone(), reason }
}

fn load_error(error: &LoadError, graph: &GraphFiles) -> Error {
    let reason = error.to_string();
    match error.kind() {
        // The graph that rten sees has a name for every node, which begins with its operator.
        LoadErrorKind::OperatorInvalid
            if let Some((operator, node)) = error.node().and_then(|it| it.split_once(' ')) =>
        {
            let said = reason.rsplit_once("operator error: ").map_or(&*reason, |(_, it)| it);
            // rten writes `domain/operator` where the domain is not ONNX's own.
            let domain = said.split_once('/').filter(|(_, it)| it.starts_with(operator));
            let full = domain.map(|(domain, _)| format!("{domain}.{operator}"));
            Error::UnsupportedOperator {
                operator: operator.to_owned(),
                node: node.to_owned(),
                engine: EngineName::Rten,
                why: format!("rten says: {said}"),
                alternatives: alternatives::to_rten(full.as_deref().unwrap_or(operator)),
            }
        }
        LoadErrorKind::ParseError | LoadErrorKind::GraphError => corrupt(graph, reason),
        _ => Error::Load { engine: EngineName::Rten, path: graph.path.clone(), reason },
    }
}
