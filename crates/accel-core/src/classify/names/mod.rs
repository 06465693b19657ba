//! What the name alone says, by rules on whole words ([`rules`]), never on substrings that
//! happen to match: `xclip` is not `clip`, and `llava-v1.6-mistral` is LLaVA-NeXT on Mistral.

mod rules;

use std::cmp::Reverse;

use super::{Basis, Kinds};
use crate::Subfamily;
use rules::{RULES, Rule, Sort, matches};

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
    // Owners of language models have others, too.
    let of_owner = of_owner.filter(|it| *it != Kinds::one(Subfamily::CausalLm));
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

#[cfg(test)]
mod tests {
    use super::{LONGEST, read};
    use crate::Subfamily;

    fn kind(name: &str) -> Option<Subfamily> {
        read(name)?.kinds.likeliest()
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
