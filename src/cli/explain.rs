//! `--explain MODEL`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use accel_core::{
    OptionValue, Platform, Subfamily, Vocabulary as _, common_option_fields, device_option_fields,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::args::Cli;
use super::choice::named_platforms;
use super::console::{Console, Paint, plain, table};
use super::failure::Failure;
use super::{Done, json as document, places};
use crate::error::Error;
use crate::registry::{Cell, Model, Registry};
use crate::request::{unknown_model, variant};
use crate::templates::{Resolution, Templates};

/// Explains a model on the named platforms, or on all.
pub(super) fn run(key: &str, cli: &Cli, console: Console) -> Result<Done, Failure> {
    let path = places::registry_path(cli.registry.as_deref(), console)?;
    let registry = places::load(&path, console)?;
    let templates = places::templates(cli.templates.as_deref())?;
    let model = registry.model(key).ok_or_else(|| unknown_model(&registry, key))?;
    let named = named_platforms(&cli.platform)?;
    let platforms: BTreeSet<Platform> =
        named.unwrap_or_else(|| Platform::ALL.iter().copied().collect());
    let cells: Vec<CellPage> = model
        .cells
        .iter()
        .filter(|(platform, _)| platforms.contains(platform))
        .map(|(platform, cell)| CellPage::new(&registry, model, *platform, cell, &templates))
        .collect::<Result<_, Error>>()?;
    Ok(Done::fine(if console.json() {
        document::document(json!({
            "explain": {
                "model": model.key,
                "class": model.class,
                "hub_id": model.hub_id,
                "revision": model.revision,
                "key_model": model.key_model,
                "parameters": model.parameters,
                "family": model.family(),
                "subfamily": model.subfamily,
                "classification": model.classification,
                "platforms": cells,
            },
        }))
    } else {
        let mut text = classification(model, console.paint);
        for cell in &cells {
            text.push('\n');
            cell.print(&mut text, console.paint);
        }
        text
    }))
}

fn classification(model: &Model, paint: Paint) -> String {
    let mut text = String::new();
    let found = &model.classification;
    let _ = writeln!(text, "{}: {}, {}", paint.bold(model.key.as_str()), model.class, model.hub_id);
    let mut rows = vec![
        vec![plain("  family"), plain(model.family().name()), plain(model.family().doc())],
        vec![plain("  subfamily"), plain(model.subfamily.name()), plain(model.subfamily.doc())],
        vec![plain("  task"), plain(found.task.name()), plain(found.task.doc())],
    ];
    if found.evidence.is_empty() {
        rows.push(vec![
            plain("  because"),
            plain("the registry says so"),
            plain("the classifier knows nothing of it"),
        ]);
    } else {
        rows.push(vec![plain("  confidence"), plain(format!("{:.2}", found.confidence))]);
    }
    text.push_str(&table(paint, &rows));
    if found.subfamily != model.subfamily {
        let _ = writeln!(
            text,
            "  the registry overrides the classifier, which says {}",
            found.subfamily
        );
    }
    for clue in &found.evidence {
        let agrees = if clue.agrees { paint.good("agrees") } else { paint.warn("disagrees") };
        let source = json!(clue.source);
        let source = source.as_str().unwrap_or_default().replace('_', " ");
        let kind = clue.subfamily.map_or("no known kind", Subfamily::name);
        let _ = writeln!(text, "  {agrees}: {source} `{}` speaks for {kind}", clue.value);
    }
    text
}

/// A cell, explained.
#[derive(Serialize)]
struct CellPage {
    platform: Platform,
    support: &'static str,
    reason: String,
    evidence: String,
    /// Nothing for an unsupported cell.
    lookups: Vec<Lookup>,
    /// The templates that are laid into the skill's, besides the example of its kind.
    sections: Vec<String>,
    options: Vec<OptionLine>,
    tolerances: Value,
    expected_failures: Value,
}

/// The templates of a kind that were looked for.
#[derive(Serialize)]
struct Lookup {
    kind: &'static str,
    #[serde(flatten)]
    resolution: Resolution,
}

/// An option and where its value comes from.
#[derive(Serialize)]
struct OptionLine {
    name: &'static str,
    value: Value,
    from: &'static str,
}

