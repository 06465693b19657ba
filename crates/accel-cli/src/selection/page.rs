//! The matrix as one page of HTML that needs nothing else.

use std::fmt::Write as _;

use accel_core::Vocabulary as _;
use accel_core::compatibility::{
    FAMILY_RULE, Finding, Level, Matrix, MatrixBy, MatrixCell, Rule, Verdict,
};

use super::matrix::{about, word};
use super::{size, told};

const STYLE: &str = "\
:root { color-scheme: light dark; --line: light-dark(#d5d9de, #3a4048); --quiet: light-dark(#57606a, #9aa4af); }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem;
  color: light-dark(#1c2126, #e3e7eb); background: light-dark(#fff, #15181c); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
p, .quiet { color: var(--quiet); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
thead th { background: light-dark(#f3f5f7, #20252b); }
tbody th { font-weight: 600; white-space: nowrap; }
.high { background: light-dark(#d9f2df, #17401f); } .medium { background: light-dark(#eef5d4, #39431a); }
.low { background: light-dark(#fdecc8, #4d3a10); } .none { background: light-dark(#f7dcdc, #4a2020); }
summary { cursor: pointer; font-weight: 600; }
summary small { display: block; color: var(--quiet); }
th small, summary small { font-weight: 400; } .decides { font-weight: 600; }
details ul { margin: .4rem 0; padding-left: 1.1rem; max-width: 26rem; font-size: .87rem; }
code { font: .9em ui-monospace, monospace; }
";

/// The page.
pub(super) fn html(matrix: &Matrix) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>What runs where</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>What runs where</h1>\n<p>{} Open a cell to see what each rule found.</p>\n",
        Escaped(about(matrix))
    );
    // Writing to a String cannot fail, here and below.
    let _ = write!(
        page,
        "<div class=\"wide\">\n<table>\n<thead><tr><th scope=\"col\">{}</th>",
        matrix.by
    );
    for platform in &matrix.platforms {
        let _ = write!(page, "<th scope=\"col\">{}</th>", Escaped(platform.label()));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in &matrix.rows {
        let _ = write!(page, "<tr><th scope=\"row\">{}", Escaped(&row.name));
        if matrix.by == MatrixBy::Model {
            let _ = write!(page, "<br><small class=\"quiet\">{}</small>", row.family);
        }
        page.push_str("</th>\n");
        for platform in &matrix.platforms {
            match row.cells.get(platform) {
                Some(it) => cell(&mut page, it, matrix.by),
                None => page.push_str("<td></td>\n"),
            }
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</div>\n");
    rules(&mut page, matrix.by);
    page.push_str("</body>\n</html>\n");
    page
}

fn cell(page: &mut String, cell: &MatrixCell, by: MatrixBy) {
    let _ = write!(page, "<td class=\"{}\"><details><summary>{}", cell.level, word(cell, by));
    if let (MatrixBy::Model, [verdict]) = (by, cell.verdicts.as_slice()) {
        let _ = write!(page, "<small>{}</small>", Escaped(&brief(verdict)));
    }
    page.push_str("</summary>");
    for verdict in &cell.verdicts {
        if by == MatrixBy::Family {
            let _ = write!(page, "<strong>{}</strong>: {}", Escaped(&verdict.model), verdict.level);
        }
        page.push_str("<ul>");
        for reason in &verdict.reasons {
            let decides = reason.allows == verdict.level && verdict.level < Level::High;
            let _ = write!(
                page,
                "<li{}><code>{}</code> {}</li>",
                if decides { " class=\"decides\"" } else { "" },
                reason.rule,
                Escaped(&told(reason))
            );
        }
        page.push_str("</ul>");
    }
    page.push_str("</details></td>\n");
}

/// Precision and need, for below the level.
fn brief(verdict: &Verdict) -> String {
    let needs = size(verdict.need.map(|it| it.min_memory_bytes));
    match &verdict.device {
        Some(device) => format!("{device}, {}, {needs}", verdict.precision),
        None => format!("{}, {needs}", verdict.precision),
    }
}

fn rules(page: &mut String, by: MatrixBy) {
    page.push_str("<h2>Rules</h2>\n<p>A level is the least that any rule allows.");
    if by == MatrixBy::Family {
        let _ = write!(page, " {}", Escaped(FAMILY_RULE));
    }
    page.push_str(
        "</p>\n<div class=\"wide\">\n<table>\n<thead><tr><th>rule</th><th>finding</th>\
         <th>allows at most</th><th>meaning</th></tr></thead>\n<tbody>\n",
    );
    for rule in Rule::ALL {
        for it in Finding::ALL.iter().filter(|it| it.rule() == *rule) {
            let _ = writeln!(
                page,
                "<tr><td>{rule}</td><td><code>{it}</code></td><td class=\"{0}\">{0}</td><td>{1}</td></tr>",
                it.allows(),
                Escaped(it.doc())
            );
        }
    }
    page.push_str("</tbody>\n</table>\n</div>\n");
}

/// Text that cannot become markup.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                it if it.is_control() => f.write_str(" ")?,
                it => std::fmt::Write::write_char(f, it)?,
            }
        }
        Ok(())
    }
}
