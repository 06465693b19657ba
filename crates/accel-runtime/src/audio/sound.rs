//! Sound in memory.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use super::{SAMPLE_RATES_HZ, flac, resample, wav};
use crate::{Error, Result};

/// One channel of sound.
#[derive(Clone, PartialEq)]
pub struct Audio {
    samples: Vec<f32>,
    sample_rate_hz: u32,
}

/// What a file holds: frames of one sample a channel, averaged to one channel.
pub(super) struct Decoded {
    pub(super) samples: Vec<f32>,
    pub(super) sample_rate_hz: u32,
}

impl Audio {
    /// Reads a WAV or FLAC file.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read; as [`from_bytes`](Self::from_bytes).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        decode(&bytes, &path.display().to_string())
    }

    /// Reads the bytes of a WAV file (integers of 8, 16, 24 or 32 bits, floats of 32 or 64) or of
    /// a FLAC file. Integers are divided by 2^(bits - 1), so that they lie in [-1, 1); floats stay
    /// as they are. Channels are averaged, as by transformers' `load_audio`.
    ///
    /// # Errors
    /// [`Error::Audio`]: for another format, a file that is damaged or ends too early, one without
    /// samples, a rate that no sound is recorded at, or a sample that is not a finite number.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        decode(bytes, "the given bytes")
    }

    /// Sound of its samples, one channel, usually in [-1, 1].
    ///
    /// # Errors
    /// [`Error::Audio`] when there are no samples, one of them is not a finite number, or the rate
    /// is not between 1 000 and 768 000 Hz.
    pub fn from_samples(samples: Vec<f32>, sample_rate_hz: u32) -> Result<Self> {
        checked(samples, sample_rate_hz)
            .map_err(|reason| Error::Audio { what: "the given samples".to_owned(), reason })
    }

    /// The samples.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Samples in a second.
    pub const fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// How long it lasts, in seconds.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 samples")]
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.sample_rate_hz)
    }

    /// The same sound at another rate, by the method of `torchaudio.functional.resample` with its
    /// defaults (`sinc_interp_hann`, `lowpass_filter_width` 6, `rolloff` 0.99), which
    /// transformers' speech pipeline resamples with. It has `ceil(samples * rate_hz / old rate)`
    /// samples.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a rate that is not between 1 000 and 768 000 Hz.
    pub fn resampled(&self, rate_hz: u32) -> Result<Self> {
        Ok(Self { samples: self.samples_at(rate_hz)?.into_owned(), sample_rate_hz: rate_hz })
    }

    /// The samples at a rate; not copied where it is the sound's own.
    pub(crate) fn samples_at(&self, rate_hz: u32) -> Result<Cow<'_, [f32]>> {
        if !SAMPLE_RATES_HZ.contains(&rate_hz) {
            return Err(Error::InvalidArgument {
                argument: "rate_hz",
                given: rate_hz.to_string(),
                expected: rates(),
            });
        }
        if rate_hz == self.sample_rate_hz {
            return Ok(Cow::Borrowed(&self.samples));
        }
        let samples = resample::resample(&self.samples, self.sample_rate_hz, rate_hz);
        // Sums of samples near the largest float are beyond it.
        let samples = checked(samples, rate_hz).map_err(|reason| Error::Audio {
            what: format!("{self:?}, resampled to {rate_hz} Hz,"),
            reason,
        })?;
        Ok(Cow::Owned(samples.samples))
    }
}

impl std::fmt::Debug for Audio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Audio({} samples at {} Hz)", self.samples.len(), self.sample_rate_hz)
    }
}

fn rates() -> String {
    format!("{} to {} Hz", SAMPLE_RATES_HZ.start(), SAMPLE_RATES_HZ.end())
}

fn decode(bytes: &[u8], what: &str) -> Result<Audio> {
    let decoded = if wav::is_wav(bytes) {
        wav::decode(bytes)
    } else if flac::is_flac(bytes) {
        flac::decode(bytes)
    } else if bytes.is_empty() {
        Err("it is empty".to_owned())
    } else {
        Err("it begins like neither".to_owned())
    };
    decoded
        .and_then(|it| checked(it.samples, it.sample_rate_hz))
        .map_err(|reason| Error::Audio { what: what.to_owned(), reason })
}

fn checked(samples: Vec<f32>, sample_rate_hz: u32) -> Result<Audio, String> {
    if !SAMPLE_RATES_HZ.contains(&sample_rate_hz) {
        return Err(format!("its rate is {sample_rate_hz} Hz, expected {}", rates()));
    }
    if samples.is_empty() {
        return Err("it has no samples".to_owned());
    }
    if let Some(index) = samples.iter().position(|it| !it.is_finite()) {
        return Err(format!("sample {index} is {}", samples[index]));
    }
    Ok(Audio { samples, sample_rate_hz })
}
