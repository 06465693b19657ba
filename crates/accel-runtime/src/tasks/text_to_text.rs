//! Encoder-decoders over text: translation, summaries, whatever the text asks for.

use std::ops::ControlFlow;

use accel_core::SessionOptions;

use super::{
    GenerateOptions, Generated, Pipeline, Step, Stop, bad_output, batch_size, load_decoder,
    output_among,
};
use crate::decoding::{Continuation, Decoder, Encoded, Generation, Observe, Prompt, streamed};
use crate::engine::{Placement, Session};
use crate::text::TextTokenizer;
use crate::{Error, ModelSource, Result, SkillSpec, Tensor};

const ENCODER: &str = "encoder_model";
const HIDDEN: &str = "last_hidden_state";

/// A text-to-text model such as T5.
///
/// What it is to do stands in the text, as its authors trained it: `translate English to German:
/// …`. Texts of any length are read whole: as in transformers, the tokenizer's limit cuts nothing
/// here, since the positions of such models are relative.
#[derive(Debug)]
pub struct TextToText {
    encoder: Box<dyn Session>,
    decoder: Decoder,
    placement: Placement,
    tokenizer: TextTokenizer,
    /// What the decoder begins every text with.
    start_token: i64,
    end_tokens: Vec<i64>,
    default_options: GenerateOptions,
    max_batch: usize,
}

impl Pipeline for TextToText {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let (dir, decoder, placement) = load_decoder(spec, source, options)?;
        let graph = dir.graph(ENCODER, options.precision)?;
        let encoder =
            source.engine(spec.platform, options)?.load(&graph, spec.platform, options)?;
        let unsupported = |reason: &str| Error::UnsupportedModel {
            path: dir.path().to_owned(),
            reason: reason.to_owned(),
            remedy: "export it for the task text2text-generation-with-past".to_owned(),
        };
        if !decoder.reads_encoder() {
            return Err(unsupported("its decoder does not read an encoder's output"));
        }
        for input in encoder.inputs() {
            if !matches!(input.name.as_str(), "input_ids" | "attention_mask") {
                return Err(unsupported(&format!("its encoder wants the input `{}`", input.name)));
            }
        }
        if output_among(&*encoder, &[HIDDEN]).is_none() {
            return Err(unsupported(&format!("its encoder has no output `{HIDDEN}`")));
        }
        let takes_mask = encoder.inputs().iter().any(|it| it.name == "attention_mask");
        let masked = takes_mask && decoder.masks_encoder();
        let generation = dir.generation_config()?;
        let config = dir.config();
        let start_token = generation.decoder_start_token_id.or(config.decoder_start_token_id);
        let start_token = start_token
            .ok_or_else(|| unsupported("its configuration has no `decoder_start_token_id`"))?;
        let end_tokens = generation.end_tokens(config.eos_token_id.as_ref());
        let placement = encoder.placement().clone().and(&placement);
        Ok(Self {
            placement,
            tokenizer: TextTokenizer::open(&dir)?,
            start_token,
            end_tokens,
            default_options: GenerateOptions::of_model(&generation),
            // Texts of several lengths need padding, and padding needs masks.
            max_batch: if masked { batch_size(options) } else { 1 },
            encoder,
            decoder,
        })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        std::iter::once(&*self.encoder).chain(self.decoder.sessions()).collect()
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }
}

impl TextToText {
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

    /// What the model answers to `text`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for senseless options; [`Error::NonFinite`]; what the engine
    /// reports.
    pub fn text2text(&self, text: &str, options: &GenerateOptions) -> Result<Generated> {
        self.text2text_batch(&[text], options)?.pop().ok_or_else(no_text)
    }

