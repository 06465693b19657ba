//! Left-to-right decoders: text generation and chat.

use std::ops::ControlFlow;

use accel_core::SessionOptions;

use super::sampling::Sampler;
use super::stream::TextStream;
use super::{
    GenerateOptions, Generated, Message, Pipeline, Step, Stop, at_least_one, bad_output, floats,
    load_graph, output_among, token_id,
};
use crate::engine::{Placement, Session};
use crate::text::{ChatTemplate, TextTokenizer};
use crate::{
    DType, Dim, Error, ModelDir, ModelSource, Result, SkillSpec, Tensor, TensorData, TensorInfo,
};

const GRAPH: &str = "model";
const LOGITS: &str = "logits";
const PAST: &str = "past_key_values.";
const PRESENT: &str = "present.";

/// A text generator such as LLaMA or Qwen.
#[derive(Debug)]
pub struct TextGenerator {
    session: Box<dyn Session>,
    tokenizer: TextTokenizer,
    dir: ModelDir,
    /// What the graph takes as cache, and where it gives it; empty for graphs without a cache,
    /// which then see the whole text in every step.
    cache: Vec<CacheEntry>,
    takes_attention_mask: bool,
    takes_position_ids: bool,
    end_tokens: Vec<i64>,
}

/// One tensor of the cache.
#[derive(Debug)]
struct CacheEntry {
    past: String,
    present: String,
    /// The shape before the first token.
    empty: Vec<usize>,
}

impl Pipeline for TextGenerator {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let (dir, session) = load_graph(spec, source, options, GRAPH)?;
        let tokenizer = TextTokenizer::open(&dir)?;
        let unsupported = |reason: String| Error::UnsupportedModel {
            path: dir.path().to_owned(),
            reason,
            remedy: "export it for the task text-generation-with-past".to_owned(),
        };
        let mut cache = Vec::new();
        let (mut takes_attention_mask, mut takes_position_ids) = (false, false);
        for input in session.inputs() {
            match input.name.as_str() {
                "input_ids" => {}
                "attention_mask" => takes_attention_mask = true,
                "position_ids" => takes_position_ids = true,
                name if name.starts_with(PAST) => {
                    cache.push(CacheEntry::new(input, &*session).ok_or_else(|| {
                        unsupported(format!("its graph does not give `{name}` back"))
                    })?);
                }
                other => return Err(unsupported(format!("its graph wants the input `{other}`"))),
            }
        }
        if output_among(&*session, &[LOGITS]).is_none() {
            return Err(unsupported(format!("its graph has no output `{LOGITS}`")));
        }
        let generation = dir.generation_config()?;
        let end_tokens = generation.eos_token_id.as_ref().or(dir.config().eos_token_id.as_ref());
        let end_tokens = end_tokens.map_or_else(Vec::new, |it| it.ids().to_vec());
        Ok(Self {
            session,
            tokenizer,
            dir,
            cache,
            takes_attention_mask,
            takes_position_ids,
            end_tokens,
        })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        vec![&*self.session]
    }

    fn placement(&self) -> Placement {
        self.session.placement().clone()
    }
}

impl CacheEntry {
    /// The entry of the input `past`, if the graph gives it back.
    fn new(past: &TensorInfo, session: &dyn Session) -> Option<Self> {
        let present = format!("{PRESENT}{}", past.name.strip_prefix(PAST)?);
        let given_back = session.outputs().iter().find(|it| it.name == present)?;
        if past.dtype != DType::F32 || given_back.dtype != DType::F32 {
            return None;
        }
        // [batch, heads, past length, head size]: one text, no past, the rest fixed.
        let size = |(i, dim): (usize, &Dim)| match dim {
            Dim::Fixed(size) => *size,
            _ => usize::from(i == 0),
        };
        let empty = past.dims.iter().enumerate().map(size).collect();
        Some(Self { past: past.name.clone(), present, empty })
    }
}

