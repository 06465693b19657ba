//! A model's tokenizer with its model's limits.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokenizers::models::ModelWrapper;
use tokenizers::{
    DecoderWrapper, Encoding, PaddingDirection, PaddingParams, PaddingStrategy, PostProcessor,
    Tokenizer, TruncationDirection,
};

use crate::model::{Side, SpecialTokens};
use crate::{Error, ModelDir, Result, Tensor};

/// `model_max_length` of a tokenizer for which nobody set it is far beyond this.
const NO_LIMIT: f64 = 1e9;

/// A model's tokenizer. Padding and truncation follow the model's configuration, whatever
/// `tokenizer.json` was saved with.
#[derive(Debug)]
pub struct TextTokenizer {
    tokenizer: Tokenizer,
    /// Which end of a long text is cut off.
    truncation: TruncationDirection,
    special_tokens: SpecialTokens,
    max_length: Option<usize>,
    padding: Option<PaddingParams>,
    cleans_up: bool,
}

/// A padded batch, one row a text; all tensors are `i64 [texts, tokens]`.
#[derive(Clone, Debug)]
pub struct EncodedBatch {
    /// Token ids.
    pub input_ids: Tensor,
    /// 1 for a token, 0 for padding.
    pub attention_mask: Tensor,
    /// Which of two texts a token belongs to.
    pub token_type_ids: Tensor,
}

impl TextTokenizer {
    /// Reads `tokenizer.json` and the configuration beside it.
    ///
    /// # Errors
    /// [`Error::MissingFile`], [`Error::InvalidFile`] or [`Error::Io`], naming the file.
    pub fn open(dir: &ModelDir) -> Result<Self> {
        let bytes = dir.required_bytes("tokenizer.json", "the model's tokenizer")?;
        let config = dir.tokenizer_config()?;
        let invalid = |reason: String| Error::InvalidFile {
            path: dir.path().join("tokenizer.json"),
            reason,
            remedy: "copy it again from the model's repository".to_owned(),
        };
        let mut tokenizer =
            guarded(|| Tokenizer::from_bytes(bytes)).map_err(|it| invalid(it.to_string()))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|it| invalid(it.to_string()))?;

