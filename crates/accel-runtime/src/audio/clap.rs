//! CLAP's log-mel spectrograms.

use serde::Deserialize;

use super::mel::{MelBank, MelScale, MelSpectrogram};
use super::{FILE, SAMPLE_RATES_HZ, bounded, config_path, expect_class, unsupported, within};
use crate::{Audio, Error, ModelDir, Result, Tensor};

/// `preprocessor_config.json` of a `ClapFeatureExtractor`, with its defaults.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Config {
    feature_extractor_type: Option<String>,
    feature_size: u32,
    sampling_rate: u32,
    hop_length: u32,
    max_length_s: u32,
    fft_window_size: u32,
    frequency_min: f64,
    frequency_max: f64,
    truncation: String,
    padding: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            feature_extractor_type: None,
            feature_size: 64,
            sampling_rate: 48_000,
            hop_length: 480,
            max_length_s: 10,
            fft_window_size: 1024,
            frequency_min: 0.0,
            frequency_max: 14_000.0,
            truncation: "fusion".to_owned(),
            padding: "repeatpad".to_owned(),
        }
    }
}

/// What happens to a sound that is longer than the model hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truncation {
    /// Its beginning is taken (`rand_trunc`).
    Cut,
    /// Three cuts and a shrunk picture of the whole (`fusion`).
    Fusion,
}

/// What happens to a sound that is shorter.
#[derive(Clone, Copy, Debug)]
enum Padding {
    /// Repeated as often as it fits, then silence.
    RepeatPad,
    /// Repeated, the last time in part.
    Repeat,
    /// Silence.
    Pad,
}

/// CLAP's features (transformers 5.23, `feature_extraction_clap.py`): mel powers in decibel, one
/// row a frame, by Slaney's filters for `rand_trunc` and by HTK's for `fusion`.
///
/// Where transformers draws at random, the first possibility is taken here: a long sound is cut at
/// its beginning, and in `fusion` at the beginning of each third.
#[derive(Clone, Debug)]
pub struct ClapFeatures {
    spectrogram: MelSpectrogram,
    mels: usize,
    sampling_rate_hz: u32,
    max_samples: usize,
    truncation: Truncation,
    padding: Padding,
}

impl ClapFeatures {
    /// Reads the model's `preprocessor_config.json`.
    ///
    /// # Errors
    /// [`Error::MissingFile`] or [`Error::InvalidFile`]; [`Error::UnsupportedModel`] when it asks
    /// for something that is not done here.
    pub fn open(dir: &ModelDir) -> Result<Self> {
        let config: Config = dir.required_json(FILE, "the model's audio preprocessing")?;
        let path = config_path(dir);
        expect_class(&path, config.feature_extractor_type.as_deref(), "ClapFeatureExtractor")?;
        let mels = within(&path, "feature_size", config.feature_size, 1..=1024)?;
        let hop = within(&path, "hop_length", config.hop_length, 1..=1 << 16)?;
        let length = within(&path, "fft_window_size", config.fft_window_size, 2..=1 << 16)?;
        let rate = within(&path, "sampling_rate", config.sampling_rate, SAMPLE_RATES_HZ)?;
        let seconds = within(&path, "max_length_s", config.max_length_s, 1..=300)?;
        let (lowest_hz, highest_hz) = (config.frequency_min, config.frequency_max);
        if !(0.0 <= lowest_hz && lowest_hz < highest_hz && highest_hz < 1e6) {
            let reason = format!("it asks for frequencies from {lowest_hz} to {highest_hz} Hz");
            return Err(unsupported(&path, reason));
        }
        bounded(&path, seconds * rate, (length, hop), mels)?;
        let truncation = match config.truncation.as_str() {
            "rand_trunc" => Truncation::Cut,
            "fusion" => Truncation::Fusion,
            other => return Err(unsupported(&path, format!("truncation `{other}` is not known"))),
        };
        let padding = match config.padding.as_str() {
            "repeatpad" => Padding::RepeatPad,
            "repeat" => Padding::Repeat,
            "pad" => Padding::Pad,
            other => return Err(unsupported(&path, format!("padding `{other}` is not known"))),
        };
        let scale = match truncation {
            Truncation::Cut => MelScale::Slaney,
            Truncation::Fusion => MelScale::Htk,
        };
        let bank = MelBank {
            scale,
            filters: mels,
            lowest_hz,
            highest_hz,
            sampling_rate_hz: config.sampling_rate,
        };
        Ok(Self {
            spectrogram: MelSpectrogram::new(length, hop, bank),
            mels,
            sampling_rate_hz: config.sampling_rate,
            max_samples: seconds * rate,
            truncation,
            padding,
        })
    }

    /// The rate that sounds are resampled to.
    pub const fn sampling_rate_hz(&self) -> u32 {
        self.sampling_rate_hz
    }

