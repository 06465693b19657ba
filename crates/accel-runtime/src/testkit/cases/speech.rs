//! Speech recognisers against Hugging Face's pipeline.

use std::time::Instant;

use super::agree::{self, Agreement};
use super::errors::expect;
use super::measures::positive;
use super::tasks::invalid_argument;
use crate::testkit::reference::SpeechCase;
use crate::testkit::{Failure, Probe, Verdict};
use crate::{Audio, Error, SpeechRecognizer, TranscribeOptions, Transcript};

/// Times are counted in hundredths of a second, or in frames of a fiftieth.
const SAME_TIME_S: f64 = 1e-6;

/// Sounds get the features, tokens, text and times of Hugging Face's pipeline.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when none are recorded or a sound is not there.
pub fn transcribes_speech(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    let recognizer = skill.speech_recognizer()?;
    let mut features = Agreement::new();
    for case in probe.recorded(&probe.reference.speeches, "transcribed sounds")? {
        let what = format!("sound `{}`", case.case);
        let during = |error| Failure::from(error).during(&what);
        let audio = open(probe, case)?;
        if let Some(want) = &case.input_features {
            let got = recognizer.input_features(&audio).map_err(during)?;
            // Silence has no direction, so only the absolute bound says something.
            let bound = agree::max_abs_only(case.features_tolerance);
            let what = format!("{what}, input features");
            features.add(&agree::tensors(&what, &got, want, bound)?);
        }
        let got = recognizer.transcribe(&audio, &options(case)).map_err(during)?;
        same(&what, &got, case)?;
    }
    features.record(probe, "input_features");
    Ok(())
}

fn open(probe: &Probe<'_>, case: &SpeechCase) -> Result<Audio, Failure> {
    Audio::open(probe.reference.dir.join(&case.audio))
        .map_err(|error| Failure::from(error).during(format!("sound `{}`", case.case)))
}

fn options(case: &SpeechCase) -> TranscribeOptions {
    TranscribeOptions {
        language: case.language.clone(),
        task: case.task,
        timestamps: case.timestamps,
        max_new_tokens: case.max_new_tokens,
        ..TranscribeOptions::default()
    }
}

fn same(what: &str, got: &Transcript, want: &SpeechCase) -> Verdict {
    let mismatch = |part: &str, got: &dyn std::fmt::Debug, want: &dyn std::fmt::Debug| {
        Err(Failure::mismatch(format!("{what}: got the {part} {got:?}, want {want:?}")))
    };
    if got.token_ids != want.token_ids {
        return mismatch("tokens", &got.token_ids, &want.token_ids);
    }
    if got.text != want.text {
        return mismatch("text", &got.text, &want.text);
    }
    let close = |a: f64, b: f64| (a - b).abs() <= SAME_TIME_S;
    let same = got.chunks.len() == want.chunks.len()
        && got.chunks.iter().zip(&want.chunks).all(|(got, want)| {
            got.text == want.text
                && close(got.start_s, want.start)
                && match (got.end_s, want.end) {
                    (Some(got), Some(want)) => close(got, want),
                    (got, want) => got == want,
                }
        });
    if same { Ok(()) } else { mismatch("chunks", &got.chunks, &want.chunks) }
}

/// Wrong arguments are typed errors.
pub(super) fn bad_input_is_typed(recognizer: &SpeechRecognizer) -> Verdict {
    let result = Audio::from_bytes(b"these bytes are no sound");
    expect("bytes of no sound", result, |it| matches!(it, Error::Audio { .. }))?;
    let audio = Audio::from_samples(vec![0.0; 16_000], 16_000)?;
    let options = TranscribeOptions {
        language: Some("no such language".to_owned()),
        ..TranscribeOptions::default()
    };
    let result = recognizer.transcribe(&audio, &options);
    expect("a language that is none", result, |it| invalid_argument(it, "language"))?;
    let options = TranscribeOptions { max_new_tokens: Some(0), ..TranscribeOptions::default() };
    let result = recognizer.transcribe(&audio, &options);
    expect("max_new_tokens of 0", result, |it| invalid_argument(it, "max_new_tokens"))
}

/// Seconds of sound that are transcribed in a second.
pub(super) fn measure(probe: &Probe<'_>, recognizer: &SpeechRecognizer) -> Verdict {
    let cases = probe.recorded(&probe.reference.speeches, "transcribed sounds")?;
    let mut longest: Option<(&SpeechCase, Audio)> = None;
    for case in cases {
        let audio = open(probe, case)?;
        if longest.as_ref().is_none_or(|(_, it)| it.seconds() < audio.seconds()) {
            longest = Some((case, audio));
        }
    }
    let Some((case, audio)) = longest else { return Ok(()) };
    let start = Instant::now();
    let got = recognizer.transcribe(&audio, &options(case))?;
    let elapsed_s = start.elapsed().as_secs_f64();
    same(&format!("sound `{}`", case.case), &got, case)?;
    positive(probe, "sound_s_per_s", audio.seconds() / elapsed_s)
}
