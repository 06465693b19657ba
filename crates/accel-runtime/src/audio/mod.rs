//! Sound to what speech and audio models take, as Hugging Face transformers does it.
//!
//! ```text
//! file ──Audio──> mono samples ──resampled──> the model's rate ──┬─ WhisperFeatures   log-mel [1, mels, frames]
//!                                                                ├─ ClapFeatures      log-mel [sounds, 1 or 4, frames, mels]
//!                                                                └─ WaveformFeatures  samples [1, samples]
//! ```

mod clap;
mod flac;
mod mel;
mod resample;
mod sound;
mod wav;
mod waveform;
mod whisper;

pub use clap::ClapFeatures;
pub use sound::Audio;
pub use waveform::WaveformFeatures;
pub use whisper::{LogMel, WhisperFeatures};

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::{Error, ModelDir};

/// The file that feature extractors are configured by.
const FILE: &str = "preprocessor_config.json";

/// Rates that sound is recorded at: from below the telephone's to twice the highest of studios.
/// A file that claims another one is damaged, and resampling from it could fill the memory.
const SAMPLE_RATES_HZ: RangeInclusive<u32> = 1_000..=768_000;

fn config_path(dir: &ModelDir) -> PathBuf {
    dir.path().join(FILE)
}

fn unsupported(path: &Path, reason: String) -> Error {
    Error::UnsupportedModel {
        path: path.to_owned(),
        reason,
        remedy: "compute the features yourself and run the graph with GraphModel".to_owned(),
    }
}

/// `value`, if a feature extractor can be asked for it.
fn within(
    path: &Path,
    field: &str,
    value: u32,
    range: RangeInclusive<u32>,
) -> Result<usize, Error> {
    if range.contains(&value) {
        return Ok(value as usize);
    }
    Err(unsupported(
        path,
        format!("{field} = {value} is not between {} and {}", range.start(), range.end()),
    ))
}

/// Refuses spectrograms that are out of all proportion to the sound: nothing that a configuration
/// says may fill the memory or take minutes. Frames have `length` samples, one every `hop`.
fn bounded(
    path: &Path,
    window_samples: usize,
    (length, hop): (usize, usize),
    mels: usize,
) -> Result<(), Error> {
    let sensible = hop <= window_samples && length <= 64 * hop && mels <= 16 * hop;
    if sensible && window_samples <= 1 << 24 {
        return Ok(());
    }
    Err(unsupported(
        path,
        format!(
            "a window of {window_samples} samples with {mels} mel filters over {length} samples \
             every {hop} is not a spectrogram of sound"
        ),
    ))
}

/// Refuses configurations of another class than `class`; one that names none is taken as it.
fn expect_class(path: &Path, found: Option<&str>, class: &str) -> Result<(), Error> {
    match found {
        Some(found) if found != class => {
            Err(unsupported(path, format!("it is for a `{found}`, expected `{class}`")))
        }
        _ => Ok(()),
    }
}
