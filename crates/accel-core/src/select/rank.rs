//! Models for a task, models for a platform.

use serde::{Deserialize, Serialize};

use super::candidate::ordered;
use super::{Given, Request};
use crate::compatibility::{
    Bytes, Level, Model, Overrides, Target, Verdict, in_brief, verdict_here,
};
use crate::{Platform, Precision, Task};

/// How [`recommend_model_for_task`] sorts, for readers.
pub const RANKING_RULE: &str = "the higher level; then the model that needs less memory, which is \
    the one cost that is known here (how good its answers are is not measured); then the name";

/// What a recommendation has to keep to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Constraints {
    /// Platforms that may be used; every one where it is empty.
    pub platforms: Vec<Platform>,
    /// The most memory that the model may need, in bytes.
    pub max_memory_bytes: Option<u64>,
    /// The precision; where it is `None` the widest one that fits.
    pub precision: Option<Precision>,
    /// The least level that is accepted; [`Level::None`] is taken for [`Level::Low`].
    pub min_level: Level,
    /// The caller's own word on platforms.
    pub overrides: Overrides,
}

impl Default for Constraints {
    fn default() -> Self {
        Self {
            platforms: Vec::new(),
            max_memory_bytes: None,
            precision: None,
            min_level: Level::Low,
            overrides: Overrides::new(),
        }
    }
}

/// Models for a task, the best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranking {
    /// The task.
    pub task: Task,
    /// What was kept to.
    pub constraints: Constraints,
    /// Models that can be had, in the order of [`RANKING_RULE`].
    pub recommendations: Vec<Ranked>,
    /// Models that do the task and cannot be had, by name.
    pub excluded: Vec<Excluded>,
}

/// A model that can be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// The model's key.
    pub model: String,
    /// The repository on the Hub; empty for a local folder.
    pub hub_id: String,
    /// Number of weights; 0 when unknown.
    pub parameters: u64,
    /// The device that suits it best among those allowed.
    pub given: Given,
    /// Why it stands where it stands, in a sentence.
    pub why: String,
}

/// A model that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// The model's key.
    pub model: String,
    /// What speaks against it on the device where the least does, with what would help.
    pub reasons: Vec<String>,
}

/// Models of `candidates` for a task, the best first, see [`RANKING_RULE`].
///
/// `targets` are those of [`targets`](crate::compatibility::targets).
pub fn recommend_model_for_task(
    task: Task,
    constraints: &Constraints,
    candidates: &[Model],
    targets: &[Target],
) -> Ranking {
    let request = Request {
        precision: constraints.precision,
        min_level: constraints.min_level,
        overrides: constraints.overrides.clone(),
        ..Request::default()
    };
    let allowed: Vec<Target> = targets
        .iter()
        .filter(|it| {
            constraints.platforms.is_empty() || constraints.platforms.contains(&it.platform)
        })
        .cloned()
        .collect();
    let mut recommendations = Vec::new();
    let mut excluded = Vec::new();
    for model in candidates.iter().filter(|it| it.tasks.contains(&task)) {
        let devices = ordered(model, &allowed, &request);
        let Some(best) = devices.first() else { continue };
        let needed = best.assessed.need.map(|it| it.min_memory_bytes);
        let over = constraints.max_memory_bytes.zip(needed).filter(|(most, needs)| needs > most);
        let mut reasons = Vec::new();
        if let Some((most, needs)) = over {
            reasons.push(format!(
                "needs {}, more than the {} that are allowed",
                Bytes(needs),
                Bytes(most)
            ));
        }
        if !best.accepted(&request) {
            let rejection = best.rejection(model, "", &request);
            let told = rejection.reasons.into_iter().map(|it| match it.remedy {
                Some(remedy) => format!("{}: {}; {remedy}", rejection.device, it.message),
                None => format!("{}: {}", rejection.device, it.message),
            });
            reasons.extend(told);
        }
        if reasons.is_empty() {
            let given = best.given(model);
            recommendations.push(Ranked {
                model: model.key.clone(),
                hub_id: model.hub_id.clone(),
                parameters: model.parameters,
                why: why(&given),
                given,
            });
        } else {
            excluded.push(Excluded { model: model.key.clone(), reasons });
        }
    }
    recommendations.sort_by(|a, b| {
        let needed = |it: &Ranked| it.given.needed_bytes.unwrap_or(u64::MAX);
        (b.given.level.cmp(&a.given.level))
            .then_with(|| needed(a).cmp(&needed(b)))
            .then_with(|| a.model.cmp(&b.model))
    });
    excluded.sort_by(|a, b| a.model.cmp(&b.model));
    Ranking { task, constraints: constraints.clone(), recommendations, excluded }
}

fn why(given: &Given) -> String {
    let Given { level, device, precision, .. } = given;
    let needs = given.needed_bytes.map_or_else(
        || "how much it needs is not known".to_owned(),
        |it| format!("needs {}", Bytes(it)),
    );
    format!("{level} on {device} in {precision}: {}; {needs}", in_brief(&given.reasons))
}

/// The verdict on a platform for each of `models`, the highest level first and by name among
/// equals; those of level none are the ones that do not run there.
///
/// `targets` are those of [`targets`](crate::compatibility::targets).
pub fn compatible_models(
    models: &[Model],
    platform: Platform,
    targets: &[Target],
    precision: Option<Precision>,
    overrides: &Overrides,
) -> Vec<Verdict> {
    let judge = |it| verdict_here(it, platform, targets, precision, overrides);
    let mut verdicts: Vec<Verdict> = models.iter().map(judge).collect();
    verdicts.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.model.cmp(&b.model)));
    verdicts
}
