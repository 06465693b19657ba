//! Models that read an image with a text and go on with the text.

use std::ops::ControlFlow;

use accel_core::SessionOptions;

use super::image_tokens::{ImageTokens, Pixels};
use super::{
    GenerateOptions, Generated, Message, Pipeline, Step, bad_output, floats, load_decoder,
    output_among,
};
use crate::decoding::{Continuation, Decoder, Generation, Prompt, streamed};
use crate::engine::{Placement, Session};
use crate::text::{ChatTemplate, TextTokenizer};
use crate::{Error, Image, ModelDir, ModelSource, Result, SkillSpec, Tensor};

const VISION: &str = "vision_encoder";
const PIXELS: &str = "pixel_values";
const FEATURES: &str = "image_features";
const NEWLINE: &str = "image_newline";

/// A text generator that sees an image, such as LLaVA or LLaVA-NeXT.
#[derive(Debug)]
pub struct ImageTextGenerator {
    vision: Box<dyn Session>,
    decoder: Decoder,
    placement: Placement,
    tokenizer: TextTokenizer,
    images: Box<ImageTokens>,
    dir: ModelDir,
    end_tokens: Vec<i64>,
    context: Option<usize>,
    default_options: GenerateOptions,
}

impl Pipeline for ImageTextGenerator {
    fn load(spec: &SkillSpec, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        let (dir, decoder, placement) = load_decoder(spec, source, options)?;
        let unsupported = |reason: String| Error::UnsupportedModel {
            path: dir.path().to_owned(),
            reason,
            remedy: "export it for the task image-text-to-text".to_owned(),
        };
        if !decoder.reads_embeddings() {
            return Err(unsupported("its decoder reads token ids, so it sees no image".to_owned()));
        }
        let graph = dir.graph(VISION, options.precision)?;
        let vision = source.engine(spec.platform, options)?.load(&graph, spec.platform, options)?;
        let tokenizer = TextTokenizer::open(&dir)?;
        let images = Box::new(ImageTokens::open(&dir, &tokenizer)?);
        if vision.inputs().iter().any(|it| it.name != PIXELS) {
            return Err(unsupported(format!("its `{VISION}` takes more than `{PIXELS}`")));
        }
        let newline = images.tiles().then_some(NEWLINE);
        for output in [FEATURES].into_iter().chain(newline) {
            if output_among(&*vision, &[output]).is_none() {
                return Err(unsupported(format!("its `{VISION}` does not give `{output}`")));
            }
        }
        let placement = placement.and(vision.placement());
        let generation = dir.generation_config()?;
        let of_config = dir.config().eos_token_id.as_ref().or(images.end_tokens.as_ref());
        let end_tokens = generation.end_tokens(of_config);
        let context = tokenizer.max_length().into_iter().chain(images.max_positions).min();
        let default_options = GenerateOptions::of_model(&generation);
        Ok(Self {
            vision,
            decoder,
            placement,
            tokenizer,
            images,
            dir,
            end_tokens,
            context,
            default_options,
        })
    }

    fn sessions(&self) -> Vec<&dyn Session> {
        std::iter::once(&*self.vision).chain(self.decoder.sessions()).collect()
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }
}

impl ImageTextGenerator {
    /// The tokenizer.
    pub const fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// Tokens that end a text, from the model's configuration.
    pub fn end_tokens(&self) -> &[i64] {
        &self.end_tokens
    }

    /// How a prompt spells an image: `<image>` in most models.
    pub fn image_token(&self) -> &str {
        &self.images.text
    }

    /// The options that the model's `generation_config.json` asks for, over
    /// [`GenerateOptions::default`].
    pub const fn default_options(&self) -> &GenerateOptions {
        &self.default_options
    }

    /// Continues `prompt`, in which [`image_token`](Self::image_token) stands once, where the
    /// image belongs.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for senseless options or a prompt with no place for an image, or
    /// several; [`Error::Image`]; [`Error::ContextTooLong`], to which the image's tokens count;
    /// [`Error::NonFinite`]; what the engine reports.
    pub fn generate(
        &self,
        image: &Image,
        prompt: &str,
        options: &GenerateOptions,
    ) -> Result<Generated> {
        self.complete(image, prompt, true, options)
    }

    /// Continues `prompt` and calls `on_text` with every piece of text as soon as it is certain.
    /// No piece splits a character; together they are the final text. `on_text` can end it by
    /// returning [`ControlFlow::Break`].
    ///
    /// # Errors
    /// As [`generate`](Self::generate); [`Error::InvalidArgument`] for beams, whose text is
    /// certain only at its end.
    pub fn stream(
        &self,
        image: &Image,
        prompt: &str,
        options: &GenerateOptions,
        on_text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated> {
        options.check_streams()?;
        streamed(&self.tokenizer, on_text, |observe| {
            self.run(image, prompt, true, options, observe)
        })
    }

    /// The assistant's next turn in a chat about an image, whose place is written
    /// [`image_token`](Self::image_token) in one of the messages.
    ///
    /// # Errors
    /// [`Error::NoChatTemplate`], [`Error::ChatTemplate`]; as [`generate`](Self::generate).
    pub fn chat(
        &self,
        image: &Image,
        messages: &[Message],
        options: &GenerateOptions,
    ) -> Result<Generated> {
        let prompt = self.apply_chat_template(messages, true)?;
        // As transformers' processors: most of these templates leave the token that begins a text
        // to the tokenizer.
        let bos = self.tokenizer.special_tokens().bos_token.as_ref();
        let begun = bos.is_some_and(|it| prompt.starts_with(it.text()));
        self.complete(image, &prompt, !begun, options)
    }

    /// The text of a chat as the model reads it; `add_generation_prompt` opens the assistant's
    /// next turn.
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
        template.render_with_images(messages, &self.images.text, add_generation_prompt)
    }

