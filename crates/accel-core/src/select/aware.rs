//! Everything about one model on one machine.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Request, Selection, select};
use crate::Platform;
use crate::Vocabulary as _;
use crate::classify::{Classification, ModelFacts, classify};
use crate::compatibility::{Model, Verdict, targets, verdict_here};
use crate::estimate::Estimate;
use crate::hardware::Inventory;

/// What a model is, what it needs, where it runs and where it should go.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HardwareAware {
    /// The model's key.
    pub model: String,
    /// The classifier's answer; `None` when nothing known about the model says anything.
    pub classification: Option<Classification>,
    /// What it needs, one for each precision that was estimated.
    pub estimates: Vec<Estimate>,
    /// Whether it runs on each platform of this machine.
    pub compatibility: BTreeMap<Platform, Verdict>,
    /// The device for it.
    pub selection: Selection,
}

/// Classifies a model and says where it runs on a machine and where it should go.
///
/// `request.overrides` is the caller's own word on platforms; it shows among the reasons.
pub fn classify_model(
    facts: &ModelFacts<'_>,
    model: &Model,
    inventory: &Inventory,
    request: &Request,
) -> HardwareAware {
    let targets = targets(inventory);
    let judge =
        |it: Platform| verdict_here(model, it, &targets, request.precision, &request.overrides);
    HardwareAware {
        model: model.key.clone(),
        classification: classify(facts).ok(),
        estimates: model.estimates.clone(),
        compatibility: Platform::ALL.iter().map(|it| (*it, judge(*it))).collect(),
        selection: select(model, &targets, request),
    }
}
