//! The loop that continues a batch of prompts.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::choose::Chooser;
use super::processors::{LogitsProcessor, standard};
use super::stops::StopStrings;
use super::{
    Decoder, Encoded, Fresh, GenerateOptions, Generated, Logits, Step, Stop, Strategy, beams,
};
use crate::tasks::token_id;
use crate::{Error, Result, TextTokenizer};

/// What a row begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prompt<'a> {
    /// Its token ids: of a decoder-only model the text, of an encoder-decoder what its decoder
    /// starts with. Processors see them.
    pub(crate) ids: &'a [i64],
    /// What the decoder reads instead of the ids' own embeddings, one for every id: text with an
    /// image in it.
    pub(crate) embeddings: Option<&'a [f32]>,
}

impl<'a> From<&'a [i64]> for Prompt<'a> {
    fn from(ids: &'a [i64]) -> Self {
        Self { ids, embeddings: None }
    }
}

impl<'a> Prompt<'a> {
    pub(super) fn fresh(&self) -> Fresh<'a> {
        match self.embeddings {
            Some(values) => {
                Fresh::Embeddings { values, width: values.len() / self.ids.len().max(1) }
            }
            None => Fresh::Ids(self.ids),
        }
    }
}

/// What a prompt was continued with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Continuation {
    /// The new tokens, the one that ended them included.
    pub(crate) token_ids: Vec<i64>,
    /// Why it ended.
    pub(crate) stopped: Stop,
}

impl Continuation {
    /// The continuation with its text, special tokens left out.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] for tokens that make no text.
    pub(crate) fn read(self, tokenizer: &TextTokenizer) -> Result<Generated> {
        let Self { token_ids, stopped } = self;
        let text = tokenizer.decode(&token_ids, true)?;
        Ok(Generated { token_ids, text, stopped })
    }
}

/// One generation: the decoder and all that decides how it goes on.
pub(crate) struct Generation<'a> {
    /// Writes.
    pub(crate) decoder: &'a Decoder,
    /// Knows how tokens are spelled, for stop strings.
    pub(crate) tokenizer: &'a TextTokenizer,
    /// What the caller wants.
    pub(crate) options: &'a GenerateOptions,
    /// The tokens that end a text of this model.
    pub(crate) end_tokens: &'a [i64],
    /// Tokens that a row may have, its prompt included.
    pub(crate) context: Option<usize>,
    /// The processors that the pipeline adds to prompt `index`.
    pub(crate) processors: &'a dyn Fn(usize) -> Vec<Box<dyn LogitsProcessor>>,
}

