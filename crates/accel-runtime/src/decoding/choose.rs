//! Choice of the next token.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::Strategy;
use crate::tasks::softmax;

/// Chooses the tokens of one row, one after the other.
#[derive(Debug)]
pub(super) enum Chooser {
    Likeliest,
    Random(Box<ChaCha8Rng>),
}

impl Chooser {
    /// A chooser at its seed's beginning.
    pub(super) fn new(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Sample { seed, .. } => {
                Self::Random(Box::new(ChaCha8Rng::seed_from_u64(seed)))
            }
            Strategy::Greedy | Strategy::Beams { .. } => Self::Likeliest,
        }
    }

    /// The index of the next token; there is at least one.
    pub(super) fn choose(&mut self, scores: &[f32]) -> usize {
        match self {
            Self::Likeliest => likeliest(scores),
            Self::Random(random) => {
                // 53 random bits are a double in [0, 1).
                #[expect(clippy::cast_precision_loss, reason = "2^53 fits a double exactly")]
                let draw = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                pick(scores, draw)
            }
        }
    }
}

/// The index of the largest score; of equal ones the first.
fn likeliest(scores: &[f32]) -> usize {
    let larger = |best: usize, it: usize| if scores[it] > scores[best] { it } else { best };
    (0..scores.len()).reduce(larger).unwrap_or(0)
}

/// The token whose share of [0, 1) holds `draw`.
fn pick(scores: &[f32], draw: f64) -> usize {
    let max = f64::from(scores.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let weight = |score: &f32| (f64::from(*score) - max).exp();
    let total: f64 = scores.iter().map(weight).sum();
    let mut below = 0.0;
    let mut last = 0;
    for (index, weight) in scores.iter().map(weight).enumerate() {
        if weight > 0.0 {
            below += weight;
            last = index;
            if draw * total < below {
                break;
            }
        }
    }
    // Roundings can leave the sum a hair below the draw.
    last
}

/// Probabilities of processed scores.
pub(crate) fn softmax_scores(mut scores: Vec<f32>) -> Vec<f32> {
    softmax(&mut scores);
    scores
}

#[cfg(test)]
mod tests {
    use super::{Chooser, pick};
    use crate::decoding::Strategy;

    #[test]
    fn draws_follow_the_probabilities_and_repeat_with_the_seed() {
        let scores = [0.5_f32, 0.3, 0.0, 0.2].map(f32::ln);
        let draws = || {
            let mut chooser = Chooser::new(Strategy::Sample {
                temperature: 1.0,
                top_k: 0,
                top_p: 1.0,
                min_p: 0.0,
                seed: 7,
            });
            (0..10_000).map(|_| chooser.choose(&scores)).collect::<Vec<_>>()
        };
        let first = draws();
        assert_eq!(first, draws());
        for (token, expected) in [5_000_i32, 3_000, 0, 2_000].into_iter().enumerate() {
            let count = first.iter().filter(|it| **it == token).count();
            // Four standard deviations of 10 000 draws are at most 200.
            assert!((i32::try_from(count).unwrap() - expected).abs() < 200, "{token}: {count}");
        }
    }

    #[test]
    fn the_edges_of_the_draw_hit_possible_tokens() {
        let scores = [f32::NEG_INFINITY, 0.0, 1.0, f32::NEG_INFINITY];
        assert_eq!(pick(&scores, 0.0), 1);
        assert_eq!(pick(&scores, 1.0), 2);
    }

    #[test]
    fn greedy_takes_the_first_of_equals() {
        assert_eq!(Chooser::new(Strategy::Greedy).choose(&[0.0, 2.0, 2.0]), 1);
    }
}
