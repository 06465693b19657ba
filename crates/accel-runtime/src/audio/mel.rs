//! Power spectra on the mel scale, as transformers' `audio_utils.py` computes them: periodic Hann
//! window, frames centred by mirroring the ends, double precision inside.

use std::f64::consts::PI;
use std::fmt;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

/// How frequency becomes pitch, and how filters are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MelScale {
    /// Slaney's, linear up to 1 kHz; filters of equal area. Librosa's default.
    Slaney,
    /// The HTK toolkit's; filters of equal height. Torchaudio's default.
    Htk,
}

/// What a bank of mel filters is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct MelBank {
    pub(super) scale: MelScale,
    pub(super) filters: usize,
    pub(super) lowest_hz: f64,
    pub(super) highest_hz: f64,
    pub(super) sampling_rate_hz: u32,
}

/// Computes mel spectra of sounds.
#[derive(Clone)]
pub(super) struct MelSpectrogram {
    fft: Arc<dyn RealToComplex<f64>>,
    window: Vec<f64>,
    hop: usize,
    filters: Vec<Filter>,
}

/// A triangle over neighbouring frequencies.
#[derive(Clone, Debug)]
struct Filter {
    first: usize,
    weights: Vec<f64>,
}

/// The least power that counts (`mel_floor`).
pub(super) const FLOOR: f64 = 1e-10;

impl MelSpectrogram {
    /// Frames of `length` samples, one every `hop` samples; all of these are at least 1, and the
    /// length at least 2.
    pub(super) fn new(length: usize, hop: usize, bank: MelBank) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(length);
        #[expect(clippy::cast_precision_loss, reason = "lengths are small")]
        let hann = |it: usize| 0.5 - 0.5 * (2.0 * PI * it as f64 / length as f64).cos();
        let window = (0..length).map(hann).collect();
        Self { fft, window, hop, filters: bank.filters(length / 2 + 1) }
    }

    /// Frames of a sound of `samples` samples.
    pub(super) const fn frames(&self, samples: usize) -> usize {
        samples / self.hop + 1
    }

    /// Calls `each` with the mel powers of every one of the first `frames` frames of `samples`,
    /// in their order; none is below [`FLOOR`].
    pub(super) fn powers(&self, samples: &[f32], frames: usize, mut each: impl FnMut(&[f64])) {
        let length = self.window.len();
        let mut frame = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut power = vec![0.0; spectrum.len()];
        let mut mels = vec![0.0; self.filters.len()];
        for index in 0..frames {
            // Counted from half a frame before the sound.
            let start = index * self.hop;
            let inside = start.checked_sub(length / 2).and_then(|it| samples.get(it..it + length));
            let mut silent = true;
            for (i, (value, window)) in frame.iter_mut().zip(&self.window).enumerate() {
                let sample = match inside {
                    Some(inside) => inside[i],
                    None => mirrored(samples, start + i, length / 2),
                };
                silent &= sample == 0.0;
                *value = f64::from(sample) * window;
            }
            if silent {
                // Most of a short sound in a long window.
                mels.fill(FLOOR);
                each(&mels);
                continue;
            }
            // Fails for buffers of wrong lengths alone, and these are the transform's own.
            if self.fft.process_with_scratch(&mut frame, &mut spectrum, &mut scratch).is_err() {
                debug_assert!(false, "buffers of the transform fit it");
            }
            for (power, value) in power.iter_mut().zip(&spectrum) {
                *power = value.norm_sqr();
            }
            for (mel, filter) in mels.iter_mut().zip(&self.filters) {
                let sum: f64 =
                    filter.weights.iter().zip(&power[filter.first..]).map(|(a, b)| a * b).sum();
                *mel = sum.max(FLOOR);
            }
            each(&mels);
        }
    }
}

impl fmt::Debug for MelSpectrogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "MelSpectrogram({} samples, hop {}, {} filters)",
            self.window.len(),
            self.hop,
            self.filters.len()
        )
    }
}

/// The sample at `place`, counted from `before` samples before the sound, which is mirrored at its
/// first and last sample as often as it takes (numpy's `pad(mode="reflect")`).
fn mirrored(samples: &[f32], place: usize, before: usize) -> f32 {
    let Some(last) = samples.len().checked_sub(1) else { return 0.0 };
    if last == 0 {
        return samples[0];
    }
    let period = 2 * last;
    // `place - before` modulo the period, without leaving the natural numbers.
    let place = (place + period - before % period) % period;
    samples[if place <= last { place } else { period - place }]
}

impl MelBank {
    /// transformers' `mel_filter_bank` over `bins` frequencies.
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn filters(self, bins: usize) -> Vec<Filter> {
        let (low, high) = (self.scale.mel(self.lowest_hz), self.scale.mel(self.highest_hz));
        let step = (high - low) / (self.filters + 1) as f64;
        let corner = |it: usize| self.scale.hertz(low + step * it as f64);
        let bin_hz = f64::from(self.sampling_rate_hz / 2) / (bins - 1) as f64;
        (0..self.filters)
            .map(|filter| {
                let [left, peak, right] = [corner(filter), corner(filter + 1), corner(filter + 2)];
                let height = match self.scale {
                    MelScale::Slaney => 2.0 / (right - left),
                    MelScale::Htk => 1.0,
                };
                let weight = |bin: usize| {
                    let hz = bin as f64 * bin_hz;
                    let (rise, fall) = ((hz - left) / (peak - left), (right - hz) / (right - peak));
                    rise.min(fall).max(0.0) * height
                };
                let touched: Vec<_> = (0..bins).filter(|bin| weight(*bin) > 0.0).collect();
                let first = touched.first().copied().unwrap_or(0);
                let last = touched.last().map_or(first, |it| it + 1);
                Filter { first, weights: (first..last).map(weight).collect() }
            })
            .collect()
    }
}

/// Where Slaney's scale turns from linear to logarithmic, in Hz and in mels.
const BREAK_HZ: f64 = 1000.0;
const BREAK_MEL: f64 = 15.0;

impl MelScale {
    fn mel(self, hz: f64) -> f64 {
        match self {
            Self::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            Self::Slaney if hz < BREAK_HZ => 3.0 * hz / 200.0,
            Self::Slaney => BREAK_MEL + (hz / BREAK_HZ).ln() * 27.0 / 6.4_f64.ln(),
        }
    }

    fn hertz(self, mel: f64) -> f64 {
        match self {
            Self::Htk => 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0),
            Self::Slaney if mel < BREAK_MEL => 200.0 * mel / 3.0,
            Self::Slaney => BREAK_HZ * (6.4_f64.ln() / 27.0 * (mel - BREAK_MEL)).exp(),
        }
    }
}