    /// What the model answers to every text, as alone; up to `max_batch` of them are run
    /// together. An error in one is an error of all.
    ///
    /// # Errors
    /// As [`text2text`](Self::text2text).
    pub fn text2text_batch(
        &self,
        texts: &[&str],
        options: &GenerateOptions,
    ) -> Result<Vec<Generated>> {
        options.check()?;
        let mut all = Vec::with_capacity(texts.len());
        let texts: Vec<_> =
            texts.iter().map(|it| self.tokenizer.encode(it, true)).collect::<Result<_>>()?;
        let texts: Vec<_> = texts.iter().map(Vec::as_slice).collect();
        for texts in texts.chunks(self.max_batch) {
            for row in self.run(texts, options, &mut |_, _| Ok(ControlFlow::Continue(())))? {
                all.push(row.read(&self.tokenizer)?);
            }
        }
        Ok(all)
    }

    /// What the model answers to the token ids of a text; `observe` sees every step and can end
    /// it by returning [`ControlFlow::Break`]. Gives the new tokens.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    pub fn generate_ids(
        &self,
        text: &[i64],
        options: &GenerateOptions,
        mut observe: impl FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> Result<(Vec<i64>, Stop)> {
        options.check()?;
        options.check_streams()?;
        let mut rows = self.run(&[text], options, &mut |_, step| Ok(observe(step)))?;
        rows.pop().map(|it| (it.token_ids, it.stopped)).ok_or_else(no_text)
    }

    /// What the model answers to `text`; `on_text` gets every piece of it as soon as it is
    /// certain. No piece splits a character; together they are the final text. `on_text` can end
    /// it by returning [`ControlFlow::Break`].
    ///
    /// # Errors
    /// As [`text2text`](Self::text2text); [`Error::InvalidArgument`] for beams, whose text is
    /// certain only at its end.
    pub fn stream(
        &self,
        text: &str,
        options: &GenerateOptions,
        on_text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated> {
        options.check()?;
        options.check_streams()?;
        let text = self.tokenizer.encode(text, true)?;
        streamed(&self.tokenizer, on_text, |observe| {
            let mut rows = self.run(&[&text], options, &mut |_, step| observe(step))?;
            rows.pop().ok_or_else(no_text)
        })
    }

    /// The new tokens for every text, and why they end.
    fn run(
        &self,
        texts: &[&[i64]],
        options: &GenerateOptions,
        observe: Observe<'_>,
    ) -> Result<Vec<Continuation>> {
        if options.cancel.is_cancelled() {
            let none = Continuation { token_ids: Vec::new(), stopped: Stop::Cancelled };
            return Ok(vec![none; texts.len()]);
        }
        let encoded = self.encode(texts)?;
        let start = [self.start_token];
        let prompts = vec![Prompt::from(&start[..]); texts.len()];
        let generation = Generation {
            decoder: &self.decoder,
            tokenizer: &self.tokenizer,
            options,
            end_tokens: &self.end_tokens,
            context: None,
            processors: &|_| Vec::new(),
        };
        generation.run(&prompts, Some(encoded), observe)
    }

    /// The encoder's output for texts, padded on the right.
    fn encode(&self, rows: &[&[i64]]) -> Result<Encoded> {
        let length = rows.iter().map(|it| it.len()).max().unwrap_or(0);
        // Engines count negative indexes from the end: they would read another text.
        if rows.iter().any(|it| it.is_empty() || it.iter().any(|id| *id < 0)) {
            return Err(Error::InvalidArgument {
                argument: "text",
                given: "no tokens, or a negative one".to_owned(),
                expected: "ids of the vocabulary, at least one".to_owned(),
            });
        }
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for row in rows {
            let padding = length - row.len();
            ids.extend_from_slice(row);
            // Which token pads does not matter: nothing attends to it.
            ids.extend(std::iter::repeat_n(0, padding));
            mask.extend(std::iter::repeat_n(1_i64, row.len()));
            mask.extend(std::iter::repeat_n(0, padding));
        }
        let shape = vec![rows.len(), length];
        let mask = Tensor::new(shape.clone(), mask)?;
        let mut inputs = vec![("input_ids", Tensor::new(shape, ids)?)];
        if self.encoder.inputs().iter().any(|it| it.name == "attention_mask") {
            inputs.push(("attention_mask", mask.clone()));
        }
        Encoded::run(&*self.encoder, inputs, HIDDEN, Some(mask))
    }
}

fn no_text() -> Error {
    bad_output("logits", "a text", "none")
}
