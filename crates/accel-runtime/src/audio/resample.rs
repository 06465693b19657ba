//! Resampling by a windowed sinc, as `torchaudio.functional.resample` does it (torchaudio 2,
//! `functional.py`: `_get_sinc_resample_kernel` and `_apply_sinc_resample_kernel`).

use std::f64::consts::PI;

/// Zero crossings of the sinc on each side (`lowpass_filter_width`).
const WIDTH: f64 = 6.0;
/// Where the filter cuts, of the lower rate's half (`rolloff`).
const ROLLOFF: f64 = 0.99;

/// What one phase of the output is made of: input samples from `first`, counted from the place
/// where the phase's period begins, each with its weight.
struct Phase {
    first: i64,
    weights: Vec<f32>,
}

/// `samples` at another rate. Both rates are those of sound, so that everything here is small
/// beside the samples.
pub(super) fn resample(samples: &[f32], from_hz: u32, to_hz: u32) -> Vec<f32> {
    let divisor = gcd(from_hz, to_hz);
    let (from, to) = (from_hz / divisor, to_hz / divisor);
    let count = (samples.len() as u128 * u128::from(to)).div_ceil(u128::from(from));
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let phases: Vec<_> = (0..to).take(count).map(|it| phase(it, from, to)).collect();
    let mut resampled = Vec::with_capacity(count);
    let mut start = 0_i64;
    while resampled.len() < count {
        let left = count - resampled.len();
        resampled.extend(phases.iter().take(left).map(|phase| apply(phase, samples, start)));
        start += i64::from(from);
    }
    resampled
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The weights of output sample `index` of every period: `from` input samples make `to` output
/// samples. Torchaudio's filter is also zero outside of them.
fn phase(index: u32, from: u32, to: u32) -> Phase {
    let (from, to) = (f64::from(from), f64::from(to));
    let base = from.min(to) * ROLLOFF;
    // The time of input sample i is i / from, that of the output sample is index / to.
    let centre = f64::from(index) * from / to;
    let reach = WIDTH * from / base;
    #[expect(clippy::cast_possible_truncation, reason = "rates are small")]
    let (first, last) = ((centre - reach).ceil() as i64, (centre + reach).floor() as i64);
    let weight = |sample: i64| {
        #[expect(clippy::cast_precision_loss, reason = "rates are small")]
        let t = (sample as f64 / from - f64::from(index) / to) * base;
        let t = t.clamp(-WIDTH, WIDTH);
        let window = (t * PI / WIDTH / 2.0).cos().powi(2);
        let sinc = if t == 0.0 { 1.0 } else { (t * PI).sin() / (t * PI) };
        #[expect(clippy::cast_possible_truncation, reason = "torchaudio's kernel is single too")]
        let weight = (sinc * window * base / from) as f32;
        weight
    };
    Phase { first, weights: (first..=last).map(weight).collect() }
}

/// One output sample; beyond its ends the sound is silent.
fn apply(phase: &Phase, samples: &[f32], start: i64) -> f32 {
    let first = start + phase.first;
    let skipped = usize::try_from(-first).unwrap_or(0);
    let weights = phase.weights.get(skipped..).unwrap_or_default();
    let samples = samples.get(usize::try_from(first).unwrap_or(0)..).unwrap_or_default();
    weights.iter().zip(samples).map(|(weight, sample)| weight * sample).sum()
}
