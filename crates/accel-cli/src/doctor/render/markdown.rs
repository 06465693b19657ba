//! Markdown, for issues and reviews.

use accel_core::Vocabulary as _;
use accel_core::diagnosis::{Finding, Report, Severity, Worth, visible};

use super::{about, summary};
use crate::console::put;

pub(super) fn text(report: &Report) -> String {
    let mut text =
        format!("# accel doctor\n\n{}; {}.\n", escaped(&report.program), summary(report));
    for severity in Severity::ALL {
        let mut findings = report.findings.iter().filter(|it| it.severity == *severity).peekable();
        if findings.peek().is_none() {
            continue;
        }
        let count = report.counts.get(*severity);
        put(&mut text, format_args!("\n## {} ({count})\n", capital(severity.name())));
        for it in findings {
            text += &finding(it);
        }
    }
    if let Some(matrix) = &report.matrix {
        text += "\n## Matrix\n\n| model |";
        for platform in &matrix.platforms {
            put(&mut text, format_args!(" {} |", platform.label()));
        }
        put(&mut text, format_args!("\n|---|{}\n", "---|".repeat(matrix.platforms.len())));
        for row in &matrix.rows {
            put(&mut text, format_args!("| {} |", escaped(&row.model)));
            for cell in &row.cells {
                let word = match cell.worth {
                    Worth::Loads => "loads",
                    Worth::Possible => "possible",
                    Worth::Impossible => "no",
                };
                put(&mut text, format_args!(" {word} |"));
            }
            text.push('\n');
        }
    }
    text +=
        "\n## Checks\n\n| check | platform | model | verdict | detail |\n|---|---|---|---|---|\n";
    for it in &report.checks {
        let verdict = it.verdict.name();
        put(
            &mut text,
            format_args!(
                "| {} | {} | {} | {verdict} | {} |\n",
                escaped(&it.what),
                it.platform.map_or("", accel_core::Platform::label),
                escaped(it.model.as_deref().unwrap_or_default()),
                escaped(&it.detail)
            ),
        );
    }
    text
}

fn finding(it: &Finding) -> String {
    let about = about(it);
    let about = if about.is_empty() { about } else { format!("{}: ", escaped(&about)) };
    let mut text = format!("\n### {} {about}{}\n\n", it.code, it.code.entry().title);
    put(&mut text, format_args!("{}\n", escaped(&it.message)));
    if let Some((wanted, given)) = it.wanted.as_ref().zip(it.given.as_ref()) {
        put(&mut text, format_args!("\nWanted: {}. Given: {}.\n", escaped(wanted), escaped(given)));
    }
    if let Some(location) = &it.location {
        put(&mut text, format_args!("\nAt {}:{}.\n", escaped(&location.file), location.line));
    }
    if !it.evidence.is_empty() {
        text += "\nSeen:\n\n";
        for seen in &it.evidence {
            put(&mut text, format_args!("- {}: {}\n", escaped(&seen.what), escaped(&seen.value)));
        }
    }
    text += "\nWhat helps, in this order:\n\n";
    for (number, advice) in it.recommendations.iter().enumerate() {
        put(&mut text, format_args!("{}. {}\n", number + 1, escaped(advice)));
    }
    text
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|it| it.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Text in which nothing is markup: neither Markdown's own nor HTML in it. Commands in backticks
/// of our own advice stay readable as they are.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '&' => safe += "&amp;",
            '\\' | '*' | '_' | '[' | ']' | '(' | ')' | '|' | '#' | '!' | '~' | '`' | '@' => {
                safe.push('\\');
                safe.push(character);
            }
            _ => safe.push(character),
        }
    }
    safe
}
