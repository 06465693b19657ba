//! Nodes to values: scalars, lists, maps and records, every problem reported on the way.
//!
//! Decoding goes on after a problem, so that all of them are found in one run. A value that is
//! `None` or [`Field::Wrong`] has been reported; nothing built on it reaches the caller of
//! [`super::parse`].

use accel_core::Vocabulary;

use super::Code;
use super::context::{Context, Span, quote, suggest};
use super::yaml::{Entry, Node, Value};

/// A value that can be read from a node.
pub(super) trait Decode: Sized {
    /// The value, or `None` after reporting why there is none.
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self>;
}

/// What a plain scalar is by YAML 1.2's core schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    Integer,
    Float,
    Text,
}

/// What a plain scalar is.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Plain::Float,
        _ => {}
    }
    let digits = |it: &str, radix| !it.is_empty() && it.chars().all(|c| c.is_digit(radix));
    if text.strip_prefix("0x").is_some_and(|it| digits(it, 16))
        || text.strip_prefix("0o").is_some_and(|it| digits(it, 8))
    {
        return Plain::Integer;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits(unsigned, 10) {
        return Plain::Integer;
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Plain::Float;
    }
    // Rust reads more words as numbers (`inf`, `nan`) than YAML does.
    let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.chars().all(|c| matches!(c, '0'..='9' | '.' | 'e' | 'E' | '+' | '-'));
    if numeric && unsigned.parse::<f64>().is_ok() { Plain::Float } else { Plain::Text }
}

/// Whether a plain scalar is text.
pub(super) fn is_text(text: &str) -> bool {
    resolve(text) == Plain::Text
}

/// What a node is, for messages.
fn found(node: &Node) -> String {
    match &node.value {
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
        Value::Refused => "something refused".to_owned(),
        Value::Scalar { text, plain: false } => format!("the text {}", quote(text)),
        Value::Scalar { text, plain: true } => match resolve(text) {
            Plain::Null => "nothing".to_owned(),
            Plain::Bool(_) => format!("the truth value {}", quote(text)),
            Plain::Integer | Plain::Float => format!("the number {}", quote(text)),
            Plain::Text => format!("the text {}", quote(text)),
        },
    }
}

/// Reports that a node is not what it should be, unless that is already reported.
fn wrong_type(node: &Node, wanted: &str, help: &str, cx: &mut Context<'_>) {
    if !matches!(node.value, Value::Refused) {
        let message = format!("expected {wanted}, found {}", found(node));
        let help = (!help.is_empty()).then(|| help.to_owned());
        cx.report(Code::WrongType, node.span, message, help);
    }
}

/// The text of a node that must be text.
pub(super) fn text<'n>(node: &'n Node, what: &str, cx: &mut Context<'_>) -> Option<&'n str> {
    match &node.value {
        Value::Scalar { text, plain } if !plain || is_text(text) => return Some(text),
        Value::Scalar { .. } if is_nothing(node) => {
            wrong_type(node, what, "write a value, or remove the key", cx);
        }
        Value::Scalar { .. } => {
            wrong_type(node, what, "put it in quotes if it is meant as text", cx);
        }
        _ => wrong_type(node, what, "", cx),
    }
    None
}

/// Whether a node has no value.
fn is_nothing(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar { text, plain: true } if resolve(text) == Plain::Null)
}

/// The word of a node that must be one of some names; which ones is for the caller to say.
pub(super) fn word<'n>(node: &'n Node, what: &str, cx: &mut Context<'_>) -> Option<&'n str> {
    match &node.value {
        Value::Scalar { text, .. } if !is_nothing(node) => Some(text),
        _ => text(node, what, cx),
    }
}

/// The truth value of a node that must be one.
pub(super) fn boolean(node: &Node, cx: &mut Context<'_>) -> Option<bool> {
    if let Value::Scalar { text, plain: true } = &node.value
        && let Plain::Bool(it) = resolve(text)
    {
        return Some(it);
    }
    wrong_type(node, "`true` or `false`", "write `true` or `false`, without quotes", cx);
    None
}

/// The number of a node that must be an integer between two bounds, both included.
pub(super) fn integer(node: &Node, min: u64, max: u64, cx: &mut Context<'_>) -> Option<u64> {
    let Value::Scalar { text, plain: true } = &node.value else {
        wrong_type(node, "a whole number", "write digits, without quotes", cx);
        return None;
    };
    let canonical = text.chars().all(|c| c.is_ascii_digit())
        && !text.is_empty()
        && (text == "0" || !text.starts_with('0'));
    if !canonical {
        // `010` is ten in one version of YAML and eight in another.
        let help = "write decimal digits only: no sign, no leading zero, no `_`, no fraction";
        wrong_type(node, "a whole number", help, cx);
        return None;
    }
    let number = text.parse().ok().filter(|it| (min..=max).contains(it));
    if number.is_none() {
        let message = format!("{} is out of range", quote(text));
        cx.advise(Code::OutOfRange, node.span, message, format!("from {min} to {max}"));
    }
    number
}

