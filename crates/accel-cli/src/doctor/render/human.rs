//! For a terminal: grouped by severity, the worst first; short.

use std::borrow::Cow;

use accel_core::Vocabulary as _;
use accel_core::diagnosis::{Finding, Matrix, Report, Severity, Verdict, Worth, visible};

use super::{about, summary};
use crate::console::{Paint, TableCell, heading, plain, put, table};

/// Advice that is shown of each finding; `accel explain` has all of it.
const ADVICE: usize = 2;

/// Characters that are shown of what was seen where all is well.
const DETAIL: usize = 90;

pub(super) fn text(report: &Report, paint: Paint) -> String {
    let mut text = String::new();
    for severity in Severity::ALL {
        let mut findings = report.findings.iter().filter(|it| it.severity == *severity).peekable();
        if findings.peek().is_none() {
            continue;
        }
        let title = format!("{} ({})", severity.name(), report.counts.get(*severity));
        put(&mut text, format_args!("{}\n", painted(*severity, &title, paint)));
        for it in findings {
            text += &finding(it, paint);
        }
        text.push('\n');
    }
    let passed: Vec<_> = report.checks.iter().filter(|it| it.verdict == Verdict::Passed).collect();
    if !passed.is_empty() {
        put(&mut text, format_args!("{}\n", paint.good(&format!("fine ({})", passed.len()))));
        for it in passed {
            let platform = it.platform.map(|it| format!("{}: ", it.label())).unwrap_or_default();
            let model = it.model.as_ref().map(|it| format!("{it}: ")).unwrap_or_default();
            let line = format!("  {platform}{model}{}", it.what);
            let detail = visible(&it.detail);
            put(&mut text, format_args!("{}  {}\n", visible(&line), paint.dim(&short(&detail))));
        }
        text.push('\n');
    }
    if let Some(matrix) = &report.matrix {
        text += &grid(matrix, paint);
        text.push('\n');
    }
    text += &summary(report);
    if !report.findings.is_empty() {
        text += "; `accel explain CODE` tells more";
    }
    text.push('\n');
    text
}

/// The beginning of a long text; other formats have all of it.
fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(DETAIL) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()).into(),
        None => text.into(),
    }
}

fn painted(severity: Severity, text: &str, paint: Paint) -> String {
    match severity {
        Severity::Critical | Severity::Error => paint.bad(text),
        Severity::Warning => paint.warn(text),
        Severity::Info => paint.bold(text),
    }
}

fn finding(it: &Finding, paint: Paint) -> String {
    let about = about(it);
    let about = if about.is_empty() { about } else { format!("{}: ", visible(&about)) };
    let code = paint.bold(it.code.name());
    let mut text = format!("  {code}  {about}{}\n", visible(&it.message));
    if let Some((wanted, given)) = it.wanted.as_ref().zip(it.given.as_ref()) {
        put(
            &mut text,
            format_args!("    wanted: {}; given: {}\n", visible(wanted), visible(given)),
        );
    }
    if let Some(location) = &it.location {
        let place = format!("{}:{}", visible(&location.file), location.line);
        put(&mut text, format_args!("    {}\n", paint.dim(&place)));
    }
    // What nobody misses needs no advice at length.
    let shown = if it.severity == Severity::Info { 1 } else { ADVICE };
    for advice in it.recommendations.iter().take(shown) {
        put(&mut text, format_args!("    - {}\n", visible(advice)));
    }
    text
}

fn grid(matrix: &Matrix, paint: Paint) -> String {
    let mut rows = vec![vec![heading("model")]];
    rows[0].extend(matrix.platforms.iter().map(|it| heading(it.label())));
    for row in &matrix.rows {
        let mut cells = vec![plain(visible(&row.model))];
        cells.extend(row.cells.iter().map(|it| {
            let (text, paint): (_, fn(Paint, &str) -> String) = match it.worth {
                Worth::Loads => ("loads", Paint::good),
                Worth::Possible => ("possible", Paint::dim),
                Worth::Impossible => ("no", Paint::bad),
            };
            TableCell { text: text.into(), paint }
        }));
        rows.push(cells);
    }
    table(paint, &rows)
}
