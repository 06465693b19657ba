//! `accel recommend`.

use std::fmt::Write as _;

use accel_core::compatibility::targets;
use accel_core::select::{Constraints, RANKING_RULE, Ranking, recommend_model_for_task};
use serde_json::json;

use super::args::RecommendArgs;
use super::models::Catalogue;
use super::{level, machine, size};
use crate::console::{Console, Paint, heading, plain, table};
use crate::failure::Failure;
use crate::json;

/// Prints the models for a task.
pub(super) fn run(args: &RecommendArgs, console: Console) -> Result<(), Failure> {
    let catalogue = Catalogue::open(&args.common)?;
    let targets = targets(&machine::inventory(&args.common, console)?);
    let mut platforms = args.hw.clone();
    platforms.sort_unstable();
    platforms.dedup();
    let constraints = Constraints {
        platforms,
        max_memory_bytes: args.max_memory,
        precision: args.common.precision,
        min_level: args.min_level,
        overrides: args.common.overrides()?,
    };
    let ranking = recommend_model_for_task(args.task, &constraints, catalogue.all(), &targets);
    if console.json() {
        let mut body = json!(ranking);
        body["rule"] = json!(RANKING_RULE);
        console.print(&json::document(body));
    } else {
        console.print(&human(&ranking, console.paint));
    }
    if ranking.recommendations.is_empty() { Err(Failure::told()) } else { Ok(()) }
}

fn human(ranking: &Ranking, paint: Paint) -> String {
    let mut text = String::new();
    if ranking.recommendations.is_empty() {
        let _ = writeln!(text, "no model of the catalogue does {} here", ranking.task);
    } else {
        let heads = ["", "model", "level", "device", "precision", "needs", "Hub"];
        let mut rows = vec![heads.map(heading).into()];
        for (i, it) in ranking.recommendations.iter().enumerate() {
            rows.push(vec![
                plain((i + 1).to_string()),
                plain(it.model.as_str()),
                level(it.given.level),
                plain(it.given.device.as_str()),
                plain(it.given.precision.name()),
                plain(size(it.given.needed_bytes)),
                plain(it.hub_id.as_str()),
            ]);
        }
        text.push_str(&table(paint, &rows));
        text.push('\n');
        for it in &ranking.recommendations {
            let _ = writeln!(text, "{}: {}", paint.bold(&it.model), it.why);
        }
    }
    for it in &ranking.excluded {
        let _ = writeln!(text, "{}: not here: {}", paint.bold(&it.model), it.reasons.join("; "));
    }
    text
}
