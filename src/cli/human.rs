//! A run, for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use accel_core::{Platform, Variant, Vocabulary as _};

use super::choice::Chosen;
use super::console::{Console, Paint, TableCell, count, heading, plain, table};
use super::outcomes::TestReport;
use super::report::{FileReport, Mode, Report, Status};
use crate::files::Kind;

/// How many files a run that writes names one by one.
const MOST_NAMED: usize = 20;

/// What deserves a line on stderr.
pub(super) fn warnings(report: &Report, console: Console) {
    if !report.registry_warnings.is_empty() {
        console.note(&format!(
            "the registry has {}; see `accelgen registry validate`",
            count(report.registry_warnings.len(), "warning")
        ));
    }
    for warning in &report.warnings {
        console.warn(warning);
    }
}

/// Everything about a run. Writing to a `String` cannot fail, so results of `write!` are dropped.
pub(super) fn report(report: &Report, console: Console) -> String {
    let paint = console.paint;
    let mut text = match report.mode {
        Mode::Check => check(report, paint),
        Mode::Write | Mode::Prune => {
            matrix(report, paint) + &files(report, paint, MOST_NAMED) + &summary(report)
        }
        Mode::DryRun | Mode::Diff => {
            matrix(report, paint) + &files(report, paint, usize::MAX) + &summary(report)
        }
    };
    if let Some(tests) = &report.tests {
        text.push('\n');
        text.push_str(&outcomes(tests, paint));
    }
    text
}

/// One line for a run of `--watch`.
pub(super) fn line(report: &Report) -> String {
    summary(report)
}

/// The model × platform table, and why cells are unsupported.
fn matrix(report: &Report, paint: Paint) -> String {
    if report.cells.is_empty() {
        return String::new();
    }
    let mut head = vec![heading("model")];
    head.extend(Platform::ALL.iter().map(|it| heading(it.name())));
    let mut rows = vec![head];
    for (model, cells) in &report.cells {
        let mut row = vec![plain(model)];
        row.extend(Platform::ALL.iter().map(|it| matrix_cell(cells.get(it))));
        rows.push(row);
    }
    let mut text = table(paint, &rows);
    let mut reasons: BTreeMap<(Platform, String), Vec<String>> = BTreeMap::new();
    for it in report.unsupported() {
        reasons.entry((it.platform, it.reason)).or_default().push(it.model);
    }
    if !reasons.is_empty() {
        text.push_str("\nunsupported:\n");
    }
    for ((platform, reason), models) in reasons {
        let _ = writeln!(text, "  {platform} ({}): {reason}", models.join(", "));
    }
    text.push('\n');
    text
}

fn matrix_cell<'a>(chosen: Option<&Chosen>) -> TableCell<'a> {
    match chosen {
        Some(Chosen::Yes(Variant::Real)) => TableCell { text: "real".into(), paint: Paint::good },
        Some(Chosen::Yes(Variant::Simulation)) => {
            TableCell { text: "simulation".into(), paint: Paint::warn }
        }
        Some(Chosen::Unsupported { .. }) => {
            TableCell { text: "unsupported".into(), paint: Paint::dim }
        }
        Some(Chosen::No) | None => TableCell { text: "-".into(), paint: Paint::dim },
    }
}

/// The files that are not as they were. When they are more than `most`, a few of a kind say more
/// than the first ones of the alphabet, so those that were created go without saying.
fn files(report: &Report, paint: Paint, most: usize) -> String {
    let quiet = [Status::Unchanged, Status::NotOurs, Status::Orphaned];
    let mut told: Vec<&FileReport> =
        report.files.iter().filter(|it| !quiet.contains(&it.status)).collect();
    if told.len() > most {
        told.retain(|it| it.status != Status::Created);
    }
    let mut text = String::new();
    for file in told.iter().take(most) {
        file_line(&mut text, file, file.status.name(), paint);
    }
    if told.len() > most {
        let _ = writeln!(text, "… and {} more; --format json lists them all", told.len() - most);
    }
    text
}

fn file_line(text: &mut String, file: &FileReport, status: &str, paint: Paint) {
    let padded = format!("{status:<12}");
    let status = match file.status {
        Status::Created | Status::WouldCreate => paint.good(&padded),
        Status::Changed | Status::WouldChange => paint.warn(&padded),
        Status::Unchanged => padded,
        _ => paint.bad(&padded),
    };
    let _ = writeln!(text, "{status}  {}", file.path);
    if let Some(diff) = &file.diff {
        text.push_str(&paint.diff(diff));
    }
}

