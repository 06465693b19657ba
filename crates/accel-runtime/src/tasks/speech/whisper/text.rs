//! From tokens to text and times (transformers 5.23, `tokenization_whisper.py`, `_decode_asr`).

use super::languages;
use super::{NO_TIMESTAMPS, Whisper};
use crate::Result;
use crate::tasks::speech::Chunk;

/// Positions of a window in transformers' count of time, whatever the model's own are.
const POSITIONS_A_WINDOW: f64 = 1500.0;

/// Finds the times of tokens over several windows, each of which counts from its own beginning.
#[derive(Default)]
struct Clock {
    latest: f64,
    before_latest: f64,
    /// How long the windows before this one lasted.
    before: f64,
}

impl Clock {
    /// The time of a token whose place among the times is `place`; `paired` says whether the two
    /// tokens before it are times.
    fn time(&mut self, place: f64, step: f64, paired: bool) -> f64 {
        let time = place * step;
        if time < self.latest {
            // Time went back: a window has begun.
            if paired {
                self.latest = self.before_latest;
                self.before += self.before_latest;
            } else {
                self.before += step * POSITIONS_A_WINDOW;
            }
        }
        self.before_latest = self.latest;
        self.latest = time;
        rounded(time + self.before)
    }
}

/// Rounded to hundredths, as Python's `round` does it: by the exact value.
fn rounded(seconds: f64) -> f64 {
    format!("{seconds:.2}").parse().unwrap_or(seconds)
}

impl Whisper {
    /// The text of all tokens, and its segments when `times` are asked for.
    pub(super) fn read(&self, tokens: &[i64], times: bool) -> Result<(String, Vec<Chunk>)> {
        let first = self.tokenizer.token_id(NO_TIMESTAMPS).map_or(i64::MAX, |it| it + 1);
        let is_time = |it: &i64| *it >= first;
        let mut clock = Clock::default();
        let mut language: Option<&str> = None;
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut words: Vec<i64> = Vec::new();
        let mut start = None;
        for (index, token) in tokens.iter().enumerate() {
            if self.tokenizer.is_special(*token) {
                let heard = languages::of_token(&self.token_text(*token));
                if let Some(heard) = heard {
                    if !times && language.is_some_and(|it| it != heard) {
                        let words = std::mem::take(&mut words);
                        chunks.push(self.chunk(&words, start.take(), None, &chunks)?);
                    }
                    language = Some(heard);
                }
            } else if is_time(token) {
                // Only what follows two tokens can follow a pair; in transformers' count the
                // first two follow one.
                let paired = index < 2 || tokens[index - 2..index].iter().all(is_time);
                #[expect(clippy::cast_precision_loss, reason = "as many times as a window has")]
                let place = (token - first) as f64;
                let time = clock.time(place, self.seconds_a_position(), paired);
                match start {
                    None => start = Some(time),
                    // A pair of one time: the second is where the next segment begins.
                    Some(start) if same(start, time) => {}
                    Some(_) => {
                        let words = std::mem::take(&mut words);
                        chunks.push(self.chunk(&words, start.take(), Some(time), &chunks)?);
                    }
                }
            } else {
                words.push(*token);
            }
        }
        if !words.is_empty() {
            chunks.push(self.chunk(&words, start, None, &chunks)?);
        }
        let text = chunks.iter().map(|it| it.text.as_str()).collect();
        if !times {
            chunks.clear();
        }
        Ok((text, chunks))
    }

    fn chunk(
        &self,
        words: &[i64],
        start: Option<f64>,
        end_s: Option<f64>,
        before: &[Chunk],
    ) -> Result<Chunk> {
        let text = self.tokenizer.decode(words, false)?;
        // Words whose beginning was not written (transformers tells none) follow the others.
        let before = || before.last().and_then(|it| it.end_s).unwrap_or(0.0);
        Ok(Chunk { text, start_s: start.unwrap_or_else(before), end_s })
    }

    /// What one step of a time is.
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn seconds_a_position(&self) -> f64 {
        let rate_hz = f64::from(self.features.sampling_rate_hz());
        let window_s = (self.features.window_samples() as f64 / rate_hz).trunc();
        window_s / self.settings.source_positions as f64
    }
}

/// Whether two times are the same hundredth of a second.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.005
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "times are rounded")]
mod tests {
    use super::{Clock, rounded};

    /// The times that transformers' `_decode_asr` gives for the same tokens.
    #[test]
    fn time_goes_on_from_window_to_window() {
        let mut clock = Clock::default();
        let times = [(0.0, true), (200.0, false), (200.0, false), (450.0, false)];
        let times = times.map(|(place, paired)| clock.time(place, 0.02, paired));
        assert_eq!(times, [0.0, 4.0, 4.0, 9.0]);
        // After a single time at the end the next window begins where this one ends.
        assert_eq!(clock.time(0.0, 0.02, false), 30.0);
        assert_eq!(clock.time(100.0, 0.02, false), 32.0);
        assert_eq!(clock.time(120.0, 0.02, false), 32.4);
        // After a pair it begins at the pair's first time.
        assert_eq!(clock.time(5.0, 0.02, true), 32.1);
    }

    #[test]
    fn seconds_are_rounded_as_python_rounds_them() {
        assert_eq!(rounded(2.675), 2.67);
        assert_eq!(rounded(0.1 + 0.2), 0.3);
        assert_eq!(rounded(29.980_000_000_000_004), 29.98);
    }
}
