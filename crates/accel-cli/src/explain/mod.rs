//! `accel explain`: what a code means, and what helps.

use accel_core::diagnosis::{Code, ENTRIES, Entry};
use accel_core::{Vocabulary as _, nearest};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::console::{Console, Paint, TableCell, heading, plain, put, table};
use crate::failure::Failure;
use crate::json;

pub(crate) const EXAMPLES: &str = "\
Examples:
  accel explain ACC0201              what it means, what brings it about, what helps
  accel explain --list               every code
  accel explain --list --format md   the same as a page

Codes are stable: a number never means something else, and none goes away.";

/// What `explain` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// A code, such as ACC0201; several are explained one after the other
    #[arg(value_name = "CODE", required_unless_present = "list")]
    codes: Vec<String>,

    /// Every code there is
    #[arg(long, conflicts_with = "codes")]
    list: bool,

    /// What is printed
    #[arg(long, value_enum, default_value_t = ExplainFormat::Human)]
    pub(crate) format: ExplainFormat,
}

/// How an explanation is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    /// Text
    Human,
    /// One versioned JSON document
    Json,
    /// Markdown
    Md,
}

/// Explains the codes that `arguments` name.
pub(crate) fn explain(arguments: &ExplainArgs, console: Console) -> Result<(), Failure> {
    let entries: Vec<&Entry> = if arguments.list {
        ENTRIES.iter().collect()
    } else {
        arguments.codes.iter().map(|it| find(it)).collect::<Result<_, _>>()?
    };
    let text = match arguments.format {
        ExplainFormat::Json => {
            let codes: Vec<_> = entries.iter().map(|it| document(it)).collect();
            json::document(json!({ "codes": codes }))
        }
        ExplainFormat::Human if arguments.list => listed(&entries, console.paint),
        ExplainFormat::Human => joined(&entries, |it| human(it, console.paint)),
        ExplainFormat::Md if arguments.list => markdown_list(&entries),
        ExplainFormat::Md => joined(&entries, markdown),
    };
    console.print(&text);
    Ok(())
}

fn joined(entries: &[&Entry], text: impl Fn(&Entry) -> String) -> String {
    entries.iter().map(|it| text(it)).collect::<Vec<_>>().join("\n")
}

/// The entry of a code, however its letters are written.
fn find(given: &str) -> Result<&'static Entry, Failure> {
    let wanted = given.trim().to_ascii_uppercase();
    if let Ok(code) = Code::parse(&wanted) {
        return Ok(code.entry());
    }
    let suggestion = padded(&wanted)
        .or_else(|| nearest(&wanted, Code::ALL.iter().map(|it| it.name())))
        .map_or_else(String::new, |it| format!(" (did you mean {it}?)"));
    let shown = accel_core::diagnosis::visible(given);
    let message = format!("there is no code `{shown}`{suggestion}; see `accel explain --list`");
    Err(Failure::usage(message))
}

/// The code whose number is written with other zeros or without letters: `ACC201`, `201`.
fn padded(wanted: &str) -> Option<String> {
    let digits = wanted.trim_start_matches(|it: char| it.is_ascii_alphabetic() || it == '-');
    let number: u32 = digits.parse().ok()?;
    let code = format!("ACC{number:04}");
    Code::parse(&code).ok().map(|it| it.name().to_owned())
}

fn document(entry: &Entry) -> Value {
    json!({
        "code": entry.code,
        "severity": entry.severity,
        "component": entry.component,
        "title": entry.title,
        "meaning": entry.meaning,
        "causes": entry.causes,
        "remedies": entry.remedies,
    })
}

fn human(entry: &Entry, paint: Paint) -> String {
    let mut text = format!(
        "{}  {}\n{}\n\n{}\n\nCauses:\n",
        paint.bold(entry.code.name()),
        paint.bold(entry.title),
        paint.dim(&format!("{}, {}", entry.severity, entry.component)),
        entry.meaning
    );
    for cause in entry.causes {
        put(&mut text, format_args!("  - {cause}\n"));
    }
    text += "\nWhat helps, in this order:\n";
    for (number, remedy) in entry.remedies.iter().enumerate() {
        put(&mut text, format_args!("  {}. {remedy}\n", number + 1));
    }
    text
}

fn listed(entries: &[&Entry], paint: Paint) -> String {
    let mut rows = vec![["code", "severity", "component", "what"].map(heading).into()];
    rows.extend(entries.iter().map(|it| -> Vec<TableCell<'_>> {
        vec![
            plain(it.code.name()),
            plain(it.severity.name()),
            plain(it.component.name()),
            plain(it.title),
        ]
    }));
    table(paint, &rows)
}

fn markdown(entry: &Entry) -> String {
    let mut text = format!(
        "# {}: {}\n\nSeverity: {}. Component: {}.\n\n{}\n\n## Causes\n\n",
        entry.code, entry.title, entry.severity, entry.component, entry.meaning
    );
    for cause in entry.causes {
        put(&mut text, format_args!("- {cause}\n"));
    }
    text += "\n## What helps\n\n";
    for (number, remedy) in entry.remedies.iter().enumerate() {
        put(&mut text, format_args!("{}. {remedy}\n", number + 1));
    }
    text
}

fn markdown_list(entries: &[&Entry]) -> String {
    let mut text = "| code | severity | component | what |\n|---|---|---|---|\n".to_owned();
    for it in entries {
        put(
            &mut text,
            format_args!("| {} | {} | {} | {} |\n", it.code, it.severity, it.component, it.title),
        );
    }
    text
}
