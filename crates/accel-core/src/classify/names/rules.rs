//! The rules for names: `data/names.tsv`, and the own names of model types.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::Family;
use crate::classify::Kinds;
use crate::classify::knowledge::{self, Known, rows};

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) sort: Sort,
    /// The words that must follow each other.
    pub(super) pattern: Vec<&'static str>,
    /// How many letters of the pattern stand for themselves.
    pub(super) letters: usize,
    pub(super) kinds: Kinds,
    pub(super) reason: Option<&'static str>,
}

impl Rule {
    fn new(
        sort: Sort,
        pattern: Vec<&'static str>,
        kinds: Kinds,
        reason: Option<&'static str>,
    ) -> Self {
        let letters = pattern.iter().flat_map(|it| it.bytes());
        let letters = letters.filter(|it| !matches!(it, b'*' | b'#')).count();
        Self { sort, pattern, letters, kinds, reason }
    }
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A network, with its rank.
    Network(u8),
    /// What a network was made for.
    Word { alone: bool, weakly: bool, overrides: bool, overrides_vision_language: bool },
}

/// Rules, found by the first word of their patterns.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) all: Vec<Rule>,
    /// Rules whose first word has no wildcard, by that word.
    exact: HashMap<&'static str, Vec<usize>>,
    /// Rules whose first word begins with a wildcard, by its last letter, or with letters, by its
    /// first one; those with neither under 0.
    by_letter: HashMap<u8, Vec<usize>>,
    by_last_letter: HashMap<u8, Vec<usize>>,
    /// What owners of models say.
    pub(super) owners: HashMap<&'static str, Kinds>,
}

/// Every rule: the written ones, and the own names of model types that no written one has.
pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut all = Rules::default();
    for line in rows(include_str!("../data/names.tsv")) {
        all.add(line);
    }
    let written: HashSet<_> = all.all.iter().map(|it| it.pattern.clone()).collect();
    let mut types: Vec<_> = knowledge::model_types().collect();
    types.sort_unstable_by_key(|(name, _)| *name);
    for (name, known) in types {
        for pattern in patterns_of(name) {
            if !written.contains(&pattern) {
                all.derive(pattern, known);
            }
        }
    }
    all
});

/// Model types whose names are also words, or begin many others.
const ALSO_WORDS: &[&str] = &["new", "beam", "flint", "perceiver", "encoder-decoder"];