        let max_length = max_length(&config, dir);
        let truncation = match config.truncation_side {
            Side::Left => TruncationDirection::Left,
            Side::Right => TruncationDirection::Right,
        };
        let padding = config.special_tokens.pad_token.as_ref().and_then(|token| {
            Some(PaddingParams {
                strategy: PaddingStrategy::BatchLongest,
                direction: match config.padding_side {
                    Side::Left => PaddingDirection::Left,
                    Side::Right => PaddingDirection::Right,
                },
                pad_id: tokenizer.token_to_id(token.text())?,
                pad_token: token.text().to_owned(),
                ..PaddingParams::default()
            })
        });
        // Hugging Face cleans up after every kind of model but BPE, where it would be lossy.
        let cleans_up = config.clean_up_tokenization_spaces == Some(true)
            && !matches!(tokenizer.get_model(), ModelWrapper::BPE(_));
        let special_tokens = config.special_tokens;
        Ok(Self { tokenizer, truncation, special_tokens, max_length, padding, cleans_up })
    }

    /// Tokens that one text may have: the smaller of the tokenizer's and the model's limit.
    pub const fn max_length(&self) -> Option<usize> {
        self.max_length
    }

    /// The special tokens by role.
    pub const fn special_tokens(&self) -> &SpecialTokens {
        &self.special_tokens
    }

    /// The id of a token of the vocabulary.
    pub fn token_id(&self, token: &str) -> Option<i64> {
        self.tokenizer.token_to_id(token).map(i64::from)
    }

    /// A token of the vocabulary as it is written there.
    pub fn token(&self, id: i64) -> Option<String> {
        self.tokenizer.id_to_token(u32::try_from(id).ok()?)
    }

    /// Whether a token is special: it says something about the text and is none of it.
    pub fn is_special(&self, id: i64) -> bool {
        self.token(id).is_some_and(|it| self.tokenizer.get_added_vocabulary().is_special_token(&it))
    }

    /// Whether decoding may take back a space once the word after it is known.
    pub(crate) fn rewrites_spaces(&self) -> bool {
        let decoder = self.tokenizer.get_decoder();
        self.cleans_up
            || matches!(decoder, Some(DecoderWrapper::WordPiece(_) | DecoderWrapper::CTC(_)))
    }

    /// As many of `ids` from the start as decode to the same text whatever follows them.
    ///
    /// Where characters fall back to bytes, a run of bytes is decoded as a whole: one that is
    /// wrong, even the last, makes each of them unreadable, also those of a whole character.
    pub(crate) fn settled<'a>(&self, ids: &'a [i64]) -> &'a [i64] {
        if !self.tokenizer.get_decoder().is_some_and(falls_back_to_bytes) {
            return ids;
        }
        let ends_a_run = |id: &i64| {
            let token = u32::try_from(*id).ok().and_then(|it| self.tokenizer.id_to_token(it));
            // Special tokens are left out before the bytes are put together.
            let special = |it: &str| self.tokenizer.get_added_vocabulary().is_special_token(it);
            token.is_some_and(|it| !is_byte(&it) && !special(&it))
        };
        &ids[..ids.iter().rposition(ends_a_run).map_or(0, |it| it + 1)]
    }

    /// Ids of one text, not truncated; `special_tokens` adds those that begin and end a text.
    ///
    /// # Errors
    /// [`Error::Tokenizer`].
    pub fn encode(&self, text: &str, special_tokens: bool) -> Result<Vec<i64>> {
        let encoding = self.encoding(text, special_tokens)?;
        Ok(encoding.get_ids().iter().map(|it| i64::from(*it)).collect())
    }

    /// A batch of texts, each cut at [`max_length`](Self::max_length) and padded to the longest.
    ///
    /// # Errors
    /// [`Error::Tokenizer`], also when texts of several lengths need padding and the model has no
    /// padding token.
    pub fn encode_batch(&self, texts: &[&str]) -> Result<EncodedBatch> {
        let mut encodings: Vec<_> =
            texts.iter().map(|it| self.encode_truncated(it)).collect::<Result<_>>()?;
        let length = encodings.iter().map(Encoding::len).max().unwrap_or(0);
        if let Some(padding) = &self.padding {
            tokenizers::pad_encodings(&mut encodings, padding).map_err(failed)?;
        } else if encodings.iter().any(|it| it.len() != length) {
            return Err(Error::Tokenizer {
                reason: "texts of several lengths need padding, and the model's configuration \
                         names no padding token of its vocabulary; encode one text at a time"
                    .to_owned(),
            });
        }
        let tensor = |row: fn(&Encoding) -> &[u32]| {
            let rows = encodings.iter().flat_map(row).map(|it| i64::from(*it));
            Tensor::new(vec![texts.len(), length], rows.collect::<Vec<_>>())
        };
        Ok(EncodedBatch {
            input_ids: tensor(Encoding::get_ids)?,
            attention_mask: tensor(Encoding::get_attention_mask)?,
            token_type_ids: tensor(Encoding::get_type_ids)?,
        })
    }

    /// One text with its special tokens, cut so that both fit `max_length` together.
    fn encode_truncated(&self, text: &str) -> Result<Encoding> {
        let mut encoding = self.encoding(text, false)?;
        if let Some(max_length) = self.max_length {
            let added = self.tokenizer.get_post_processor().map_or(0, |it| it.added_tokens(false));
            encoding.truncate(max_length.saturating_sub(added), 0, self.truncation);
        }
        guarded(|| self.tokenizer.post_process(encoding, None, true)).map_err(failed)
    }

    /// The text of token ids, spaces cleaned up where the model's configuration says so.
    ///
    /// # Errors
    /// [`Error::Tokenizer`], also for an id that cannot be one.
    pub fn decode(&self, ids: &[i64], skip_special_tokens: bool) -> Result<String> {
        let ids: Vec<_> = ids
            .iter()
            .map(|id| {
                u32::try_from(*id)
                    .map_err(|_| Error::Tokenizer { reason: format!("{id} is not a token id") })
            })
            .collect::<Result<_>>()?;
        let text = self.text(&ids, skip_special_tokens)?;
        Ok(if self.cleans_up { clean_up(&text) } else { text })
    }

    fn encoding(&self, text: &str, special_tokens: bool) -> Result<Encoding> {
        guarded(|| self.tokenizer.encode(text, special_tokens)).map_err(failed)
    }

    fn text(&self, ids: &[u32], skip_special_tokens: bool) -> Result<String> {
        guarded(|| self.tokenizer.decode(ids, skip_special_tokens)).map_err(failed)
    }

    /// The bytes that a token puts into a text that has begun before it, spaces included, as
    /// transformers 5.23 tells them for stop strings (`generation/stopping_criteria.py`,
    /// `clean_tokenizer_vocab`): a token may hold parts of a character.
    pub(crate) fn token_bytes(&self, id: i64) -> Result<Vec<u8>> {
        let token = u32::try_from(id).ok().and_then(|it| self.tokenizer.id_to_token(it));
        // Models may have more scores than tokens.
        let Some(token) = token else { return Ok(Vec::new()) };
        let decoder = self.tokenizer.get_decoder();
        if decoder.is_some_and(falls_back_to_bytes) {
            if is_byte(&token)
                && let Ok(byte) = u8::from_str_radix(&token[3..5], 16)
            {
                return Ok(vec![byte]);
            }
        } else if decoder.is_some_and(spells_bytes)
            && let Some(bytes) = token.chars().map(spelled_byte).collect()
        {
            return Ok(bytes);
        }
        // Decoders treat the first token of a text differently, so something stands before it.
        let before = self.encoding(BEFORE, false)?;
        let mut ids = before.get_ids().to_vec();
        ids.extend(u32::try_from(id));
        let text = self.text(&ids, false)?;
        Ok(match text.split_once(BEFORE) {
            Some((_, text)) => text.into(),
            None => self.text(&ids[ids.len() - 1..], false)?.into(),
        })
    }
}

