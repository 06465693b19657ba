//! What a generation is asked for and what it gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::GenerationConfig;
use crate::{Error, Result};

/// How a text is to be continued.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// Tokens at most; at least 1.
    pub max_new_tokens: usize,
    /// How each token is chosen.
    pub strategy: Strategy,
    /// Above 1 makes tokens that the text already has less likely, the prompt's included; 1 is
    /// no penalty.
    pub repetition_penalty: f32,
    /// Tokens that end the text besides the model's own.
    pub stop_tokens: Vec<i64>,
    /// Strings that end the text. They stay in it, with the rest of the token that completed
    /// them. As in transformers, one that begins in the prompt counts.
    pub stop_strings: Vec<String>,
    /// Ends the text before its next step.
    pub cancel: CancelHandle,
}

impl Default for GenerateOptions {
    /// 256 tokens, the likeliest each time.
    fn default() -> Self {
        Self {
            max_new_tokens: 256,
            strategy: Strategy::Greedy,
            repetition_penalty: 1.0,
            stop_tokens: Vec::new(),
            stop_strings: Vec::new(),
            cancel: CancelHandle::default(),
        }
    }
}

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strategy {
    /// The likeliest; of equal ones the first.
    Greedy,
    /// At random by probability, after transformers' warpers in transformers' order. The same
    /// seed gives the same tokens; they are not those of PyTorch's generator.
    Sample {
        /// Above 0; below 1 sharpens, above 1 flattens.
        temperature: f32,
        /// Only so many of the likeliest, and those equal to the last of them; 0 is all.
        top_k: usize,
        /// Only the likeliest that together have this probability, in (0, 1]; 1 is all.
        top_p: f32,
        /// Only those that have at least this share of the likeliest one's probability, in
        /// [0, 1]; 0 is all.
        min_p: f32,
        /// Seed of the random generator; every text of a batch begins it anew.
        seed: u64,
    },
    /// The likeliest of several texts that are followed side by side, as transformers' beam
    /// search finds it.
    Beams {
        /// Texts that are followed; 1 is greedy.
        count: usize,
        /// A text's score is divided by its number of new tokens to the power of this: above 0
        /// favours long texts, below 0 short ones.
        length_penalty: f32,
        /// Whether to end as soon as `count` texts are complete, and not only when no better
        /// one is to be expected.
        early_stopping: bool,
    },
}

impl GenerateOptions {
    /// What a model's configuration asks for, with transformers' defaults for what it leaves
    /// out (`generation/configuration_utils.py`, `_get_default_generation_params`). Drawing at
    /// random goes before beams; both at once are not supported.
    pub(crate) fn of_model(config: &GenerationConfig) -> Self {
        let default = Self::default();
        let strategy = match (config.do_sample, config.num_beams) {
            (Some(true), _) => Strategy::Sample {
                temperature: config.temperature.unwrap_or(1.0),
                top_k: config.top_k.unwrap_or(50),
                top_p: config.top_p.unwrap_or(1.0),
                min_p: config.min_p.unwrap_or(0.0),
                seed: 0,
            },
            (_, Some(count @ 2..)) => Strategy::Beams {
                count,
                length_penalty: config.length_penalty.unwrap_or(1.0),
                early_stopping: config.early_stopping == Some(true.into()),
            },
            _ => Strategy::Greedy,
        };
        Self {
            max_new_tokens: config.max_new_tokens.unwrap_or(default.max_new_tokens),
            strategy,
            repetition_penalty: config.repetition_penalty.unwrap_or(1.0),
            ..default
        }
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming the option.
    pub(crate) fn check(&self) -> Result<()> {
        if self.max_new_tokens == 0 {
            return Err(invalid("max_new_tokens", &0, "at least 1"));
        }
        let positive = |it: f32| it.is_finite() && it > 0.0;
        if !positive(self.repetition_penalty) {
            let expected = "a number above 0 (1 for no penalty)";
            return Err(invalid("repetition_penalty", &self.repetition_penalty, expected));
        }
        if self.stop_strings.iter().any(String::is_empty) {
            return Err(invalid(
                "stop_strings",
                &"an empty string",
                "strings that a text can have",
            ));
        }
        match self.strategy {
            Strategy::Greedy => Ok(()),
            Strategy::Sample { temperature, top_p, min_p, .. } => {
                if !positive(temperature) {
                    let expected =
                        "a number above 0 (for the likeliest token each time use Strategy::Greedy)";
                    return Err(invalid("temperature", &temperature, expected));
                }
                if !(top_p > 0.0 && top_p <= 1.0) {
                    return Err(invalid("top_p", &top_p, "above 0 and at most 1"));
                }
                if !(0.0..=1.0).contains(&min_p) {
                    return Err(invalid("min_p", &min_p, "from 0 to 1"));
                }
                Ok(())
            }
            Strategy::Beams { count, length_penalty, .. } => {
                if count == 0 {
                    return Err(invalid("count", &count, "at least 1 beam"));
                }
                if !length_penalty.is_finite() {
                    return Err(invalid("length_penalty", &length_penalty, "a finite number"));
                }
                Ok(())
            }
        }
    }

    /// Refuses beams where every token is given away as soon as it is chosen.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub(crate) fn check_streams(&self) -> Result<()> {
        match self.strategy {
            Strategy::Beams { count, .. } if count > 1 => Err(invalid(
                "strategy",
                &"Strategy::Beams",
                "Greedy or Sample: which beam is the best is known only at the end, so there is \
                 nothing to give away before",
            )),
            _ => Ok(()),
        }
    }
}