/// How a model type is written in names: cut as names are, and with its version apart.
fn patterns_of(model_type: &'static str) -> Vec<Vec<&'static str>> {
    let words: Vec<_> = model_type.split(['-', '_', '.']).collect();
    let letters = words.iter().map(|it| it.len()).sum::<usize>();
    if letters < 4 || ALSO_WORDS.contains(&model_type) {
        return Vec::new();
    }
    let mut patterns = vec![words.clone()];
    if let Some(first) = words.first() {
        let stem = first.trim_end_matches(|c: char| c.is_ascii_digit());
        if let Some((stem, version)) = first.split_at_checked(stem.len())
            && stem.len() >= 3
            && !version.is_empty()
        {
            patterns.push([&[stem, version][..], words.get(1..).unwrap_or_default()].concat());
        }
    }
    patterns
}

impl Rules {
    /// Adds a rule for the own name of a model type. Parts of other models are not named.
    fn derive(&mut self, pattern: Vec<&'static str>, known: &Known) {
        let rank = match (known.kinds.likeliest(), known.reason) {
            (None, Some(it)) if it.starts_with("a part of") || it.starts_with("a backbone") => {
                return;
            }
            (None, _) => 8,
            (Some(kind), _) => match kind.family() {
                Family::Embedding | Family::TextGeneration | Family::Vision => 4,
                Family::Audio => 5,
                Family::Multimodal | Family::Video => 6,
            },
        };
        self.push(Rule::new(Sort::Network(rank), pattern, known.kinds, known.reason));
    }

    /// Adds a line of the table; one that cannot be read is left out, and a test reads each.
    fn add(&mut self, line: &'static str) -> Option<()> {
        let mut fields = line.split('\t');
        let (sort, pattern, target) = (fields.next()?, fields.next()?, fields.next()?);
        let option = fields.next().unwrap_or_default();
        let (kinds, reason) = match target.strip_prefix('!') {
            Some(reason) => (Kinds::NONE, Some(reason)),
            None if sort == "network" => match target.strip_prefix('=') {
                Some(list) => (knowledge::kinds(list)?, None),
                None => (knowledge::model_type(target)?.kinds, None),
            },
            None => (knowledge::kinds(target)?, None),
        };
        let sort = match sort {
            "network" if option.is_empty() => Sort::Network(5),
            "network" => Sort::Network(option.parse().ok()?),
            "word" => Sort::Word {
                alone: option.contains('+'),
                weakly: option.contains('~'),
                overrides: option.contains('!'),
                overrides_vision_language: option.contains("!!"),
            },
            _ => {
                self.owners.insert(pattern, kinds);
                return Some(());
            }
        };
        let pattern: Vec<_> = pattern.split(' ').collect();
        self.push(Rule::new(sort, pattern, kinds, reason));
        Some(())
    }

    fn push(&mut self, rule: Rule) {
        let (Some(first), at) = (rule.pattern.first().copied(), self.all.len()) else { return };
        let starts_wild = first.starts_with(['*', '#']);
        if !first.contains(['*', '#']) {
            self.exact.entry(first).or_default().push(at);
        } else if !starts_wild {
            let letter = first.bytes().next().unwrap_or(0);
            self.by_letter.entry(letter).or_default().push(at);
        } else {
            let last = first.bytes().last().filter(u8::is_ascii_alphanumeric).unwrap_or(0);
            self.by_last_letter.entry(last).or_default().push(at);
        }
        self.all.push(rule);
    }

    /// The rules that may match at a word.
    pub(super) fn candidates(&self, word: &str) -> impl Iterator<Item = usize> {
        let bytes = word.as_bytes();
        let first = bytes.first().and_then(|it| self.by_letter.get(it));
        let last = bytes.last().and_then(|it| self.by_last_letter.get(it));
        let any = self.by_last_letter.get(&0);
        [self.exact.get(word), first, last, any].into_iter().flatten().flatten().copied()
    }
}

/// Whether a word matches a pattern: `*` at an end is anything or nothing, `#` is digits, and at
/// the pattern's end also none.
pub(super) fn matches(pattern: &str, word: &str) -> bool {
    if let Some(rest) = pattern.strip_suffix('*') {
        return match rest.strip_prefix('*') {
            Some(middle) => word.contains(middle),
            None => starts(rest, word).is_some(),
        };
    }
    match pattern.strip_prefix('*') {
        Some(rest) => match rest.strip_suffix('#') {
            Some(rest) => word.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with(rest),
            None => word.ends_with(rest),
        },
        None => starts(pattern, word).is_some_and(str::is_empty),
    }
}

/// What follows in a word after a pattern without `*`; `None` when it does not begin so.
fn starts<'w>(pattern: &str, word: &'w str) -> Option<&'w str> {
    let mut word = word;
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('#') {
        word = word.strip_prefix(before)?;
        let trimmed = word.trim_start_matches(|c: char| c.is_ascii_digit());
        // At the end a version may be missing; elsewhere digits must be there.
        if !after.is_empty() && trimmed.len() == word.len() {
            return None;
        }
        (word, rest) = (trimmed, after);
    }
    word.strip_prefix(rest)
}

#[cfg(test)]
mod tests {
    use super::{Rules, matches, rows};

    #[test]
    fn every_rule_is_read() {
        let mut all = Rules::default();
        for line in rows(include_str!("../data/names.tsv")) {
            assert!(all.add(line).is_some(), "{line}");
        }
    }

    #[test]
    fn a_pattern_is_words_digits_and_loose_ends() {
        for (pattern, word, fits) in [
            ("bert", "bert", true),
            ("bert", "hubert", false),
            ("*bert", "hubert", true),
            ("qwen#", "qwen", true),
            ("qwen#", "qwen25", true),
            ("qwen#", "qwen2x", false),
            ("#b", "70b", true),
            ("#b", "b", false),
            ("#x#b", "8x7b", true),
            ("yolov#*", "yolov8m", true),
            ("*bert*", "roberta", true),
            ("*llama#", "tinyllama2", true),
            ("clip", "xclip", false),
        ] {
            assert_eq!(matches(pattern, word), fits, "{pattern} {word}");
        }
    }
}
