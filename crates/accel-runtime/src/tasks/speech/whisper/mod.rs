//! Whisper: an encoder that hears a window of sound, and a decoder that writes what is said in it
//! (transformers 5.23, `generation_whisper.py`).

mod languages;
mod processors;
mod prompt;
mod seek;
mod settings;
mod text;

use std::borrow::Cow;
use std::ops::ControlFlow;

use accel_core::{Platform, SessionOptions};

use self::processors::{Suppress, SuppressAtBegin, TimestampRules};
use self::settings::Settings;
use super::{Timestamps, TranscribeOptions, Transcript, refuse};
use crate::audio::{LogMel, WhisperFeatures};
use crate::decoding::processors::LogitsProcessor;
use crate::decoding::{Decoder, Encoded, Fresh, GenerateOptions, Generation, Prompt, Stop};
use crate::engine::{Engine, Placement, Session};
use crate::tasks::{bad_output, output_among};
use crate::text::TextTokenizer;
use crate::{Audio, Error, ModelDir, Result, Tensor};

pub(super) const ENCODER: &str = "encoder_model";
const INPUT: &str = "input_features";
const HIDDEN: &str = "last_hidden_state";
/// How the token is written that says that no times follow.
const NO_TIMESTAMPS: &str = "<|notimestamps|>";
/// Frames of the spectrogram for each position of the encoder, and for each step of a timestamp:
/// what its two convolutions make of them together.
const FRAMES_A_POSITION: usize = 2;

#[derive(Debug)]
pub(super) struct Whisper {
    encoder: Box<dyn Session>,
    decoder: Decoder,
    placement: Placement,
    features: WhisperFeatures,
    tokenizer: TextTokenizer,
    settings: Settings,
}

