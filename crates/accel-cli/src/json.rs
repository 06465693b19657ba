//! `--format json`: one document on stdout, whatever the command and however it ended. The
//! crate's README says what is in each.

use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;

/// The version of every document.
const VERSION: u32 = 1;

/// A document: the version, then the fields of `body`.
pub(crate) fn document(body: impl Serialize) -> String {
    #[derive(Serialize)]
    struct Document<T> {
        version: u32,
        #[serde(flatten)]
        body: T,
    }
    // Our own types have string keys; there is nothing that JSON cannot hold.
    let text = serde_json::to_string_pretty(&Document { version: VERSION, body });
    text.unwrap_or_else(|it| json!({ "version": VERSION, "error": it.to_string() }).to_string())
        + "\n"
}

/// A failure.
pub(crate) fn failure(failure: &Failure) -> String {
    document(json!({
        "error": {
            "code": failure.code,
            "acc": failure.acc,
            "message": failure.message,
        },
    }))
}
