//! One page that needs nothing else: no script, no fonts, no network; dark where the reader's
//! system is.

use accel_core::Vocabulary as _;
use accel_core::diagnosis::{Finding, Matrix, Report, Severity, Worth, visible};

use super::{about, summary};
use crate::console::put;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1f23;--soft:#5d6670;--page:#fff;--card:#f6f7f9;--line:#dfe3e8;\
--critical:#a4133c;--error:#c1121f;--warning:#9a6700;--info:#0b63b5;--good:#1a7f37}\
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa4af;--page:#15181c;--card:#1e2227;\
--line:#333a42;--critical:#ff7b9c;--error:#ff8078;--warning:#e3b341;--info:#6cb6ff;--good:#57ab5a}}\
*{box-sizing:border-box}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:0 auto;\
max-width:60rem;padding:2rem 1rem;overflow-wrap:anywhere}\
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}\
h3{font-size:1rem;margin:0}p{margin:.35rem 0}.soft{color:var(--soft)}\
article{background:var(--card);border:1px solid var(--line);border-left:4px solid;border-radius:6px;\
margin:.6rem 0;padding:.7rem 1rem}\
.critical{border-left-color:var(--critical)}.error{border-left-color:var(--error)}\
.warning{border-left-color:var(--warning)}.info{border-left-color:var(--info)}\
h2.critical{color:var(--critical)}h2.error{color:var(--error)}h2.warning{color:var(--warning)}\
h2.info{color:var(--info)}\
code{font:.9em ui-monospace,monospace}ol,ul{margin:.35rem 0;padding-left:1.4rem}\
pre{background:var(--page);border:1px solid var(--line);border-radius:4px;padding:.4rem .7rem;\
margin:.4rem 0;white-space:pre-wrap}\
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;min-width:100%}\
th,td{overflow-wrap:normal;border-bottom:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}\
td:last-child{overflow-wrap:anywhere}.passed,.loads{color:var(--good)}.failed,.impossible{color:var(--error)}\
.skipped,.possible{color:var(--soft)}";

pub(super) fn text(report: &Report) -> String {
    let mut body = format!(
        "<h1>accel doctor</h1>\n<p class=\"soft\">{}; {}.</p>\n",
        escaped(&report.program),
        escaped(&summary(report))
    );
    for severity in Severity::ALL {
        let mut findings = report.findings.iter().filter(|it| it.severity == *severity).peekable();
        if findings.peek().is_none() {
            continue;
        }
        let (name, count) = (severity.name(), report.counts.get(*severity));
        put(&mut body, format_args!("<h2 class=\"{name}\">{name} ({count})</h2>\n"));
        for it in findings {
            body += &finding(it);
        }
    }
    if let Some(matrix) = &report.matrix {
        body += &grid(matrix);
    }
    body += &checks(report);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n<title>accel doctor</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn finding(it: &Finding) -> String {
    let about = about(it);
    let about = if about.is_empty() { about } else { format!(" · {}", escaped(&about)) };
    let mut text = format!(
        "<article class=\"{}\">\n<h3><code>{}</code> {}{about}</h3>\n<p>{}</p>\n",
        it.severity,
        it.code,
        escaped(it.code.entry().title),
        prose(&it.message)
    );
    if let Some((wanted, given)) = it.wanted.as_ref().zip(it.given.as_ref()) {
        let (wanted, given) = (escaped(wanted), escaped(given));
        put(&mut text, format_args!("<p>Wanted: {wanted}. Given: {given}.</p>\n"));
    }
    if let Some(location) = &it.location {
        let file = escaped(&location.file);
        put(&mut text, format_args!("<p class=\"soft\">{file}:{}</p>\n", location.line));
    }
    if let Some(remedy) = &it.remedy {
        put(&mut text, format_args!("<pre><code>{}</code></pre>\n", escaped(remedy)));
    }
    text += "<ol>\n";
    for advice in &it.recommendations {
        put(&mut text, format_args!("<li>{}</li>\n", prose(advice)));
    }
    text += "</ol>\n";
    if !it.evidence.is_empty() {
        text += "<details><summary class=\"soft\">what was seen</summary>\n<ul>\n";
        for seen in &it.evidence {
            put(
                &mut text,
                format_args!("<li>{}: {}</li>\n", escaped(&seen.what), escaped(&seen.value)),
            );
        }
        text += "</ul>\n</details>\n";
    }
    text + "</article>\n"
}

fn grid(matrix: &Matrix) -> String {
    let mut text = "<h2>Matrix</h2>\n<div class=\"wide\"><table>\n<tr><th>model</th>".to_owned();
    for platform in &matrix.platforms {
        put(&mut text, format_args!("<th>{}</th>", platform.label()));
    }
    text += "</tr>\n";
    for row in &matrix.rows {
        put(&mut text, format_args!("<tr><td>{}</td>", escaped(&row.model)));
        for cell in &row.cells {
            let (class, word) = match cell.worth {
                Worth::Loads => ("loads", "loads"),
                Worth::Possible => ("possible", "possible"),
                Worth::Impossible => ("impossible", "no"),
            };
            let reason = escaped(&cell.reason);
            put(&mut text, format_args!("<td class=\"{class}\" title=\"{reason}\">{word}</td>"));
        }
        text += "</tr>\n";
    }
    text + "</table></div>\n"
}

fn checks(report: &Report) -> String {
    let mut text = "<h2>Checks</h2>\n<div class=\"wide\"><table>\n<tr><th>check</th>\
                    <th>platform</th><th>model</th><th>verdict</th><th>detail</th></tr>\n"
        .to_owned();
    for it in &report.checks {
        let verdict = it.verdict.name();
        put(
            &mut text,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{verdict}\">{verdict}</td>\
             <td>{}</td></tr>\n",
                escaped(&it.what),
                it.platform.map_or("", accel_core::Platform::label),
                escaped(it.model.as_deref().unwrap_or_default()),
                escaped(&it.detail)
            ),
        );
    }
    text + "</table></div>\n"
}

/// A sentence whose words in backticks are code.
fn prose(text: &str) -> String {
    let parts: Vec<_> = text.split('`').map(escaped).collect();
    // An odd number of backticks is no pair of them.
    if parts.len().is_multiple_of(2) {
        return escaped(text);
    }
    let each = parts.into_iter().enumerate();
    each.map(|(i, it)| if i % 2 == 1 { format!("<code>{it}</code>") } else { it }).collect()
}

/// Text that is neither markup nor the end of an attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '&' => safe += "&amp;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            _ => safe.push(character),
        }
    }
    safe
}
