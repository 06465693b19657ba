//! What became of a case on an engine.

use std::path::Path;

use accel_runtime::engine::Engine;
use accel_runtime::{EngineName, Error, GraphFiles, SessionOptions};
use serde::{Deserialize, Serialize};

use crate::cases::Case;
use crate::compare::difference;

/// A case's end.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// The recorded result.
    Right,
    /// A typed error that names an operator of the case, a type or the operator set.
    Refused,
    /// Another result, or an error that names neither.
    Wrong,
    /// The process ended, or went on for too long.
    Crashed,
}

/// One line of the report.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Line {
    pub(crate) engine: String,
    pub(crate) case: String,
    pub(crate) outcome: Outcome,
    /// The operator, or the type, that the refusal is about.
    pub(crate) about: String,
    /// The refusal's reason, or what is wrong.
    pub(crate) reason: String,
}

/// Runs one case.
pub(crate) fn run(
    case: &Case,
    folder: &Path,
    name: &str,
    engine: &dyn Engine,
    options: &SessionOptions,
) -> Line {
    let line = |outcome, about: &str, reason: String| Line {
        engine: name.to_owned(),
        case: case.name.clone(),
        outcome,
        about: about.to_owned(),
        reason,
    };
    match computed(case, folder, engine, options) {
        Ok(None) => line(Outcome::Right, "", String::new()),
        Ok(Some(difference)) => line(Outcome::Wrong, "", difference),
        Err(error) => match refusal(case, &error) {
            Some((about, reason)) => line(Outcome::Refused, &about, reason),
            None => line(Outcome::Wrong, "", format!("{error:?}")),
        },
    }
}

/// The difference from what is recorded.
fn computed(
    case: &Case,
    folder: &Path,
    engine: &dyn Engine,
    options: &SessionOptions,
) -> Result<Option<String>, Error> {
    let graph = GraphFiles::read("model", &case.model(folder))?;
    let session = engine.load(&graph, options.device.platform(), options)?;
    let bytes = case.bytes(folder);
    let mut inputs = Vec::new();
    for info in session.inputs() {
        let Some(value) = case.inputs.iter().find(|it| it.name == info.name) else {
            return Ok(Some(format!("the engine asks for input `{}`", info.name)));
        };
        let tensor = value.recorded(&bytes).and_then(|it| it.tensor(info.dtype));
        let Some(tensor) = tensor else {
            let message = format!("the engine takes {} as {}", value.type_name, info.dtype);
            return Ok(Some(message));
        };
        inputs.push((info.name.as_str(), tensor));
    }
    let names: Vec<_> = case.outputs.iter().map(|it| it.name.as_str()).collect();
    let found = session.run(inputs, &names)?;
    for (value, found) in case.outputs.iter().zip(&found) {
        let Some(expected) = value.recorded(&bytes) else {
            return Ok(Some(format!("`{}` came as {}", value.name, found.dtype())));
        };
        if let Some(difference) = difference(case, &value.type_name, &expected, found) {
            return Ok(Some(format!("`{}`: {difference}", value.name)));
        }
    }
    Ok(None)
}

/// What a refusal is about, and its reason, if the error is one.
fn refusal(case: &Case, error: &Error) -> Option<(String, String)> {
    match error {
        Error::UnsupportedOperator { operator, why, .. } => Some((operator.clone(), why.clone())),
        Error::UnsupportedModel { reason, .. } => {
            let set = has_word(reason, "operator set").then(|| "operator set".to_owned());
            Some((set.or_else(|| named_type(reason))?, reason.clone()))
        }
        // Nothing of the graph is computed by the platform, so all of it is refused.
        Error::Load { engine: EngineName::Browser, reason, .. }
            if reason.ends_with("it placed every node on the CPU") =>
        {
            Some((case.operators.join(", "), reason.clone()))
        }
        Error::Load { reason, .. } | Error::Run { reason, .. } => {
            let operators = case.operators.iter().find(|it| has_word(reason, it));
            let about = operators.cloned().or_else(|| named_type(reason))?;
            Some((about, reason.clone()))
        }
        Error::InvalidInput { expected, .. } => Some((named_type(expected)?, expected.clone())),
        _ => None,
    }
}

/// The first type that a text names.
fn named_type(text: &str) -> Option<String> {
    const TYPES: [&str; 27] = [
        "sequence",
        "optional",
        "map",
        "sparse tensor",
        "string",
        "double",
        "float16",
        "bfloat16",
        "float8e4m3fn",
        "float8e4m3fnuz",
        "float8e5m2",
        "float8e5m2fnuz",
        "float8e8m0",
        "float4e2m1",
        "int2",
        "uint2",
        "int4",
        "uint4",
        "int16",
        "uint16",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "64-bit",
        "int64",
        "uint8",
    ];
    TYPES.iter().find(|it| has_word(text, it)).map(|it| (*it).to_owned())
}

/// Whether a text has a word, whole.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let joins = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
        !joins(text[..start].chars().next_back())
            && !joins(text[start + word.len()..].chars().next())
    })
}