impl CellPage {
    fn new(
        registry: &Registry,
        model: &Model,
        platform: Platform,
        cell: &Cell,
        templates: &Templates,
    ) -> Result<Self, Error> {
        let variant = variant(cell);
        let supported = variant.is_some();
        let lookup = |(kind, variant)| {
            let resolution = templates.resolve(kind, model.family(), platform, variant)?;
            Ok(Lookup { kind, resolution })
        };
        let kinds = ["skill", "test"].into_iter();
        let lookups = kinds.filter_map(|it| Some((it, variant?))).map(lookup);
        let fields = common_option_fields().iter().chain(device_option_fields(platform));
        let option = |name: &'static str| {
            let value = *cell.options.get(name)?;
            let from = source(registry, model, platform, name, value);
            Some(OptionLine { name, value: option_json(value), from })
        };
        let sections = variant.map(|variant| {
            vec![format!("platform/{platform}.tera"), format!("variant/{variant}.tera")]
        });
        Ok(Self {
            platform,
            support: cell.support.name(),
            reason: cell.reason.clone(),
            evidence: cell.evidence.to_string(),
            lookups: lookups.collect::<Result<_, Error>>()?,
            sections: sections.unwrap_or_default(),
            options: fields.filter(|_| supported).filter_map(|it| option(it.name)).collect(),
            tolerances: if supported { json!(cell.tolerances) } else { json!({}) },
            expected_failures: json!(cell.expected_failures),
        })
    }

    fn print(&self, text: &mut String, paint: Paint) {
        let _ = write!(text, "{}: {}", paint.bold(self.platform.name()), self.support);
        if !self.reason.is_empty() {
            let _ = write!(text, ": {}", self.reason);
        }
        text.push('\n');
        if self.lookups.is_empty() {
            return;
        }
        let _ = writeln!(text, "  evidence: {}", self.evidence);
        for lookup in &self.lookups {
            let _ = writeln!(text, "  {} template, the first that exists:", lookup.kind);
            let mut chosen = false;
            for name in &lookup.resolution.looked_for {
                let mark = if lookup.resolution.chosen == *name {
                    chosen = true;
                    paint.good("chosen   ")
                } else if chosen {
                    paint.dim("not asked")
                } else {
                    paint.dim("absent   ")
                };
                let _ = writeln!(text, "    {mark} {name}");
            }
        }
        let _ = writeln!(text, "  sections of the skill: {}", self.sections.join(", "));
        let rows: Vec<_> = self
            .options
            .iter()
            .map(|it| {
                vec![
                    plain(format!("    {}", it.name)),
                    plain(shown(&it.value)),
                    plain(format!("from the {}", it.from)),
                ]
            })
            .collect();
        let _ = write!(text, "  options:\n{}", table(paint, &rows));
        let _ = writeln!(text, "  tolerances:");
        for (precision, it) in self.tolerances.as_object().into_iter().flatten() {
            let _ = writeln!(
                text,
                "    {precision}: largest absolute difference {}, smallest cosine {}, smallest \
                 signal to noise {} dB",
                it["max_abs"], it["min_cosine"], it["min_sqnr_db"]
            );
        }
        for (case, reason) in self.expected_failures.as_object().into_iter().flatten() {
            let _ = writeln!(text, "  expected to fail: {case}: {}", shown(reason));
        }
    }
}

/// Which level an option's value comes from. A cell that repeats a default cannot be told from one
/// that does not, and need not be.
fn source(
    registry: &Registry,
    model: &Model,
    platform: Platform,
    name: &str,
    value: OptionValue,
) -> &'static str {
    let family = registry.families.get(&model.family()).and_then(|it| it.options.get(name));
    let default = registry.platforms.get(&platform).and_then(|it| it.options.get(name));
    match (family, default) {
        (Some(it), _) if *it == value => "family",
        (None, Some(it)) if *it == value => "platform",
        _ => "model's cell",
    }
}

fn option_json(value: OptionValue) -> Value {
    match value {
        OptionValue::Bool(it) => it.into(),
        OptionValue::Integer(it) => it.into(),
        OptionValue::Choice(it) => it.into(),
    }
}

/// A value without quotes.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
