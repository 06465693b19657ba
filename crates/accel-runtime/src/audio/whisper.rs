//! Whisper's log-mel spectrogram.

use serde::Deserialize;

use super::mel::{MelBank, MelScale, MelSpectrogram};
use super::{FILE, SAMPLE_RATES_HZ, bounded, config_path, expect_class, unsupported, within};
use crate::{Audio, ModelDir, Result, Tensor};

/// `preprocessor_config.json` of a `WhisperFeatureExtractor`, with its defaults.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Config {
    feature_extractor_type: Option<String>,
    feature_size: u32,
    sampling_rate: u32,
    hop_length: u32,
    /// Seconds.
    chunk_length: u32,
    n_fft: u32,
    padding_value: f32,
    dither: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            feature_extractor_type: None,
            feature_size: 80,
            sampling_rate: 16_000,
            hop_length: 160,
            chunk_length: 30,
            n_fft: 400,
            padding_value: 0.0,
            dither: 0.0,
        }
    }
}

/// Whisper's features (transformers 5.23, `feature_extraction_whisper.py`): mel powers of Slaney's
/// filters up to 8 kHz, as decimal logarithms, none more than 8 below the largest, then
/// `(x + 4) / 4`.
#[derive(Clone, Debug)]
pub struct WhisperFeatures {
    spectrogram: MelSpectrogram,
    mels: usize,
    hop: usize,
    sampling_rate_hz: u32,
    window_samples: usize,
    padding_value: f32,
}

/// A log-mel spectrogram: `mels` rows of `frames` values.
#[derive(Clone, Debug, PartialEq)]
pub struct LogMel {
    /// Rows, from low to high pitch.
    pub mels: usize,
    /// Values in a row, in the order of time.
    pub frames: usize,
    /// The values, row by row.
    pub values: Vec<f32>,
}

impl LogMel {
    /// The `count` frames from `first`, as `f32 [1, mels, count]`; beyond the last frame there are
    /// zeros, as transformers' long-form generation pads.
    ///
    /// # Errors
    /// Does not fail for a spectrogram whose sizes agree.
    pub fn window(&self, first: usize, count: usize) -> Result<Tensor> {
        let mut values = Vec::with_capacity(self.mels * count);
        for row in self.values.chunks_exact(self.frames.max(1)) {
            let there = row.get(first..).unwrap_or_default();
            let there = &there[..there.len().min(count)];
            values.extend_from_slice(there);
            values.resize(values.len() + count - there.len(), 0.0);
        }
        Tensor::new(vec![1, self.mels, count], values)
    }
}

impl WhisperFeatures {
    /// Reads the model's `preprocessor_config.json`.
    ///
    /// # Errors
    /// [`MissingFile`](crate::Error::MissingFile) or [`InvalidFile`](crate::Error::InvalidFile);
    /// [`UnsupportedModel`](crate::Error::UnsupportedModel) when it asks
    /// for something that is not done here, such as dithering, which is random.
    pub fn open(dir: &ModelDir) -> Result<Self> {
        let config: Config = dir.required_json(FILE, "the model's audio preprocessing")?;
        let path = config_path(dir);
        expect_class(&path, config.feature_extractor_type.as_deref(), "WhisperFeatureExtractor")?;
        if config.dither != 0.0 {
            return Err(unsupported(&path, format!("dither = {} is random", config.dither)));
        }
        if !config.padding_value.is_finite() {
            let reason = format!("padding_value = {} is no sample", config.padding_value);
            return Err(unsupported(&path, reason));
        }
        let mels = within(&path, "feature_size", config.feature_size, 1..=1024)?;
        let hop = within(&path, "hop_length", config.hop_length, 1..=1 << 16)?;
        let length = within(&path, "n_fft", config.n_fft, 2..=1 << 16)?;
        let rate = within(&path, "sampling_rate", config.sampling_rate, SAMPLE_RATES_HZ)?;
        let seconds = within(&path, "chunk_length", config.chunk_length, 1..=300)?;
        let window_samples = seconds * rate;
        bounded(&path, window_samples, (length, hop), mels)?;
        let bank = MelBank {
            scale: MelScale::Slaney,
            filters: mels,
            lowest_hz: 0.0,
            highest_hz: 8000.0,
            sampling_rate_hz: config.sampling_rate,
        };
        Ok(Self {
            spectrogram: MelSpectrogram::new(length, hop, bank),
            mels,
            hop,
            sampling_rate_hz: config.sampling_rate,
            window_samples,
            padding_value: config.padding_value,
        })
    }

    /// The rate that sounds are resampled to.
    pub const fn sampling_rate_hz(&self) -> u32 {
        self.sampling_rate_hz
    }

    /// Samples from one frame to the next.
    pub const fn hop_samples(&self) -> usize {
        self.hop
    }

    /// Samples of the window that the model hears at once.
    pub const fn window_samples(&self) -> usize {
        self.window_samples
    }

    /// Frames of the window that the model hears at once.
    pub const fn window_frames(&self) -> usize {
        self.window_samples / self.hop
    }

    /// The features of one window, `f32 [1, mels, frames]`: a shorter sound is padded to it, a
    /// longer one cut.
    ///
    /// # Errors
    /// As [`Audio::resampled`].
    pub fn input_features(&self, audio: &Audio) -> Result<Tensor> {
        let samples = audio.samples_at(self.sampling_rate_hz)?;
        let samples = &samples[..samples.len().min(self.window_samples)];
        self.padded(samples).window(0, self.window_frames())
    }

    /// The features of a whole sound: of one window when it fits in it, else of all of it, not
    /// padded, as transformers' speech pipeline asks for (`truncation=False`,
    /// `padding="longest"`).
    ///
    /// # Errors
    /// As [`Audio::resampled`].
    pub fn log_mel(&self, audio: &Audio) -> Result<LogMel> {
        let samples = audio.samples_at(self.sampling_rate_hz)?;
        Ok(if samples.len() > self.window_samples {
            self.transform(&samples)
        } else {
            self.padded(&samples)
        })
    }

    fn padded(&self, samples: &[f32]) -> LogMel {
        let mut samples = samples.to_vec();
        samples.resize(self.window_samples, self.padding_value);
        self.transform(&samples)
    }

    fn transform(&self, samples: &[f32]) -> LogMel {
        // The last frame, centred on the end, is left out.
        let frames = self.spectrogram.frames(samples.len()) - 1;
        let mut values = vec![0.0_f32; self.mels * frames];
        let mut largest = f32::NEG_INFINITY;
        let mut frame = 0;
        self.spectrogram.powers(samples, frames, |mels| {
            for (mel, power) in mels.iter().enumerate() {
                #[expect(clippy::cast_possible_truncation, reason = "a logarithm fits a float")]
                let value = power.log10() as f32;
                largest = largest.max(value);
                values[mel * frames + frame] = value;
            }
            frame += 1;
        });
        for value in &mut values {
            *value = (value.max(largest - 8.0) + 4.0) / 4.0;
        }
        LogMel { mels: self.mels, frames, values }
    }
}
