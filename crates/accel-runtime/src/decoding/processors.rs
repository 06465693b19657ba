//! What changes scores before a token is chosen.

use super::{GenerateOptions, Strategy};
use crate::tasks::top_k;

/// Changes the scores of one row's next token.
///
/// `ids` are the row's prompt and its new tokens. What is done must follow from them alone: with
/// beams, one processor serves all beams of a text.
pub(crate) trait LogitsProcessor {
    /// Changes `scores` in place; negative infinity makes a token impossible.
    fn process(&mut self, ids: &[i64], scores: &mut [f32]);
}

/// The processors of one row, in the order in which transformers 5.23 applies them
/// (`generation/utils.py`, `_get_logits_processor`): repetition penalty, those of the pipeline,
/// and for sampling temperature, top-k, top-p, min-p.
pub(super) fn standard(
    options: &GenerateOptions,
    of_pipeline: Vec<Box<dyn LogitsProcessor>>,
) -> Vec<Box<dyn LogitsProcessor>> {
    let mut all: Vec<Box<dyn LogitsProcessor>> = Vec::new();
    let differs = |it: f32, neutral: f32| it.total_cmp(&neutral).is_ne();
    if differs(options.repetition_penalty, 1.0) {
        all.push(Box::new(RepetitionPenalty(options.repetition_penalty)));
    }
    all.extend(of_pipeline);
    if let Strategy::Sample { temperature, top_k, top_p, min_p, seed: _ } = options.strategy {
        if differs(temperature, 1.0) {
            all.push(Box::new(Temperature(temperature)));
        }
        if top_k > 0 {
            all.push(Box::new(TopK(top_k)));
        }
        if top_p < 1.0 {
            all.push(Box::new(TopP(top_p)));
        }
        if min_p > 0.0 {
            all.push(Box::new(MinP(min_p)));
        }
    }
    all
}

/// Makes tokens that the row already has less likely.
struct RepetitionPenalty(f32);

impl LogitsProcessor for RepetitionPenalty {
    fn process(&mut self, ids: &[i64], scores: &mut [f32]) {
        let mut seen: Vec<_> = ids.iter().filter_map(|it| usize::try_from(*it).ok()).collect();
        seen.sort_unstable();
        seen.dedup();
        for token in seen {
            // An id beyond the scores, as an image's placeholder can be, has none to change.
            if let Some(score) = scores.get_mut(token) {
                let changed = if *score < 0.0 { *score * self.0 } else { *score / self.0 };
                // An absurd penalty must not make infinities, which have no difference.
                *score = changed.clamp(f32::MIN, f32::MAX);
            }
        }
    }
}

struct Temperature(f32);

impl LogitsProcessor for Temperature {
    fn process(&mut self, _: &[i64], scores: &mut [f32]) {
        let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let min = scores.iter().copied().filter(|it| it.is_finite()).fold(max, f32::min);
        // Near 0 the quotient overflows, and two infinities have no difference. Relative to the
        // largest score only unlikely tokens can become infinite.
        let overflows = !(max / self.0).is_finite() || !(min / self.0).is_finite();
        let base = if overflows && max.is_finite() { max } else { 0.0 };
        for score in scores {
            *score = (*score - base) / self.0;
        }
    }
}

/// Leaves the likeliest, and those equal to the last of them.
struct TopK(usize);

impl LogitsProcessor for TopK {
    fn process(&mut self, _: &[i64], scores: &mut [f32]) {
        let Some(last) = top_k(scores, self.0).last().map(|it| scores[*it]) else { return };
        for score in scores.iter_mut().filter(|it| **it < last) {
            *score = f32::NEG_INFINITY;
        }
    }
}

/// Leaves the likeliest that together have a probability.
struct TopP(f32);

impl LogitsProcessor for TopP {
    fn process(&mut self, _: &[i64], scores: &mut [f32]) {
        // Few are left where top-k came before.
        let left = (0..scores.len()).filter(|it| scores[*it] > f32::NEG_INFINITY);
        let mut order: Vec<_> = left.collect();
        order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        let Some(max) = order.first().map(|it| f64::from(scores[*it])) else { return };
        let weight = |index: usize| (f64::from(scores[index]) - max).exp();
        let total: f64 = order.iter().map(|it| weight(*it)).sum();
        // Unlikely tokens go from the end, as long as all that is gone together stays within
        // what may go; the likeliest stays.
        let may_go = 1.0 - f64::from(self.0);
        let mut gone = 0.0;
        let kept = order.iter().rposition(|it| {
            gone += weight(*it) / total;
            gone > may_go
        });
        for index in &order[kept.unwrap_or(0) + 1..] {
            scores[*index] = f32::NEG_INFINITY;
        }
    }
}