impl TextGenerator {
    /// The tokenizer.
    pub const fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// Tokens that end a text, from the model's configuration.
    pub fn end_tokens(&self) -> &[i64] {
        &self.end_tokens
    }

    /// Continues `prompt`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for senseless options or a prompt without tokens;
    /// [`Error::ContextTooLong`]; [`Error::NonFinite`]; what the engine reports.
    pub fn generate(&self, prompt: &str, options: &GenerateOptions) -> Result<Generated> {
        self.complete(&self.tokenizer.encode(prompt, true)?, options)
    }

    /// Continues `prompt` and calls `on_text` with every piece of text as soon as it is certain.
    /// No piece splits a character; together they are the final text. `on_text` can end it by
    /// returning [`ControlFlow::Break`].
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn stream(
        &self,
        prompt: &str,
        options: &GenerateOptions,
        on_text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated> {
        self.stream_ids(&self.tokenizer.encode(prompt, true)?, options, on_text)
    }

    /// The assistant's next turn.
    ///
    /// # Errors
    /// [`Error::NoChatTemplate`], [`Error::ChatTemplate`]; as [`generate`](Self::generate).
    pub fn chat(&self, messages: &[Message], options: &GenerateOptions) -> Result<Generated> {
        self.complete(&self.chat_ids(messages)?, options)
    }

    /// The assistant's next turn, streamed as by [`stream`](Self::stream).
    ///
    /// # Errors
    /// As [`chat`](Self::chat).
    pub fn stream_chat(
        &self,
        messages: &[Message],
        options: &GenerateOptions,
        on_text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated> {
        self.stream_ids(&self.chat_ids(messages)?, options, on_text)
    }

    /// The text of a chat as the model reads it; `add_generation_prompt` opens the assistant's
    /// next turn. Its special tokens are part of the text.
    ///
    /// # Errors
    /// [`Error::NoChatTemplate`], [`Error::ChatTemplate`]; [`Error::InvalidArgument`] for no
    /// messages.
    pub fn apply_chat_template(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> Result<String> {
        // Compiled here and not at load, so that a template that minijinja cannot read does not
        // keep the model from continuing plain text.
        let template = ChatTemplate::open(&self.dir, self.tokenizer.special_tokens())?;
        template.render(messages, add_generation_prompt)
    }

    /// Continues token ids; `observe` sees every step and can end it by returning
    /// [`ControlFlow::Break`]. Gives the new tokens.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn generate_ids(
        &self,
        prompt: &[i64],
        options: &GenerateOptions,
        mut observe: impl FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> Result<(Vec<i64>, Stop)> {
        self.steps(prompt, options, |step| Ok(observe(step)))
    }

    fn chat_ids(&self, messages: &[Message]) -> Result<Vec<i64>> {
        self.tokenizer.encode(&self.apply_chat_template(messages, true)?, false)
    }

    fn complete(&self, prompt: &[i64], options: &GenerateOptions) -> Result<Generated> {
        let (token_ids, stopped) =
            self.steps(prompt, options, |_| Ok(ControlFlow::Continue(())))?;
        let text = self.tokenizer.decode(&token_ids, true)?;
        Ok(Generated { token_ids, text, stopped })
    }

    fn stream_ids(
        &self,
        prompt: &[i64],
        options: &GenerateOptions,
        mut on_text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated> {
        let mut stream = TextStream::new(&self.tokenizer);
        let mut give = |piece: String| {
            if piece.is_empty() { ControlFlow::Continue(()) } else { on_text(&piece) }
        };
        let (token_ids, stopped) =
            self.steps(prompt, options, |step| Ok(give(stream.push(step.token)?)))?;
        if stopped != Stop::Cancelled {
            // The text is complete, so there is nothing left to cancel.
            _ = give(stream.finish()?);
        }
        Ok(Generated { token_ids, text: stream.into_text(), stopped })
    }

    /// The loop that every kind of generation runs.
    fn steps(
        &self,
        prompt: &[i64],
        options: &GenerateOptions,
        mut observe: impl FnMut(Step<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<(Vec<i64>, Stop)> {
        at_least_one("max_new_tokens", options.max_new_tokens)?;
        at_least_one("tokens of the prompt", prompt.len())?;
        // Engines count negative indexes from the end: they would continue another text.
        if let Some(token) = prompt.iter().find(|it| **it < 0) {
            return Err(Error::InvalidArgument {
                argument: "prompt",
                given: format!("token {token}"),
                expected: "ids of the vocabulary".to_owned(),
            });
        }
        let context = self.tokenizer.max_length().unwrap_or(usize::MAX);
        if prompt.len() >= context {
            return Err(Error::ContextTooLong { tokens: prompt.len(), context });
        }
        let mut sampler = Sampler::new(options.sampling)?;
        let mut cache = self.empty_cache()?;
        let mut ids = prompt.to_vec();
        let mut seen = 0;
        loop {
            let (logits, presents) = self.step(&ids, seen, cache)?;
            cache = presents;
            if !self.cache.is_empty() {
                seen = ids.len();
            }
            let token = token_id(sampler.choose(&logits));
            ids.push(token);
            let cancelled = observe(Step { token, logits: &logits })?.is_break();
            let new = &ids[prompt.len()..];
            let stopped =
                if self.end_tokens.contains(&token) || options.stop_tokens.contains(&token) {
                    Stop::Token(token)
                } else if cancelled {
                    Stop::Cancelled
                } else if new.len() == options.max_new_tokens {
                    Stop::MaxNewTokens
                } else if ids.len() == context {
                    Stop::ContextFull
                } else {
                    continue;
                };
            return Ok((new.to_vec(), stopped));
        }
    }

    /// Runs the graph over `ids`, of which the cache has seen the first `seen`. Gives the scores
    /// of the next token and the new cache.
    fn step(
        &self,
        ids: &[i64],
        seen: usize,
        cache: Vec<Tensor>,
    ) -> Result<(Vec<f32>, Vec<Tensor>)> {
        let fresh = ids.len() - seen;
        let mut inputs = vec![("input_ids", Tensor::new(vec![1, fresh], ids[seen..].to_vec())?)];
        if self.takes_attention_mask {
            inputs
                .push(("attention_mask", Tensor::new(vec![1, ids.len()], vec![1_i64; ids.len()])?));
        }
        if self.takes_position_ids {
            let positions: Vec<_> = (0_i64..).take(ids.len()).skip(seen).collect();
            inputs.push(("position_ids", Tensor::new(vec![1, fresh], positions)?));
        }
        // The old cache moves into the run, the new one comes out of it: no copy is made here.
        inputs.extend(self.cache.iter().map(|it| it.past.as_str()).zip(cache));
        let mut outputs = vec![LOGITS];
        outputs.extend(self.cache.iter().map(|it| it.present.as_str()));
        let mut results = self.session.run(inputs, &outputs)?;
        let presents = results.split_off(1);
        let logits = results.pop().ok_or_else(|| bad_output(LOGITS, "a tensor", "nothing"))?;
        let (shape, mut logits) = floats::<3>(logits, LOGITS)?;
        let [rows, length, vocabulary] = shape;
        if rows != 1 || length != fresh || vocabulary == 0 {
            return Err(bad_output(
                LOGITS,
                &format!("[1, {fresh}, vocabulary]"),
                &format!("{shape:?}"),
            ));
        }
        // The scores after the last token are the last row.
        Ok((logits.split_off((length - 1) * vocabulary), presents))
    }

    fn empty_cache(&self) -> Result<Vec<Tensor>> {
        self.cache
            .iter()
            .map(|entry| Tensor::new(entry.empty.clone(), TensorData::F32(Vec::new())))
            .collect()
    }
}
