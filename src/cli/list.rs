//! `--list`.

use accel_core::{Family, OptionValue, Platform, Support, Vocabulary as _};
use serde_json::{Value, json};

use super::args::{Cli, ListArg, OutputFormat};
use super::console::{Console, TableCell, heading, plain, table};
use super::failure::Failure;
use super::{Done, json as document, places};
use crate::matrix;
use crate::registry::{Cell, Registry};
use crate::templates::Templates;

/// A list: what it is called, its columns, its rows, and the same as JSON.
struct List {
    name: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    items: Vec<Value>,
}

/// Lists, at most `--limit` items.
pub(super) fn run(what: ListArg, cli: &Cli, console: Console) -> Result<Done, Failure> {
    let registry = || {
        let path = places::registry_path(cli.registry.as_deref(), console)?;
        places::load(&path, console)
    };
    if cli.format == OutputFormat::Markdown {
        return Ok(Done::fine(matrix::markdown(&registry()?)));
    }
    let list = match what {
        ListArg::Models if cli.matrix => self::matrix(&registry()?),
        ListArg::Models => models(&registry()?),
        ListArg::Families => families(&registry()?),
        ListArg::Platforms => platforms(&registry()?),
        ListArg::Templates => templates(&places::templates(cli.templates.as_deref())?),
    };
    let total = list.items.len();
    let shown = cli.limit.map_or(total, |it| usize::try_from(it).unwrap_or(total)).min(total);
    if console.json() {
        return Ok(Done::fine(document::document(json!({
            "list": list.name,
            "total": total,
            "items": &list.items[..shown],
        }))));
    }
    let mut rows: Vec<Vec<TableCell<'_>>> =
        vec![list.columns.iter().map(|it| heading(*it)).collect()];
    rows.extend(list.rows.iter().take(shown).map(|row| row.iter().map(plain).collect()));
    if shown < total {
        console.note(&format!("{shown} of {total} {}", list.name));
    }
    Ok(Done::fine(table(console.paint, &rows)))
}

fn models(registry: &Registry) -> List {
    let mut rows = Vec::new();
    let mut items = Vec::new();
    for model in &registry.models {
        let of = |support| cells_of(model.cells.values().map(|it| it.support), support);
        let (real, simulation, unsupported) =
            (of(Support::Real), of(Support::Simulation), of(Support::Unsupported));
        rows.push(vec![
            model.key.to_string(),
            model.class.clone(),
            model.family().to_string(),
            model.subfamily.to_string(),
            if model.key_model { "yes" } else { "no" }.to_owned(),
            real.to_string(),
            simulation.to_string(),
            unsupported.to_string(),
            model.hub_id.clone(),
        ]);
        items.push(json!({
            "model": model.key,
            "class": model.class,
            "family": model.family(),
            "subfamily": model.subfamily,
            "key_model": model.key_model,
            "hub_id": model.hub_id,
            "parameters": model.parameters,
            "real": real, "simulation": simulation, "unsupported": unsupported,
        }));
    }
    let columns = vec![
        "model",
        "class",
        "family",
        "subfamily",
        "key",
        "real",
        "simulation",
        "unsupported",
        "hub id",
    ];
    List { name: "models", columns, rows, items }
}

/// Every cell: as words for people, and whole for programs.
fn matrix(registry: &Registry) -> List {
    let mut rows = Vec::new();
    let mut items = Vec::new();
    for model in &registry.models {
        let words = Platform::ALL.iter().map(|it| model.cells.get(it).map(matrix::word));
        let words = words.map(Option::unwrap_or_default);
        rows.push([model.key.to_string()].into_iter().chain(words).collect());
        let cells: serde_json::Map<String, Value> =
            model.cells.iter().map(|(it, cell)| (it.to_string(), self::cell(cell))).collect();
        items.push(json!({
            "model": model.key,
            "class": model.class,
            "hub_id": model.hub_id,
            "architectures": model.architectures,
            "model_type": model.model_type,
            "family": model.family(),
            "subfamily": model.subfamily,
            "tasks": model.tasks,
            "parameters": model.parameters,
            "config": model.config,
            "precisions": model.precisions,
            "platforms": cells,
        }));
    }
    let platforms = Platform::ALL.iter().map(|it| it.name());
    let columns = ["model"].into_iter().chain(platforms).collect();
    List { name: "matrix", columns, rows, items }
}

/// What is claimed of a cell, what stands behind it, and what bounds it.
fn cell(cell: &Cell) -> Value {
    let limit = match cell.options.get("memory_limit_bytes") {
        Some(OptionValue::Integer(bytes)) => *bytes,
        _ => 0,
    };
    let device = match cell.options.get("device") {
        Some(OptionValue::Choice(name)) => *name,
        _ => "",
    };
    json!({
        "support": cell.support,
        "evidence": cell.evidence,
        "reason": cell.reason,
        "device": device,
        "memory_limit_bytes": limit,
        "expected_failures": cell.expected_failures,
    })
}

fn families(registry: &Registry) -> List {
    let mut rows = Vec::new();
    let mut items = Vec::new();
    for family in Family::ALL {
        let models: Vec<&str> = registry
            .models
            .iter()
            .filter(|it| it.family() == *family)
            .map(|it| it.key.as_str())
            .collect();
        rows.push(vec![family.to_string(), models.join(", "), family.doc().to_owned()]);
        items.push(json!({ "family": family, "models": models, "about": family.doc() }));
    }
    List { name: "families", columns: vec!["family", "models", "about"], rows, items }
}

fn platforms(registry: &Registry) -> List {
    let mut rows = Vec::new();
    let mut items = Vec::new();
    for platform in Platform::ALL {
        let engines: Vec<&str> = platform.engines().iter().map(|it| it.name()).collect();
        let supports =
            || registry.models.iter().filter_map(|it| it.cells.get(platform)).map(|it| it.support);
        let of = |support| cells_of(supports(), support);
        let (real, simulation, unsupported) =
            (of(Support::Real), of(Support::Simulation), of(Support::Unsupported));
        rows.push(vec![
            platform.to_string(),
            engines.join(", "),
            real.to_string(),
            simulation.to_string(),
            unsupported.to_string(),
            platform.doc().to_owned(),
        ]);
        items.push(json!({
            "platform": platform,
            "label": platform.label(),
            "engines": engines,
            "real": real, "simulation": simulation, "unsupported": unsupported,
            "about": platform.doc(),
        }));
    }
    let columns = vec!["platform", "engines", "real", "simulation", "unsupported", "about"];
    List { name: "platforms", columns, rows, items }
}

fn templates(templates: &Templates) -> List {
    let embedded = Templates::default();
    let mut rows = Vec::new();
    let mut items = Vec::new();
    for (name, text) in templates.iter() {
        let source = match embedded.iter().find(|(it, _)| *it == name) {
            Some((_, original)) if original == text => "embedded",
            Some(_) => "replaced",
            None => "added",
        };
        rows.push(vec![name.to_owned(), source.to_owned()]);
        items.push(json!({ "template": name, "source": source }));
    }
    List { name: "templates", columns: vec!["template", "source"], rows, items }
}

fn cells_of(supports: impl Iterator<Item = Support>, wanted: Support) -> usize {
    supports.filter(|it| *it == wanted).count()
}
