//! What the name alone says, by rules on whole words (`data/names.tsv`), never on substrings that
//! happen to match: `xclip` is not `clip`, and `llava-v1.6-mistral` is LLaVA-NeXT on Mistral.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::knowledge::{self, Known, rows};
use super::{Basis, Kinds};
use crate::{Family, Subfamily};

/// Bytes of a name that are looked at, from its end; no model has a longer one.
const LONGEST: usize = 256;
/// Words of a name that are looked at.
const MOST_WORDS: usize = 32;

/// What a name says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    /// The kinds it speaks for.
    pub(super) kinds: Kinds,
    /// Which sort of rule said so.
    pub(super) basis: Basis,
    /// The words of the name that said it, such as `llava-v1.6`.
    pub(super) words: String,
    /// Why there is no kind.
    pub(super) reason: Option<&'static str>,
}

/// A rule.
#[derive(Debug)]
struct Rule {
    sort: Sort,
    /// The words that must follow each other.
    pattern: Vec<&'static str>,
    /// How many letters of the pattern stand for themselves.
    letters: usize,
    kinds: Kinds,
    reason: Option<&'static str>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// A network, with its rank.
    Network(u8),
    /// What a network was made for.
    Word { alone: bool, weakly: bool, overrides: bool, overrides_vision_language: bool },
}

#[derive(Debug, Default)]
struct Rules {
    all: Vec<Rule>,
    /// Rules whose first word has no wildcard, by that word.
    exact: HashMap<&'static str, Vec<usize>>,
    /// Rules whose first word begins with a wildcard, by its last letter, or with letters, by its
    /// first one; those with neither under 0.
    by_letter: HashMap<u8, Vec<usize>>,
    by_last_letter: HashMap<u8, Vec<usize>>,
    owners: HashMap<&'static str, Kinds>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut all = Rules::default();
    for line in rows(include_str!("data/names.tsv")) {
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
    fn candidates(&self, word: &str) -> impl Iterator<Item = usize> {
        let bytes = word.as_bytes();
        let first = bytes.first().and_then(|it| self.by_letter.get(it));
        let last = bytes.last().and_then(|it| self.by_last_letter.get(it));
        let any = self.by_last_letter.get(&0);
        [self.exact.get(word), first, last, any].into_iter().flatten().flatten().copied()
    }
}

/// A rule that matched, and where.
#[derive(Clone, Copy)]
struct Match<'r> {
    rule: &'r Rule,
    index: usize,
    at: usize,
}

impl Match<'_> {
    /// The more telling match has the greater key.
    fn key(self) -> (u8, usize, usize, Reverse<usize>) {
        let rank = if let Sort::Network(rank) = self.rule.sort { rank } else { 0 };
        (rank, self.rule.pattern.len(), self.rule.letters, Reverse(self.at))
    }
}

/// What a name says, such as `openai/clip-vit-base-patch32`; `None` when no rule knows it.
pub(super) fn read(name: &str) -> Option<Reading> {
    let name = end_of(name).to_ascii_lowercase();
    let (owner, name) = match name.trim_end_matches('/').rsplit_once('/') {
        Some((before, name)) => (before.rsplit('/').next().unwrap_or(before), name),
        None => ("", name.as_str()),
    };
    let separator = |c: char| matches!(c, '-' | '_' | '.' | ':') || c.is_whitespace();
    let words: Vec<&str> =
        name.split(separator).filter(|it| !it.is_empty()).take(MOST_WORDS).collect();

    let mut network: Option<Match<'_>> = None;
    let mut purposes: Vec<Match<'_>> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        for index in RULES.candidates(word) {
            let Some(rule) = RULES.all.get(index) else { continue };
            let here = words.get(at..at + rule.pattern.len()).unwrap_or_default();
            if here.is_empty()
                || !here.iter().zip(&rule.pattern).all(|(word, it)| matches(it, word))
            {
                continue;
            }
            let found = Match { rule, index, at };
            match rule.sort {
                Sort::Network(_) if network.is_none_or(|it| it.key() < found.key()) => {
                    network = Some(found);
                }
                Sort::Network(_) => {}
                Sort::Word { .. } => purposes.push(found),
            }
        }
    }
    purposes.sort_unstable_by_key(|it| it.index);
    let text = |found: &[Match<'_>]| {
        let run =
            |it: &Match<'_>| words.get(it.at..it.at + it.rule.pattern.len()).map(|it| it.join("-"));
        found.iter().filter_map(run).collect::<Vec<_>>().join(", ")
    };
    let of_owner = RULES.owners.get(owner).copied();

    if let Some(network) = network {
        return Some(of_network(network, &purposes, of_owner, text));
    }
    let alone = |it: &&Match<'_>| matches!(it.rule.sort, Sort::Word { alone: true, .. });
    let weak = |it: &&Match<'_>| matches!(it.rule.sort, Sort::Word { weakly: true, .. });
    let plain = |it: &Match<'_>, basis| Reading {
        kinds: it.rule.kinds,
        basis,
        words: text(&[*it]),
        reason: None,
    };
    if let Some(found) = purposes.iter().find(alone) {
        return Some(plain(found, Basis::NameWord));
    }
    if let Some(kinds) = of_owner {
        return Some(Reading {
            kinds,
            basis: Basis::NameOwner,
            words: owner.to_owned(),
            reason: None,
        });
    }
    purposes.iter().find(weak).map(|it| plain(it, Basis::NameWeakWord))
}

