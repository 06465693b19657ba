//! Text to a tree of nodes with places.
//!
//! A small part of YAML is enough for a registry: mappings, sequences and scalars. Anchors,
//! aliases, tags and directives are refused, so that what is written is what is meant, and so that
//! nothing can be small in the file and large in memory.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle};

use super::context::{Context, Span, is_hidden, quote};
use super::{Code, MAX_BYTES};

/// The most collections inside one another; the registry needs seven.
const MAX_DEPTH: usize = 32;

/// The most values; the project's own registry has about two thousand.
const MAX_NODES: usize = 100_000;

/// Hidden characters beyond this many are not listed one by one.
const MAX_HIDDEN: usize = 20;

/// A value.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where it is written; for a list or mapping with a key, where the key is.
    pub(super) span: Span,
    pub(super) value: Value,
}

impl Node {
    fn is_collection(&self) -> bool {
        matches!(self.value, Value::Sequence(_) | Value::Mapping(_))
    }
}

/// What is written.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Text, a number, a truth value or nothing.
    Scalar {
        text: String,
        /// Whether it is written without quotes, so that it may be something else than text.
        plain: bool,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
    /// Something that is already reported.
    Refused,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) node: Node,
}

/// The root of the text's only document; `None` when there is none, which is then reported.
pub(super) fn read(cx: &mut Context<'_>) -> Option<Node> {
    let source = cx.text();
    if source.len() > MAX_BYTES {
        cx.advise(
            Code::TooLarge,
            Span { start: 0, end: 0 },
            format!("{} bytes; a registry may have {MAX_BYTES}", source.len()),
            "split the models over several registries",
        );
        return None;
    }
    let text = without_hidden(source, cx);
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut tree = Tree { open: Vec::new(), root: None, documents: 0, nodes: 0 };
    for event in Parser::new_from_str_with_options(&text, options) {
        let taken = match event {
            Ok((event, span)) => tree.take(event, &span, cx),
            Err(error) => {
                report_syntax(&error, &text, cx);
                return None;
            }
        };
        if !taken {
            return None;
        }
    }
    if tree.root.is_none() {
        cx.advise(
            Code::Empty,
            Span { start: source.len(), end: source.len() },
            "the registry is empty",
            "begin with `version: 1`, `platforms:`, `families:` and `models:`",
        );
    }
    tree.root
}

/// The text with every hidden character replaced by as many bytes that show, each reported.
fn without_hidden<'t>(source: &'t str, cx: &mut Context<'_>) -> Cow<'t, str> {
    let is_bad = |c: char| is_hidden(c) && !matches!(c, '\n' | '\r' | '\t');
    if !source.contains(is_bad) {
        return Cow::Borrowed(source);
    }
    let mut clean = String::with_capacity(source.len());
    let mut found = 0;
    for (at, c) in source.char_indices() {
        if !is_bad(c) {
            clean.push(c);
            continue;
        }
        clean.extend(std::iter::repeat_n('_', c.len_utf8()));
        found += 1;
        if found <= MAX_HIDDEN {
            cx.advise(
                Code::HiddenCharacter,
                Span { start: at, end: at + c.len_utf8() },
                format!("the character {} does not show", c.escape_unicode()),
                "remove it; nothing that a reader cannot see may be in a registry",
            );
        }
    }
    Cow::Owned(clean)
}

/// The tree so far.
struct Tree {
    /// Collections that are not closed yet, outermost first.
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
}

/// A collection that is not closed yet.
struct Open {
    start: usize,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping(OpenMapping),
}

#[derive(Default)]
struct OpenMapping {
    entries: Vec<Entry>,
    /// Where each key stands first.
    seen: BTreeMap<String, usize>,
    next: Next,
}

/// What the next node of a mapping is.
#[derive(Default)]
enum Next {
    #[default]
    Key,
    /// The value of this key.
    Value(String, Span),
    /// The value of a key that is refused.
    RefusedValue,
}

