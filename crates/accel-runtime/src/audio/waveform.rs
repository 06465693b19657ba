//! Samples as Wav2Vec2 and its relatives take them.

use serde::Deserialize;

use super::{FILE, SAMPLE_RATES_HZ, config_path, expect_class, unsupported, within};
use crate::{Audio, ModelDir, Result, Tensor};

/// `preprocessor_config.json` of a `Wav2Vec2FeatureExtractor`, with its defaults.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Config {
    feature_extractor_type: Option<String>,
    feature_size: u32,
    sampling_rate: u32,
    do_normalize: bool,
    return_attention_mask: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            feature_extractor_type: None,
            feature_size: 1,
            sampling_rate: 16_000,
            do_normalize: true,
            return_attention_mask: false,
        }
    }
}

/// Wav2Vec2's features (transformers 5.23, `feature_extraction_wav2vec2.py`): the samples
/// themselves, with `do_normalize` at mean 0 and variance 1.
///
/// Sounds are given one by one and not padded to a batch: models without an attention mask
/// (`feat_extract_norm = "group"`) give a padded sound another result than the sound alone.
#[derive(Clone, Copy, Debug)]
pub struct WaveformFeatures {
    sampling_rate_hz: u32,
    normalize: bool,
    attention_mask: bool,
}

impl WaveformFeatures {
    /// Reads the model's `preprocessor_config.json`.
    ///
    /// # Errors
    /// [`MissingFile`](crate::Error::MissingFile) or [`InvalidFile`](crate::Error::InvalidFile);
    /// [`UnsupportedModel`](crate::Error::UnsupportedModel) when it asks
    /// for something that is not done here.
    pub fn open(dir: &ModelDir) -> Result<Self> {
        let config: Config = dir.required_json(FILE, "the model's audio preprocessing")?;
        let path = config_path(dir);
        expect_class(&path, config.feature_extractor_type.as_deref(), "Wav2Vec2FeatureExtractor")?;
        within(&path, "sampling_rate", config.sampling_rate, SAMPLE_RATES_HZ)?;
        if config.feature_size != 1 {
            let reason = format!("it asks for {} values a sample", config.feature_size);
            return Err(unsupported(&path, reason));
        }
        Ok(Self {
            sampling_rate_hz: config.sampling_rate,
            normalize: config.do_normalize,
            attention_mask: config.return_attention_mask,
        })
    }

    /// The rate that sounds are resampled to.
    pub const fn sampling_rate_hz(&self) -> u32 {
        self.sampling_rate_hz
    }

    /// Whether the model was trained with an attention mask, which for one sound is all ones.
    pub const fn takes_attention_mask(&self) -> bool {
        self.attention_mask
    }

    /// The samples of one sound: `f32 [1, samples]`.
    ///
    /// # Errors
    /// As [`Audio::resampled`].
    pub fn input_values(&self, audio: &Audio) -> Result<Tensor> {
        let mut samples = audio.samples_at(self.sampling_rate_hz)?.into_owned();
        if self.normalize {
            normalize(&mut samples);
        }
        Tensor::new(vec![1, samples.len()], samples)
    }
}

/// `(x - mean) / sqrt(variance + 1e-7)`, with the population's variance.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 samples")]
fn normalize(samples: &mut [f32]) {
    let count = samples.len() as f64;
    let mean = samples.iter().map(|it| f64::from(*it)).sum::<f64>() / count;
    let variance = samples.iter().map(|it| (f64::from(*it) - mean).powi(2)).sum::<f64>() / count;
    let deviation = (variance + 1e-7).sqrt();
    for sample in samples {
        #[expect(clippy::cast_possible_truncation, reason = "a model takes floats")]
        let value = ((f64::from(*sample) - mean) / deviation) as f32;
        *sample = value;
    }
}
