//! The terminal: stdout, stderr, colours, aligned text, a spinner.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

/// How to print.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    json: bool,
    quiet: bool,
    /// Colours of stdout.
    pub(crate) paint: Paint,
    stderr: Paint,
}

impl Console {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|it| !it.is_empty());
        let colours = !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|it| it != "dumb");
        Self {
            json,
            quiet,
            paint: Paint { on: colours && io::stdout().is_terminal() },
            stderr: Paint { on: colours && io::stderr().is_terminal() },
        }
    }

    /// Whether the output is one JSON document.
    pub(crate) const fn json(self) -> bool {
        self.json
    }

    /// Prints on stdout; a reader who has gone is no reason to fail.
    #[expect(clippy::unused_self, reason = "the one way to stdout")]
    pub(crate) fn print(self, text: &str) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }

    /// As [`print`](Self::print), and tells when the reader has gone.
    #[expect(clippy::unused_self, reason = "the one way to stdout")]
    pub(crate) fn piece(self, text: &str) -> ControlFlow<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// A line for people that is part of what was asked for; JSON says it in its document.
    pub(crate) fn say(self, line: &str) {
        if !self.json && !self.quiet {
            self.print(&format!("{line}\n"));
        }
    }

    /// Facts beside the result, on stderr, so that a pipe gets the result alone.
    pub(crate) fn aside(self, text: &str) {
        if !self.json && !self.quiet {
            let text = text.trim_end();
            let _ = writeln!(io::stderr().lock(), "{}", self.stderr.dim(text));
        }
    }

    /// Something worth knowing that is not what was asked for.
    pub(crate) fn note(self, message: &str) {
        if !self.json && !self.quiet {
            let _ = writeln!(io::stderr().lock(), "note: {message}");
        }
    }

    pub(crate) fn error(self, message: &str) {
        let _ = writeln!(io::stderr().lock(), "{}: {message}", self.stderr.bad("error"));
    }

    /// A spinner on a terminal, for as long as the value lives.
    pub(crate) fn spinner(self, message: String) -> Spinner {
        let wanted = !self.quiet && !self.json && io::stderr().is_terminal();
        Spinner(wanted.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
                bar.set_style(style);
            }
            bar.set_message(message);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        }))
    }
}

/// Removes its spinner when dropped.
#[derive(Debug)]
pub(crate) struct Spinner(Option<ProgressBar>);

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// No colours, as for files.
    pub(crate) const NONE: Self = Self { on: false };

    fn with(self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(crate) fn warn(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }
}

/// A table cell: its text, and how to paint it once it is padded.
pub(crate) struct TableCell<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) paint: fn(Paint, &str) -> String,
}

/// A cell without colour.
pub(crate) fn plain<'a>(text: impl Into<Cow<'a, str>>) -> TableCell<'a> {
    TableCell { text: text.into(), paint: |_, text| text.to_owned() }
}

/// A cell of a heading.
pub(crate) fn heading<'a>(text: impl Into<Cow<'a, str>>) -> TableCell<'a> {
    TableCell { text: text.into(), paint: Paint::bold }
}

/// Aligned columns, two blanks between them, none at a line's end.
pub(crate) fn table(paint: Paint, rows: &[Vec<TableCell<'_>>]) -> String {
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
            if !cell.text.is_empty() {
                let _ = write!(text, "{:blanks$}{}", "", (cell.paint)(paint, &cell.text));
                blanks = 0;
            }
            blanks += width - cell.text.chars().count() + 2;
        }
        text.push('\n');
    }
    text
}

/// Appends what `format_args!` makes of its words.
pub(crate) fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(words);
}

/// Bytes as people write them: `24 MB`, `1.5 GB`, decimal.
pub(crate) fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let count = count as f64;
    match count {
        0.0..1e3 => format!("{count} bytes"),
        1e3..1e6 => format!("{:.0} kB", count / 1e3),
        1e6..1e9 => format!("{:.0} MB", count / 1e6),
        _ => format!("{:.1} GB", count / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::{Paint, bytes, plain, table};

    #[test]
    fn columns_align_and_no_line_ends_in_blanks() {
        let rows = [
            vec![plain("a"), plain("b"), plain("c")],
            vec![plain("long"), plain("é")],
            vec![plain(""), plain(""), plain("d")],
            vec![plain("e"), plain("")],
        ];
        assert_eq!(table(Paint { on: false }, &rows), "a     b  c\nlong  é\n         d\ne\n");
    }

    #[test]
    fn sizes_are_decimal() {
        assert_eq!(bytes(7), "7 bytes");
        assert_eq!(bytes(23_800_000), "24 MB");
        assert_eq!(bytes(1_540_000_000), "1.5 GB");
    }
}