    /// The features of sounds: `f32 [sounds, 1, frames, mels]`, with 4 instead of 1 for `fusion`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no sounds; as [`Audio::resampled`].
    pub fn input_features(&self, audios: &[&Audio]) -> Result<Tensor> {
        if audios.is_empty() {
            return Err(Error::InvalidArgument {
                argument: "audios",
                given: "none".to_owned(),
                expected: "at least one".to_owned(),
            });
        }
        let frames = self.spectrogram.frames(self.max_samples);
        let pictures = match self.truncation {
            Truncation::Cut => 1,
            Truncation::Fusion => 4,
        };
        let mut values = Vec::with_capacity(audios.len() * pictures * frames * self.mels);
        for audio in audios {
            let samples = audio.samples_at(self.sampling_rate_hz)?;
            match self.truncation {
                Truncation::Cut => values.extend(self.decibels(&self.fitted(&samples))),
                Truncation::Fusion => self.fuse(&samples, frames, &mut values),
            }
        }
        Tensor::new(vec![audios.len(), pictures, frames, self.mels], values)
    }

    /// The second input of models with `fusion`, `bool [sounds, 1]`; `None` for others.
    ///
    /// It is true for every sound. So it is in transformers for a sound that is alone: either the
    /// sound is longer than the model hears, or, where none of a batch is, one of them is drawn to
    /// count as longer. A sound of a batch is treated here as it is alone.
    ///
    /// # Errors
    /// Does not fail for a number of sounds that memory can hold.
    pub fn is_longer(&self, sounds: usize) -> Result<Option<Tensor>> {
        match self.truncation {
            Truncation::Cut => Ok(None),
            Truncation::Fusion => Tensor::new(vec![sounds, 1], vec![true; sounds]).map(Some),
        }
    }

    /// The sound at the length that the model hears. It has at least one sample.
    fn fitted(&self, samples: &[f32]) -> Vec<f32> {
        let wanted = self.max_samples;
        let repeats = match self.padding {
            _ if samples.len() >= wanted => 1,
            Padding::RepeatPad => wanted / samples.len(),
            Padding::Repeat => wanted / samples.len() + 1,
            Padding::Pad => 1,
        };
        let mut fitted: Vec<_> =
            samples.iter().copied().cycle().take((repeats * samples.len()).min(wanted)).collect();
        fitted.resize(wanted, 0.0);
        fitted
    }

    /// Decibels, `mels` values a frame.
    fn decibels(&self, samples: &[f32]) -> Vec<f32> {
        let frames = self.spectrogram.frames(samples.len());
        let mut values = Vec::with_capacity(frames * self.mels);
        self.spectrogram.powers(samples, frames, |mels| {
            #[expect(clippy::cast_possible_truncation, reason = "a logarithm fits a float")]
            values.extend(mels.iter().map(|it| (10.0 * it.log10()) as f32));
        });
        values
    }

    /// Appends the four pictures of a sound: the whole of it shrunk to `frames`, and three cuts.
    /// What fits is shown four times.
    fn fuse(&self, samples: &[f32], frames: usize, values: &mut Vec<f32>) {
        if samples.len() <= self.max_samples {
            let picture = self.decibels(&self.fitted(samples));
            (0..4).for_each(|_| values.extend_from_slice(&picture));
            return;
        }
        let whole = self.decibels(samples);
        let total = whole.len() / self.mels;
        if total == frames {
            (0..4).for_each(|_| values.extend_from_slice(&whole));
            return;
        }
        shrink(&whole, self.mels, frames, values);
        // Where cuts can begin, divided as by numpy's `array_split`: the first parts are larger.
        let places = total - frames + 1;
        let starts = [0, places.div_ceil(3), places.div_ceil(3) + (places + 1) / 3];
        for (part, start) in starts.into_iter().enumerate() {
            // A part without places begins with the sound.
            let start = if part < places { start } else { 0 };
            values.extend_from_slice(&whole[start * self.mels..][..frames * self.mels]);
        }
    }
}

/// Appends `picture`, rows of `mels` values, with `rows` rows: PyTorch's bilinear interpolation
/// without aligned corners.
#[expect(clippy::cast_precision_loss, reason = "counts of frames are small")]
fn shrink(picture: &[f32], mels: usize, rows: usize, values: &mut Vec<f32>) {
    let total = picture.len() / mels;
    let scale = total as f32 / rows as f32;
    for row in 0..rows {
        let place = (scale * (row as f32 + 0.5) - 0.5).max(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and below the number of rows"
        )]
        let upper = (place as usize).min(total - 1);
        let lower = (upper + 1).min(total - 1);
        let share = place - upper as f32;
        let row = |it: usize| &picture[it * mels..][..mels];
        let mix = |(a, b): (&f32, &f32)| a * (1.0 - share) + b * share;
        values.extend(row(upper).iter().zip(row(lower)).map(mix));
    }
}
