//! `--format json`: one document on stdout, whatever the command and however it ended.
//!
//! Every document begins with `"version": 1`; the number grows when a field changes its meaning
//! or goes away, not when one is added. Exit codes are those of the human form.
//!
//! **Generation** (write, `--check`, `--dry-run`, `--diff`, `--prune`):
//!
//! ```text
//! { "version": 1,
//!   "registry": path, "output_dir": path,
//!   "mode": "write" | "check" | "dry-run" | "diff" | "prune",
//!   "files": [ { "path": below output_dir, with forward slashes,
//!                "model": key | null, "platform": name | null, "variant": "real" | "simulation" | null,
//!                "kind": "skill" | "test" | "extra" | "index" | null, "family": name | null,
//!                "template": name | null,
//!                "status": "created" | "changed" | "unchanged" | "removed" | "would-create"
//!                        | "would-change" | "would-remove" | "orphaned" | "not-ours",
//!                "diff": unified diff; only with check and diff, only for would-change } ],
//!   "unsupported": [ { "model", "platform", "reason" } ],     the chosen ones
//!   "warnings": [ text ],
//!   "summary": { "created": n, "changed": n, "unchanged": n, "removed": n, "would_create": n,
//!                "would_change": n, "would_remove": n, "orphaned": n, "not_ours": n },
//!   "tests": only with --run-tests:
//!     { "cells": [ { "model", "platform", "passed", "passed_with_fallback", "simulated", "skipped",
//!                   "expected_failure", "failed",
//!                   "ran_by": [ "engine version on device" ] } ],
//!       "skips": [ { "platform", "reason", "count", "models": [key] } ],
//!       "failures": [ { "model", "platform", "case", "stage", "message" } ],
//!       "without_result": [ { "model", "platform" } ],
//!       "problem": text | null } }                            why cargo itself failed
//! ```
//!
//! Index files and files that are only on disk have nulls. `orphaned` and `not-ours` stay.
//!
//! **The rest:**
//!
//! ```text
//! --list --matrix    { "version", "list": "matrix", "total": n, "items": [ { "model", "class", "hub_id",
//!                      "architectures": [ text ], "model_type", "family", "subfamily", "tasks": [ name ],
//!                      "parameters": n, "precisions": [ name; beside fp32 ], "platforms": { name:
//!                      { "support", "evidence": name | { "device": { "device", "date" } }, "reason",
//!                        "device": name | "", "memory_limit_bytes": n; 0 is none, "expected_failures": { case: reason } } } } ] }
//! registry verify-evidence
//!                    { "version", "registry": path, "report": path, "proved": n,
//!                      "unproved": [ { "model", "platform", "case" | null, "message" } ], "hints": [ same ] }
//! --list WHAT        { "version", "list": "models" | …, "total": n, "items": [ at most --limit ] }
//! --explain MODEL    { "version", "explain": { … } }
//! registry validate  { "version", "registry": path, "valid": true, "problems": [ warnings ] }
//! registry add       { "version", "registry": path, "key", "written": bool, "entry": YAML }
//! ```
//!
//! **Errors** (exit code 2):
//!
//! ```text
//! { "version": 1,
//!   "error": { "code": "usage" | "invalid-registry" | "unreadable-registry" | "unknown-model"
//!                    | "nothing-selected" | "template" | "not-rust" | "not-ours"
//!                    | "symbolic-link" | "in-the-way" | "io" | "cannot-add" | "tests",
//!              "message": as people see it,
//!              "problems": [ { "code": "E204", "severity": "error" | "warning", "message",
//!                              "file", "line", "column", "length", "help": text | null } ] } }
//! ```

use serde::Serialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::report::{Report, Status};
use crate::registry::Problem;

/// The version of every document.
const VERSION: u32 = 1;

/// A document: the version, then the fields of `body`.
pub(super) fn document(body: impl Serialize) -> String {
    #[derive(Serialize)]
    struct Document<T> {
        version: u32,
        #[serde(flatten)]
        body: T,
    }
    // Our own types have string keys and finite numbers; there is nothing that JSON cannot hold.
    let text = serde_json::to_string_pretty(&Document { version: VERSION, body });
    text.unwrap_or_else(|it| json!({ "version": VERSION, "error": it.to_string() }).to_string())
        + "\n"
}

/// A run.
pub(super) fn report(report: &Report) -> String {
    let count = |status| report.count(status);
    let warnings: Vec<&String> = report.registry_warnings.iter().chain(&report.warnings).collect();
    let mut body = json!({
        "registry": report.registry,
        "output_dir": report.output_dir,
        "mode": report.mode,
        "files": report.files,
        "unsupported": report.unsupported(),
        "warnings": warnings,
        "summary": {
            "created": count(Status::Created),
            "changed": count(Status::Changed),
            "unchanged": count(Status::Unchanged),
            "removed": count(Status::Removed),
            "would_create": count(Status::WouldCreate),
            "would_change": count(Status::WouldChange),
            "would_remove": count(Status::WouldRemove),
            "orphaned": count(Status::Orphaned),
            "not_ours": count(Status::NotOurs),
        },
    });
    if let Some(tests) = &report.tests {
        body["tests"] = json!(tests);
    }
    document(body)
}

/// A failure.
pub(super) fn failure(failure: &Failure) -> String {
    document(json!({
        "error": {
            "code": failure.code,
            "message": failure.message,
            "problems": problems(&failure.problems),
        },
    }))
}

/// The registry's problems.
pub(super) fn problems(list: &[Problem]) -> Value {
    let flat = |it: &Problem| {
        json!({
            "code": it.code,
            "severity": it.severity,
            "message": it.message,
            "file": it.location.file,
            "line": it.location.line,
            "column": it.location.column,
            "length": it.location.length,
            "help": it.help,
        })
    };
    list.iter().map(flat).collect()
}