/// What `work` gives, or an error where it panics: some parts of `tokenizers` 0.23 do so for a file
/// that makes no sense, such as an empty pattern (`normalizer.rs`) or a damaged
/// `precompiled_charsmap`. What `work` sees is not changed by it.
fn guarded<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> tokenizers::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err("it panicked on what tokenizer.json asks for: copy it again from the model's \
             repository"
            .into())
    })
}

/// What transformers puts before a token to learn what it spells.
const BEFORE: &str = "abcdef";

/// Whether the tokens of a decoder spell bytes in characters of their own.
fn spells_bytes(decoder: &DecoderWrapper) -> bool {
    match decoder {
        DecoderWrapper::ByteLevel(_) => true,
        DecoderWrapper::Sequence(it) => it.get_decoders().iter().any(spells_bytes),
        _ => false,
    }
}

/// The byte that GPT-2's byte-level vocabularies spell as `character`: printable ones of Latin-1
/// as they are, the other 68 from U+0100 on, in their order.
fn spelled_byte(character: char) -> Option<u8> {
    let printable = |it: &u8| matches!(it, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    match u32::from(character) {
        code @ 0..=0xFF => u8::try_from(code).ok().filter(printable),
        code => {
            let nth = usize::try_from(code.checked_sub(0x100)?).ok()?;
            (0..=u8::MAX).filter(|it| !printable(it)).nth(nth)
        }
    }
}

fn falls_back_to_bytes(decoder: &DecoderWrapper) -> bool {
    match decoder {
        DecoderWrapper::ByteFallback(_) => true,
        DecoderWrapper::Sequence(it) => it.get_decoders().iter().any(falls_back_to_bytes),
        _ => false,
    }
}

/// Whether a token stands for a byte, as `<0x0A>` does.
fn is_byte(token: &str) -> bool {
    let digits = token.strip_prefix("<0x").and_then(|it| it.strip_suffix('>'));
    digits.is_some_and(|it| it.len() == 2 && u8::from_str_radix(it, 16).is_ok())
}

fn max_length(config: &crate::model::TokenizerConfig, dir: &ModelDir) -> Option<usize> {
    let of_tokenizer = config.model_max_length.filter(|it| *it >= 1.0 && *it < NO_LIMIT);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and a billion, and a length is whole"
    )]
    let of_tokenizer = of_tokenizer.map(|it| it as usize);
    // Nobody's texts have no tokens at all: a 0 says nothing.
    let of_model = dir.config().max_position_embeddings.filter(|it| *it > 0);
    of_tokenizer.into_iter().chain(of_model).min()
}

/// Hugging Face's `clean_up_tokenization`.
pub(super) fn clean_up(text: &str) -> String {
    let replacements = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    replacements.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn failed(error: tokenizers::Error) -> Error {
    Error::Tokenizer { reason: error.to_string() }
}
