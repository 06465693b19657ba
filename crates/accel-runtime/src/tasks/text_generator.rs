//! Left-to-right decoders: text generation and chat.

use std::ops::ControlFlow;

use accel_core::SessionOptions;

use super::{GenerateOptions, Generated, Message, Pipeline, Step, Stop, batch_size, load_decoder};
use crate::decoding::{Continuation, Decoder, Generation, Prompt, softmax_scores, streamed};
use crate::engine::{Placement, Session};
use crate::text::{ChatTemplate, TextTokenizer};
use crate::{Error, ModelDir, ModelSource, Result, SkillSpec};

/// A text generator such as LLaMA or Qwen.
#[derive(Debug)]
pub struct TextGenerator {
    decoder: Decoder,
    placement: Placement,
    tokenizer: TextTokenizer,
    dir: ModelDir,
    end_tokens: Vec<i64>,
    default_options: GenerateOptions,
    max_batch: usize,
}

impl Pipeline for TextGenerator {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let (dir, decoder, placement) = load_decoder(spec, source, options)?;
        if decoder.reads_encoder() {
            return Err(Error::UnsupportedModel {
                path: dir.path().to_owned(),
                reason: "its decoder reads an encoder's output".to_owned(),
                remedy: "load it as what it is, such as TextToText".to_owned(),
            });
        }
        let tokenizer = TextTokenizer::open(&dir)?;
        let generation = dir.generation_config()?;
        let end_tokens = generation.end_tokens(dir.config().eos_token_id.as_ref());
        let default_options = GenerateOptions::of_model(&generation);
        let max_batch = batch_size(options);
        Ok(Self { decoder, placement, tokenizer, dir, end_tokens, default_options, max_batch })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        self.decoder.sessions().collect()
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
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

    /// The options that the model's `generation_config.json` asks for, over
    /// [`GenerateOptions::default`].
    pub const fn default_options(&self) -> &GenerateOptions {
        &self.default_options
    }

    /// Continues `prompt`.
    ///
    /// # Errors
    /// [`InvalidArgument`](Error::InvalidArgument) for senseless options or a prompt
    /// without tokens; [`ContextTooLong`](Error::ContextTooLong);
    /// [`NonFinite`](Error::NonFinite); what the engine reports.
    pub fn generate(&self, prompt: &str, options: &GenerateOptions) -> Result<Generated> {
        self.complete(&self.tokenizer.encode(prompt, true)?, options)
    }

    /// Continues every prompt, as [`generate`](Self::generate) would alone; up to `max_batch` of
    /// them are run together. An error in one is an error of all.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn generate_batch(
        &self,
        prompts: &[&str],
        options: &GenerateOptions,
    ) -> Result<Vec<Generated>> {
        let prompts: Vec<_> =
            prompts.iter().map(|it| self.tokenizer.encode(it, true)).collect::<Result<_>>()?;
        let prompts: Vec<_> = prompts.iter().map(Vec::as_slice).collect();
        self.complete_all(&prompts, options)
    }

    /// The probability of every token of the vocabulary to come after `prompt`, after the
    /// penalties and limits of `options`: what sampling draws from.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn next_token_probabilities(
        &self,
        prompt: &str,
        options: &GenerateOptions,
    ) -> Result<Vec<f32>> {
        let prompt = self.tokenizer.encode(prompt, true)?;
        let scores =
            self.generation(options).next_scores(&Prompt::from(prompt.as_slice()), None)?;
        Ok(softmax_scores(scores))
    }

    /// Continues `prompt` and calls `on_text` with every piece of text as soon as it is certain.
    /// No piece splits a character; together they are the final text. `on_text` can end it by
    /// returning [`ControlFlow::Break`].
    ///
    /// # Errors
    /// As [`generate`](Self::generate); [`InvalidArgument`](Error::InvalidArgument) for
    /// beams, whose text is certain only at its end.
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
    /// [`NoChatTemplate`](Error::NoChatTemplate),
    /// [`ChatTemplate`](Error::ChatTemplate); as [`generate`](Self::generate).
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
    /// [`NoChatTemplate`](Error::NoChatTemplate),
    /// [`ChatTemplate`](Error::ChatTemplate);
    /// [`InvalidArgument`](Error::InvalidArgument) for no messages.
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
    /// As [`stream`](Self::stream).
    pub fn generate_ids(
        &self,
        prompt: &[i64],
        options: &GenerateOptions,
        mut observe: impl FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> Result<(Vec<i64>, Stop)> {
        options.check_streams()?;
        let one = self.steps(prompt, options, &mut |step| Ok(observe(step)))?;
        Ok((one.token_ids, one.stopped))
    }

    fn chat_ids(&self, messages: &[Message]) -> Result<Vec<i64>> {
        self.tokenizer.encode(&self.apply_chat_template(messages, true)?, false)
    }

    fn complete(&self, prompt: &[i64], options: &GenerateOptions) -> Result<Generated> {
        let mut all = self.complete_all(&[prompt], options)?;
        all.pop().ok_or_else(|| super::bad_output("logits", "a continuation", "none"))
    }

    fn complete_all(
        &self,
        prompts: &[&[i64]],
        options: &GenerateOptions,
    ) -> Result<Vec<Generated>> {
        let mut all = Vec::with_capacity(prompts.len());
        for prompts in prompts.chunks(self.max_batch) {
            let continuations =
                self.run(prompts, options, &mut |_| Ok(ControlFlow::Continue(())))?;
            for continuation in continuations {
                all.push(continuation.read(&self.tokenizer)?);
            }
        }
        Ok(all)
    }

    fn stream_ids(
        &self,
        prompt: &[i64],
        options: &GenerateOptions,
        on_text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated> {
        options.check_streams()?;
        streamed(&self.tokenizer, on_text, |observe| self.steps(prompt, options, observe))
    }

    fn steps(
        &self,
        prompt: &[i64],
        options: &GenerateOptions,
        observe: &mut dyn FnMut(Step<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<Continuation> {
        let mut all = self.run(&[prompt], options, observe)?;
        all.pop().ok_or_else(|| super::bad_output("logits", "a continuation", "none"))
    }

    fn run(
        &self,
        prompts: &[&[i64]],
        options: &GenerateOptions,
        observe: &mut dyn FnMut(Step<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<Vec<Continuation>> {
        let prompts: Vec<_> = prompts.iter().map(|it| Prompt::from(*it)).collect();
        self.generation(options).run(&prompts, None, &mut |_, step| observe(step))
    }

    fn generation<'a>(&'a self, options: &'a GenerateOptions) -> Generation<'a> {
        Generation {
            decoder: &self.decoder,
            tokenizer: &self.tokenizer,
            options,
            end_tokens: &self.end_tokens,
            context: self.tokenizer.max_length(),
            processors: &|_| Vec::new(),
        }
    }
}
