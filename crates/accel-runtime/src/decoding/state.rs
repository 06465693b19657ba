//! Rows of a batch on their way through a decoder.

use super::columns::{columns, joined};
use super::graph::{CacheEntry, DecoderGraph, LOGITS, Role};
use super::{Decoder, Encoded};
use crate::engine::{Dim, Feed, Keep, Kept};
use crate::tasks::bad_output;
use crate::{Error, Result, Tensor, TensorData};

/// Tokens that a long prompt is read in at a time. Most graphs give scores after every token: of
/// a prompt of a thousand tokens and a vocabulary of 150 000 these would be 600 MB.
const PIECE: usize = 128;

/// The fresh part of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fresh<'a> {
    /// Token ids; a decoder that wants embeddings embeds them.
    Ids(&'a [i64]),
    /// Embeddings, `width` floats a token.
    Embeddings {
        /// The floats.
        values: &'a [f32],
        /// Floats of one token.
        width: usize,
    },
}

impl Fresh<'_> {
    const fn tokens(&self) -> usize {
        match self {
            Self::Ids(ids) => ids.len(),
            Self::Embeddings { values, width } => match values.len().checked_div(*width) {
                Some(tokens) => tokens,
                None => 0,
            },
        }
    }
}

/// Scores of the next token, one row for every row of the batch; all are finite.
#[derive(Debug)]
pub(crate) struct Logits {
    scores: Vec<f32>,
    vocabulary: usize,
}

impl Logits {
    /// The scores of row `index`.
    pub(crate) fn row(&self, index: usize) -> &[f32] {
        &self.scores[index * self.vocabulary..(index + 1) * self.vocabulary]
    }

    /// Scores of one row.
    pub(crate) const fn vocabulary(&self) -> usize {
        self.vocabulary
    }
}

/// Rows of a batch with what the decoder has seen of them.
#[derive(Debug)]
pub(crate) struct DecoderState<'a> {
    decoder: &'a Decoder,
    /// Padding at the beginning of every row.
    padding: Vec<usize>,
    /// Tokens that every row has so far, its padding included.
    seen: usize,
    /// The cache entries that grow, in the decoder's order; none before the first step.
    growing: Vec<Kept>,
    /// The cache entries of the encoder's output; none before the first step.
    fixed: Vec<Kept>,
    encoded: Option<Encoded>,
    /// Which row of the first encoded ones each row reads: rows that swap within a text need
    /// nothing of the encoder's moved.
    reads: Vec<usize>,
    /// All that was fed, `[rows, tokens]` or `[rows, tokens, width]`, for a decoder without a
    /// cache, which sees it in every step.
    history: Option<Tensor>,
}

impl<'a> DecoderState<'a> {
    pub(super) fn new(decoder: &'a Decoder, rows: usize, encoded: Option<Encoded>) -> Result<Self> {
        let given = encoded.as_ref().map(Encoded::rows);
        let fits = if decoder.reads_encoder() { given == Some(rows) } else { given.is_none() };
        if !fits || rows == 0 {
            return Err(Error::InvalidArgument {
                argument: "encoded",
                given: format!("{given:?} encoded rows for {rows} rows"),
                expected:
                    "at least one row, each with its encoder's output if the decoder reads it"
                        .to_owned(),
            });
        }
        Ok(Self {
            decoder,
            padding: vec![0; rows],
            seen: 0,
            growing: Vec::new(),
            fixed: Vec::new(),
            encoded,
            reads: (0..rows).collect(),
            history: None,
        })
    }

    /// Rows of the batch.
    pub(crate) fn rows(&self) -> usize {
        self.padding.len()
    }

