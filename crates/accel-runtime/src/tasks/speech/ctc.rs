//! CTC models: one token a frame.

use accel_core::{Platform, SessionOptions};
use serde::Deserialize;

use super::{Chunk, SpeechTask, Timestamps, TranscribeOptions, Transcript, refuse};
use crate::audio::WaveformFeatures;
use crate::engine::{Engine, Session};
use crate::tasks::{bad_output, output_among, run_one, token_id, top_k};
use crate::text::CtcTokenizer;
use crate::{Audio, Error, ModelDir, Result, Tensor};

const GRAPH: &str = "model";
const INPUT: &str = "input_values";
const MASK: &str = "attention_mask";
const OUTPUT: &str = "logits";

/// The longest sound that is heard at once, in seconds. Attention takes memory with the square of
/// the length: half a gigabyte a layer here for a large model.
const LONGEST_RUN_S: usize = 60;
/// How much of a piece its neighbours hear too, at each end: a sixth of it, as in transformers'
/// pipeline (`stride_length_s`).
const OVERLAP: usize = 6;

/// `config.json`, as far as the convolutions that make frames of samples are concerned. The
/// defaults are those of `Wav2Vec2Config`.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Config {
    conv_kernel: Vec<usize>,
    conv_stride: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { conv_kernel: vec![10, 3, 3, 3, 3, 2, 2], conv_stride: vec![5, 2, 2, 2, 2, 2, 2] }
    }
}

#[derive(Debug)]
pub(super) struct Ctc {
    session: Box<dyn Session>,
    features: WaveformFeatures,
    tokenizer: CtcTokenizer,
    takes_mask: bool,
    /// Samples from one frame to the next (`inputs_to_logits_ratio`).
    frame_samples: usize,
    /// Samples of the shortest sound that has a frame.
    min_samples: usize,
}

impl Ctc {
    pub(super) fn open(
        engine: &dyn Engine,
        dir: &ModelDir,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Self> {
        let session = engine.load(&dir.graph(GRAPH, options.precision)?, platform, options)?;
        let unsupported = |reason: String| Error::UnsupportedModel {
            path: dir.path().to_owned(),
            reason,
            remedy: "export it for the task automatic-speech-recognition".to_owned(),
        };
        let takes = |name: &str| session.inputs().iter().any(|it| it.name == name);
        let takes_mask = takes(MASK);
        let known = session.inputs().iter().all(|it| [INPUT, MASK].contains(&it.name.as_str()));
        if !known || !takes(INPUT) || output_among(&*session, &[OUTPUT]).is_none() {
            return Err(unsupported(format!("its graph does not turn `{INPUT}` into `{OUTPUT}`")));
        }
        let config: Config = dir.required_json("config.json", "the model's configuration")?;
        let (frame_samples, min_samples) = receptive_field(&config).ok_or_else(|| {
            unsupported(format!(
                "conv_kernel = {:?} and conv_stride = {:?} make no frames",
                config.conv_kernel, config.conv_stride
            ))
        })?;
        Ok(Self {
            session,
            features: WaveformFeatures::open(dir)?,
            tokenizer: CtcTokenizer::open(dir)?,
            takes_mask,
            frame_samples,
            min_samples,
        })
    }

    pub(super) fn session(&self) -> &dyn Session {
        &*self.session
    }

    pub(super) fn input_values(&self, audio: &Audio) -> Result<Tensor> {
        self.features.input_values(audio)
    }

    pub(super) fn transcribe(
        &self,
        audio: &Audio,
        options: &TranscribeOptions,
    ) -> Result<Transcript> {
        if let Some(language) = &options.language {
            return Err(refuse("language", &language, "none: this model knows one language"));
        }
        if options.task == SpeechTask::Translate {
            return Err(refuse("task", &"Translate", "Transcribe: this model does not translate"));
        }
        if options.timestamps == Timestamps::Segments {
            let expected = "None or Characters: this model writes no segments";
            return Err(refuse("timestamps", &"Segments", expected));
        }
        if let Some(tokens) = options.max_new_tokens {
            let expected = "none: this model writes as many tokens as it hears frames";
            return Err(refuse("max_new_tokens", &tokens, expected));
        }
        let rate_hz = self.features.sampling_rate_hz();
        let samples = audio.samples_at(rate_hz)?;
        if samples.len() < self.min_samples {
            let min = self.min_samples;
            #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 samples")]
            let seconds = min as f64 / f64::from(rate_hz);
            return Err(Error::InvalidArgument {
                argument: "audio",
                given: format!("{} samples at {rate_hz} Hz", samples.len()),
                expected: format!("at least {min} samples ({seconds} s): less makes no frame"),
            });
        }
        let mut token_ids = Vec::new();
        for piece in pieces(samples.len(), rate_hz as usize, self.frame_samples) {
            if options.cancel.is_cancelled() {
                break;
            }
            let heard = &samples[piece.start..piece.end];
            let ids = self.tokens(&Audio::from_samples(heard.to_vec(), rate_hz)?)?;
            token_ids.extend(piece.kept(&ids, self.frame_samples));
        }
        let decoded = self.tokenizer.decode(&token_ids);
        let mut chunks = Vec::new();
        if options.timestamps == Timestamps::Characters {
            #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 samples")]
            let seconds = |frame: usize| (frame * self.frame_samples) as f64 / f64::from(rate_hz);
            chunks.extend(decoded.characters.into_iter().map(|it| Chunk {
                text: it.character,
                start_s: seconds(it.start),
                end_s: Some(seconds(it.end)),
            }));
        }
        Ok(Transcript { text: decoded.text, token_ids, chunks })
    }

    /// The likeliest token of every frame.
    fn tokens(&self, audio: &Audio) -> Result<Vec<i64>> {
        let values = self.features.input_values(audio)?;
        let length = values.shape().last().copied().unwrap_or(0);
        let mut inputs = vec![(INPUT, values)];
        if self.takes_mask {
            inputs.push((MASK, Tensor::new(vec![1, length], vec![1_i64; length])?));
        }
        let ([rows, frames, width], logits) = run_one(&*self.session, inputs, OUTPUT)?;
        if rows != 1 || width == 0 {
            let given = format!("[{rows}, {frames}, {width}]");
            return Err(bad_output(OUTPUT, "[1, frames, tokens]", &given));
        }
        let likeliest = |row: &[f32]| top_k(row, 1).first().map(|it| token_id(*it));
        Ok(logits.chunks_exact(width).filter_map(likeliest).collect())
    }
}

/// Samples from one frame to the next, and samples that the first frame takes.
fn receptive_field(config: &Config) -> Option<(usize, usize)> {
    let (kernels, strides) = (&config.conv_kernel, &config.conv_stride);
    if kernels.len() != strides.len() || kernels.iter().chain(strides).any(|it| *it == 0) {
        return None;
    }
    let step = strides.iter().try_fold(1_usize, |product, it| product.checked_mul(*it))?;
    let field =
        kernels.iter().zip(strides).rev().try_fold(1_usize, |frames, (kernel, stride)| {
            (frames - 1).checked_mul(*stride)?.checked_add(*kernel)
        })?;
    // Nothing that is heard has frames of more than a few seconds.
    (field < 1 << 20 && step < 1 << 20).then_some((step, field))
}

/// A piece of a sound that is heard at once, and how many of its samples at each end are left to
/// its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    start: usize,
    end: usize,
    left: usize,
    right: usize,
}