/// Leaves those that have a share of the likeliest one's probability.
struct MinP(f32);

impl LogitsProcessor for MinP {
    fn process(&mut self, _: &[i64], scores: &mut [f32]) {
        let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let share = f64::from(self.0);
        for score in scores {
            // The ratio of two probabilities does not depend on their sum; the likeliest itself
            // has the ratio 1.
            if (f64::from(*score) - f64::from(max)).exp() < share {
                *score = f32::NEG_INFINITY;
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::{LogitsProcessor, MinP, RepetitionPenalty, Temperature, TopK, TopP, standard};
    use crate::decoding::{GenerateOptions, Strategy};

    /// Indexes that are still possible.
    fn left(mut processor: impl LogitsProcessor, scores: &[f32]) -> Vec<usize> {
        let mut scores = scores.to_vec();
        processor.process(&[], &mut scores);
        (0..scores.len()).filter(|it| scores[*it].is_finite()).collect()
    }

    #[test]
    fn only_the_likely_are_left() {
        // Probabilities 0.125, 0.5, 0.125, 0.25.
        let scores = [0.125_f32, 0.5, 0.125, 0.25].map(f32::ln);
        assert_eq!(left(TopK(2), &scores), [1, 3]);
        // The third and fourth are equal, so both are let in.
        assert_eq!(left(TopK(3), &scores), [0, 1, 2, 3]);
        assert_eq!(left(TopK(9), &scores), [0, 1, 2, 3]);
        assert_eq!(left(TopP(0.7), &scores), [1, 3]);
        // On either side of what the two likeliest have together, 0.75.
        assert_eq!(left(TopP(0.7499), &scores), [1, 3]);
        assert_eq!(left(TopP(0.7501), &scores), [0, 1, 3]);
        assert_eq!(left(TopP(0.4), &scores), [1]);
        assert_eq!(left(TopP(0.01), &scores), [1]);
        assert_eq!(left(MinP(0.2), &scores), [0, 1, 2, 3]);
        assert_eq!(left(MinP(0.3), &scores), [1, 3]);
        assert_eq!(left(MinP(1.0), &scores), [1]);
    }

    #[test]
    fn repeated_tokens_lose_on_either_side_of_zero_and_only_once() {
        let mut scores = [2.0, -2.0, 3.0, -3.0];
        RepetitionPenalty(2.0).process(&[0, 1, 0, 1, 99, -1], &mut scores);
        assert_eq!(scores, [1.0, -4.0, 3.0, -3.0]);
        Temperature(0.5).process(&[], &mut scores);
        assert_eq!(scores, [2.0, -8.0, 6.0, -6.0]);
        let mut scores = [1.0, f32::NEG_INFINITY, 3.0, -4.0];
        Temperature(1e-40).process(&[], &mut scores);
        assert_eq!(scores, [f32::NEG_INFINITY, f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY]);
    }

    #[test]
    fn warpers_serve_only_sampling_and_come_last() {
        struct First;
        impl LogitsProcessor for First {
            fn process(&mut self, _: &[i64], scores: &mut [f32]) {
                scores[0] = 8.0;
            }
        }
        let mut options = GenerateOptions { repetition_penalty: 2.0, ..GenerateOptions::default() };
        assert_eq!(standard(&options, vec![]).len(), 1);
        options.strategy =
            Strategy::Sample { temperature: 2.0, top_k: 1, top_p: 0.5, min_p: 0.1, seed: 0 };
        let mut all = standard(&options, vec![Box::new(First)]);
        assert_eq!(all.len(), 6);
        let mut scores = [6.0, 2.0];
        for processor in &mut all {
            processor.process(&[0], &mut scores);
        }
        // Had the penalty come later, it would be 2.
        assert_eq!(scores, [4.0, f32::NEG_INFINITY]);
    }
}