fn invalid(argument: &'static str, given: &dyn ToString, expected: &str) -> Error {
    Error::InvalidArgument { argument, given: given.to_string(), expected: expected.to_owned() }
}

/// Ends generations from outside: clones share one flag, which is looked at before every step.
#[derive(Clone, Debug, Default)]
pub struct CancelHandle(Arc<AtomicBool>);

impl CancelHandle {
    /// Ends every generation that holds a clone of this handle, those that begin later included.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A generated text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The new tokens, the one that ended the text included.
    pub token_ids: Vec<i64>,
    /// Their text without special tokens. When the caller stopped it: what was streamed.
    pub text: String,
    /// Why it ended.
    pub stopped: Stop,
}

/// Why a generation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model, or the caller's `stop_tokens`, ended the text with this token.
    Token(i64),
    /// The text has this one of the caller's `stop_strings`.
    Text(String),
    /// It has as many tokens as asked for.
    MaxNewTokens,
    /// The model's context is full.
    ContextFull,
    /// The caller's callback or [`CancelHandle`] said so.
    Cancelled,
}

/// One step of a generation.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The new token.
    pub token: i64,
    /// The scores that the model gave, one for every token of the vocabulary, before penalties.
    pub logits: &'a [f32],
}

#[cfg(test)]
mod tests {
    use super::{GenerateOptions, Strategy};
    use crate::Error;

    #[test]
    fn senseless_settings_are_refused_by_name() {
        let sample = |temperature, top_p, min_p| {
            let strategy = Strategy::Sample { temperature, top_k: 0, top_p, min_p, seed: 7 };
            GenerateOptions { strategy, ..GenerateOptions::default() }
        };
        let beams = |count, length_penalty| {
            let strategy = Strategy::Beams { count, length_penalty, early_stopping: false };
            GenerateOptions { strategy, ..GenerateOptions::default() }
        };
        let penalty = |repetition_penalty| GenerateOptions {
            repetition_penalty,
            ..GenerateOptions::default()
        };
        let none = GenerateOptions { max_new_tokens: 0, ..GenerateOptions::default() };
        let empty =
            GenerateOptions { stop_strings: vec![String::new()], ..GenerateOptions::default() };
        for (options, name) in [
            (sample(0.0, 1.0, 0.0), "temperature"),
            (sample(f32::NAN, 1.0, 0.0), "temperature"),
            (sample(f32::INFINITY, 1.0, 0.0), "temperature"),
            (sample(1.0, 0.0, 0.0), "top_p"),
            (sample(1.0, 1.5, 0.0), "top_p"),
            (sample(1.0, f32::NAN, 0.0), "top_p"),
            (sample(1.0, 1.0, -0.1), "min_p"),
            (sample(1.0, 1.0, f32::NAN), "min_p"),
            (beams(0, 1.0), "count"),
            (beams(2, f32::NAN), "length_penalty"),
            (penalty(0.0), "repetition_penalty"),
            (penalty(f32::NAN), "repetition_penalty"),
            (none, "max_new_tokens"),
            (empty, "stop_strings"),
        ] {
            let error = options.check().unwrap_err();
            assert!(
                matches!(error, Error::InvalidArgument { argument, .. } if argument == name),
                "{error}"
            );
        }
        sample(0.7, 0.9, 0.05).check().unwrap();
        beams(4, -1.0).check().unwrap();
        assert!(beams(2, 1.0).check_streams().is_err());
        beams(1, 1.0).check_streams().unwrap();
    }
}