/// The pieces of a sound, as transformers' pipeline cuts them (`chunk_iter` with `chunk_length_s`
/// of [`LONGEST_RUN_S`]); one when it is no longer.
fn pieces(samples: usize, rate_hz: usize, frame_samples: usize) -> Vec<Piece> {
    let longest = LONGEST_RUN_S * rate_hz;
    if samples <= longest {
        return vec![Piece { start: 0, end: samples, left: 0, right: 0 }];
    }
    let aligned = |samples: usize| (samples + frame_samples / 2) / frame_samples * frame_samples;
    let (length, overlap) = (aligned(longest), aligned(longest / OVERLAP));
    let step = (length - 2 * overlap).max(frame_samples);
    let mut pieces = Vec::new();
    for start in (0..samples).step_by(step) {
        let end = (start + length).min(samples);
        let left = if start == 0 { 0 } else { overlap };
        let right = if end == samples { 0 } else { overlap };
        if end - start > left {
            pieces.push(Piece { start, end, left, right });
        }
        if end == samples {
            break;
        }
    }
    pieces
}

impl Piece {
    /// The frames of a piece that are its own (`rescale_stride`).
    fn kept<'a>(&self, frames: &'a [i64], frame_samples: usize) -> &'a [i64] {
        if (self.left, self.right) == (0, 0) {
            return frames;
        }
        let samples = self.end - self.start;
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 samples")]
        let (samples, frame) = (samples as f64, frame_samples as f64);
        let count = (samples / frame).round_ties_even();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "not negative, and no more than the samples"
        )]
        let scaled = |it: usize| (it as f64 / samples * count).round_ties_even() as usize;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and no more than the samples"
        )]
        let end = (count as usize).saturating_sub(scaled(self.right)).min(frames.len());
        &frames[scaled(self.left).min(end)..end]
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Piece, pieces, receptive_field};

    #[test]
    fn a_frame_takes_400_samples_and_the_next_begins_320_later() {
        assert_eq!(receptive_field(&Config::default()), Some((320, 400)));
        let config = |kernel: &[usize], stride: &[usize]| Config {
            conv_kernel: kernel.to_vec(),
            conv_stride: stride.to_vec(),
        };
        assert_eq!(receptive_field(&config(&[3], &[2, 2])), None);
        assert_eq!(receptive_field(&config(&[3], &[0])), None);
        assert_eq!(receptive_field(&config(&[usize::MAX, 3], &[usize::MAX, 3])), None);
    }

    #[test]
    fn long_sounds_are_heard_in_pieces_that_overlap_and_lose_nothing() {
        let rate = 16_000;
        assert_eq!(pieces(60 * rate, rate, 320).len(), 1);
        // What transformers' `chunk_iter` gives for 100 s and 100.5 s with chunk_length_s=60.
        let at = |start, end, left, right| Piece {
            start: start * rate,
            end: end * rate,
            left: left * rate,
            right: right * rate,
        };
        assert_eq!(pieces(100 * rate, rate, 320), [at(0, 60, 0, 10), at(40, 100, 10, 0)]);
        let three = pieces(100 * rate + 8000, rate, 320);
        assert_eq!(three.len(), 3);
        assert_eq!(three[1], at(40, 100, 10, 10));
        assert_eq!((three[2].start, three[2].end), (80 * rate, 100 * rate + 8000));
        // Frames: a minute has 2999 of them, and 500 belong to each neighbour.
        let frames: Vec<i64> = (0..2999).collect();
        assert_eq!(three[0].kept(&frames, 320), &frames[..2500]);
        assert_eq!(three[1].kept(&frames, 320), &frames[500..2500]);
        assert_eq!(three[2].kept(&frames[..1024], 320), &frames[500..1024]);
    }
}
