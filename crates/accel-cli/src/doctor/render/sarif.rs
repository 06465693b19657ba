//! SARIF 2.1.0 (OASIS standard of 27 March 2020): one run, the table of codes as its rules.

use accel_core::diagnosis::{ENTRIES, Entry, Finding, Location, Severity};
use serde_json::{Value, json};

use super::Shown;
use crate::console::put;

pub(super) fn text(shown: &Shown<'_>) -> String {
    let report = shown.report;
    let results: Vec<_> = report.findings.iter().map(|it| result(it, shown.registry)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "accel doctor",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": ENTRIES.iter().map(rule).collect::<Vec<_>>(),
            } },
            // URIs and messages are text; columns are not used.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// A code as a rule (§ 3.49).
fn rule(entry: &Entry) -> Value {
    let remedies: Vec<_> =
        entry.remedies.iter().enumerate().map(|(i, it)| format!("{}. {it}", i + 1)).collect();
    let causes: Vec<_> = entry.causes.iter().map(|it| format!("- {it}")).collect();
    let help = format!(
        "{}\n\nCauses:\n{}\n\nWhat helps, in this order:\n{}",
        entry.meaning,
        causes.join("\n"),
        remedies.join("\n")
    );
    json!({
        "id": entry.code,
        "name": format!("{:?}", entry.code),
        "shortDescription": { "text": format!("{}.", entry.title) },
        "fullDescription": { "text": entry.meaning },
        "help": { "text": help },
        "defaultConfiguration": { "level": level(entry.severity) },
        "properties": { "component": entry.component, "severity": entry.severity },
    })
}

/// A finding as a result (§ 3.27).
fn result(finding: &Finding, registry: Option<&str>) -> Value {
    let mut text = finding.message.clone();
    for advice in &finding.recommendations {
        put(&mut text, format_args!("\n- {advice}"));
    }
    json!({
        "ruleId": finding.code,
        "ruleIndex": finding.code as usize,
        "level": level(finding.severity),
        "message": { "text": text },
        "locations": locations(finding, registry),
        "properties": {
            "severity": finding.severity,
            "component": finding.component,
            "platform": finding.platform,
            "model": finding.model,
            "cause": finding.cause,
            "evidence": finding.evidence,
            "remedy": finding.remedy,
            "wanted": finding.wanted,
            "given": finding.given,
        },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// The finding's own place; else the registry's first line; else the file that the evidence
/// names. A machine's findings have no place where no registry was given.
fn locations(finding: &Finding, registry: Option<&str>) -> Vec<Value> {
    let first = |file: &str| Location { file: file.to_owned(), line: 1 };
    let seen = || finding.evidence.iter().find(|it| it.what == "file").map(|it| first(&it.value));
    let location = finding.location.clone().or_else(|| registry.map(first)).or_else(seen);
    let location = location.map(|it| {
        json!({ "physicalLocation": {
            "artifactLocation": { "uri": uri(&it.file) },
            "region": { "startLine": it.line.max(1) },
        } })
    });
    location.into_iter().collect()
}

/// A path as a URI reference (RFC 3986): absolute paths as `file:` URIs, everything that is not
/// unreserved or a separator percent-encoded.
fn uri(path: &str) -> String {
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let mut uri = String::new();
    if path.starts_with('/') {
        uri += "file://";
    } else if path.as_bytes().get(1) == Some(&b':') && cfg!(windows) {
        uri += "file:///";
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            put(&mut uri, format_args!("%{byte:02X}"));
        }
    }
    uri
}