/// The number of a node that must be one; it may be infinite or no number.
pub(super) fn float(node: &Node, cx: &mut Context<'_>) -> Option<f64> {
    if let Value::Scalar { text, plain: true } = &node.value
        && matches!(resolve(text), Plain::Integer | Plain::Float)
    {
        // What Rust does not read is `.inf`, `.nan` or in another radix: out of every range here.
        return Some(text.parse().unwrap_or(f64::NAN));
    }
    wrong_type(node, "a number", "write a number such as `1.0e-4`, without quotes", cx);
    None
}

/// The entries of a node that must be a mapping.
pub(super) fn mapping<'n>(node: &'n Node, what: &str, cx: &mut Context<'_>) -> Option<&'n [Entry]> {
    if let Value::Mapping(entries) = &node.value {
        return Some(entries);
    }
    wrong_type(node, what, "write `key: value` lines below it, or `{}` when it is empty", cx);
    None
}

/// A name of its vocabulary, at `span`.
fn name<T: Vocabulary>(given: &str, span: Span, cx: &mut Context<'_>) -> Option<T> {
    let parsed = T::parse(given).ok();
    if parsed.is_none() {
        let message = format!("unknown {} {}", T::WHAT, quote(given));
        let help = suggest(given, T::ALL.iter().map(|it| it.name()));
        cx.report(Code::UnknownName, span, message, help);
    }
    parsed
}

impl<T: Vocabulary> Decode for T {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let word = word(node, &format!("the name of a {}", T::WHAT), cx)?;
        name(word, node.span, cx)
    }
}

/// `true` or `false`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag(pub(super) bool);

impl Decode for Flag {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        boolean(node, cx).map(Self)
    }
}

/// A list with at least one item and no item twice.
#[derive(Clone, Debug)]
pub(super) struct List<T>(pub(super) Vec<(T, Span)>);

impl<T: Decode + PartialEq> Decode for List<T> {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let Value::Sequence(nodes) = &node.value else {
            wrong_type(node, "a list", "write `[one, two]`, even for a single item", cx);
            return None;
        };
        if nodes.is_empty() {
            cx.advise(Code::EmptyValue, node.span, "the list is empty", "name at least one");
        }
        let mut items: Vec<(T, Span)> = Vec::new();
        for node in nodes.iter().take(MAX_ITEMS) {
            let Some(item) = T::decode(node, cx) else { continue };
            if let Some((_, first)) = items.iter().find(|(it, _)| *it == item) {
                let message = format!("this is already in the list, at {}", cx.place(first.start));
                cx.advise(Code::Repeated, node.span, message, "remove one of the two");
            } else {
                items.push((item, node.span));
            }
        }
        if let Some(excess) = nodes.get(MAX_ITEMS) {
            let message = format!("{} items in one list; {MAX_ITEMS} is the most", nodes.len());
            cx.report(Code::TooLarge, excess.span, message, None);
        }
        Some(Self(items))
    }
}

/// The most items in one list.
const MAX_ITEMS: usize = 64;

/// A mapping from the names of a vocabulary. A value is `None` when it was wrong.
#[derive(Clone, Debug)]
pub(super) struct Map<K, V>(pub(super) Vec<(K, Span, Option<V>)>);

impl<K: Vocabulary, V> Map<K, V> {
    /// Whether the key is written, its value right or wrong.
    pub(super) fn has(&self, key: K) -> bool {
        self.0.iter().any(|(it, ..)| *it == key)
    }

    /// Every key whose value is right, where the key is, and the value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (K, Span, &V)> {
        self.0.iter().filter_map(|(key, span, value)| Some((*key, *span, value.as_ref()?)))
    }
}

impl<K: Vocabulary, V: Decode> Decode for Map<K, V> {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let entries = mapping(node, &format!("a mapping by {}", K::WHAT), cx)?;
        let mut pairs = Vec::new();
        for entry in entries {
            let key = name(&entry.key, entry.key_span, cx);
            // What is below a mistyped key is checked too.
            let value = V::decode(&entry.node, cx);
            if let Some(key) = key {
                pairs.push((key, entry.key_span, value));
            }
        }
        Some(Self(pairs))
    }
}

/// A key of a record.
#[derive(Clone, Debug)]
pub(super) enum Field<T> {
    /// Not written, and reported if it had to be.
    Absent,
    /// Written, wrong and reported.
    Wrong,
    /// As it should be.
    Good {
        /// What is written.
        value: T,
        /// Where.
        span: Span,
    },
}

