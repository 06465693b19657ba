//! Text that is safe to show, to put into a path and to put into generated code.

use super::Code;
use super::context::{Context, is_hidden, quote};
use super::decode::{self, Decode};
use super::yaml::Node;

/// The most characters of a text.
const MAX_LINE: usize = 500;

/// The most characters of a name, an id or a path.
const MAX_NAME: usize = 200;

/// Declares a kind of text: `check` says what is wrong with one, `pattern` says nearly the same
/// to editors.
macro_rules! texts {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident = $what:literal, $code:ident, $check:expr, $pattern:literal;
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(super) struct $name(pub(super) String);

        impl Decode for $name {
            fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
                let text = decode::text(node, $what, cx)?;
                let check: fn(&str) -> Result<(), String> = $check;
                match check(text) {
                    Ok(()) => Some(Self(text.to_owned())),
                    Err(help) => {
                        let (code, message) = if text.is_empty() {
                            (Code::EmptyValue, format!("{} cannot be empty", $what))
                        } else {
                            (Code::$code, format!("{} is not {}", quote(text), $what))
                        };
                        cx.advise(code, node.span, message, help);
                        None
                    }
                }
            }
        }

        #[cfg(feature = "cli")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    )+ };
}

texts! {
    /// One line for people.
    Line = "a line of text", BadText, line, r"^\S(.{0,498}\S)?$";
    /// A repository on the Hub.
    HubId = "a Hub id", BadHubId, hub_id, r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$";
    /// A commit, tag or branch.
    Revision = "a revision", BadRevision, revision, r"^[A-Za-z0-9][A-Za-z0-9._/-]*$";
    /// A folder below the registry's own.
    ModelDir = "a model directory", BadModelDir, model_dir, r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$";
    /// A Python class of Hugging Face transformers.
    Architecture = "an architecture", BadConfigName, architecture, r"^[A-Za-z_][A-Za-z0-9_]*$";
    /// `model_type` of a `config.json`.
    ModelType = "a model type", BadConfigName, model_type, r"^[A-Za-z0-9][A-Za-z0-9._-]*$";
    /// A day.
    Day = "a day", BadDate, day, r"^\d{4}-\d{2}-\d{2}$";
}

fn line(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("write something, or remove the key".to_owned());
    }
    if let Some(c) = text.chars().find(|it| is_hidden(*it)) {
        return Err(format!(
            "write one line of visible characters, without {} (a folded `>-` text is one line)",
            c.escape_unicode()
        ));
    }
    if text.chars().count() > MAX_LINE {
        return Err(format!("write at most {MAX_LINE} characters"));
    }
    if text.trim() != text {
        return Err("remove the blanks around it".to_owned());
    }
    Ok(())
}

/// Whether a name has only characters that are safe in a path and a URL, begins with a letter or
/// digit, and cannot mean a parent folder.
fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !text.contains("..")
        && !text.ends_with('.')
}

fn hub_id(text: &str) -> Result<(), String> {
    match text.split_once('/') {
        Some((owner, name)) if is_name(owner) && is_name(name) => Ok(()),
        _ => Err("write `owner/name`, such as `google-bert/bert-base-uncased`: letters, digits, \
                  `.`, `_` and `-`"
            .to_owned()),
    }
}

fn revision(text: &str) -> Result<(), String> {
    if text.len() <= MAX_NAME && text.split('/').all(is_name) {
        return Ok(());
    }
    Err("write a commit (40 hexadecimal digits), a tag or a branch: letters, digits, `.`, `_`, \
         `-` and `/`, without `..`"
        .to_owned())
}

fn model_dir(text: &str) -> Result<(), String> {
    let is_part = |part: &str| is_name(part.strip_prefix('_').unwrap_or(part));
    if text.len() <= MAX_NAME && text.split('/').all(is_part) {
        return Ok(());
    }
    Err("write a folder relative to the registry's own, such as `fixtures/bert`: letters, digits, \
         `.`, `_`, `-`, with `/` between the parts, never `..`, `\\` or a drive"
        .to_owned())
}

fn architecture(text: &str) -> Result<(), String> {
    let is_class = text.len() <= MAX_NAME
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_class {
        return Ok(());
    }
    Err("copy it from `architectures` of the model's config.json, such as `BertForMaskedLM`"
        .to_owned())
}

fn model_type(text: &str) -> Result<(), String> {
    if is_name(text) {
        return Ok(());
    }
    Err("copy it from `model_type` of the model's config.json, such as `bert`".to_owned())
}

fn day(text: &str) -> Result<(), String> {
    let parts: Vec<Option<u32>> = text
        .split('-')
        .map(|it| it.bytes().all(|b| b.is_ascii_digit()).then(|| it.parse().ok()).flatten())
        .collect();
    let well_formed = text.len() == 10 && text.as_bytes().get(4) == Some(&b'-');
    if let ([Some(year), Some(month), Some(day)], true) = (parts.as_slice(), well_formed)
        && *year >= 2000
        && (1..=days_of(*year, *month)).contains(day)
    {
        return Ok(());
    }
    Err("write the day of the run as `YYYY-MM-DD`, such as `2026-11-20`".to_owned())
}

/// Days of a month; 0 when there is no such month.
fn days_of(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{architecture, day, hub_id, line, model_dir, revision};

    #[test]
    fn a_path_cannot_leave_its_folder() {
        for good in ["fixtures/bert", "a", "_models/v1.2/x-y"] {
            assert!(model_dir(good).is_ok(), "{good}");
        }
        for bad in ["../x", "a/../b", "/etc", "a//b", "a\\b", "C:/x", "c:", "a/", ".", "a/.", "~/a"]
        {
            assert!(model_dir(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_and_revisions() {
        assert!(hub_id("google-bert/bert-base-uncased").is_ok());
        for bad in ["bert", "a/b/c", "a/..", "../a", "a b/c", "a/", "https://hf.co/a/b"] {
            assert!(hub_id(bad).is_err(), "{bad}");
        }
        for good in ["main", "refs/pr/1", "v1.0", "86b5e0934494bd15c9632b12f734a8a67f723594"] {
            assert!(revision(good).is_ok(), "{good}");
        }
        for bad in ["a..b", "-main", "a/../b", "a b", "a\n", "x;rm"] {
            assert!(revision(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lines_are_single_visible_and_short() {
        assert!(line("quotes \" and */ and ]; are text").is_ok());
        assert!(line(&"ä".repeat(500)).is_ok());
        for bad in ["", " ", " a", "a\nb", "a\u{202e}b", "a\u{0}", "a\u{2028}b", "a\u{200b}b"] {
            assert!(line(bad).is_err(), "{bad:?}");
        }
        assert!(line(&"a".repeat(501)).is_err());
    }

    #[test]
    fn days_exist() {
        for good in ["2026-11-20", "2024-02-29"] {
            assert!(day(good).is_ok(), "{good}");
        }
        for bad in
            ["2026-02-29", "2026-13-01", "2026-1-1", "1999-01-01", "2026-00-10", "20261-1-20"]
        {
            assert!(day(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn architectures_are_python_classes() {
        assert!(architecture("BertForMaskedLM").is_ok());
        assert!(architecture("Bert\"];").is_err());
    }
}