/// What a network says, with the words beside it.
fn of_network(
    network: Match<'_>,
    purposes: &[Match<'_>],
    of_owner: Option<Kinds>,
    text: impl Fn(&[Match<'_>]) -> String,
) -> Reading {
    let kinds = network.rule.kinds;
    let reading =
        |kinds, basis, words| Reading { kinds, basis, words, reason: network.rule.reason };
    if kinds.is_none() {
        return reading(kinds, Basis::NameNoKind, text(&[network]));
    }
    for purpose in purposes {
        let Sort::Word { weakly: false, overrides, overrides_vision_language, .. } =
            purpose.rule.sort
        else {
            continue;
        };
        let common = purpose.rule.kinds.and(kinds);
        let may = kinds.likeliest().is_some_and(|it| {
            is_text(it) || overrides_vision_language && it == Subfamily::VisionLanguage
        });
        let told = match (common.likeliest(), purpose.rule.kinds.likeliest()) {
            (Some(one), _) => Some(one),
            (None, other) if overrides && may => other,
            _ => None,
        };
        if let Some(told) = told {
            return reading(
                Kinds::one(told),
                Basis::NameNetworkAndWord,
                text(&[network, *purpose]),
            );
        }
    }
    let narrowed = of_owner.map(|it| it.and(kinds)).filter(|it| !it.is_none());
    let basis = match network.rule.sort {
        Sort::Network(0..=3) => Basis::NameCommonNetwork,
        _ => Basis::NameNetwork,
    };
    match narrowed.and_then(Kinds::likeliest) {
        Some(one) if !kinds.is_one() => {
            reading(Kinds::one(one), Basis::NameNetworkAndOwner, text(&[network]))
        }
        _ => reading(kinds, basis, text(&[network])),
    }
}

/// Whether networks of this kind are given other inputs and outputs, with a word that says so.
const fn is_text(kind: Subfamily) -> bool {
    matches!(
        kind,
        Subfamily::MaskedLm | Subfamily::CausalLm | Subfamily::Seq2seq | Subfamily::SentenceEncoder
    )
}

/// The last [`LONGEST`] bytes of a name, cut between letters.
fn end_of(name: &str) -> &str {
    let mut start = name.len().saturating_sub(LONGEST);
    while !name.is_char_boundary(start) {
        start += 1;
    }
    name.get(start..).unwrap_or_default()
}

/// Whether a word matches a pattern: `*` at an end is anything or nothing, `#` is digits, and at
/// the pattern's end also none.
fn matches(pattern: &str, word: &str) -> bool {
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
    use super::{LONGEST, Rules, matches, read, rows};
    use crate::Subfamily;

    fn kind(name: &str) -> Option<Subfamily> {
        read(name)?.kinds.likeliest()
    }

    #[test]
    fn every_rule_is_read() {
        let mut all = Rules::default();
        for line in rows(include_str!("data/names.tsv")) {
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

    #[test]
    fn words_are_whole_and_the_telling_one_wins() {
        use Subfamily as K;
        for (name, expected) in [
            ("microsoft/xclip-base-patch32", K::VideoTextEncoder),
            ("openai/clip-vit-base-patch32", K::ImageTextEncoder),
            ("llava-hf/llava-v1.6-mistral-7b-hf", K::VisionLanguage),
            ("uclanlp/visualbert-vqa", K::VisualQuestionAnswerer),
            ("facebook/hubert-large-ls960-ft", K::SpeechRecognition),
            ("google/videobert", K::VideoClassifier),
            ("TheBloke/Llama-2-7B-GGUF", K::CausalLm),
            ("dslim/bert-base-NER", K::TokenClassifier),
        ] {
            assert_eq!(kind(name), Some(expected), "{name}");
        }
        assert_eq!(kind("someone/frobnicator"), None);
        assert_eq!(kind("albertina/notes-on-clippings"), None);
        assert_eq!(
            read("stabilityai/stable-diffusion-xl-base-1.0").unwrap().reason,
            Some("makes images")
        );
    }

    #[test]
    fn any_text_is_read_without_a_panic() {
        for name in [
            "",
            "/",
            "//",
            "-",
            "a/b/c/d",
            "é",
            "bert\u{0}",
            "ＢＥＲＴ",
            "🤗/🤗-bert",
            "\u{202e}bert",
        ] {
            read(name);
        }
        let long = format!("{}/bert", "é-".repeat(500_000));
        assert_eq!(kind(&long), Some(Subfamily::MaskedLm));
        assert_eq!(kind(&"é".repeat(LONGEST)), None);
    }
}
