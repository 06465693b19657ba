//! The whole estimate, from a config or from a number.

use super::error::EstimateError;
use super::facts::{Facts, Taken};
use super::memory::{WeightFormat, check, memory, runtime_bytes, weights};
use super::network::{Network, network};
use super::parameters::{ParameterCount, parameters};
use super::{Estimate, MemoryBytes, ParametersSource, Requirements, Workload};
use crate::{Config, Engine};

/// What is asked about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// How it is to be run.
    pub workload: Workload,
    /// How its weights are stored; [`Workload::precision`] says it less finely.
    pub format: WeightFormat,
    /// Memory that a batch is to fit into, in bytes.
    pub memory_bytes: Option<u64>,
    /// A count that is better than one from the config, such as that of the weights' headers.
    pub counted: Option<(u64, ParametersSource)>,
    /// Bytes of the model's files, where they are known.
    pub file_bytes: Option<u64>,
    /// What runs it; the embedded engine, rten, where nothing is said.
    pub engine: Option<Engine>,
}

impl Request {
    /// What `workload` needs, with nothing else known.
    pub fn new(workload: Workload) -> Self {
        Self {
            workload,
            format: workload.precision.into(),
            memory_bytes: None,
            counted: None,
            file_bytes: None,
            engine: None,
        }
    }
}

/// What the model of a config needs.
///
/// # Errors
/// [`EstimateError`] for a model type or class without rules, and for a config or workload that is
/// malformed or absurd.
pub fn estimate(config: &Config, request: &Request) -> Result<Estimate, EstimateError> {
    let (count, source) = match request.counted {
        Some((counted, source)) => (
            ParameterCount {
                parameters: counted,
                architecture: config.architectures().first().cloned().unwrap_or_default(),
                assumptions: Vec::new(),
            },
            source,
        ),
        None => (parameters(config)?, ParametersSource::Config),
    };
    let model_type = config.model_type().ok_or(EstimateError::NoModelType)?;
    let taken = Taken::default();
    let network = network(&Facts::new(config, model_type, &taken), &count.architecture)?;
    let ParameterCount { parameters, mut assumptions, .. } = count;
    assumptions.extend(network.assumptions.iter().cloned());
    let parts = memory(&network, parameters, request.format, &request.workload, request.engine)?;
    let batch = match request.memory_bytes {
        Some(limit) => fitting(limit, &request.workload, |workload| {
            memory(&network, parameters, request.format, workload, request.engine)
                .map(|it| it.total())
        }),
        None => request.workload.batch,
    };
    finish(request, parameters, source, parts, &network, batch, assumptions)
}

/// What a model of so many parameters needs at least, when nothing else is known of it: its weights
/// and the engine. Cheap, and never fails.
pub fn estimate_from_parameters(
    parameters: u64,
    source: ParametersSource,
    workload: &Workload,
) -> Estimate {
    let request = Request::new(*workload);
    estimate_counted(parameters, source, &request)
}

/// The same for a [`Request`].
pub fn estimate_counted(parameters: u64, source: ParametersSource, request: &Request) -> Estimate {
    let weights = weights(request.format, parameters, 0, 0).unwrap_or(u64::MAX);
    let parts =
        MemoryBytes { weights, runtime: runtime_bytes(request.engine), ..MemoryBytes::default() };
    let fits = request.memory_bytes.is_none_or(|it| parts.total() <= it);
    let mut estimate = Estimate {
        parameters,
        parameters_source: source,
        workload: request.workload,
        weight_format: request.format,
        memory_bytes: parts,
        requirements: requirements(
            &parts,
            parameters,
            request,
            u128::from(request.workload.context),
        ),
        assumptions: vec![
            "only the number of parameters is known: cache and activations are left out, so that \
             the memory is a lower bound"
                .to_owned(),
        ],
    };
    if !fits {
        estimate.requirements.batch_size = 0;
    }
    estimate
}

fn finish(
    request: &Request,
    parameters: u64,
    source: ParametersSource,
    parts: MemoryBytes,
    network: &Network,
    batch: u32,
    assumptions: Vec<String>,
) -> Result<Estimate, EstimateError> {
    check(&request.workload)?;
    let tokens = network.stacks.iter().map(|stack| {
        let context = u128::from(request.workload.context);
        stack.tokens.unwrap_or_else(|| stack.most_tokens.map_or(context, |it| it.min(context)))
    });
    let mut requirements = requirements(&parts, parameters, request, tokens.max().unwrap_or(1));
    requirements.batch_size = batch;
    Ok(Estimate {
        parameters,
        parameters_source: source,
        workload: request.workload,
        weight_format: request.format,
        memory_bytes: parts,
        requirements,
        assumptions,
    })
}

/// Tokens that a core is expected to read at once; longer inputs take longer.
const MOST_TOKENS: u128 = 256;

/// Operations of a core in half a second: 20 billion a second in 32 bits, which one core with AVX2
/// or NEON reaches in matrix products.
const OPERATIONS: u128 = 10_000_000_000;

/// Above which more cores wait for memory.
const MOST_CORES: u128 = 16;

/// Minimum: what is counted. Recommended: a quarter more, for allocators that round up and for a
/// load that holds a second copy of a part. Cores: as many as read one input (256 tokens at most, two
/// operations a weight and token) in half a second.
fn requirements(
    parts: &MemoryBytes,
    parameters: u64,
    request: &Request,
    tokens: u128,
) -> Requirements {
    let total = parts.total();
    let operations = 2 * u128::from(parameters) * tokens.clamp(1, MOST_TOKENS);
    let cores = operations.div_ceil(OPERATIONS).clamp(1, MOST_CORES);
    Requirements {
        min_memory_bytes: total,
        recommended_memory_bytes: total.saturating_add(total / 4),
        cpu_cores: u32::try_from(cores).unwrap_or(1),
        disk_bytes: request.file_bytes.unwrap_or(parts.weights),
        batch_size: request.workload.batch,
    }
}

/// The largest batch that fits, 0 when not even one does.
fn fitting(
    limit: u64,
    workload: &Workload,
    total: impl Fn(&Workload) -> Result<u64, EstimateError>,
) -> u32 {
    let fits = |batch: u32| total(&Workload { batch, ..*workload }).is_ok_and(|it| it <= limit);
    let (mut fitting, mut beyond) = (0, (1 << 20) + 1);
    while beyond - fitting > 1 {
        let middle = fitting + (beyond - fitting) / 2;
        if fits(middle) {
            fitting = middle;
        } else {
            beyond = middle;
        }
    }
    fitting
}
