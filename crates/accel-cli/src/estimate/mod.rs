//! `accel estimate`: what a model needs, before it is loaded.

mod args;
mod find;
mod input;
mod report;
mod store;
mod verify;

pub(crate) use args::{EXAMPLES, EstimateArgs};

use accel_core::estimate::{
    Estimate, EstimateError, ParametersSource, Request, WeightFormat, Workload, estimate,
    estimate_counted,
};
use accel_core::{Config, Engine};

use crate::console::Console;
use crate::failure::Failure;
use find::{Known, Subject};

/// One answer.
struct Answer {
    name: String,
    /// The folder or file that was looked at.
    path: Option<String>,
    /// The class or the files that were counted.
    counted: String,
    estimate: Estimate,
}

/// Estimates every model that is named, or runs one and compares.
pub(crate) fn run(arguments: &EstimateArgs, console: Console) -> Result<(), Failure> {
    let subjects = match &arguments.config {
        Some(file) => vec![find::config_alone(file)?],
        None => arguments
            .models
            .iter()
            .map(|it| find::subject(it, &arguments.models_dir))
            .collect::<Result<_, _>>()?,
    };
    if arguments.verify {
        return verify::run(&subjects, arguments, console);
    }
    let mut answers = Vec::new();
    for subject in &subjects {
        for format in &arguments.precision.0 {
            let workload = Workload {
                precision: format.precision(),
                batch: arguments.batch,
                context: arguments.context,
            };
            answers.push(answer(subject, *format, workload, arguments.memory, None)?);
        }
    }
    report::print(&answers, arguments, console);
    let small = answers.iter().find(|it| it.estimate.requirements.batch_size == 0);
    match (small, arguments.memory) {
        (Some(answer), Some(memory)) => Err(Failure::failed(
            "memory",
            format!(
                "{} in {} needs {} for one input, and --memory is {}; choose a smaller precision \
                 or context",
                answer.name,
                answer.estimate.weight_format.name(),
                report::size(answer.estimate.requirements.min_memory_bytes),
                report::size(memory)
            ),
        )),
        _ => Ok(()),
    }
}

/// The estimate from the best evidence that there is.
fn answer(
    subject: &Subject,
    format: WeightFormat,
    workload: Workload,
    memory: Option<u64>,
    engine: Option<Engine>,
) -> Result<Answer, Failure> {
    let weights = subject.weights(format)?;
    let mut request = Request {
        format,
        memory_bytes: memory,
        engine,
        counted: weights.as_ref().map(|it| (it.parameters, ParametersSource::WeightFiles)),
        // The files are of one precision; for another they would be others.
        file_bytes: weights
            .as_ref()
            .filter(|it| it.precision == Some(format.precision()) && format.name() != "bf16")
            .map(|it| it.file_bytes),
        ..Request::new(workload)
    };
    let mut notes = Vec::new();
    let mut counted = String::new();
    if let Some(weights) = &weights {
        counted = files(weights);
        notes.extend(weights.notes.iter().cloned());
    }
    let estimate = match (&subject.known, request.counted) {
        (Known::Config(config), _) => {
            if request.counted.is_none() {
                counted = class(config);
            }
            match (estimate(config, &request), request.counted) {
                // The headers know the weights; of the rest nothing is known.
                (Err(error @ EstimateError::UnknownModelType { .. }), Some((count, source))) => {
                    let EstimateError::UnknownModelType { model_type, .. } = &error else {
                        return Err(refused(subject, &error));
                    };
                    notes.push(format!("no rules exist for model type `{model_type}`"));
                    estimate_counted(count, source, &request)
                }
                (Err(error), _) => return Err(refused(subject, &error)),
                (Ok(found), _) => found,
            }
        }
        (Known::Name(count), None) => {
            request.counted = None;
            notes.push(
                "the number of parameters was taken from the name, for want of anything better"
                    .to_owned(),
            );
            estimate_counted(*count, ParametersSource::Name, &request)
        }
        (Known::Nothing | Known::Name(_), Some((count, source))) => {
            estimate_counted(count, source, &request)
        }
        (Known::Nothing, None) => return Err(subject.unknown()),
    };
    if let (Known::Config(config), true) = (&subject.known, weights.is_some())
        && let Ok(rules) = accel_core::estimate::parameters(config)
        && rules.parameters != estimate.parameters
    {
        notes.push(format!(
            "by config.json, {} has {} parameters",
            rules.architecture,
            report::grouped(rules.parameters)
        ));
    }
    let mut estimate = estimate;
    estimate.assumptions.splice(0..0, notes);
    Ok(Answer {
        name: subject.name.clone(),
        path: subject.path.as_ref().map(|it| it.display().to_string()),
        counted,
        estimate,
    })
}

fn files(weights: &accel_runtime::weights::WeightCount) -> String {
    let names: Vec<_> = weights
        .files
        .iter()
        .filter_map(|it| it.file_name())
        .map(|it| it.to_string_lossy().into_owned())
        .collect();
    match names.as_slice() {
        [first, .., last] if names.len() > 4 => format!("{} files, {first} to {last}", names.len()),
        _ => names.join(", "),
    }
}

fn class(config: &Config) -> String {
    config.architectures().into_iter().next().unwrap_or_default()
}

fn refused(subject: &Subject, error: &EstimateError) -> Failure {
    let code = match error {
        EstimateError::UnknownModelType { .. }
        | EstimateError::UnknownArchitecture { .. }
        | EstimateError::NoModelType => "unknown-kind",
        _ => "invalid-input",
    };
    Failure::input(code, format!("{}: {error}", subject.name))
}