impl Tree {
    /// Adds what an event says; `false` when reading must stop, which is then reported.
    fn take(&mut self, event: Event<'_>, at: &granit_parser::Span, cx: &mut Context<'_>) -> bool {
        let span = span_of(at);
        if let Event::Scalar(_, _, _, Some(_))
        | Event::SequenceStart(_, _, Some(_))
        | Event::MappingStart(_, _, Some(_)) = &event
        {
            let tag = at.tag_span().map_or(span, |it| span_of(&it));
            cx.advise(
                Code::Tag,
                tag,
                "a YAML tag",
                "remove it; quotes make text of anything, and nothing else needs a tag",
            );
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    cx.advise(
                        Code::SeveralDocuments,
                        span,
                        "a second YAML document",
                        "a registry is one document: remove the `---` and what does not belong",
                    );
                    return false;
                }
            }
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                let value = Value::Scalar { text: text.into_owned(), plain };
                return self.add(Node { span, value }, cx);
            }
            Event::SequenceStart(..) => {
                return self.open(span, OpenKind::Sequence(Vec::new()), cx);
            }
            Event::MappingStart(..) => {
                return self.open(span, OpenKind::Mapping(OpenMapping::default()), cx);
            }
            Event::SequenceEnd | Event::MappingEnd => return self.close(span, cx),
            Event::Anchor(..) => alias(span, "an anchor", cx),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                alias(span, "an alias", cx);
                return self.add(Node { span, value: Value::Refused }, cx);
            }
            _ => {}
        }
        true
    }

    fn open(&mut self, span: Span, kind: OpenKind, cx: &mut Context<'_>) -> bool {
        if self.open.len() >= MAX_DEPTH {
            too_deep(span, cx);
            return false;
        }
        self.open.push(Open { start: span.start, kind });
        true
    }

    fn close(&mut self, end: Span, cx: &mut Context<'_>) -> bool {
        let Some(Open { start, kind }) = self.open.pop() else { return true };
        let value = match kind {
            OpenKind::Sequence(nodes) => Value::Sequence(nodes),
            OpenKind::Mapping(mapping) => Value::Mapping(mapping.entries),
        };
        self.add(Node { span: Span { start, end: end.end.max(start) }, value }, cx)
    }

    fn add(&mut self, node: Node, cx: &mut Context<'_>) -> bool {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            cx.advise(
                Code::TooLarge,
                node.span,
                format!("more than {MAX_NODES} values"),
                "split the models over several registries",
            );
            return false;
        }
        match self.open.last_mut().map(|it| &mut it.kind) {
            None => self.root = Some(node),
            Some(OpenKind::Sequence(nodes)) => nodes.push(node),
            Some(OpenKind::Mapping(mapping)) => mapping.add(node, cx),
        }
        true
    }
}

impl OpenMapping {
    fn add(&mut self, node: Node, cx: &mut Context<'_>) {
        match std::mem::take(&mut self.next) {
            Next::Key => {
                self.next = match key_of(node, cx) {
                    Some((key, span)) => Next::Value(key, span),
                    None => Next::RefusedValue,
                }
            }
            Next::RefusedValue => {}
            Next::Value(key, key_span) => {
                if let Some(first) = self.seen.get(&key) {
                    let first = cx.place(*first);
                    let message =
                        format!("the key {} is here twice; it is first at {first}", quote(&key));
                    let help = "remove one of the two, or give it the name that it should have";
                    cx.advise(Code::DuplicateKey, key_span, message, help);
                    return;
                }
                self.seen.insert(key.clone(), key_span.start);
                // A reader looks for a collection where it is named, not where it begins.
                let span = if node.is_collection() { key_span } else { node.span };
                self.entries.push(Entry { key, key_span, node: Node { span, ..node } });
            }
        }
    }
}

/// The text of a key; `None` when it is not text, which is then reported.
fn key_of(node: Node, cx: &mut Context<'_>) -> Option<(String, Span)> {
    match node.value {
        Value::Scalar { text, plain } if !plain || super::decode::is_text(&text) => {
            Some((text, node.span))
        }
        Value::Refused => None,
        Value::Scalar { text, .. } => {
            let what = if text.is_empty() { "an empty key".into() } else { quote(&text) };
            cx.advise(Code::BadKey, node.span, format!("{what} is not text"), "put it in quotes");
            None
        }
        Value::Sequence(_) | Value::Mapping(_) => {
            let help = "a key is one word; a value that begins with `{` or `[` needs quotes";
            cx.advise(Code::BadKey, node.span, "a list or mapping as a key", help);
            None
        }
    }
}

fn alias(span: Span, what: &str, cx: &mut Context<'_>) {
    let help = "write the value out; defaults belong under `platforms` and `families`";
    cx.advise(Code::Alias, span, format!("{what} is not allowed in a registry"), help);
}

fn too_deep(span: Span, cx: &mut Context<'_>) {
    cx.advise(
        Code::TooDeep,
        span,
        format!("more than {MAX_DEPTH} levels inside one another"),
        "nothing in a registry is nested that deeply: check brackets and indentation",
    );
}

fn report_syntax(error: &granit_parser::ScanError, text: &str, cx: &mut Context<'_>) {
    let marker = error.marker();
    let start = marker.byte_offset().unwrap_or_else(|| {
        text.char_indices().nth(marker.index()).map_or(text.len(), |(at, _)| at)
    });
    let span = Span { start, end: start };
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep(span, cx),
        ErrorKind::DirectiveDisallowed => {
            let help = "remove the line; a text that begins with `%` needs quotes";
            cx.advise(Code::Syntax, span, "a YAML directive", help);
        }
        _ => {
            let help = "check indentation (spaces only), quotes, brackets, and `: ` after each key";
            cx.advise(Code::Syntax, span, error.info(), help);
        }
    }
}

fn span_of(span: &granit_parser::Span) -> Span {
    let start = span.start.byte_offset().unwrap_or_default();
    Span { start, end: span.end.byte_offset().unwrap_or_default().max(start) }
}
