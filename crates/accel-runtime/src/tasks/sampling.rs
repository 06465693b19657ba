//! Choice of the next token.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Sampling, top_k};
use crate::{Error, Result};

/// Chooses tokens, one after the other.
#[derive(Debug)]
pub(super) enum Sampler {
    Greedy,
    Random { temperature: f32, top_k: usize, top_p: f32, random: Box<ChaCha8Rng> },
}

impl Sampler {
    /// A sampler at its seed's beginning.
    pub(super) fn new(sampling: Sampling) -> Result<Self> {
        let Sampling::Sample { temperature, top_k, top_p, seed } = sampling else {
            return Ok(Self::Greedy);
        };
        let invalid = |argument, given: f32, expected: &str| Error::InvalidArgument {
            argument,
            given: given.to_string(),
            expected: expected.to_owned(),
        };
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(invalid(
                "temperature",
                temperature,
                "a number above 0 (for the likeliest token each time use Sampling::Greedy)",
            ));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(invalid("top_p", top_p, "above 0 and at most 1"));
        }
        let random = Box::new(ChaCha8Rng::seed_from_u64(seed));
        Ok(Self::Random { temperature, top_k, top_p, random })
    }

    /// The index of the next token; `logits` are finite and there is at least one.
    pub(super) fn choose(&mut self, logits: &[f32]) -> usize {
        match self {
            Self::Greedy => top_k(logits, 1).first().copied().unwrap_or(0),
            Self::Random { temperature, top_k, top_p, random } => {
                let candidates = candidates(logits, *temperature, *top_k, *top_p);
                // 53 random bits are a double in [0, 1).
                #[expect(clippy::cast_precision_loss, reason = "2^53 fits a double exactly")]
                let draw = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                pick(&candidates, draw)
            }
        }
    }
}

/// Tokens that may be drawn and their probabilities, the likeliest first.
fn candidates(logits: &[f32], temperature: f32, k: usize, top_p: f32) -> Vec<(usize, f64)> {
    let order = top_k(logits, logits.len());
    let scaled = |index: usize| f64::from(logits[index]) / f64::from(temperature);
    // Scores equal to the last one that is let in are let in too, as by transformers.
    let kept = match order.get(k.wrapping_sub(1)) {
        Some(last) => order.iter().take_while(|it| logits[**it] >= logits[*last]).count(),
        None => order.len(),
    };
    let max = order.first().map_or(0.0, |it| scaled(*it));
    let weights: Vec<_> = order[..kept].iter().map(|it| (*it, (scaled(*it) - max).exp())).collect();
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut candidates: Vec<_> = weights.iter().map(|(it, weight)| (*it, weight / total)).collect();
    if top_p < 1.0 {
        // Unlikely tokens go from the end, as long as all that is gone together stays within
        // what may go.
        let mut gone = 0.0;
        while candidates.len() > 1 {
            gone += candidates.last().map_or(0.0, |(_, probability)| *probability);
            if gone > 1.0 - f64::from(top_p) {
                break;
            }
            candidates.pop();
        }
        let total: f64 = candidates.iter().map(|(_, probability)| probability).sum();
        for (_, probability) in &mut candidates {
            *probability /= total;
        }
    }
    candidates
}

/// The candidate whose share of [0, 1) holds `draw`.
fn pick(candidates: &[(usize, f64)], draw: f64) -> usize {
    let mut below = 0.0;
    let found = candidates.iter().find(|(_, probability)| {
        below += probability;
        draw < below
    });
    // Roundings can leave the sum a hair below 1.
    found.or(candidates.last()).map_or(0, |(index, _)| *index)
}

#[cfg(test)]
mod tests {
    use super::{Sampler, Sampling, candidates};
    use crate::Error;

    fn sample(temperature: f32, top_k: usize, top_p: f32) -> Sampling {
        Sampling::Sample { temperature, top_k, top_p, seed: 7 }
    }

    fn indexes(candidates: &[(usize, f64)]) -> Vec<usize> {
        candidates.iter().map(|(it, _)| *it).collect()
    }

    #[test]
    fn only_the_likely_are_drawn() {
        // Probabilities 0.5, 0.25, 0.125, 0.125.
        let logits = [0.125_f32, 0.5, 0.125, 0.25].map(f32::ln);
        assert_eq!(indexes(&candidates(&logits, 1.0, 0, 1.0)), [1, 3, 0, 2]);
        assert_eq!(indexes(&candidates(&logits, 1.0, 2, 1.0)), [1, 3]);
        // The third and fourth are equal, so both are let in.
        assert_eq!(indexes(&candidates(&logits, 1.0, 3, 1.0)), [1, 3, 0, 2]);
        assert_eq!(indexes(&candidates(&logits, 1.0, 9, 1.0)), [1, 3, 0, 2]);
        assert_eq!(indexes(&candidates(&logits, 1.0, 0, 0.7)), [1, 3]);
        // On either side of what the two likeliest have together, 0.75.
        assert_eq!(indexes(&candidates(&logits, 1.0, 0, 0.7499)), [1, 3]);
        assert_eq!(indexes(&candidates(&logits, 1.0, 0, 0.7501)).len(), 3);
        assert_eq!(indexes(&candidates(&logits, 1.0, 0, 0.4)), [1]);
        assert_eq!(indexes(&candidates(&logits, 1.0, 0, 0.01)), [1]);
        let sharp = candidates(&logits, 0.5, 0, 1.0);
        assert!((sharp[0].1 / sharp[1].1 - 4.0).abs() < 1e-6, "{sharp:?}");
    }

    #[test]
    fn draws_follow_the_probabilities_and_repeat_with_the_seed() {
        let logits = [0.5_f32, 0.3, 0.2].map(f32::ln);
        let draws = || {
            let mut sampler = Sampler::new(sample(1.0, 0, 1.0)).unwrap();
            (0..10_000).map(|_| sampler.choose(&logits)).collect::<Vec<_>>()
        };
        let first = draws();
        assert_eq!(first, draws());
        for (token, expected) in [5_000_i32, 3_000, 2_000].into_iter().enumerate() {
            let count = first.iter().filter(|it| **it == token).count();
            // Four standard deviations of 10 000 draws are at most 200.
            assert!((i32::try_from(count).unwrap() - expected).abs() < 200, "{token}: {count}");
        }
    }

    #[test]
    fn greedy_takes_the_first_of_equals() {
        assert_eq!(Sampler::new(Sampling::Greedy).unwrap().choose(&[0.0, 2.0, 2.0]), 1);
    }

    #[test]
    fn senseless_settings_are_refused() {
        for sampling in [
            sample(0.0, 0, 1.0),
            sample(f32::NAN, 0, 1.0),
            sample(f32::INFINITY, 0, 1.0),
            sample(1.0, 0, 0.0),
            sample(1.0, 0, 1.5),
            sample(1.0, 0, f32::NAN),
        ] {
            assert!(matches!(Sampler::new(sampling), Err(Error::InvalidArgument { .. })));
        }
    }
}
