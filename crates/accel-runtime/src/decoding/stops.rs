//! Strings that end a text.

use std::collections::HashMap;

use crate::{Result, TextTokenizer};

/// Finds stop strings as the text grows, in bytes, as transformers 5.23 does
/// (`generation/stopping_criteria.py`, `StopStringCriteria`): a string counts when it overlaps
/// the last token, wherever in it it ends.
pub(super) struct StopStrings<'a> {
    strings: &'a [String],
    tokenizer: &'a TextTokenizer,
    /// What tokens were found to spell.
    spelled: HashMap<i64, Vec<u8>>,
    longest: usize,
}

impl<'a> StopStrings<'a> {
    pub(super) fn new(strings: &'a [String], tokenizer: &'a TextTokenizer) -> Self {
        let longest = strings.iter().map(String::len).max().unwrap_or(0);
        Self { strings, tokenizer, spelled: HashMap::new(), longest }
    }

    /// The string that the last token completed, if one.
    pub(super) fn completed(&mut self, ids: &[i64]) -> Result<Option<String>> {
        if self.strings.is_empty() {
            return Ok(None);
        }
        // Every token of a match but the last spells at least one byte of it.
        let tail = &ids[ids.len().saturating_sub(self.longest)..];
        let mut text = Vec::new();
        let mut before_last = 0;
        for id in tail {
            before_last = text.len();
            if !self.spelled.contains_key(id) {
                self.spelled.insert(*id, self.tokenizer.token_bytes(*id)?);
            }
            text.extend_from_slice(self.spelled.get(id).map_or(&[][..], Vec::as_slice));
        }
        let completed = |it: &&String| {
            let string = it.as_bytes();
            let first = (before_last + 1).saturating_sub(string.len());
            text[first.min(text.len())..].windows(string.len()).any(|it| it == string)
        };
        Ok(self.strings.iter().find(completed).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::StopStrings;
    use crate::{ModelDir, TextTokenizer};

    /// Qwen's tokens hold parts of characters; LLaMA's put spaces before words and spell rare
    /// characters in bytes; BERT's continue words.
    #[test]
    fn a_string_counts_when_it_overlaps_the_last_token() {
        for model in ["qwen3", "llama", "bert"] {
            let dir = format!("{}/../../fixtures/{model}", env!("CARGO_MANIFEST_DIR"));
            let tokenizer = TextTokenizer::open(&ModelDir::open(dir).unwrap()).unwrap();
            let text = "the harbour 港 wakes 🙂 early";
            let ids = tokenizer.encode(text, false).unwrap();
            for stop in ["arb", " wak", "港", "r 港 w", "🙂", "y"] {
                if model == "bert" && !stop.is_ascii() {
                    continue;
                }
                let strings = [stop.to_owned()];
                let mut stops = StopStrings::new(&strings, &tokenizer);
                let found: Vec<_> = (1..=ids.len())
                    .filter(|it| stops.completed(&ids[..*it]).unwrap().is_some())
                    .collect();
                // At the first prefix whose text has it, and at no other; the bytes of a
                // character that is not complete decode to something else.
                let has = |it: &usize| tokenizer.decode(&ids[..*it], false).unwrap().contains(stop);
                let first = (1..=ids.len()).find(has).unwrap();
                assert_eq!(found, [first], "{model} {stop:?}");
            }
        }
    }
}
