//! Text as it grows, token by token.

use std::ops::ControlFlow;

use super::{Continuation, Generated, Step, Stop};
use crate::{Error, Result, TextTokenizer};

/// What a decoder writes for bytes that are not a character, or not yet.
const REPLACEMENT: char = '\u{fffd}';

/// The text of one prompt while it is generated: `run` generates and calls what it is given at
/// every step, and `on_text` gets each piece of text as soon as it is certain and can end it.
///
/// # Errors
/// What `run` reports; [`Error::Tokenizer`] for tokens that make no text.
pub(crate) fn streamed(
    tokenizer: &TextTokenizer,
    mut on_text: impl FnMut(&str) -> ControlFlow<()>,
    run: impl FnOnce(&mut dyn FnMut(Step<'_>) -> Result<ControlFlow<()>>) -> Result<Continuation>,
) -> Result<Generated> {
    let mut stream = TextStream::new(tokenizer);
    let mut give = |piece: String| {
        if piece.is_empty() { ControlFlow::Continue(()) } else { on_text(&piece) }
    };
    let Continuation { token_ids, stopped } = run(&mut |step| Ok(give(stream.push(step.token)?)))?;
    if stopped != Stop::Cancelled {
        // The text is complete, so there is nothing left to cancel.
        _ = give(stream.finish()?);
    }
    Ok(Generated { token_ids, text: stream.into_text(), stopped })
}

/// Turns tokens into pieces of text that never change afterwards: their concatenation is the
/// text of all tokens.
#[derive(Debug)]
struct TextStream<'a> {
    tokenizer: &'a TextTokenizer,
    tokens: Vec<i64>,
    given: String,
}

impl<'a> TextStream<'a> {
    const fn new(tokenizer: &'a TextTokenizer) -> Self {
        Self { tokenizer, tokens: Vec::new(), given: String::new() }
    }

    /// The piece of text that `token` completes; empty while it may still change.
    fn push(&mut self, token: i64) -> Result<String> {
        self.tokens.push(token);
        let text = self.tokenizer.decode(self.tokenizer.settled(&self.tokens), true)?;
        // The bytes of one character can come in several tokens.
        let mut settled = text.trim_end_matches(REPLACEMENT);
        if self.tokenizer.rewrites_spaces() {
            // A space may still go when the word after it is complete.
            settled = &settled[..settled.rfind(' ').unwrap_or(0)];
        }
        self.give(settled)
    }

    /// What is left at the end.
    fn finish(&mut self) -> Result<String> {
        let text = self.tokenizer.decode(&self.tokens, true)?;
        self.give(&text)
    }

    /// All that was given so far.
    fn into_text(self) -> String {
        self.given
    }

    fn give(&mut self, settled: &str) -> Result<String> {
        // Shorter than before: nothing new is settled.
        if self.given.starts_with(settled) {
            return Ok(String::new());
        }
        let Some(piece) = settled.strip_prefix(self.given.as_str()) else {
            return Err(Error::Tokenizer {
                reason: format!(
                    "its decoder changed text that was already streamed ({:?} became {settled:?}); \
                     generate without streaming",
                    self.given
                ),
            });
        };
        let piece = piece.to_owned();
        self.given.push_str(&piece);
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::TextStream;
    use crate::{ModelDir, TextTokenizer};

    fn tokenizer(model: &str) -> TextTokenizer {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/");
        TextTokenizer::open(&ModelDir::open(format!("{folder}{model}")).unwrap()).unwrap()
    }

    /// BERT's decoder takes spaces back; Qwen's tokens hold parts of characters; LLaMA has tokens
    /// for single bytes.
    #[test]
    fn pieces_add_up_to_the_text_whatever_the_decoder() {
        for model in ["bert", "qwen3", "llama"] {
            let tokenizer = tokenizer(model);
            for text in [
                "It isn't warm, is it? They've said: 'no'. We're here!",
                "Le café est déjà fermé: 5 €! 🙂 🚢 港の朝は静かです。",
                "",
                " ",
            ] {
                let mut stream = TextStream::new(&tokenizer);
                let ids = tokenizer.encode(text, false).unwrap();
                let mut pieces = String::new();
                for id in &ids {
                    let piece = stream.push(*id).unwrap();
                    assert!(!piece.contains('\u{fffd}'), "{piece:?}");
                    pieces += &piece;
                }
                pieces += &stream.finish().unwrap();
                assert_eq!(pieces, tokenizer.decode(&ids, true).unwrap());
                assert_eq!(pieces, stream.into_text());
            }
        }
    }

    /// A byte that is none of a character makes all bytes around it unreadable, also those before
    /// it, and special tokens between them do not count.
    #[test]
    fn a_character_of_bytes_waits_for_the_end_of_its_run() {
        let tokenizer = tokenizer("llama");
        let token = |it: &str| tokenizer.token_id(it).unwrap();
        let bytes = ["<0xE4>", "<0xBD>", "<0xA0>"].map(token);
        let [word, end, stray] = ["▁the", "</s>", "<0xE5>"].map(token);
        let start = [&[word][..], &bytes].concat();
        for (rest, pieces) in [
            (&[word][..], &["the", "", "", "", "你 the"][..]),
            (&[], &["the", "", "", "", "你"]),
            (&[stray, word], &["the", "", "", "", "", "\u{fffd}\u{fffd}\u{fffd}\u{fffd} the"]),
            (
                &[end, stray, word],
                &["the", "", "", "", "", "", "\u{fffd}\u{fffd}\u{fffd}\u{fffd} the"],
            ),
            (&[stray], &["the", "", "", "", "", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"]),
        ] {
            let ids = [&start, rest].concat();
            let mut stream = TextStream::new(&tokenizer);
            let mut given: Vec<_> = ids.iter().map(|it| stream.push(*it).unwrap()).collect();
            let last = stream.finish().unwrap();
            if !last.is_empty() {
                given.push(last);
            }
            assert_eq!(given, pieces, "{rest:?}");
            assert_eq!(given.concat(), tokenizer.decode(&ids, true).unwrap());
        }
    }
}
