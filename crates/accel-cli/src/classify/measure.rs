//! `--evaluate`: how often the classifier is right on models that somebody labelled.

use std::fmt::Write as _;
use std::path::Path;

use accel_core::Subfamily;
use accel_core::classify::evaluate::{Evaluation, Given, evaluate, families, read_labels};
use serde_json::json;

use crate::console::{Console, Paint, heading, plain, table};
use crate::failure::Failure;
use crate::files;
use crate::json::document;

/// Prints the figures for the list at `path`.
pub(super) fn print(path: &Path, console: Console) -> Result<(), Failure> {
    let text = files::text(path)?.ok_or_else(|| files::absent(path))?;
    let models = read_labels(&text)
        .map_err(|it| Failure::input("unreadable", format!("{}, {it}", path.display())))?;
    let evaluations = Given::ALL.map(|it| evaluate(&models, it));
    if console.json() {
        console.print(&document(json!({ "evaluations": evaluations })));
    } else {
        let pages: Vec<_> = evaluations
            .iter()
            .filter(|it| it.models > 0)
            .map(|it| page(it, console.paint))
            .collect();
        console.print(&pages.join("\n"));
    }
    Ok(())
}

fn page(it: &Evaluation, paint: Paint) -> String {
    let mut text = format!(
        "{}\n{} models: family right {}, subfamily right {}\n\n",
        paint.bold(it.given.label()),
        it.models,
        share(it.right_family, it.models),
        share(it.right_subfamily, it.models),
    );
    let mut rows = vec![vec![heading("is \\ said")]];
    rows.extend(families().map(|is| vec![plain(is)]));
    for said in families() {
        for (row, is) in rows.iter_mut().zip([None].into_iter().chain(families().map(Some))) {
            row.push(match is {
                None => heading(said),
                Some(is) => {
                    let count = it.confusion.get(is).and_then(|it| it.get(said));
                    plain(count.copied().unwrap_or(0).to_string())
                }
            });
        }
    }
    text.push_str(&table(paint, &rows));
    text.push('\n');
    let titles = ["confidence", "answers", "subfamily right", "family right", "mean confidence"];
    let mut rows = vec![titles.map(heading).into()];
    for bin in it.reliability.iter().filter(|it| it.answers > 0) {
        rows.push(vec![
            plain(format!("{:.1} to {:.1}", bin.from, bin.to)),
            plain(bin.answers.to_string()),
            plain(share(bin.right, bin.answers)),
            plain(share(bin.right_family, bin.answers)),
            plain(bin.mean_confidence.map_or_else(String::new, |it| format!("{it:.2}"))),
        ]);
    }
    text.push_str(&table(paint, &rows));
    if !it.wrong.is_empty() {
        text.push_str("\nwrong\n");
    }
    for wrong in &it.wrong {
        let name = |it: Option<Subfamily>| it.map_or("none", Subfamily::name);
        let (said, is) = (name(wrong.answer), name(wrong.expected));
        let _ = writeln!(text, "  {:.2}  {}: said {said}, is {is}", wrong.confidence, wrong.name);
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "no list has 2^53 models")]
fn share(part: usize, whole: usize) -> String {
    format!("{:.3}", part as f64 / whole as f64)
}
