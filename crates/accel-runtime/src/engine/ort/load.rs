//! Making a session, and what its failure means.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use accel_core::{Engine as EngineName, SessionOptions};
use ort::ErrorCode;
use ort::ep::{self, ArbitrarilyConfigurableExecutionProvider, ExecutionProvider};
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::SessionBuilder;

use super::foreign;
use super::library::{Library, panic_message};
use super::options::{Plan, Provider};
use super::placement::{self, Assigned, Log};
use crate::engine::said;
use crate::model::GraphFiles;
use crate::{Error, Result};

/// What ONNX Runtime says when a node would run on the processor and may not.
const WOULD_FALL_BACK: &str = "fallback to CPU EP has been explicitly disabled";

/// Loads the graph as planned and finds out where its nodes are.
pub(super) fn load(
    library: &Library,
    graph: &GraphFiles,
    options: &SessionOptions,
    plan: &Plan,
) -> Result<(Session, Assigned)> {
    let attempt = |log: &Log, may_fall_back| {
        // A panic of the wrapper must not take the caller down.
        catch_unwind(AssertUnwindSafe(|| {
            builder(library, plan, log, may_fall_back)?.commit_from_file(&graph.path)
        }))
        .map_err(|panic| load_error(&graph.path, panic_message(&*panic)))
    };
    let mut log = Log::recording();
    let may_fall_back = plan.provider.is_none() || options.cpu_fallback_percent > 0;
    let mut session = attempt(&log, may_fall_back)?;
    if session.as_ref().is_err_and(|it| it.message().contains(WOULD_FALL_BACK)) {
        // It refuses the arithmetic of shapes as well, which it keeps on the processor itself.
        // Let it say what stays there; anything else is refused below.
        log = Log::recording();
        session = attempt(&log, true)?;
    }
    let session = session.map_err(|error| explained(&error, graph))?;
    Ok((session, assigned(&log, graph, options, plan)?))
}

fn builder(
    library: &Library,
    plan: &Plan,
    log: &Log,
    may_fall_back: bool,
) -> ort::Result<SessionBuilder> {
    let mut builder = Session::builder(&library.environment)?
        .with_logger(log.logger())?
        .with_log_level(LogLevel::Verbose)?
        .with_log_verbosity(1)?
        .with_optimization_level(plan.optimization)?
        .with_intra_threads(plan.threads)?;
    for (key, value) in &plan.session {
        builder = builder.with_config_entry(key, value)?;
    }
    if let Some((provider, options)) = &plan.provider {
        register(&mut builder, *provider, options)?;
        if !may_fall_back {
            builder = builder.with_disable_cpu_fallback()?;
        }
    }
    Ok(builder)
}

/// Registers a provider; unlike what ort's builder does by default, one that fails is an error.
fn register(
    builder: &mut SessionBuilder,
    provider: Provider,
    options: &[(&'static str, String)],
) -> ort::Result<()> {
    fn with<P: ArbitrarilyConfigurableExecutionProvider>(
        provider: P,
        options: &[(&'static str, String)],
    ) -> P {
        options.iter().fold(provider, |it, (key, value)| it.with_arbitrary_config(key, value))
    }
    match provider {
        Provider::Cuda => with(ep::CUDA::default(), options).register(builder),
        Provider::CoreMl => with(ep::CoreML::default(), options).register(builder),
        Provider::MiGraphX => foreign::append_provider(builder, "MIGraphX", options),
    }
}

/// Where the nodes are, if that is where they were asked to be.
fn assigned(
    log: &Log,
    graph: &GraphFiles,
    options: &SessionOptions,
    plan: &Plan,
) -> Result<Assigned> {
    let assigned = placement::read(&log.finish()).map_err(|reason| {
        load_error(&graph.path, format!("where its nodes are placed cannot be told: {reason}"))
    })?;
    match &plan.provider {
        None => Ok(assigned),
        Some((provider, _)) => {
            check_placed(&assigned, *provider, options.cpu_fallback_percent, graph)?;
            Ok(assigned)
        }
    }
}

/// Refuses nodes left to the processor beyond `percent` of all.
fn check_placed(
    assigned: &Assigned,
    provider: Provider,
    percent: u8,
    graph: &GraphFiles,
) -> Result<()> {
    let total: usize = assigned.nodes.iter().map(|(_, count)| count).sum();
    let count =
        |name| assigned.nodes.iter().find(|(it, _)| it == name).map_or(0, |(_, count)| *count);
    let left = total - count(provider.name());
    if count(provider.name()) == 0 {
        let reason = format!("none of its {total} nodes runs on {}", provider.name());
        return Err(load_error(&graph.path, reason));
    }
    if left * 100 <= total * usize::from(percent) {
        return Ok(());
    }
    let why = format!(
        "{} leaves {left} of {total} nodes to the processor, this one among them, and \
         `cpu_fallback_percent` is {percent}",
        provider.name()
    );
    match &assigned.left_behind {
        Some((operator, node)) => Err(Error::UnsupportedOperator {
            operator: operator.clone(),
            node: node.clone(),
            engine: EngineName::Ort,
            why,
            alternatives: Vec::new(),
        }),
        None => Err(load_error(&graph.path, why)),
    }
}

fn load_error(path: &Path, reason: String) -> Error {
    Error::Load { engine: EngineName::Ort, path: path.to_owned(), reason }
}

/// What a failure to make a session means.
fn explained(error: &ort::Error, graph: &GraphFiles) -> Error {
    let reason = error.message().trim().to_owned();
    if let Some((operator, node)) = said::unsupported(&reason) {
        return Error::UnsupportedOperator {
            operator,
            node,
            engine: EngineName::Ort,
            why: reason,
            alternatives: Vec::new(),
        };
    }
    if let Some(set) = said::unreleased(&reason) {
        return Error::UnsupportedModel {
            path: graph.path.clone(),
            reason: format!(
                "it is of operator set {set}, which ONNX Runtime does not take since it was not \
                 released when this version of it was"
            ),
            remedy: "export it with an earlier operator set".to_owned(),
        };
    }
    match error.code() {
        ErrorCode::InvalidProtobuf
        | ErrorCode::InvalidGraph
        | ErrorCode::NoModel
        | ErrorCode::NoSuchFile
        | ErrorCode::InvalidArgument => Error::CorruptModel { path: graph.path.clone(), reason },
        _ => load_error(&graph.path, reason),
    }
}
