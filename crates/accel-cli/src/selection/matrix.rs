//! `accel matrix`.

use std::fmt::Write as _;

use accel_core::compatibility::{
    FAMILY_RULE, Finding, Matrix, MatrixBy, MatrixCell, Rule, matrix, targets,
};
use accel_core::{Platform, Vocabulary as _};
use serde_json::json;

use super::args::{MatrixArgs, MatrixFormat};
use super::models::Catalogue;
use super::{level, machine, page};
use crate::console::{Console, Paint, heading, plain, table};
use crate::failure::Failure;
use crate::json;

/// Prints the matrix.
pub(super) fn run(args: &MatrixArgs, console: Console) -> Result<(), Failure> {
    let catalogue = Catalogue::open(&args.common)?;
    let targets = if args.any_machine {
        None
    } else {
        Some(targets(&machine::inventory(&args.common, console)?))
    };
    let by = if args.family { MatrixBy::Family } else { MatrixBy::Model };
    let matrix = matrix(
        catalogue.all(),
        by,
        targets.as_deref(),
        args.common.precision,
        &args.common.overrides()?,
    );
    console.print(&match args.format {
        MatrixFormat::Human => human(&matrix, console.paint),
        MatrixFormat::Json => json::document(json!({
            "by": matrix.by,
            "on_this_machine": matrix.on_this_machine,
            "platforms": matrix.platforms,
            "rows": matrix.rows,
            "rules": rules(),
            "family_rule": FAMILY_RULE,
        })),
        MatrixFormat::Md => markdown(&matrix),
        MatrixFormat::Html => page::html(&matrix),
    });
    Ok(())
}

/// The rules, for readers of the document.
fn rules() -> Vec<serde_json::Value> {
    Finding::ALL
        .iter()
        .map(|it| {
            json!({ "rule": it.rule(), "finding": it, "allows": it.allows(), "meaning": it.doc() })
        })
        .collect()
}

/// What a matrix is about, in a sentence.
pub(super) fn about(matrix: &Matrix) -> &'static str {
    if matrix.on_this_machine {
        "On this machine, with its devices and the memory that is free now."
    } else {
        "On any machine: every platform is taken to be there, with memory enough."
    }
}

/// A cell's word: the level, and of a family how many models reach which.
pub(super) fn word(cell: &MatrixCell, by: MatrixBy) -> String {
    match by {
        MatrixBy::Model => cell.level.name().to_owned(),
        MatrixBy::Family => {
            let counts: Vec<_> =
                cell.counts.iter().rev().map(|(level, count)| format!("{count} {level}")).collect();
            format!("{} ({})", cell.level, counts.join(", "))
        }
    }
}

/// What keeps cells from being high on a platform.
pub(super) struct Why {
    pub(super) platform: Platform,
    pub(super) finding: Finding,
    /// The reason; where the models' differ, what the finding means.
    pub(super) text: String,
    /// The models that it is about.
    pub(super) models: Vec<String>,
}

/// Every finding that keeps a cell from being high, in the order of the platforms.
pub(super) fn reasons(matrix: &Matrix) -> Vec<Why> {
    let mut all: Vec<Why> = Vec::new();
    for platform in &matrix.platforms {
        let first = all.len();
        let cells = matrix.rows.iter().filter_map(|it| it.cells.get(platform));
        for verdict in cells.flat_map(|it| &it.verdicts) {
            for reason in verdict.decisive() {
                let finding = reason.finding;
                match all[first..].iter_mut().find(|it| it.finding == finding) {
                    Some(known) => {
                        if known.text != reason.message {
                            finding.doc().trim_end_matches('.').clone_into(&mut known.text);
                        }
                        known.models.push(verdict.model.clone());
                    }
                    None => all.push(Why {
                        platform: *platform,
                        finding,
                        text: reason.message.clone(),
                        models: vec![verdict.model.clone()],
                    }),
                }
            }
        }
    }
    all
}

fn human(matrix: &Matrix, paint: Paint) -> String {
    let mut heads = vec![heading(matrix.by.name())];
    heads.extend(matrix.platforms.iter().map(|it| heading(it.label())));
    let mut rows = vec![heads];
    for row in &matrix.rows {
        let mut cells = vec![plain(row.name.as_str())];
        for platform in &matrix.platforms {
            cells.push(match row.cells.get(platform) {
                Some(cell) if matrix.by == MatrixBy::Family => {
                    let mut painted = level(cell.level);
                    painted.text = word(cell, matrix.by).into();
                    painted
                }
                Some(cell) => level(cell.level),
                None => plain(""),
            });
        }
        rows.push(cells);
    }
    let mut text = table(paint, &rows);
    let _ = writeln!(text, "\n{}", about(matrix));
    let reasons = reasons(matrix);
    if !reasons.is_empty() {
        text.push('\n');
    }
    for it in reasons {
        let name = paint.bold(&format!("{} {}", it.platform.label(), it.finding.allows()));
        let models = it.models.join(", ");
        let _ = writeln!(text, "{name}: {} ({models})", it.text.trim_end_matches('.'));
    }
    text
}

fn markdown(matrix: &Matrix) -> String {
    let mut text = format!("# What runs where\n\n{}\n\n", about(matrix));
    let labels: Vec<&str> = matrix.platforms.iter().map(|it| it.label()).collect();
    line(&mut text, [&[matrix.by.name()][..], &labels].concat());
    line(&mut text, vec!["---"; labels.len() + 1]);
    for row in &matrix.rows {
        let cells = matrix.platforms.iter().map(|it| {
            let cell = row.cells.get(it);
            cell.map_or_else(String::new, |cell| word(cell, matrix.by))
        });
        line(&mut text, [row.name.clone()].into_iter().chain(cells));
    }
    if matrix.by == MatrixBy::Family {
        let _ = writeln!(text, "\n{FAMILY_RULE}");
    }
    let reasons = reasons(matrix);
    if !reasons.is_empty() {
        text.push_str("\n## Why not high\n\n");
        line(&mut text, ["platform", "at most", "why", "models"]);
        line(&mut text, ["---"; 4]);
        for it in reasons {
            let level = it.finding.allows().name();
            line(&mut text, [it.platform.label(), level, &it.text, &it.models.join(", ")]);
        }
    }
    text.push_str("\n## Rules\n\nA level is the least that any rule allows.\n\n");
    line(&mut text, ["rule", "finding", "allows at most", "meaning"]);
    line(&mut text, ["---"; 4]);
    for rule in Rule::ALL {
        for it in Finding::ALL.iter().filter(|it| it.rule() == *rule) {
            line(&mut text, [rule.name(), it.name(), it.allows().name(), it.doc()]);
        }
    }
    text
}

/// A line of a table. What would end a cell or begin markup in it is escaped.
fn line(text: &mut String, cells: impl IntoIterator<Item = impl AsRef<str>>) {
    for cell in cells {
        let cell = cell.as_ref().replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;");
        let cell: String = cell.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
        // Writing to a String cannot fail.
        let _ = write!(text, "| {cell} ");
    }
    text.push_str("|\n");
}
