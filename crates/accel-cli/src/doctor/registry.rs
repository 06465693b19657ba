//! Where a registry names its models. Only places are read here; `accelgen registry validate`
//! checks what it says.

use std::path::{Path, PathBuf};

use accel_core::diagnosis::Location;

use crate::failure::Failure;
use crate::files;

/// Places in a registry.
#[derive(Debug)]
pub(super) struct Registry {
    file: PathBuf,
    pub(super) entries: Vec<Entry>,
}

/// A model of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its key.
    pub(super) key: String,
    /// The line of its key, counted from 1.
    pub(super) line: u32,
    /// Its folder, relative to the registry's.
    pub(super) model_dir: Option<String>,
}

impl Registry {
    /// Reads the registry `file`.
    ///
    /// # Errors
    /// A file that cannot be read, is too large or is not text.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let wrong = |what: String| {
            let message =
                format!("--registry {}: {what}; give model_registry.yaml", file.display());
            Failure::input("unreadable-registry", message)
        };
        let text = files::text(file)
            .and_then(|it| it.ok_or_else(|| files::absent(file)))
            .map_err(|it| wrong(it.message))?;
        Ok(Self { file: file.to_owned(), entries: entries(&text) })
    }

    /// The place of a model: the line of its entry, else the first line.
    pub(super) fn location(&self, key: &str) -> Location {
        let line = self.entry(key).map_or(1, |it| it.line);
        Location { file: self.file.display().to_string(), line }
    }

    /// The entry of that key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|it| it.key == key)
    }

    /// The folder of an entry's model, where it names one.
    pub(super) fn folder(&self, entry: &Entry) -> Option<PathBuf> {
        let base = self.file.parent().unwrap_or(Path::new(""));
        entry.model_dir.as_ref().map(|it| base.join(it))
    }
}

/// The entries below `models:`, from the text alone: a registry has no anchors and no flow style
/// at this depth, and broken ones shall be told about, too.
fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut inside = false;
    let mut indent = None;
    for (number, line) in (1..).zip(text.lines()) {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let depth = line.len() - content.len();
        if depth == 0 {
            inside = key_of(content).is_some_and(|(key, _)| key == "models");
            continue;
        }
        if !inside {
            continue;
        }
        let Some((key, value)) = key_of(content) else { continue };
        if depth <= *indent.get_or_insert(depth) {
            entries.push(Entry { key, line: number, model_dir: None });
        } else if key == "model_dir"
            && let Some(entry) = entries.last_mut()
        {
            entry.model_dir = Some(unquoted(value)).filter(|it| !it.is_empty());
        }
    }
    entries
}

/// The key and what follows it on a line `key: value`.
fn key_of(content: &str) -> Option<(String, &str)> {
    let (key, value) = content.split_once(':')?;
    let plain = !key.contains(' ') || key.starts_with(['"', '\'']);
    Some((unquoted(key), value)).filter(|(key, _)| plain && !key.is_empty())
}

/// A plain or quoted scalar without the comment after it.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|it| it.split(quote).next()) {
            return inner.to_owned();
        }
    }
    text.split(" #").next().unwrap_or(text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Entry, entries};

    #[test]
    fn entries_are_found_with_their_lines_and_folders() {
        let text = "version: 1\nplatforms:\n  cpu:\n    options: {}\n\nmodels:\n  # first\n  bert:\n    \
                    class: BERT\n    model_dir: fixtures/bert # here\n    platforms:\n      cpu: {}\n  \
                    \"odd name\":\n    model_dir: 'a b'\n  last:\n    class: X\nother:\n  no: {}\n";
        let entry = |key: &str, line, folder: Option<&str>| Entry {
            key: key.to_owned(),
            line,
            model_dir: folder.map(str::to_owned),
        };
        assert_eq!(
            entries(text),
            [
                entry("bert", 8, Some("fixtures/bert")),
                entry("odd name", 13, Some("a b")),
                entry("last", 15, None)
            ]
        );
        assert_eq!(entries("models:"), []);
        assert_eq!(entries("\u{0}:::\n - x\nmodels: [1]\n  \t:\n  :\n - a b: c"), []);
    }
}