impl<T> Field<T> {
    /// What is written, when it is right.
    pub(super) fn value(&self) -> Option<&T> {
        if let Self::Good { value, .. } = self { Some(value) } else { None }
    }

    /// Where it is written, when it is right.
    pub(super) fn span(&self) -> Option<Span> {
        if let Self::Good { span, .. } = self { Some(*span) } else { None }
    }
}

/// What is known of a record's key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) required: bool,
    /// What it means, a line of the source per item.
    pub(super) doc: &'static [&'static str],
}

/// A mapping with fixed keys.
pub(super) trait Record {
    /// What one is called in a message, such as `a model`.
    const WHAT: &'static str;
    /// Its keys.
    const KEYS: &'static [Key];
}

/// The entries of a node that must be a record; missing and unknown keys are reported.
pub(super) fn keyed<'n, R: Record>(node: &'n Node, cx: &mut Context<'_>) -> Option<&'n [Entry]> {
    let entries = mapping(node, R::WHAT, cx)?;
    for entry in entries {
        if R::KEYS.iter().all(|it| it.name != entry.key) {
            let message = format!("{} has no key {}", R::WHAT, quote(&entry.key));
            let help = suggest(&entry.key, R::KEYS.iter().map(|it| it.name));
            cx.report(Code::UnknownKey, entry.key_span, message, help);
        }
    }
    for key in R::KEYS.iter().filter(|it| it.required) {
        if entries.iter().all(|it| it.key != key.name) {
            let message = format!("{} needs the key `{}`", R::WHAT, key.name);
            cx.advise(Code::MissingKey, node.span, message, prose(key.doc));
        }
    }
    Some(entries)
}

/// Doc comment lines as one paragraph.
pub(super) fn prose(lines: &[&str]) -> String {
    lines.iter().map(|it| it.trim()).collect::<Vec<_>>().join(" ")
}

/// The value of one key of a record.
pub(super) fn field<T: Decode>(entries: &[Entry], name: &str, cx: &mut Context<'_>) -> Field<T> {
    let Some(entry) = entries.iter().find(|it| it.key == name) else { return Field::Absent };
    match T::decode(&entry.node, cx) {
        Some(value) => Field::Good { value, span: entry.node.span },
        None => Field::Wrong,
    }
}

/// Declares a record: its struct, how it is read, and its JSON Schema.
macro_rules! record {
    (
        $( #[doc = $about:literal] )+
        struct $name:ident = $what:literal {
            $( $( #[doc = $doc:literal] )+ $presence:ident $key:ident: $ty:ty, )+
        }
    ) => {
        $( #[doc = $about] )+
        #[derive(Clone, Debug)]
        pub(super) struct $name {
            $( $( #[doc = $doc] )+ pub(super) $key: crate::registry::decode::Field<$ty>, )+
        }

        impl crate::registry::decode::Record for $name {
            const WHAT: &'static str = $what;
            const KEYS: &'static [crate::registry::decode::Key] = &[
                $( crate::registry::decode::Key {
                    name: stringify!($key),
                    required: crate::registry::decode::record!(@required $presence),
                    doc: &[$( $doc ),+],
                }, )+
            ];
        }

        impl crate::registry::decode::Decode for $name {
            fn decode(
                node: &crate::registry::yaml::Node,
                cx: &mut crate::registry::context::Context<'_>,
            ) -> Option<Self> {
                let entries = crate::registry::decode::keyed::<Self>(node, cx)?;
                Some(Self {
                    $( $key: crate::registry::decode::field(entries, stringify!($key), cx), )+
                })
            }
        }

        #[cfg(feature = "cli")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).trim_start_matches("Raw").into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let about: &[&str] = &[$( $about ),+];
                let values = vec![$( generator.subschema_for::<$ty>() ),+];
                crate::registry::schema::record::<Self>(about, values)
            }
        }
    };
    (@required required) => { true };
    (@required optional) => { false };
}
pub(super) use record;

#[cfg(test)]
mod tests {
    use super::{Plain, resolve};

    #[test]
    fn plain_scalars_are_read_by_the_core_schema_of_yaml_1_2() {
        for text in
            ["yes", "no", "on", "off", "1_000", "0b1", "inf", "nan", "1e", ".", "2026-11-20"]
        {
            assert_eq!(resolve(text), Plain::Text, "{text}");
        }
        for text in ["0", "010", "-1", "+1", "0x1F", "0o17"] {
            assert_eq!(resolve(text), Plain::Integer, "{text}");
        }
        for text in ["1.0", "1e5", "-.5", "1.", "1e400", ".inf", "-.INF", ".nan"] {
            assert_eq!(resolve(text), Plain::Float, "{text}");
        }
        assert_eq!(resolve("~"), Plain::Null);
        assert_eq!(resolve("True"), Plain::Bool(true));
    }
}