/// `wrote 14 files to generated: 7 skills, 7 tests; 0 unchanged`.
fn summary(report: &Report) -> String {
    let (verb, removed, created, changed) = match report.mode {
        Mode::Write | Mode::Prune | Mode::Check => {
            ("wrote", Status::Removed, Status::Created, Status::Changed)
        }
        Mode::DryRun | Mode::Diff => {
            ("would write", Status::WouldRemove, Status::WouldCreate, Status::WouldChange)
        }
    };
    let written = |it: &&FileReport| it.status == created || it.status == changed;
    let number = report.files.iter().filter(written).count();
    let mut text = if report.cells.is_empty() {
        String::new()
    } else if number == 0 {
        let kinds = kinds(report, |it| it.status == Status::Unchanged);
        format!("{verb} nothing to {}: {kinds} unchanged, ", report.output_dir)
    } else {
        format!(
            "{verb} {} to {}: {}; {} unchanged, ",
            count(number, "file"),
            report.output_dir,
            kinds(report, |it| written(&it)),
            report.count(Status::Unchanged)
        )
    };
    let would = if removed == Status::Removed { "" } else { "would be " };
    let _ = writeln!(text, "{} {would}removed", report.count(removed));
    text
}

/// `7 skills, 7 tests, 6 module files`: how many files of each kind are `counted`.
fn kinds(report: &Report, counted: impl Fn(&FileReport) -> bool) -> String {
    let of_kind =
        |kind: Kind| report.files.iter().filter(|it| it.kind == Some(kind) && counted(it)).count();
    let kinds: Vec<String> = KINDS
        .iter()
        .map(|(kind, name)| (of_kind(*kind), name))
        .filter(|(number, _)| *number > 0)
        .map(|(number, name)| count(number, name))
        .collect();
    if kinds.is_empty() { "0 files".to_owned() } else { kinds.join(", ") }
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Skill, "skill"),
    (Kind::Test, "test"),
    (Kind::Extra, "extra test"),
    (Kind::Index, "module file"),
];

/// What a check found: everything, each with its name, then one line with what to do.
fn check(report: &Report, paint: Paint) -> String {
    let mut text = String::new();
    let mut counts: BTreeMap<Status, (&str, usize)> = BTreeMap::new();
    for file in &report.files {
        let name = match file.status {
            Status::Unchanged => continue,
            Status::WouldCreate => "missing",
            Status::WouldRemove => "orphaned",
            Status::NotOurs => "not ours",
            _ => "stale",
        };
        file_line(&mut text, file, name, paint);
        counts.entry(file.status).or_insert((name, 0)).1 += 1;
    }
    let current = report.count(Status::Unchanged);
    if counts.is_empty() {
        let _ = writeln!(text, "{} is up to date: {}", report.output_dir, count(current, "file"));
        return text;
    }
    let words: Vec<String> =
        counts.values().map(|(name, number)| format!("{number} {name}")).collect();
    let _ = writeln!(
        text,
        "{} is not up to date: {}, {current} up to date",
        report.output_dir,
        words.join(", ")
    );
    let fixable = counts.keys().any(|it| *it != Status::NotOurs);
    if fixable {
        text.push_str(
            "run `accelgen --all` to write what is missing or stale and remove orphans\n",
        );
    }
    if counts.contains_key(&Status::NotOurs) {
        text.push_str(
            "accelgen leaves files that it did not write alone: move them out of src and tests\n",
        );
    }
    text
}

/// What the tests came to.
fn outcomes(tests: &TestReport, paint: Paint) -> String {
    let heads = [
        "model",
        "platform",
        "passed",
        "with fallback",
        "simulated",
        "skipped",
        "expected-failure",
        "failed",
        "ran by",
    ];
    let mut rows = vec![heads.map(heading).into()];
    for it in &tests.cells {
        let good: fn(Paint, &str) -> String = if it.passed > 0 { Paint::good } else { Paint::dim };
        let bad: fn(Paint, &str) -> String = if it.failed > 0 { Paint::bad } else { Paint::dim };
        let mut row = vec![
            plain(&it.model),
            plain(it.platform.name()),
            TableCell { text: it.passed.to_string().into(), paint: good },
            plain(it.passed_with_fallback.to_string()),
            plain(it.simulated.to_string()),
            plain(it.skipped.to_string()),
            plain(it.expected_failure.to_string()),
            TableCell { text: it.failed.to_string().into(), paint: bad },
        ];
        if !it.ran_by.is_empty() {
            row.push(plain(it.ran_by.iter().map(String::as_str).collect::<Vec<_>>().join("; ")));
        }
        rows.push(row);
    }
    let mut text = table(paint, &rows);
    for it in &tests.skips {
        let models: BTreeSet<&str> = it.models.iter().map(String::as_str).collect();
        let models: Vec<&str> = models.into_iter().collect();
        let _ = writeln!(
            text,
            "skipped {} on {} ({}): {}",
            it.count,
            it.platform,
            models.join(", "),
            it.reason
        );
    }
    for it in &tests.failures {
        let name = paint.bad(&format!("{}::{}::{}", it.model, it.platform, it.case));
        let _ = writeln!(text, "{name} failed at {}: {}", it.stage, it.message);
    }
    for it in &tests.without_result {
        let name = paint.bad(&format!("{}::{}", it.model, it.platform));
        let _ = writeln!(text, "{name} left no result");
    }
    if let Some(problem) = &tests.problem {
        let _ = writeln!(text, "{} {problem}", paint.bad("cargo test failed:"));
    }
    text
}