    /// Runs the decoder over the fresh tokens of every row and gives the scores of the next
    /// ones. Only in the first step may rows have different numbers of them, and then only if
    /// the decoder [`pads`](Decoder::pads).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for rows that cannot be one batch; [`Error::NonFinite`] for
    /// scores that are no numbers; what the engine reports.
    pub(crate) fn step(&mut self, fresh: &[Fresh<'_>]) -> Result<Logits> {
        let length = fresh.iter().map(Fresh::tokens).max().unwrap_or(0);
        let equal = fresh.iter().all(|it| it.tokens() == length);
        let sensible = fresh.iter().all(|it| it.tokens() > 0) && fresh.len() == self.rows();
        if !sensible || !(equal || self.seen == 0 && self.decoder.pads()) {
            return Err(Error::InvalidArgument {
                argument: "fresh",
                given: format!("{:?} tokens", fresh.iter().map(Fresh::tokens).collect::<Vec<_>>()),
                expected: format!("as many tokens for each of {} rows", self.rows()),
            });
        }
        if self.seen == 0 {
            self.padding = fresh.iter().map(|it| length - it.tokens()).collect();
        }
        let decoder = self.decoder;
        let graph = decoder.graph(if decoder.is_cached() { self.seen } else { 0 });
        let mut text = self.text(fresh, length, graph.takes(Role::InputsEmbeds))?;
        if !decoder.is_cached() {
            if let Some(history) = self.history.take() {
                text = joined(&history, &text)?;
            }
            self.seen += length;
            self.history = Some(text.clone());
            return self.run(graph, text, self.seen);
        }
        let mut from = 0;
        if decoder.reads_in_pieces() {
            while length - from > PIECE {
                self.seen += PIECE;
                self.run(graph, columns(&text, from, from + PIECE)?, PIECE)?;
                from += PIECE;
            }
            text = columns(&text, from, length)?;
        }
        self.seen += length - from;
        self.run(graph, text, length - from)
    }

    /// Keeps the rows at these indexes, in their order; one may be kept several times.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an index beyond the rows; what the engine reports.
    pub(crate) fn select(&mut self, rows: &[usize]) -> Result<()> {
        if rows.iter().copied().eq(0..self.rows()) {
            return Ok(());
        }
        if let Some(row) = rows.iter().find(|it| **it >= self.rows()) {
            return Err(Error::InvalidArgument {
                argument: "rows",
                given: row.to_string(),
                expected: format!("indexes below {}", self.rows()),
            });
        }
        for kept in &mut self.growing {
            *kept = kept.select(rows)?;
        }
        let reads: Vec<_> = rows.iter().map(|it| self.reads[*it]).collect();
        if reads != self.reads {
            for kept in &mut self.fixed {
                *kept = kept.select(rows)?;
            }
            if let Some(encoded) = &mut self.encoded {
                *encoded = encoded.select(rows)?;
            }
            self.reads = reads;
        }
        if let Some(history) = self.history.take() {
            self.history = Some(Kept::Host(history).select(rows)?.into_tensor()?);
        }
        self.padding = rows.iter().map(|it| self.padding[*it]).collect();
        Ok(())
    }

    /// The fresh tokens of all rows, padded on the left, as ids or embeddings.
    fn text(&self, fresh: &[Fresh<'_>], length: usize, embeds: bool) -> Result<Tensor> {
        let rows = fresh.len();
        let mut ids = Vec::with_capacity(rows * length);
        let mut floats: Vec<f32> = Vec::new();
        for row in fresh {
            let padding = length - row.tokens();
            match row {
                Fresh::Ids(new) => {
                    // Which token pads does not matter: nothing attends to it.
                    ids.extend(std::iter::repeat_n(0, padding));
                    ids.extend_from_slice(new);
                }
                Fresh::Embeddings { values, width } => {
                    floats.extend(std::iter::repeat_n(0.0, padding * width));
                    floats.extend_from_slice(values);
                }
            }
        }
        match (ids.len() == rows * length, floats.len().checked_div(rows * length)) {
            (true, Some(0)) if embeds => self.decoder.embed(Tensor::new(vec![rows, length], ids)?),
            (true, Some(0)) => Tensor::new(vec![rows, length], ids),
            (false, Some(width)) if embeds && ids.is_empty() => {
                Tensor::new(vec![rows, length, width], floats)
            }
            _ => Err(Error::InvalidArgument {
                argument: "fresh",
                given: "ids and embeddings, or embeddings for a decoder that reads ids".to_owned(),
                expected: "one of both for every row, as the decoder wants it".to_owned(),
            }),
        }
    }

    /// Runs `graph` over `text`, the last `length` of the tokens seen.
    fn run(&mut self, graph: &DecoderGraph, text: Tensor, length: usize) -> Result<Logits> {
        let decoder = self.decoder;
        let rows = self.rows();
        let past = self.seen - length;
        let mut growing: Vec<_> = std::mem::take(&mut self.growing).into_iter().map(Some).collect();
        let mut text = Some(text);
        let symbols = self.symbols(graph);
        let mut inputs = Vec::with_capacity(graph.inputs.len());
        for (name, role) in &graph.inputs {
            let feed = match role {
                Role::InputIds | Role::InputsEmbeds => text.take().map(Feed::Tensor),
                Role::AttentionMask => Some(Feed::Tensor(self.attention_mask()?)),
                Role::PositionIds => Some(Feed::Tensor(self.position_ids(length)?)),
                Role::CachePosition => {
                    let positions = (0_i64..).take(self.seen).skip(past);
                    let positions: Vec<_> = positions.collect();
                    Some(Feed::Tensor(Tensor::new(vec![length], positions)?))
                }
                Role::EncoderHiddenStates => {
                    self.encoded.as_ref().map(|it| Feed::Shared(&it.hidden))
                }
                Role::EncoderAttentionMask => {
                    self.encoded.as_ref().map(|it| Feed::Shared(&it.mask))
                }
                Role::UseCacheBranch => Some(Feed::Tensor(Tensor::new(vec![1], vec![past > 0])?)),
                Role::LogitsToKeep => {
                    let rank = declared_rank(graph, name);
                    Some(Feed::Tensor(Tensor::new(vec![1; rank], vec![1_i64])?))
                }
                Role::Growing(index) => {
                    let entry = &graph.growing[*index];
                    let at = decoder.growing.iter().position(|it| *it == entry.name);
                    let kept = at.and_then(|it| growing.get_mut(it)).and_then(Option::take);
                    match kept {
                        Some(kept) => Some(Feed::Kept(kept)),
                        None => empty(entry, rows, &symbols)?,
                    }
                }
                Role::Fixed(index) => {
                    let entry = &graph.fixed[*index];
                    let at = decoder.fixed.iter().position(|it| *it == entry.name);
                    match at.and_then(|it| self.fixed.get(it)) {
                        Some(kept) => Some(Feed::Shared(kept)),
                        None => empty(entry, rows, &symbols)?,
                    }
                }
            };
            // What is missing is told by the check before the run.
            inputs.extend(feed.map(|it| (name.as_str(), it)));
        }
        let mut keep = Vec::new();
        keep.extend(presents(&decoder.growing, &graph.growing, Some(CacheEntry::LENGTH)));
        // The encoder's keys and values never change; merged graphs may give nothing for them
        // later on.
        if self.fixed.is_empty() {
            keep.extend(presents(&decoder.fixed, &graph.fixed, None));
        }
        let (mut results, mut kept) = graph.session.run_keeping(inputs, &[LOGITS], &keep)?;
        let fixed = kept.split_off(decoder.growing.len().min(kept.len()));
        self.growing = kept;
        if self.fixed.is_empty() {
            self.fixed = fixed;
        }
        let logits = results.pop().ok_or_else(|| bad_output(LOGITS, "a tensor", "nothing"))?;
        last_scores(logits, rows, length)
    }

    /// `[rows, seen]`: 0 for padding, 1 for tokens.
    fn attention_mask(&self) -> Result<Tensor> {
        let mut mask = Vec::with_capacity(self.rows() * self.seen);
        for padding in &self.padding {
            mask.extend((0..self.seen).map(|it| i64::from(it >= *padding)));
        }
        Tensor::new(vec![self.rows(), self.seen], mask)
    }

    /// `[rows, length]` for the last `length` tokens: tokens are counted from 0, padding is not
    /// counted.
    fn position_ids(&self, length: usize) -> Result<Tensor> {
        let mut positions = Vec::with_capacity(self.rows() * length);
        for padding in &self.padding {
            let from = self.seen - length;
            let counted = (from..self.seen).map(|it| it.saturating_sub(*padding));
            positions.extend(counted.map(crate::tasks::token_id));
        }
        Tensor::new(vec![self.rows(), length], positions)
    }

    /// Sizes that the encoder's output gives to the graph's named dimensions.
    fn symbols<'g>(&self, graph: &'g DecoderGraph) -> Vec<(&'g str, usize)> {
        let mut symbols = Vec::new();
        let Some(encoded) = &self.encoded else { return symbols };
        for (name, role) in &graph.inputs {
            let shape = match role {
                Role::EncoderHiddenStates => encoded.hidden.shape(),
                Role::EncoderAttentionMask => encoded.mask.shape(),
                _ => continue,
            };
            let info = graph.session.inputs().iter().find(|it| it.name == *name);
            for (dim, size) in
                info.map(|it| it.dims.as_slice()).unwrap_or_default().iter().zip(shape)
            {
                if let Dim::Symbol(name) = dim {
                    symbols.push((name.as_str(), size));
                }
            }
        }
        symbols
    }
}

/// The outputs of `given` that `wanted` names, in the order of `wanted`.
fn presents<'a>(
    wanted: &'a [String],
    given: &'a [CacheEntry],
    grows: Option<usize>,
) -> impl Iterator<Item = Keep<'a>> {
    wanted.iter().filter_map(move |name| {
        let entry = given.iter().find(|it| it.name == *name)?;
        Some(Keep { output: entry.present.as_deref()?, grows })
    })
}

