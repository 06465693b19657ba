//! What Whisper may write when (transformers 5.23, `logits_process.py`).

use crate::decoding::processors::LogitsProcessor;

/// Tokens that are never written: sounds, notes, markup.
pub(super) struct Suppress {
    pub(super) tokens: Vec<i64>,
}

impl LogitsProcessor for Suppress {
    fn process(&mut self, _: &[i64], scores: &mut [f32]) {
        suppress(&self.tokens, scores);
    }
}

/// Tokens that a text does not begin with, such as its end.
pub(super) struct SuppressAtBegin {
    pub(super) tokens: Vec<i64>,
    /// Tokens of the prompt.
    pub(super) prompt: usize,
}

impl LogitsProcessor for SuppressAtBegin {
    fn process(&mut self, ids: &[i64], scores: &mut [f32]) {
        if ids.len() == self.prompt {
            suppress(&self.tokens, scores);
        }
    }
}

fn suppress(tokens: &[i64], scores: &mut [f32]) {
    for token in tokens {
        if let Some(score) = usize::try_from(*token).ok().and_then(|it| scores.get_mut(it)) {
            *score = f32::NEG_INFINITY;
        }
    }
}

/// `WhisperTimeStampLogitsProcessor`: a text begins with a time; times come in pairs, but for the
/// last; they do not go back; and a time is written where all times together are likelier than
/// any other token.
pub(super) struct TimestampRules {
    /// The token that says that there are none; times follow it.
    pub(super) no_timestamps: i64,
    /// The token that ends a text; those of words come before it.
    pub(super) end: i64,
    /// Tokens of the prompt.
    pub(super) prompt: usize,
    /// The latest time that a text can begin with, counted in times.
    pub(super) max_initial: Option<usize>,
}

impl LogitsProcessor for TimestampRules {
    fn process(&mut self, ids: &[i64], scores: &mut [f32]) {
        let place = |token: i64| usize::try_from(token).unwrap_or(0).min(scores.len());
        let (first, end) = (place(self.no_timestamps.saturating_add(1)), place(self.end));
        let forbid = |scores: &mut [f32]| scores.fill(f32::NEG_INFINITY);
        suppress(&[self.no_timestamps], scores);

        let written = ids.get(self.prompt..).unwrap_or_default();
        let is_time = |token: &i64| *token > self.no_timestamps;
        let last_is_time = written.last().is_some_and(is_time);
        let pair = written.len() < 2 || is_time(&written[written.len() - 2]);
        if last_is_time && pair {
            forbid(&mut scores[first..]);
        } else if last_is_time {
            forbid(&mut scores[..end]);
        }
        if let Some(last) = written.iter().copied().rfind(|it| is_time(it)) {
            // The second of a pair can repeat the first; afterwards time has gone on.
            let next = if last_is_time && !pair { last } else { last + 1 };
            let next = usize::try_from(next).unwrap_or(0).min(scores.len());
            forbid(&mut scores[first..next.max(first)]);
        }
        if written.is_empty() {
            forbid(&mut scores[..first]);
            if let Some(max) = self.max_initial {
                let after = first.saturating_add(max).saturating_add(1).min(scores.len());
                forbid(&mut scores[after..]);
            }
        }
        let (words, times) = scores.split_at_mut(first);
        let likeliest = |scores: &[f32]| scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (word, time) = (likeliest(words), likeliest(times));
        // Both sides as shares of the likeliest time, so that nothing overflows.
        let all: f64 = times.iter().map(|it| f64::from(it - time).exp()).sum();
        if time > f32::NEG_INFINITY && all > f64::from(word - time).exp() {
            forbid(words);
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::{LogitsProcessor, Suppress, SuppressAtBegin, TimestampRules};

    const NEVER: f32 = f32::NEG_INFINITY;

    /// Tokens 0 to 3 are words, 4 ends, 5 is `<|notimestamps|>`, 6 to 9 are times.
    fn left(written: &[i64], scores: [f32; 10]) -> Vec<usize> {
        let ids = [&[4, 5], written].concat();
        let mut scores = scores;
        TimestampRules { no_timestamps: 5, end: 4, prompt: 2, max_initial: Some(1) }
            .process(&ids, &mut scores);
        (0..10).filter(|it| scores[*it] > NEVER).collect()
    }

    /// Expectations are those of transformers' processor for the same scores.
    #[test]
    fn times_begin_come_in_pairs_and_go_on() {
        let words = [5.0, 5.0, 5.0, 5.0, 5.0, 9.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(left(&[], words), [6, 7]);
        assert_eq!(left(&[7], words), [0, 1, 2, 3, 4]);
        assert_eq!(left(&[7, 0], words), [0, 1, 2, 3, 4, 8, 9]);
        assert_eq!(left(&[7, 0, 8], words), [4, 8, 9]);
        assert_eq!(left(&[7, 0, 8, 8], words), [0, 1, 2, 3, 4]);
        assert_eq!(left(&[7, 0, 8, 8, 1], words), [0, 1, 2, 3, 4, 9]);
    }

    #[test]
    fn times_that_are_likelier_together_than_any_word_are_written() {
        let mut scores = [1.0; 10];
        // Two times are left, each as likely as each word: together they are likelier.
        assert_eq!(left(&[7, 0], scores), [8, 9]);
        scores[2] = 1.7;
        assert_eq!(left(&[7, 0], scores), [0, 1, 2, 3, 4, 8, 9]);
        scores[2] = 1.69;
        assert_eq!(left(&[7, 0], scores), [8, 9]);
    }

    #[test]
    fn suppressed_tokens_are_never_written_or_not_at_the_beginning() {
        let mut scores = [1.0; 3];
        Suppress { tokens: vec![1, 99, -1] }.process(&[0], &mut scores);
        assert_eq!(scores, [1.0, NEVER, 1.0]);
        let mut at_begin = SuppressAtBegin { tokens: vec![0], prompt: 1 };
        at_begin.process(&[0, 0], &mut scores);
        assert_eq!(scores, [1.0, NEVER, 1.0]);
        at_begin.process(&[0], &mut scores);
        assert_eq!(scores, [NEVER, NEVER, 1.0]);
    }
}
