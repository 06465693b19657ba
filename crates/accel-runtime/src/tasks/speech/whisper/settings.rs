//! What `generation_config.json` and `config.json` say of a Whisper.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::decoding::{GenerateOptions, Strategy};
use crate::model::OneOrMany;
use crate::{Error, ModelDir, Result};

const FILE: &str = "generation_config.json";

/// `generation_config.json`, as far as Whisper has more in it than others. Models of before it
/// have the same fields in `config.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Generation {
    decoder_start_token_id: Option<i64>,
    eos_token_id: Option<OneOrMany>,
    is_multilingual: Option<bool>,
    lang_to_id: Option<BTreeMap<String, i64>>,
    task_to_id: Option<BTreeMap<String, i64>>,
    language: Option<String>,
    task: Option<String>,
    forced_decoder_ids: Option<Vec<(usize, Option<i64>)>>,
    no_timestamps_token_id: Option<i64>,
    max_initial_timestamp_index: Option<usize>,
    return_timestamps: Option<bool>,
    suppress_tokens: Option<Vec<i64>>,
    begin_suppress_tokens: Option<Vec<i64>>,
    max_length: Option<usize>,
    max_new_tokens: Option<usize>,
    no_speech_threshold: Option<f64>,
    condition_on_prev_tokens: Option<bool>,
}

/// `config.json`.
#[derive(Debug, Deserialize)]
struct Config {
    max_source_positions: usize,
    max_target_positions: usize,
    vocab_size: i64,
    #[serde(flatten)]
    generation: Generation,
}

#[derive(Debug)]
pub(super) struct Settings {
    /// The file that most of it is from.
    pub(super) path: PathBuf,
    pub(super) start_token: i64,
    pub(super) end_tokens: Vec<i64>,
    /// Languages with their tokens, `<|en|>` and so on.
    pub(super) lang_to_id: Option<BTreeMap<String, i64>>,
    pub(super) task_to_id: Option<BTreeMap<String, i64>>,
    pub(super) is_multilingual: Option<bool>,
    /// The language of a model that was made for one.
    pub(super) language: Option<String>,
    pub(super) task: Option<String>,
    /// What prompts were made of before languages and tasks had names: the tokens after the
    /// first, of which that of the language can be open.
    pub(super) forced: Vec<Option<i64>>,
    pub(super) no_timestamps_token_id: Option<i64>,
    pub(super) max_initial_timestamp_index: Option<usize>,
    pub(super) return_timestamps: bool,
    pub(super) suppress_tokens: Vec<i64>,
    pub(super) begin_suppress_tokens: Vec<i64>,
    /// Tokens of a text with its prompt.
    pub(super) max_length: Option<usize>,
    pub(super) max_new_tokens: Option<usize>,
    pub(super) strategy: Strategy,
    pub(super) repetition_penalty: f32,
    /// Frames of the spectrogram that the encoder hears at once.
    pub(super) window_frames: usize,
    /// Positions of the encoder.
    pub(super) source_positions: usize,
    /// Positions of the decoder.
    pub(super) positions: usize,
    vocabulary: i64,
}

impl Settings {
    pub(super) fn open(dir: &ModelDir) -> Result<Self> {
        let config: Config = dir.required_json("config.json", "the model's configuration")?;
        let path = dir.path().join(FILE);
        let generation: Option<Generation> = dir.optional_json(FILE)?;
        let unsupported = |reason: &str| Error::UnsupportedModel {
            path: path.clone(),
            reason: reason.to_owned(),
            remedy: "copy generation_config.json from the original model".to_owned(),
        };
        // A model without the file has all of it in config.json; one with it only what is left.
        let of_config = config.generation;
        let (start, end) = (of_config.decoder_start_token_id, of_config.eos_token_id.clone());
        let mut generation = match generation {
            Some(mut it) => {
                it.forced_decoder_ids = it.forced_decoder_ids.or(of_config.forced_decoder_ids);
                it
            }
            None => of_config,
        };
        let start_token = generation.decoder_start_token_id.or(start);
        let start_token =
            start_token.ok_or_else(|| unsupported("it has no decoder_start_token_id"))?;
        let end_tokens = generation.eos_token_id.take().or(end);
        let end_tokens = end_tokens.map_or_else(Vec::new, |it| it.ids().to_vec());
        if end_tokens.is_empty() {
            return Err(unsupported("it has no eos_token_id"));
        }
        if generation.no_speech_threshold.is_some()
            || generation.condition_on_prev_tokens == Some(true)
        {
            return Err(unsupported(
                "it asks for no_speech_threshold or condition_on_prev_tokens, which are not done \
                 here",
            ));
        }
        if config.max_source_positions == 0 || config.max_target_positions == 0 {
            return Err(unsupported("its config.json gives it no positions"));
        }
        // Whisper's own generation draws nothing at random, whatever the file says.
        let of_model = GenerateOptions::of_model(&dir.generation_config()?);
        let strategy = match of_model.strategy {
            Strategy::Sample { .. } => Strategy::Greedy,
            other => other,
        };
        let forced = generation.forced_decoder_ids.unwrap_or_default();
        if forced.iter().enumerate().any(|(index, (place, _))| *place != index + 1) {
            return Err(unsupported("its forced_decoder_ids are not those of places 1, 2, …"));
        }
        Ok(Self {
            start_token,
            end_tokens,
            lang_to_id: generation.lang_to_id,
            task_to_id: generation.task_to_id,
            is_multilingual: generation.is_multilingual,
            language: generation.language,
            task: generation.task,
            forced: forced.into_iter().map(|(_, token)| token).collect(),
            no_timestamps_token_id: generation.no_timestamps_token_id,
            max_initial_timestamp_index: generation.max_initial_timestamp_index,
            return_timestamps: generation.return_timestamps == Some(true),
            suppress_tokens: generation.suppress_tokens.unwrap_or_default(),
            begin_suppress_tokens: generation.begin_suppress_tokens.unwrap_or_default(),
            max_length: generation.max_length,
            max_new_tokens: generation.max_new_tokens,
            strategy,
            repetition_penalty: of_model.repetition_penalty,
            window_frames: config.max_source_positions.saturating_mul(super::FRAMES_A_POSITION),
            source_positions: config.max_source_positions,
            positions: config.max_target_positions,
            vocabulary: config.vocab_size,
            path,
        })
    }

    /// The first token that is a time; beyond the vocabulary when the model has none.
    pub(super) fn first_timestamp(&self) -> i64 {
        self.no_timestamps_token_id.unwrap_or(self.vocabulary).saturating_add(1)
    }

    /// Tokens of the languages that the model knows.
    pub(super) fn languages(&self) -> impl Iterator<Item = i64> {
        self.lang_to_id.iter().flat_map(|it| it.values().copied())
    }
}