    /// The image as the vision encoder takes it: `f32 [1, 3, height, width]`, or with one row for
    /// every tile, that of the whole image first.
    ///
    /// # Errors
    /// [`Error::Image`].
    pub fn pixel_values(&self, image: &Image) -> Result<Tensor> {
        Ok(self.images.prepare(image)?.values)
    }

    /// The tokens of a prompt with as many image tokens as `image` takes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a prompt with no place for an image, or several;
    /// [`Error::Image`]; [`Error::Tokenizer`].
    pub fn prompt_ids(&self, image: &Image, prompt: &str) -> Result<Vec<i64>> {
        let pixels = self.images.prepare(image)?;
        self.images.encode(&self.tokenizer, prompt, pixels.tokens, true)
    }

    /// Continues a prompt without looking at its steps.
    fn complete(
        &self,
        image: &Image,
        prompt: &str,
        special_tokens: bool,
        options: &GenerateOptions,
    ) -> Result<Generated> {
        let mut go_on = |_: Step<'_>| Ok(ControlFlow::Continue(()));
        self.run(image, prompt, special_tokens, options, &mut go_on)?.read(&self.tokenizer)
    }

    fn run(
        &self,
        image: &Image,
        prompt: &str,
        special_tokens: bool,
        options: &GenerateOptions,
        observe: &mut dyn FnMut(Step<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<Continuation> {
        // What is wrong with the options is told before the image takes its time.
        options.check()?;
        let pixels = self.images.prepare(image)?;
        let ids = self.images.encode(&self.tokenizer, prompt, pixels.tokens, special_tokens)?;
        if let Some(context) = self.context.filter(|it| ids.len() >= *it) {
            return Err(Error::ContextTooLong { tokens: ids.len(), context });
        }
        let embeddings = self.embeddings(&ids, image, pixels)?;
        let generation = Generation {
            decoder: &self.decoder,
            tokenizer: &self.tokenizer,
            options,
            end_tokens: &self.end_tokens,
            context: self.context,
            processors: &|_| Vec::new(),
        };
        let prompt = Prompt { ids: &ids, embeddings: Some(&embeddings) };
        let mut all = generation.run(&[prompt], None, &mut |_, step| observe(step))?;
        all.pop().ok_or_else(|| bad_output("logits", "a continuation", "none"))
    }

    /// The embeddings of `ids`, with those of the image in the image tokens' places.
    fn embeddings(&self, ids: &[i64], image: &Image, pixels: Pixels) -> Result<Vec<f32>> {
        let tokens = pixels.tokens;
        let features = self.features(image, pixels)?;
        let embedded = self.decoder.embed(Tensor::new(vec![1, ids.len()], ids.to_vec())?)?;
        let ([_, length, width], mut embeddings) = floats::<3>(embedded, "inputs_embeds")?;
        if length != ids.len() || width == 0 || features.len() != tokens * width {
            let expected = format!("{tokens} vectors of {width} numbers");
            return Err(bad_output(FEATURES, &expected, &format!("{} numbers", features.len())));
        }
        let places = embeddings.chunks_exact_mut(width).zip(ids);
        let places = places.filter(|(_, id)| **id == self.images.id);
        for ((place, _), feature) in places.zip(features.chunks_exact(width)) {
            place.copy_from_slice(feature);
        }
        Ok(embeddings)
    }

    /// The image's vectors, one after the other.
    fn features(&self, image: &Image, pixels: Pixels) -> Result<Vec<f32>> {
        let inputs = vec![(PIXELS, pixels.values)];
        let outputs = if pixels.grid.is_some() { &[FEATURES, NEWLINE][..] } else { &[FEATURES] };
        let mut results = self.vision.run(inputs, outputs)?.into_iter();
        let mut next = |name| results.next().ok_or_else(|| bad_output(name, "a tensor", "nothing"));
        let (shape, features) = floats::<3>(next(FEATURES)?, FEATURES)?;
        let Some(grid) = pixels.grid else { return Ok(features) };
        let ([width], newline) = floats::<1>(next(NEWLINE)?, NEWLINE)?;
        if width != shape[2] {
            return Err(bad_output(NEWLINE, &format!("[{}]", shape[2]), &format!("[{width}]")));
        }
        grid.pack(&features, &newline, (image.height(), image.width())).ok_or_else(|| {
            bad_output(FEATURES, &format!("vectors of {grid:?}"), &format!("{shape:?}"))
        })
    }
}
