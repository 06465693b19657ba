//! An answer as it is printed and kept.

use accel_core::classify::{Clue, classify};
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::console::{Paint, TableCell, heading, plain, table};

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// As it was named.
    pub(super) model: Option<String>,
    /// Where its files were read; null when nothing was.
    read_from: Option<String>,
    /// Null: unknown.
    family: Option<String>,
    subfamily: Option<String>,
    task: Option<String>,
    /// How often such answers are right; for a model of no kind, how sure that is.
    confidence: f64,
    /// Why there is no family.
    reason: Option<String>,
    evidence: Vec<Evidence>,
    /// The evidence that disagrees.
    conflicts: Vec<Evidence>,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Evidence {
    source: String,
    value: String,
    basis: String,
    subfamily: Option<String>,
    possible: Vec<String>,
    weight: f64,
    agrees: bool,
    reason: Option<String>,
}

impl From<&Clue> for Evidence {
    fn from(it: &Clue) -> Self {
        let source = serde_json::to_value(it.source).unwrap_or_default();
        Self {
            source: source.as_str().unwrap_or_default().to_owned(),
            value: it.value.clone(),
            basis: it.basis.name().to_owned(),
            subfamily: it.subfamily.map(|it| it.name().to_owned()),
            possible: it.possible.iter().map(|it| it.name().to_owned()).collect(),
            weight: rounded(it.weight),
            agrees: it.agrees,
            reason: it.reason.map(str::to_owned),
        }
    }
}

impl Answer {
    /// The classifier's answer.
    pub(super) fn of(facts: &Facts) -> Self {
        let said = classify(&facts.as_model_facts());
        let (clues, confidence) = match &said {
            Ok(it) => (&it.evidence, it.confidence),
            Err(it) => (&it.evidence, it.confidence),
        };
        let evidence: Vec<Evidence> = clues.iter().map(Evidence::from).collect();
        let known = said.as_ref().ok();
        Self {
            model: facts.model.clone(),
            read_from: facts.read_from.clone(),
            family: known.map(|it| it.family.name().to_owned()),
            subfamily: known.map(|it| it.subfamily.name().to_owned()),
            task: known.map(|it| it.task.name().to_owned()),
            confidence: rounded(confidence),
            reason: said.as_ref().err().map(|it| it.reason.to_owned()),
            conflicts: evidence.iter().filter(|it| !it.agrees).cloned().collect(),
            evidence,
        }
    }

    /// Everything of one model.
    pub(super) fn page(&self, paint: Paint) -> String {
        let mut text = self
            .model
            .as_ref()
            .map_or_else(String::new, |it| format!("{}\n", paint.bold(&printable(it))));
        let mut rows = vec![
            vec![plain("  family"), plain(self.family.as_deref().unwrap_or("unknown"))],
            vec![plain("  subfamily"), plain(self.subfamily.as_deref().unwrap_or("-"))],
            vec![plain("  task"), plain(self.task.as_deref().unwrap_or("-"))],
        ];
        if self.evidence.is_empty() {
            let help = "give a folder, --config, --class, --task or --method";
            rows.push(vec![plain("  because"), plain(self.reason.as_deref().unwrap_or_default())]);
            rows.push(vec![plain(""), plain(help)]);
        } else {
            rows.push(vec![plain("  confidence"), plain(format!("{:.2}", self.confidence))]);
            rows.extend(self.reason.as_ref().map(|it| vec![plain("  because"), plain(it)]));
        }
        rows.extend(
            self.read_from.as_ref().map(|it| vec![plain("  read from"), plain(printable(it))]),
        );
        text.push_str(&table(paint, &rows));
        let rows: Vec<_> = self.evidence.iter().map(Evidence::row).collect();
        if !rows.is_empty() {
            text.push_str("  evidence\n");
            text.push_str(&table(paint, &rows));
        }
        text
    }

    /// A line of a table of several.
    fn row(&self) -> Vec<TableCell<'_>> {
        let dash = |it: &Option<String>| plain(it.clone().unwrap_or_else(|| "-".to_owned()));
        let first = self.evidence.first().map_or_else(String::new, |it| {
            format!("{} {}", it.source.replace('_', " "), printable(&it.value))
        });
        vec![
            plain(printable(self.model.as_deref().unwrap_or("-"))),
            plain(self.family.clone().unwrap_or_else(|| "unknown".to_owned())),
            dash(&self.subfamily),
            dash(&self.task),
            plain(format!("{:.2}", self.confidence)),
            plain(if self.conflicts.is_empty() { "" } else { "conflicts" }),
            plain(first),
        ]
    }
}

impl Evidence {
    fn row(&self) -> Vec<TableCell<'_>> {
        let paint = if self.agrees { Paint::good } else { Paint::warn };
        let kinds = match self.possible.as_slice() {
            [] => self.reason.clone().unwrap_or_default(),
            [first] => first.clone(),
            [first, rest @ ..] => format!("{first}, or {}", rest.join(", ")),
        };
        vec![
            TableCell {
                text: if self.agrees { "    agrees" } else { "    disagrees" }.into(),
                paint,
            },
            plain(self.source.replace('_', " ")),
            plain(printable(&self.value)),
            plain(format!("{:.2}", self.weight)),
            plain(kinds),
        ]
    }
}

/// Several models, a line each.
pub(super) fn summary(answers: &[Answer], paint: Paint) -> String {
    let titles = ["model", "family", "subfamily", "task", "confidence", "", "decided by"];
    let mut rows = vec![titles.map(heading).into()];
    rows.extend(answers.iter().map(Answer::row));
    table(paint, &rows)
}

/// Text without what moves the cursor, and not longer than a line.
fn printable(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut shown: String =
        text.chars().take(120).map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(120).is_some() {
        shown.push('…');
    }
    shown
}

/// To thousandths: more digits would claim more than was counted.
fn rounded(share: f64) -> f64 {
    (share * 1000.0).round() / 1000.0
}