impl Whisper {
    pub(super) fn open(
        engine: &dyn Engine,
        dir: &ModelDir,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Self> {
        let encoder = engine.load(&dir.graph(ENCODER, options.precision)?, platform, options)?;
        let unsupported = |reason: String| Error::UnsupportedModel {
            path: dir.path().to_owned(),
            reason,
            remedy: "export it for the task automatic-speech-recognition-with-past".to_owned(),
        };
        let takes_only_features = encoder.inputs().iter().all(|it| it.name == INPUT);
        if !takes_only_features || output_among(&*encoder, &[HIDDEN]).is_none() {
            return Err(unsupported(format!(
                "its `{ENCODER}` does not turn `{INPUT}` into `{HIDDEN}`"
            )));
        }
        let decoder = Decoder::open(engine, dir, platform, options)?;
        if !decoder.reads_encoder() {
            return Err(unsupported("its decoder does not read its encoder".to_owned()));
        }
        let placements = std::iter::once(&*encoder).chain(decoder.sessions());
        let placement = Placement::merged(placements.map(Session::placement));
        let placement = placement.ok_or_else(|| unsupported("it has no graphs".to_owned()))?;
        let features = WhisperFeatures::open(dir)?;
        let settings = Settings::open(dir)?;
        // transformers' encoder refuses windows of another length too.
        if features.window_frames() != settings.window_frames {
            return Err(Error::UnsupportedModel {
                path: dir.path().to_owned(),
                reason: format!(
                    "preprocessor_config.json makes {} frames of a window (chunk_length, \
                     sampling_rate, hop_length), and config.json wants {} (twice \
                     max_source_positions)",
                    features.window_frames(),
                    settings.window_frames
                ),
                remedy: "copy both files again from the model's repository".to_owned(),
            });
        }
        let tokenizer = TextTokenizer::open(dir)?;
        // Times are counted from this token on: with another model's tokenizer the text would be
        // wrong and not look it.
        let (wanted, named) = (settings.no_timestamps_token_id, tokenizer.token_id(NO_TIMESTAMPS));
        if wanted.is_some() && wanted != named {
            return Err(Error::UnsupportedModel {
                path: settings.path,
                reason: format!(
                    "no_timestamps_token_id is {wanted:?}, and in tokenizer.json \
                     `{NO_TIMESTAMPS}` has the id {named:?}"
                ),
                remedy: "copy both files from one model's repository".to_owned(),
            });
        }
        Ok(Self { encoder, decoder, placement, features, tokenizer, settings })
    }

    pub(super) fn sessions(&self) -> Vec<&dyn Session> {
        std::iter::once(&*self.encoder).chain(self.decoder.sessions()).collect()
    }

    pub(super) const fn placement(&self) -> &Placement {
        &self.placement
    }

    pub(super) fn input_features(&self, audio: &Audio) -> Result<Tensor> {
        let features = self.features.log_mel(audio)?;
        features.window(0, features.frames)
    }

    pub(super) fn transcribe(
        &self,
        audio: &Audio,
        options: &TranscribeOptions,
    ) -> Result<Transcript> {
        if options.timestamps == Timestamps::Characters {
            let expected = "None or Segments: this model does not write character by character";
            return Err(refuse("timestamps", &"Characters", expected));
        }
        let language = self.language(options)?;
        let features = self.features.log_mel(audio)?;
        let times = self.writes_times(options, features.frames)?;
        let mut encoded = Some(self.encode(&features, 0)?);
        let detected = match &encoded {
            Some(encoded) if self.detects(options, language) => Some(self.detect(encoded)?),
            _ => None,
        };
        let prompt = self.prompt(options.task, language, detected, times);
        let generate = self.generate_options(options, prompt.len())?;
        let mut token_ids = Vec::new();
        let mut seek = 0;
        while seek < features.frames && !options.cancel.is_cancelled() {
            let window = match encoded.take() {
                Some(first) => first,
                None => self.encode(&features, seek)?,
            };
            let (mut written, stopped) = self.write(&prompt, window, &generate, times)?;
            if written.last().is_some_and(|it| self.settings.end_tokens.contains(it)) {
                written.pop();
            }
            let frames = (features.frames - seek).min(self.settings.window_frames);
            let heard = seek::heard(&written, self.settings.first_timestamp(), frames);
            written.truncate(heard.tokens);
            token_ids.append(&mut written);
            if stopped == Stop::Cancelled {
                break;
            }
            // Where the model writes that it heard nothing up to the very beginning, transformers
            // would hear the same window for ever.
            seek += if heard.frames == 0 { frames } else { heard.frames };
        }
        let (text, chunks) = self.read(&token_ids, options.timestamps == Timestamps::Segments)?;
        Ok(Transcript { text, token_ids, chunks })
    }

    /// Whether times are to be written: they are asked for, or needed to find where the next
    /// window of a long sound begins.
    fn writes_times(&self, options: &TranscribeOptions, frames: usize) -> Result<bool> {
        let long = frames > self.settings.window_frames;
        let asked = options.timestamps == Timestamps::Segments;
        if (long || asked) && self.settings.no_timestamps_token_id.is_none() {
            let reason = "its generation_config.json has no no_timestamps_token_id, which \
                          timestamps and sounds longer than its window need";
            return Err(Error::UnsupportedModel {
                path: self.settings.path.clone(),
                reason: reason.to_owned(),
                remedy: "copy generation_config.json from the original model".to_owned(),
            });
        }
        Ok(long || asked || self.settings.return_timestamps)
    }

    /// What the encoder makes of the window that begins at `frame`.
    fn encode(&self, features: &LogMel, frame: usize) -> Result<Encoded> {
        let window = features.window(frame, self.settings.window_frames)?;
        Encoded::run(&*self.encoder, vec![(INPUT, window)], HIDDEN, None)
    }

    /// The token of the language that the decoder finds likeliest.
    fn detect(&self, encoded: &Encoded) -> Result<i64> {
        let mut state = self.decoder.start(1, Some(encoded.select(&[0])?))?;
        let logits = state.step(&[Fresh::Ids(&[self.settings.start_token])])?;
        let row = logits.row(0);
        let score = |id: i64| usize::try_from(id).ok().and_then(|it| row.get(it)).copied();
        // Of equal ones the first by id, as `argmax` over the vocabulary.
        let mut languages: Vec<_> = self.settings.languages().collect();
        languages.sort_unstable();
        languages.dedup();
        let scored = languages.into_iter().filter_map(|id| Some((id, score(id)?)));
        let best = scored.reduce(|best, it| if it.1 > best.1 { it } else { best });
        best.map(|(id, _)| id).ok_or_else(|| Error::UnsupportedModel {
            path: self.settings.path.clone(),
            reason: "lang_to_id names no token of the model's vocabulary".to_owned(),
            remedy: "copy generation_config.json from the original model".to_owned(),
        })
    }

    /// How a window is written: the likeliest token each time, or beams where the model's
    /// configuration asks for them.
    fn generate_options(
        &self,
        options: &TranscribeOptions,
        prompt: usize,
    ) -> Result<GenerateOptions> {
        let positions = self.settings.positions;
        let room = positions.saturating_sub(prompt);
        let max_new_tokens = match options.max_new_tokens.or(self.settings.max_new_tokens) {
            Some(wanted) if wanted == 0 || wanted > room => {
                let expected = format!(
                    "1 to {room}: the prompt takes {prompt} of the model's {positions} positions"
                );
                return Err(refuse("max_new_tokens", &wanted, &expected));
            }
            Some(wanted) => wanted,
            // transformers takes the configured length without the prompt.
            None => room.min(self.settings.max_length.unwrap_or(positions)).max(1),
        };
        Ok(GenerateOptions {
            max_new_tokens,
            strategy: self.settings.strategy,
            repetition_penalty: self.settings.repetition_penalty,
            cancel: options.cancel.clone(),
            ..GenerateOptions::default()
        })
    }

    /// What the decoder writes about a window, and why it ended.
    fn write(
        &self,
        prompt: &[i64],
        window: Encoded,
        options: &GenerateOptions,
        times: bool,
    ) -> Result<(Vec<i64>, Stop)> {
        let processors = |_: usize| self.processors(prompt.len(), times);
        let generation = Generation {
            decoder: &self.decoder,
            tokenizer: &self.tokenizer,
            options,
            end_tokens: &self.settings.end_tokens,
            context: None,
            processors: &processors,
        };
        let mut go_on = |_: usize, _: crate::Step<'_>| Ok(ControlFlow::Continue(()));
        let mut written = generation.run(&[Prompt::from(prompt)], Some(window), &mut go_on)?;
        written
            .pop()
            .map(|it| (it.token_ids, it.stopped))
            .ok_or_else(|| bad_output("tokens", "one row", "none"))
    }

    /// In transformers' order (`_retrieve_logit_processors`).
    fn processors(&self, prompt: usize, times: bool) -> Vec<Box<dyn LogitsProcessor>> {
        let settings = &self.settings;
        let mut all: Vec<Box<dyn LogitsProcessor>> = vec![
            Box::new(SuppressAtBegin { tokens: settings.begin_suppress_tokens.clone(), prompt }),
            Box::new(Suppress { tokens: settings.suppress_tokens.clone() }),
        ];
        if let (true, Some(no_timestamps), Some(end)) =
            (times, settings.no_timestamps_token_id, settings.end_tokens.first())
        {
            all.push(Box::new(TimestampRules {
                no_timestamps,
                end: *end,
                prompt,
                max_initial: settings.max_initial_timestamp_index,
            }));
        }
        all
    }

    fn token_text(&self, id: i64) -> Cow<'_, str> {
        self.tokenizer.token(id).map_or(Cow::Borrowed(""), Cow::Owned)
    }
}
