//! `accel select`.

use std::fmt::Write as _;

use accel_core::classify::ModelFacts;
use accel_core::compatibility::{Reason, targets};
use accel_core::select::{Given, Request, Selection, classify_model, select};
use serde_json::json;

use super::args::SelectArgs;
use super::models::Catalogue;
use super::{level, machine, priority, size, told};
use crate::console::{Console, Paint, heading, plain, table};
use crate::failure::Failure;
use crate::json;

/// Prints the device for a model.
pub(super) fn run(args: &SelectArgs, console: Console) -> Result<(), Failure> {
    let catalogue = Catalogue::open(&args.common)?;
    let model = catalogue.find(&args.model)?;
    let inventory = machine::inventory(&args.common, console)?;
    let request = Request {
        priority: priority(args.priority.as_deref())?,
        preferred_index: args.index,
        policy: args.policy,
        precision: args.common.precision,
        min_level: args.min_level,
        overrides: args.common.overrides()?,
    };
    let targets = targets(&inventory);
    let selection = select(&model, &targets, &request);
    if console.json() {
        let body = if args.explain {
            let facts = ModelFacts {
                architectures: &model.architectures,
                model_type: Some(model.model_type.as_str()).filter(|it| !it.is_empty()),
                tasks: &model.tasks,
                ..ModelFacts::default()
            };
            let all = classify_model(&facts, &model, &inventory, &request);
            let mut body = json!(selection);
            body["classification"] = json!(all.classification);
            body["estimates"] = json!(all.estimates);
            body["compatibility"] = json!(all.compatibility);
            body
        } else {
            json!(selection)
        };
        console.print(&json::document(body));
    } else if args.explain {
        console.print(&explained(&selection, console.paint));
    } else if let Some(given) = &selection.given {
        console.print(&format!("{}\n", given.device));
        console.aside(&aside(&selection, given));
    }
    match (&selection.given, console.json() || args.explain) {
        (Some(_), _) => Ok(()),
        (None, true) => Err(Failure::told()),
        (None, false) => Err(Failure::failed("no-device", refusal(&selection))),
    }
}

fn aside(selection: &Selection, given: &Given) -> String {
    let mut text = format!("{}\n", selection.why);
    let name = given.name.as_deref().map_or_else(String::new, |it| format!("{it}, "));
    let _ = writeln!(
        text,
        "{name}{}, needs {} of {} free",
        given.precision,
        size(given.needed_bytes),
        size(given.free_bytes)
    );
    if selection.fell_back {
        for rejection in &selection.rejections {
            let _ = writeln!(text, "{}: {}", rejection.device, all(&rejection.reasons));
        }
    }
    text
}

/// Reasons with what would help, in a line.
fn all(reasons: &[Reason]) -> String {
    reasons.iter().map(told).collect::<Vec<_>>().join("; ")
}

fn refusal(selection: &Selection) -> String {
    let mut text = selection.why.clone();
    for rejection in &selection.rejections {
        let _ = write!(text, "\n  {}: {}", rejection.device, all(&rejection.reasons));
    }
    text
}

/// Every device: the one that is given, those that could be, those that cannot.
fn explained(selection: &Selection, paint: Paint) -> String {
    let mut text = format!("{}\n\n", selection.why);
    let list = if selection.automatic { "computed" } else { "asked for" };
    let _ = writeln!(text, "{list}: {}", selection.wanted.join(", "));
    let _ = writeln!(text, "policy: {}\n", selection.policy);
    let mut rows = vec![
        ["", "device", "level", "precision", "needs", "free", "rule", "finding"]
            .map(heading)
            .into(),
    ];
    let given = selection.given.iter().map(|it| ("given", it));
    for (word, it) in given.chain(selection.alternatives.iter().map(|it| ("possible", it))) {
        for (i, reason) in it.reasons.iter().enumerate() {
            let once = |text: String| plain(if i == 0 { text } else { String::new() });
            rows.push(vec![
                once(word.to_owned()),
                once(it.device.clone()),
                if i == 0 { level(it.level) } else { plain("") },
                once(it.precision.to_string()),
                once(size(it.needed_bytes)),
                once(size(it.free_bytes)),
                plain(reason.rule.name()),
                plain(if reason.remedy.is_some() { told(reason) } else { reason.message.clone() }),
            ]);
        }
    }
    for rejection in &selection.rejections {
        for (i, reason) in rejection.reasons.iter().enumerate() {
            let once = |text: String| plain(if i == 0 { text } else { String::new() });
            rows.push(vec![
                once("rejected".to_owned()),
                once(rejection.device.clone()),
                if i == 0 { level(reason.allows) } else { plain("") },
                plain(""),
                plain(""),
                plain(""),
                plain(reason.rule.name()),
                plain(told(reason)),
            ]);
        }
    }
    text.push_str(&table(paint, &rows));
    text
}
