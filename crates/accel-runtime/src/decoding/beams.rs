//! Beam search.

use std::cmp::Ordering;

use super::processors::standard;
use super::stops::StopStrings;
use super::{Continuation, Encoded, Fresh, Generation, Prompt, Stop};
use crate::tasks::{token_id, top_k};
use crate::{Error, Result};

/// What transformers takes for minus infinity: a place that no text has taken.
const NONE: f32 = -1e9;

/// How beams are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) count: usize,
    pub(super) length_penalty: f32,
    pub(super) early_stopping: bool,
}

/// A text that is followed, or complete.
#[derive(Clone, Debug)]
struct Beam {
    /// The prompt and the new tokens.
    ids: Vec<i64>,
    /// The sum of the logarithms of its tokens' probabilities; of a complete text divided by
    /// the length's power.
    score: f32,
    /// Why it is complete, if it is.
    stopped: Option<Stop>,
    /// The row that it continues.
    row: usize,
}

/// Continues one prompt with the best of several beams, as transformers 5.23 finds it
/// (`generation/utils.py`, `_beam_search`), in floats of the same precision.
pub(super) fn run(
    generation: &Generation<'_>,
    index: usize,
    prompt: &Prompt<'_>,
    encoded: Option<Encoded>,
    settings: Settings,
) -> Result<Continuation> {
    let options = generation.options;
    let mut processors = standard(options, (generation.processors)(index));
    let mut stops = StopStrings::new(&options.stop_strings, generation.tokenizer);
    let mut ends = [generation.end_tokens, &options.stop_tokens].concat();
    ends.sort_unstable();
    ends.dedup();
    // As many candidates that `count` are left when all the others end.
    let wanted = settings.count.saturating_mul((1 + ends.len()).max(2));
    let (limit, full) = generation.limit(prompt.ids.len());
    let mut state = generation.decoder.start(1, encoded)?;
    let mut running = vec![Beam { ids: prompt.ids.to_vec(), score: 0.0, stopped: None, row: 0 }];
    let mut finished: Vec<Beam> = Vec::new();
    let mut improves = true;
    for new in 1.. {
        if options.cancel.is_cancelled() {
            break;
        }
        let logits = if new == 1 {
            state.step(&[prompt.fresh()])?
        } else {
            state.select(&running.iter().map(|it| it.row).collect::<Vec<_>>())?;
            let tokens: Vec<_> =
                running.iter().map(|it| [it.ids.last().copied().unwrap_or(0)]).collect();
            state.step(&tokens.iter().map(|it| Fresh::Ids(it)).collect::<Vec<_>>())?
        };
        let vocabulary = logits.vocabulary();
        let mut scores = Vec::with_capacity(running.len() * vocabulary);
        for (row, beam) in running.iter().enumerate() {
            let mut row = log_softmax(logits.row(row));
            for processor in &mut processors {
                processor.process(&beam.ids, &mut row);
            }
            scores.extend(row.into_iter().map(|it| it + beam.score));
        }
        if scores.len() < wanted {
            return Err(Error::InvalidArgument {
                argument: "count",
                given: settings.count.to_string(),
                expected: format!("fewer beams for a vocabulary of {vocabulary} tokens"),
            });
        }
        let mut candidates = Vec::with_capacity(wanted);
        for place in top_k(&scores, wanted) {
            let row = place / vocabulary;
            let token = token_id(place % vocabulary);
            let mut ids = running[row].ids.clone();
            ids.push(token);
            let stopped = if ends.contains(&token) {
                Some(Stop::Token(token))
            } else if let Some(string) = stops.completed(&ids)? {
                Some(Stop::Text(string))
            } else {
                (new == limit).then(|| full.clone())
            };
            candidates.push(Beam { ids, score: scores[place], stopped, row });
        }
        let power = length_power(new, settings.length_penalty);
        // Only those that would be followed can be complete; the others stand by.
        let full_and_early = settings.early_stopping && finished.len() == settings.count;
        if improves && !full_and_early {
            let complete = candidates[..settings.count].iter().filter(|it| it.stopped.is_some());
            finished.extend(complete.map(|it| Beam { score: it.score / power, ..it.clone() }));
            finished.sort_by(best_first);
            finished.truncate(settings.count);
        }
        let all_stop = candidates.iter().all(|it| it.stopped.is_some());
        running = next(candidates, settings.count);
        // What the best of those that go on would score now.
        let reachable = running.first().map_or(NONE, |it| it.score) / power;
        let full = finished.len() == settings.count;
        let worst = finished.last().filter(|_| full).map_or(NONE, |it| it.score);
        improves &= reachable > worst;
        if !improves || full && settings.early_stopping || all_stop {
            break;
        }
    }
    let cancelled = options.cancel.is_cancelled();
    let best = finished.into_iter().next().or_else(|| running.into_iter().next());
    let Some(mut best) = best else {
        return Ok(Continuation { token_ids: Vec::new(), stopped: Stop::Cancelled });
    };
    let token_ids = best.ids.split_off(prompt.ids.len());
    let stopped = match best.stopped {
        Some(stopped) if !cancelled => stopped,
        _ => Stop::Cancelled,
    };
    Ok(Continuation { token_ids, stopped })
}

/// The best `count` candidates that are not complete; complete ones only where there are too
/// few, and then with a score that never wins.
fn next(candidates: Vec<Beam>, count: usize) -> Vec<Beam> {
    let mut running: Vec<_> = candidates
        .into_iter()
        .map(|it| if it.stopped.is_some() { Beam { score: it.score + NONE, ..it } } else { it })
        .collect();
    running.sort_by(best_first);
    running.truncate(count);
    running
}

/// Higher scores first; equal ones stay in order where the sort is stable.
fn best_first(a: &Beam, b: &Beam) -> Ordering {
    b.score.total_cmp(&a.score)
}

/// What scores of texts with `new` tokens are divided by.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a number of tokens is small"
)]
fn length_power(new: usize, length_penalty: f32) -> f32 {
    (new as f64).powf(f64::from(length_penalty)) as f32
}

fn log_softmax(scores: &[f32]) -> Vec<f32> {
    let max = f64::from(scores.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let total: f64 = scores.iter().map(|it| (f64::from(*it) - max).exp()).sum();
    let total = total.ln() + max;
    #[expect(clippy::cast_possible_truncation, reason = "scores are floats")]
    scores.iter().map(|it| (f64::from(*it) - total) as f32).collect()
}