/// Sees each new token with its prompt's index; breaking ends that prompt's text.
pub(crate) type Observe<'o> = &'o mut dyn FnMut(usize, Step<'_>) -> Result<ControlFlow<()>>;

impl Generation<'_> {
    /// Continues every prompt; `encoded` has a row for each, if the decoder reads an encoder's
    /// output. `observe` is not called for beams, whose tokens are not certain before the end.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for senseless options and prompts without tokens or with
    /// negative ids; [`Error::ContextTooLong`]; [`Error::NonFinite`]; what the engine reports.
    pub(crate) fn run(
        &self,
        prompts: &[Prompt<'_>],
        encoded: Option<Encoded>,
        observe: Observe<'_>,
    ) -> Result<Vec<Continuation>> {
        self.options.check()?;
        for prompt in prompts {
            self.check(prompt)?;
        }
        let mut encoded = encoded;
        let mut all: Vec<Option<Continuation>> = prompts.iter().map(|_| None).collect();
        let groups = self.groups(prompts);
        let whole = groups.len() == 1;
        for group in groups {
            let encoded = match &mut encoded {
                whole_batch if whole => whole_batch.take(),
                Some(encoded) => Some(encoded.select(&group)?),
                None => None,
            };
            let given = match self.options.strategy {
                Strategy::Beams { count, length_penalty, early_stopping } if count > 1 => {
                    let [index] = group[..] else { continue };
                    let settings = beams::Settings { count, length_penalty, early_stopping };
                    vec![beams::run(self, index, &prompts[index], encoded, settings)?]
                }
                _ => self.rows(&group, prompts, encoded, observe)?,
            };
            for (index, continuation) in group.into_iter().zip(given) {
                all[index] = Some(continuation);
            }
        }
        Ok(all.into_iter().flatten().collect())
    }

    /// The processed scores of the token after `prompt`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn next_scores(
        &self,
        prompt: &Prompt<'_>,
        encoded: Option<Encoded>,
    ) -> Result<Vec<f32>> {
        self.options.check()?;
        self.check(prompt)?;
        let logits = self.decoder.start(1, encoded)?.step(&[prompt.fresh()])?;
        let mut scores = logits.row(0).to_vec();
        for processor in &mut standard(self.options, (self.processors)(0)) {
            processor.process(prompt.ids, &mut scores);
        }
        Ok(scores)
    }

    fn check(&self, prompt: &Prompt<'_>) -> Result<()> {
        let invalid = |given: String, expected: &str| Error::InvalidArgument {
            argument: "prompt",
            given,
            expected: expected.to_owned(),
        };
        if prompt.ids.is_empty() {
            return Err(invalid("no tokens".to_owned(), "at least one token"));
        }
        // Engines count negative indexes from the end: they would continue another text.
        if let Some(token) = prompt.ids.iter().find(|it| **it < 0) {
            return Err(invalid(format!("token {token}"), "ids of the vocabulary"));
        }
        match self.context {
            Some(context) if prompt.ids.len() >= context => {
                Err(Error::ContextTooLong { tokens: prompt.ids.len(), context })
            }
            _ => Ok(()),
        }
    }

    /// Indexes of prompts that can be one batch.
    fn groups(&self, prompts: &[Prompt<'_>]) -> Vec<Vec<usize>> {
        let beams = matches!(self.options.strategy, Strategy::Beams { count, .. } if count > 1);
        let pads = self.decoder.pads();
        let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, prompt) in prompts.iter().enumerate() {
            let key = match (beams, pads) {
                (true, _) => (index, false),
                (false, true) => (0, prompt.embeddings.is_some()),
                (false, false) => (prompt.ids.len(), prompt.embeddings.is_some()),
            };
            groups.entry(key).or_default().push(index);
        }
        groups.into_values().collect()
    }

    /// New tokens that a prompt of `length` tokens may get, and what it means to have got them.
    pub(super) fn limit(&self, length: usize) -> (usize, Stop) {
        let wanted = self.options.max_new_tokens;
        match self.context.map(|it| it.saturating_sub(length)) {
            Some(room) if room < wanted => (room, Stop::ContextFull),
            _ => (wanted, Stop::MaxNewTokens),
        }
    }

    /// The tokens that end a text: the model's and the caller's.
    pub(super) fn ends(&self, token: i64) -> bool {
        self.end_tokens.contains(&token) || self.options.stop_tokens.contains(&token)
    }

    /// Continues the prompts of `group` side by side, each token chosen for itself.
    fn rows(
        &self,
        group: &[usize],
        prompts: &[Prompt<'_>],
        encoded: Option<Encoded>,
        observe: Observe<'_>,
    ) -> Result<Vec<Continuation>> {
        let mut rows: Vec<_> =
            group.iter().map(|index| Row::new(self, *index, prompts[*index].ids)).collect();
        let mut stops = StopStrings::new(&self.options.stop_strings, self.tokenizer);
        let mut state = self.decoder.start(rows.len(), encoded)?;
        // Indexes into `rows` of those that the state goes on with.
        let mut going: Vec<_> = (0..rows.len()).collect();
        let mut fresh: Vec<_> = group.iter().map(|index| prompts[*index].fresh()).collect();
        let mut tokens: Vec<[i64; 1]>;
        while !going.is_empty() {
            if self.options.cancel.is_cancelled() {
                for row in going {
                    rows[row].stopped = Some(Stop::Cancelled);
                }
                break;
            }
            let logits = state.step(&fresh)?;
            for (place, row) in going.iter().enumerate() {
                rows[*row].advance(self, &logits, place, &mut stops, observe)?;
            }
            let places: Vec<_> =
                (0..going.len()).filter(|it| rows[going[*it]].stopped.is_none()).collect();
            going = places.iter().map(|it| going[*it]).collect();
            if !going.is_empty() {
                state.select(&places)?;
            }
            tokens = going.iter().map(|it| [rows[*it].ids.last().copied().unwrap_or(0)]).collect();
            fresh = tokens.iter().map(|it| Fresh::Ids(it)).collect();
        }
        Ok(rows.into_iter().map(Row::finish).collect())
    }
}

/// One prompt on its way.
struct Row {
    index: usize,
    /// The prompt and the new tokens.
    ids: Vec<i64>,
    prompt: usize,
    limit: (usize, Stop),
    processors: Vec<Box<dyn LogitsProcessor>>,
    chooser: Chooser,
    stopped: Option<Stop>,
}

impl Row {
    fn new(generation: &Generation<'_>, index: usize, prompt: &[i64]) -> Self {
        Self {
            index,
            ids: prompt.to_vec(),
            prompt: prompt.len(),
            limit: generation.limit(prompt.len()),
            processors: standard(generation.options, (generation.processors)(index)),
            chooser: Chooser::new(generation.options.strategy),
            stopped: None,
        }
    }

    /// Chooses the next token from the scores at `place`, and says whether it is the last.
    fn advance(
        &mut self,
        generation: &Generation<'_>,
        logits: &Logits,
        place: usize,
        stops: &mut StopStrings<'_>,
        observe: Observe<'_>,
    ) -> Result<()> {
        let mut scores = logits.row(place).to_vec();
        for processor in &mut self.processors {
            processor.process(&self.ids, &mut scores);
        }
        let token = token_id(self.chooser.choose(&scores));
        self.ids.push(token);
        let step = Step { token, logits: logits.row(place) };
        let cancelled = observe(self.index, step)?.is_break();
        self.stopped = if generation.ends(token) {
            Some(Stop::Token(token))
        } else if let Some(string) = stops.completed(&self.ids)? {
            Some(Stop::Text(string))
        } else if cancelled {
            Some(Stop::Cancelled)
        } else if self.ids.len() - self.prompt == self.limit.0 {
            Some(self.limit.1.clone())
        } else {
            None
        };
        Ok(())
    }

    fn finish(mut self) -> Continuation {
        let token_ids = self.ids.split_off(self.prompt);
        Continuation { token_ids, stopped: self.stopped.unwrap_or(Stop::Cancelled) }
    }
}
