//! The terminal: what goes to stderr, colours, aligned text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Instant;

use clap::builder::styling::{AnsiColor, Style};

use super::args::Format;
use super::failure::Failure;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub(super) struct Console {
    format: Format,
    quiet: bool,
    debug: bool,
    /// Colours of stdout.
    pub(super) paint: Paint,
    stderr: Paint,
}

impl Console {
    pub(super) fn new(format: Format, quiet: bool, debug: bool) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|it| !it.is_empty());
        let colours = !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|it| it != "dumb");
        Self {
            format,
            quiet,
            debug,
            paint: Paint { on: colours && io::stdout().is_terminal() },
            stderr: Paint { on: colours && io::stderr().is_terminal() },
        }
    }

    /// Whether the output is one JSON document.
    pub(super) fn json(self) -> bool {
        self.format == Format::Json
    }

    pub(super) const fn quiet(self) -> bool {
        self.quiet
    }

    pub(super) const fn debug_on(self) -> bool {
        self.debug
    }

    /// Whether a progress bar would be seen, and by someone who wants it.
    pub(super) fn progress(self) -> bool {
        !self.quiet && !self.debug && !self.json() && io::stderr().is_terminal()
    }

    pub(super) fn failure(self, failure: &Failure) {
        if failure.problems.is_empty() {
            self.line(&self.stderr.bad("error"), &failure.message);
        } else {
            // Every problem says itself that it is an error.
            let _ = writeln!(io::stderr().lock(), "{}", failure.message);
        }
    }

    /// A warning; JSON output has its own place for them.
    pub(super) fn warn(self, message: &str) {
        if !self.quiet && !self.json() {
            self.line(&self.stderr.warn("warning"), message);
        }
    }

    /// Something worth knowing that is not what was asked for.
    pub(super) fn note(self, message: &str) {
        if !self.quiet && !self.json() {
            self.line("note", message);
        }
    }

    /// What a phase did and how long it took, with `--debug`.
    pub(super) fn timed(self, since: Instant, what: &str) {
        if self.debug {
            let milliseconds = since.elapsed().as_secs_f64() * 1e3;
            self.line("debug", &format!("{what} in {milliseconds:.1} ms"));
        }
    }

    #[expect(clippy::unused_self, reason = "the one way to stderr")]
    fn line(self, label: &str, message: &str) {
        let _ = writeln!(io::stderr().lock(), "{label}: {message}");
    }
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    /// No colours.
    #[cfg(test)]
    pub(super) const PLAIN: Self = Self { on: false };

    fn with(self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn warn(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// A unified diff with its lines coloured.
    pub(super) fn diff(self, diff: &str) -> String {
        if !self.on {
            return diff.to_owned();
        }
        let mut painted = String::with_capacity(diff.len());
        for line in diff.lines() {
            let line = match line.as_bytes() {
                [b'+', ..] => self.good(line),
                [b'-', ..] => self.with(AnsiColor::Red.on_default(), line),
                [b'@', ..] => self.with(AnsiColor::Cyan.on_default(), line),
                _ => line.to_owned(),
            };
            let _ = writeln!(painted, "{line}");
        }
        painted
    }
}

/// A table cell: its text, and how to paint it once it is padded.
pub(super) struct TableCell<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) paint: fn(Paint, &str) -> String,
}

/// A cell without colour.
pub(super) fn plain<'a>(text: impl Into<Cow<'a, str>>) -> TableCell<'a> {
    TableCell { text: text.into(), paint: |_, text| text.to_owned() }
}

/// A cell of a heading.
pub(super) fn heading<'a>(text: impl Into<Cow<'a, str>>) -> TableCell<'a> {
    TableCell { text: text.into(), paint: Paint::bold }
}

/// Aligned columns, two blanks between them, none at a line's end.
pub(super) fn table(paint: Paint, rows: &[Vec<TableCell<'_>>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut blanks = 0;
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "{:blanks$}{}", "", (cell.paint)(paint, &cell.text));
            blanks = width - cell.text.chars().count() + 2;
        }
        text.push('\n');
    }
    text
}

/// `1 file`, `2 files`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::{Paint, plain, table};

    #[test]
    fn columns_align_and_no_line_ends_in_blanks() {
        let rows = [vec![plain("a"), plain("b"), plain("c")], vec![plain("long"), plain("é")]];
        assert_eq!(table(Paint::PLAIN, &rows), "a     b  c\nlong  é\n");
    }

    #[test]
    fn without_colours_nothing_is_added() {
        assert_eq!(Paint::PLAIN.bad("x"), "x");
        assert_eq!(Paint::PLAIN.diff("+a\n-b\n"), "+a\n-b\n");
        assert!(Paint { on: true }.bad("x").contains('\u{1b}'));
    }
}
