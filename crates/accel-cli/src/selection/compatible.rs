//! `accel compatible`.

use accel_core::compatibility::{Level, Verdict, in_brief, targets, verdict};
use accel_core::select::compatible_models;
use serde_json::json;

use super::args::CompatibleArgs;
use super::models::Catalogue;
use super::{level, machine, size};
use crate::console::{Console, Paint, heading, plain, table};
use crate::failure::Failure;
use crate::json;

/// Prints which models run on the platforms.
pub(super) fn run(args: &CompatibleArgs, console: Console) -> Result<(), Failure> {
    let catalogue = Catalogue::open(&args.common)?;
    let models = catalogue.find_all(&args.model)?;
    let overrides = args.common.overrides()?;
    let precision = args.common.precision;
    let targets = if args.any_machine {
        None
    } else {
        Some(targets(&machine::inventory(&args.common, console)?))
    };
    let mut platforms = args.hw.clone();
    platforms.sort_unstable();
    platforms.dedup();
    let mut verdicts: Vec<Verdict> = Vec::new();
    for platform in platforms {
        if let Some(targets) = &targets {
            let judged = compatible_models(&models, platform, targets, precision, &overrides);
            verdicts.extend(judged);
        } else {
            let judge = |it| verdict(it, platform, precision, &overrides);
            let mut all: Vec<_> = models.iter().map(judge).collect();
            all.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.model.cmp(&b.model)));
            verdicts.extend(all);
        }
    }
    let none = verdicts.iter().all(|it| it.level == Level::None);
    if console.json() {
        let body = json!({ "on_this_machine": !args.any_machine, "verdicts": verdicts });
        console.print(&json::document(body));
    } else {
        console.print(&human(&verdicts, console.paint));
    }
    if none { Err(Failure::told()) } else { Ok(()) }
}

fn human(verdicts: &[Verdict], paint: Paint) -> String {
    let heads = ["platform", "model", "level", "device", "precision", "needs", "why"];
    let mut rows = vec![heads.map(heading).into()];
    let mut before = None;
    for it in verdicts {
        let platform = if before == Some(it.platform) { "" } else { it.platform.name() };
        before = Some(it.platform);
        rows.push(vec![
            plain(platform),
            plain(it.model.as_str()),
            level(it.level),
            plain(it.device.as_deref().filter(|_| it.level > Level::None).unwrap_or("-")),
            plain(it.precision.name()),
            plain(size(it.need.map(|need| need.min_memory_bytes))),
            plain(in_brief(&it.reasons)),
        ]);
    }
    table(paint, &rows)
}
