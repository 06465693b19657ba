//! The vocabulary of models that write one character a frame.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::tokenizer::clean_up;
use crate::model::Token;
use crate::{Error, ModelDir, Result};

const VOCABULARY: &str = "vocab.json";
const CONFIG: &str = "tokenizer_config.json";

/// What `vocab.json` and the files beside it say of a CTC model (transformers 5.23,
/// `tokenization_wav2vec2.py`).
#[derive(Clone, Debug)]
pub struct CtcTokenizer {
    /// Tokens by id; an id without one is read as `unknown`.
    tokens: BTreeMap<i64, String>,
    /// Stands for no character: what a frame says that says nothing.
    blank: String,
    unknown: String,
    /// What is written for the end of a word, and what becomes of it.
    word_delimiter: String,
    written_delimiter: String,
    lower_case: bool,
    cleans_up: bool,
}

/// `tokenizer_config.json`, as far as CTC tokenizers have more in it than others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    word_delimiter_token: Option<Token>,
    replace_word_delimiter_char: Option<String>,
    do_lower_case: bool,
    target_lang: Option<String>,
    added_tokens_decoder: BTreeMap<i64, Token>,
}

/// Tokens with their ids, or one such vocabulary for every language.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vocabulary {
    One(BTreeMap<String, i64>),
    Languages(BTreeMap<String, BTreeMap<String, i64>>),
}

/// What frames say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtcText {
    /// The text.
    pub text: String,
    /// Its characters as they are written, spaces at the ends included.
    pub characters: Vec<CtcCharacter>,
}

/// A character and the frames that say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtcCharacter {
    /// The character, or several that are one token.
    pub character: String,
    /// The first frame.
    pub start: usize,
    /// The frame after the last.
    pub end: usize,
}

impl CtcTokenizer {
    /// Reads `vocab.json`, `tokenizer_config.json` and `special_tokens_map.json`.
    ///
    /// # Errors
    /// [`Error::MissingFile`], [`Error::InvalidFile`] or [`Error::Io`], naming the file.
    pub fn open(dir: &ModelDir) -> Result<Self> {
        let config: Config = dir.optional_json(CONFIG)?.unwrap_or_default();
        let common = dir.tokenizer_config()?;
        let vocabulary: Vocabulary = dir.required_json(VOCABULARY, "the model's vocabulary")?;
        let invalid = |reason: String| Error::InvalidFile {
            path: dir.path().join(VOCABULARY),
            reason,
            remedy: "copy it again from the model's repository".to_owned(),
        };
        let vocabulary = match (vocabulary, &config.target_lang) {
            (Vocabulary::One(tokens), None) => tokens,
            (Vocabulary::Languages(mut all), Some(language)) => {
                all.remove(language).ok_or_else(|| {
                    let known: Vec<_> = all.into_keys().collect();
                    let known = known.join(", ");
                    invalid(format!("it has no language `{language}`; it has {known}"))
                })?
            }
            (Vocabulary::One(_), Some(language)) => {
                return Err(invalid(format!(
                    "it has one vocabulary and {CONFIG} asks for that of language `{language}`"
                )));
            }
            (Vocabulary::Languages(_), None) => {
                return Err(invalid(format!(
                    "it has a vocabulary for every language and {CONFIG} names none (target_lang)"
                )));
            }
        };
        let mut tokens: BTreeMap<_, _> = config
            .added_tokens_decoder
            .iter()
            .map(|(id, it)| (*id, it.text().to_owned()))
            .collect();
        tokens.extend(vocabulary.into_iter().map(|(token, id)| (id, token)));
        let text = |token: Option<&Token>, default: &str| {
            token.map_or_else(|| default.to_owned(), |it| it.text().to_owned())
        };
        let special = &common.special_tokens;
        Ok(Self {
            tokens,
            blank: text(special.pad_token.as_ref(), "<pad>"),
            unknown: text(special.unk_token.as_ref(), "<unk>"),
            word_delimiter: text(config.word_delimiter_token.as_ref(), "|"),
            written_delimiter: config.replace_word_delimiter_char.unwrap_or_else(|| " ".to_owned()),
            lower_case: config.do_lower_case,
            cleans_up: common.clean_up_tokenization_spaces == Some(true),
        })
    }

    /// The text of token ids, one a frame: equal tokens that follow each other count once, and
    /// blanks not at all.
    pub fn decode(&self, ids: &[i64]) -> CtcText {
        let mut characters = Vec::new();
        let mut frame = 0;
        // By their text: two ids without a token are both the unknown one.
        for run in ids.chunk_by(|a, b| self.token(*a) == self.token(*b)) {
            let (start, end) = (frame, frame + run.len());
            frame = end;
            let token = run.first().map_or("", |it| self.token(*it));
            if token == self.blank {
                continue;
            }
            let delimits = token == self.word_delimiter;
            let character = if delimits { self.written_delimiter.as_str() } else { token };
            characters.push(CtcCharacter { character: character.to_owned(), start, end });
        }
        let text: String = characters.iter().map(|it| it.character.as_str()).collect();
        let mut text = text.trim().to_owned();
        if self.lower_case {
            text = text.to_lowercase();
        }
        if self.cleans_up {
            text = clean_up(&text);
        }
        CtcText { text, characters }
    }

    fn token(&self, id: i64) -> &str {
        self.tokens.get(&id).unwrap_or(&self.unknown)
    }
}
