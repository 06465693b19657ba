//! The text being read and the problems found in it so far.

use std::fmt::Write as _;

use super::{Code, Location, Problem, Problems, Registry, Severity};

/// Problems beyond this many are only counted.
const MAX_PROBLEMS: usize = 1000;

/// The most characters of a source line in a problem.
const MAX_SNIPPET: usize = 120;

/// The most characters of the file's own words in a message.
const MAX_QUOTE: usize = 60;

/// A range of bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Everything that reading a registry needs beside the node at hand.
pub(super) struct Context<'a> {
    text: &'a str,
    file: &'a str,
    /// The byte at which each line starts.
    lines: Vec<usize>,
    /// Problems with the byte they begin at.
    problems: Vec<(usize, Problem)>,
    omitted: usize,
    failed: bool,
}

impl<'a> Context<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        // An editor's byte order mark is no part of the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|&(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, file, lines, problems: Vec::new(), omitted: 0, failed: false }
    }

    /// The text, without a byte order mark.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Reports a problem. `message` and `help` must not hold raw words of the file: see [`quote`].
    pub(super) fn report(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let severity = code.severity();
        self.failed |= severity == Severity::Error;
        if self.problems.len() >= MAX_PROBLEMS {
            self.omitted += 1;
            return;
        }
        let (location, snippet, snippet_offset) = self.locate(span);
        let problem = Problem {
            code,
            severity,
            message: message.into(),
            location,
            help,
            snippet,
            snippet_offset,
        };
        self.problems.push((span.start, problem));
    }

    /// Reports a problem with advice.
    pub(super) fn advise(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(code, span, message, Some(help.into()));
    }

    /// The registry and its warnings, or all problems.
    pub(super) fn finish(mut self, registry: Option<Registry>) -> Result<Registry, Problems> {
        self.problems.sort_by_key(|(at, problem)| (*at, problem.code));
        let list: Vec<Problem> = self.problems.into_iter().map(|(_, problem)| problem).collect();
        match registry {
            Some(registry) if !self.failed => Ok(Registry { warnings: list, ..registry }),
            _ => Err(Problems { list, omitted: self.omitted }),
        }
    }

    /// Line and column of a place, for messages about another place.
    pub(super) fn place(&self, at: usize) -> String {
        let (line, column) = self.line_and_column(at);
        format!("line {line}, column {column}")
    }

    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    fn locate(&self, span: Span) -> (Location, String, usize) {
        let start = floor_char_boundary(self.text, span.start);
        let (line, column) = self.line_and_column(start);
        let line_start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let next_start = self.lines.get(line).copied().unwrap_or(self.text.len());
        let whole = self.text.get(line_start..next_start).unwrap_or_default();
        let line_end = line_start + whole.trim_end_matches(['\n', '\r']).len();
        let end = floor_char_boundary(self.text, span.end.min(line_end));
        let length = self.text.get(start..end).unwrap_or_default().chars().count().max(1);

        // Only what is shown is looked at: the line may be megabytes long.
        let before = self.text.get(line_start..start).unwrap_or_default();
        let shown_from = before.char_indices().rev().take(MAX_SNIPPET / 2).last();
        let (at, offset) = match shown_from {
            Some((at, _)) => (at, before.get(at..).unwrap_or_default().chars().count()),
            None => (0, 0),
        };
        let source = self.text.get(line_start + at..line_end).unwrap_or_default();
        let snippet: String = source.chars().take(MAX_SNIPPET).map(shown).collect();
        let location = Location { file: self.file.to_owned(), line, column, length };
        (location, snippet.trim_end().to_owned(), offset)
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

/// One character as it may be printed, still one column wide.
fn shown(c: char) -> char {
    match c {
        '\t' => ' ',
        c if is_hidden(c) => '\u{fffd}',
        c => c,
    }
}

/// Whether a character does not show, or changes how its neighbours show.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Words of the file for use in a message: in backticks, short, hidden characters escaped.
pub(super) fn quote(words: &str) -> String {
    let mut quoted = String::from("`");
    for (i, c) in words.chars().enumerate() {
        if i == MAX_QUOTE {
            quoted.push('…');
            break;
        }
        if is_hidden(c) {
            // Writing to a string cannot fail.
            let _ = write!(quoted, "{}", c.escape_unicode());
        } else {
            quoted.push(c);
        }
    }
    quoted.push('`');
    quoted
}

/// `did you mean …` for the closest of some names, else all of them.
pub(super) fn suggest<'n>(
    given: &str,
    names: impl Iterator<Item = &'n str> + Clone,
) -> Option<String> {
    let known = names.clone().collect::<Vec<_>>().join(", ");
    match accel_core::nearest(given, names) {
        Some(name) => Some(format!("did you mean `{name}`? known: {known}")),
        None if known.is_empty() => None,
        None => Some(format!("known: {known}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Context, Span, quote};

    fn located(text: &str, start: usize, end: usize) -> super::Problem {
        let mut cx = Context::new(text, "r.yaml");
        cx.report(Code::Syntax, Span { start, end }, "x", None);
        cx.finish(None).unwrap_err().list.remove(0)
    }

    #[test]
    fn columns_count_characters_and_every_line_end_counts_once() {
        let problem = located("a\r\nb\rc\nä: ö", 11, 13);
        assert_eq!((problem.location.line, problem.location.column), (4, 4));
        assert_eq!(problem.location.length, 1);
        assert_eq!(problem.snippet, "ä: ö");
    }

    #[test]
    fn a_long_line_is_clipped_around_the_place() {
        let text = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        let problem = located(&text, 5000, 9000);
        assert_eq!(problem.location.column, 5001);
        assert_eq!(problem.snippet.chars().nth(problem.snippet_offset), Some('X'));
        assert!(problem.to_string().len() < 500);
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        let problem = located("a", 90, 99);
        assert_eq!((problem.location.line, problem.location.column), (1, 2));
        assert!(problem.to_string().ends_with("1 | a\n  |  ^"), "{problem}");
    }

    #[test]
    fn nothing_hidden_reaches_a_message() {
        assert_eq!(quote("a\u{202e}b\0\u{1b}[2J"), "`a\\u{202e}b\\u{0}\\u{1b}[2J`");
        assert!(quote(&"x".repeat(1000)).len() < 100);
        assert_eq!(located("a: \u{1b}[2J", 0, 1).snippet, "a: \u{fffd}[2J");
    }
}