/// A cache entry before anything is in it.
fn empty<'a>(
    entry: &CacheEntry,
    rows: usize,
    symbols: &[(&str, usize)],
) -> Result<Option<Feed<'a>>> {
    let Some(shape) = entry.empty(rows, symbols) else { return Ok(None) };
    let zeros = vec![0.0; shape.iter().product()];
    Tensor::new(shape, zeros).map(|it| Some(Feed::Tensor(it)))
}

fn declared_rank(graph: &DecoderGraph, input: &str) -> usize {
    let info = graph.session.inputs().iter().find(|it| it.name == input);
    info.map_or(0, |it| it.dims.len())
}

/// The scores after the last token of every row. Graphs give those after every fresh token, or
/// only the last ones.
fn last_scores(logits: Tensor, rows: usize, length: usize) -> Result<Logits> {
    let (shape, data) = logits.into_parts();
    let vocabulary = match *shape {
        [given, after, vocabulary]
            if given == rows && (after == length || after == 1) && vocabulary > 0 =>
        {
            vocabulary
        }
        _ => {
            let expected = format!("[{rows}, {length}, vocabulary]");
            return Err(bad_output(LOGITS, &expected, &format!("{shape:?}")));
        }
    };
    let TensorData::F32(mut scores) = data else {
        return Err(bad_output(LOGITS, "f32", &data.dtype().to_string()));
    };
    let after = scores.len() / (rows * vocabulary);
    for row in 0..rows {
        let last = ((row + 1) * after - 1) * vocabulary;
        scores.copy_within(last..last + vocabulary, row * vocabulary);
    }
    scores.truncate(rows * vocabulary);
    let scores = Tensor::new(vec![rows, vocabulary], scores)?.finite(LOGITS)?;
    let TensorData::F32(mut scores) = scores.into_parts().1 else {
        return Err(bad_output(LOGITS, "f32", "another type"));
    };
    // The room of a long prompt's scores is not needed again.
    scores.shrink_to_fit();
    Ok(Logits { scores, vocabulary })
}
