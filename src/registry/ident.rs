//! Names that are safe as Rust identifiers and as file names.

use std::fmt;

/// The most characters a key may have.
const MAX_LEN: usize = 64;

/// Strict, reserved and edition-2024 keywords.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Crates that every path can begin with: a module of that name would hide them.
const CRATES: &[&str] = &["alloc", "core", "std"];

/// Names that Windows gives to devices, so that no file or folder can have them.
const DEVICES: &[&str] = &[
    "aux", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con", "lpt1",
    "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
];

/// A `snake_case` Rust identifier that is no keyword and is safe as the name of a file or folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct RustIdent(String);

impl RustIdent {
    /// Checks a name.
    ///
    /// # Errors
    /// [`IdentError`] says what is wrong with it.
    pub fn parse(name: &str) -> Result<Self, IdentError> {
        if !is_snake_case(name) {
            return Err(IdentError::Malformed { suggestion: suggestion(name) });
        }
        match reserved_as(name) {
            Some(what) => Err(IdentError::Reserved { what }),
            None => Ok(Self(name.to_owned())),
        }
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RustIdent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for RustIdent {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Why a name is not a [`RustIdent`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentError {
    /// Wrong characters or too long.
    #[error(
        "must be snake_case: a lower-case letter first, then lower-case letters, digits and single underscores, at most {MAX_LEN} characters"
    )]
    Malformed {
        /// A name close to it that is fine.
        suggestion: Option<String>,
    },
    /// The name means something else.
    #[error("is {what}")]
    Reserved {
        /// What it is.
        what: &'static str,
    },
}

fn is_snake_case(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
    };
    name.len() <= MAX_LEN
        && name.starts_with(|it: char| it.is_ascii_lowercase())
        && name.split('_').all(is_part)
}

/// What else a name means, when it means something else.
fn reserved_as(name: &str) -> Option<&'static str> {
    let reserved = [
        (KEYWORDS, "a Rust keyword"),
        (CRATES, "the name of a crate that every Rust path can begin with"),
        (DEVICES, "the name of a device on Windows, where no file can have it"),
    ];
    reserved.into_iter().find(|(names, _)| names.contains(&name)).map(|(_, what)| what)
}

/// What two keys must not have in common: both would become the same type name and, where case
/// does not count, the same file.
pub(super) fn collision_key(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()).collect()
}

/// The name in `snake_case`, when that is an identifier.
fn suggestion(name: &str) -> Option<String> {
    if name.len() > MAX_LEN {
        return None;
    }
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            snake.push(c.to_ascii_lowercase());
        } else if !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
    }
    let snake = snake.trim_end_matches('_');
    (is_snake_case(snake) && reserved_as(snake).is_none()).then(|| snake.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{IdentError, RustIdent, collision_key};

    #[test]
    fn keys_are_snake_case() {
        for good in ["bert", "t5", "llava_next", "qwen2_5", "a"] {
            assert_eq!(RustIdent::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "_bert", "bert_", "a__b", "5t", "Bert", "bert-base", "../bert", "bért"] {
            assert!(matches!(RustIdent::parse(bad), Err(IdentError::Malformed { .. })), "{bad}");
        }
        assert!(RustIdent::parse(&"a".repeat(64)).is_ok());
        assert!(RustIdent::parse(&"a".repeat(65)).is_err());
    }

    #[test]
    fn keywords_crates_and_devices_are_reserved() {
        for bad in ["type", "gen", "self", "crate", "async", "std", "nul", "com1"] {
            assert!(matches!(RustIdent::parse(bad), Err(IdentError::Reserved { .. })), "{bad}");
        }
    }

    #[test]
    fn a_malformed_key_gets_a_suggestion_that_is_fine() {
        let suggested = |name| match RustIdent::parse(name) {
            Err(IdentError::Malformed { suggestion }) => suggestion,
            other => panic!("{other:?}"),
        };
        assert_eq!(suggested("LLaVA-Next").as_deref(), Some("llava_next"));
        assert_eq!(suggested("../etc/passwd").as_deref(), Some("etc_passwd"));
        assert_eq!(suggested("Type"), None);
    }

    #[test]
    fn names_that_differ_in_underscores_collide() {
        assert_eq!(collision_key("qwen2_5"), collision_key("qwen25"));
        assert_ne!(collision_key("qwen2"), collision_key("qwen3"));
    }
}
