//! Exact counts of parameters from a config.

use super::error::EstimateError;
use super::facts::{Facts, Taken};
use super::rules::{Entry, RULES};
use crate::{Config, nearest};

/// How many parameters a model has, and what had to be assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterCount {
    /// Distinct weights: tied ones count once, buffers do not count.
    pub parameters: u64,
    /// The class that was counted, such as `BertForMaskedLM`.
    pub architecture: String,
    /// What was assumed for want of evidence, as sentences.
    pub assumptions: Vec<String>,
}

/// Every model type that [`parameters`] has rules for, sorted.
pub fn supported_model_types() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|it| it.model_type)
}

/// The exact number of distinct parameters of the class that `architectures` names, as
/// transformers 5.23 builds it; without `architectures`, of the model without a head. A key that
/// is absent takes the default of its config class.
///
/// # Errors
/// [`EstimateError`] for a model type or a class that no rules exist for, and for a config that is
/// malformed or absurd.
pub fn parameters(config: &Config) -> Result<ParameterCount, EstimateError> {
    let model_type = config.model_type().ok_or(EstimateError::NoModelType)?;
    let found = RULES.iter().find(|it| it.model_type == model_type);
    let entry = found.ok_or_else(|| unknown(model_type))?;
    let taken = Taken::default();
    let facts = Facts::new(config, entry.model_type, &taken);
    let mut assumptions = Vec::new();
    let named = config.architectures().into_iter().next();
    let architecture = named.unwrap_or_else(|| {
        let base = format!("{}Model", entry.prefixes[0]);
        assumptions.push(format!(
            "config.json names no `architectures`; `{base}`, which has no head, was counted"
        ));
        base
    });
    let count = named_count(entry, &facts, &architecture)?;
    for (kind, keys) in taken.take() {
        let keys: Vec<String> = keys.into_iter().collect();
        assumptions.push(format!(
            "config.json leaves out what transformers 5.23 takes the defaults of `{kind}` for: {}",
            keys.join(", ")
        ));
    }
    let parameters = u64::try_from(count).map_err(|_| EstimateError::Absurd {
        reason: format!("{count} parameters are more than 64 bits count"),
    })?;
    Ok(ParameterCount { parameters, architecture, assumptions })
}

/// The count of the class by its name, for each prefix that the model type has.
fn named_count(entry: &Entry, facts: &Facts<'_>, name: &str) -> Result<u128, EstimateError> {
    for prefix in entry.prefixes {
        if let Some(head) = name.strip_prefix(prefix)
            && let Some(count) = (entry.rule)(facts, head)?
        {
            return Ok(count);
        }
    }
    Err(EstimateError::UnknownArchitecture {
        architecture: name.chars().take(80).collect(),
        model_type: entry.model_type.to_owned(),
    })
}

pub(super) fn unknown(model_type: &str) -> EstimateError {
    let supported: Vec<&'static str> = supported_model_types().collect();
    EstimateError::UnknownModelType {
        model_type: model_type.chars().take(80).collect(),
        nearest: nearest(model_type, supported.iter().copied()),
        supported,
    }
}
