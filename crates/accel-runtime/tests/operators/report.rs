//! Counts, the lines of the report, and what is recorded of refusals.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::{env, io};

use libtest_mimic::Failed;

use crate::outcome::{Line, Outcome};

/// Adds the lines to the file that `ACCEL_OPERATOR_REPORT` names.
pub(crate) fn append(lines: &[Line]) -> io::Result<()> {
    let Some(path) = env::var_os("ACCEL_OPERATOR_REPORT") else { return Ok(()) };
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    for line in lines {
        writeln!(file, "{}", serde_json::to_string(line)?)?;
    }
    Ok(())
}

fn count(lines: &[Line], outcome: Outcome) -> usize {
    lines.iter().filter(|it| it.outcome == outcome).count()
}

/// A Markdown table of the counts.
pub(crate) fn table(lines: &[Line]) -> String {
    let engine = lines.first().map_or("", |it| it.engine.as_str());
    let [right, refused, wrong, crashed] =
        [Outcome::Right, Outcome::Refused, Outcome::Wrong, Outcome::Crashed]
            .map(|it| count(lines, it));
    format!(
        "| engine | cases | right | refused | wrong | crashed |\n|---|---|---|---|---|---|\n\
         | {engine} | {} | {right} | {refused} | {wrong} | {crashed} |",
        lines.len()
    )
}

/// Fails with every case that ended neither right nor refused.
pub(crate) fn verdict(lines: &[Line]) -> Result<(), Failed> {
    let bad: Vec<_> = lines
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::Wrong | Outcome::Crashed))
        .map(|it| format!("{:?}: {}: {}", it.outcome, it.case, it.reason))
        .collect();
    if bad.is_empty() { Ok(()) } else { Err(bad.join("\n").into()) }
}

/// What is refused: for every operator and reason, how many cases.
fn refusals(lines: &[Line]) -> String {
    let mut groups: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for line in lines.iter().filter(|it| it.outcome == Outcome::Refused) {
        groups.entry((&line.about, &line.reason)).or_default().push(&line.case);
    }
    let mut text = format!(
        "{} right, {} refused\n",
        count(lines, Outcome::Right),
        count(lines, Outcome::Refused)
    );
    for ((about, reason), cases) in groups {
        _ = writeln!(text, "\n{about}: {reason}");
        for case in cases {
            _ = writeln!(text, "    {case}");
        }
    }
    text
}

/// Fails when rten refuses something else than is recorded.
pub(crate) fn compare_with_recorded(lines: &[Line]) -> Result<(), Failed> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/operators/rten.txt");
    let now = refusals(lines);
    if env::var_os("ACCEL_OPERATOR_RECORD").is_some() {
        fs::write(path, now)?;
        return Ok(());
    }
    let recorded = fs::read_to_string(path)?;
    if recorded == now {
        return Ok(());
    }
    let news: Vec<_> = now.lines().filter(|it| !recorded.lines().any(|old| old == *it)).collect();
    Err(format!(
        "not as recorded in {path}; new: {}; if that is meant, set ACCEL_OPERATOR_RECORD=1",
        news.join(" | ")
    )
    .into())
}
