//! FLAC files.

use claxon::{FlacReader, FlacReaderOptions};

use super::sound::Decoded;

/// Samples of all channels that a file may come out as: seven hours at 44.1 kHz, and 1 GiB. A
/// frame of silence takes a few bytes, so the file's size says nothing about it.
const MAX_SAMPLES: usize = 1 << 28;

pub(super) fn is_flac(bytes: &[u8]) -> bool {
    bytes.starts_with(b"fLaC")
}

pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let damaged = |error: claxon::Error| format!("the FLAC is damaged: {error}");
    let options = FlacReaderOptions { read_vorbis_comment: false, ..FlacReaderOptions::default() };
    let mut reader = FlacReader::new_ext(bytes, options).map_err(damaged)?;
    let info = reader.streaminfo();
    if info.channels == 0 || !(1..=32).contains(&info.bits_per_sample) {
        return Err(format!(
            "the FLAC has {} channels of {} bits",
            info.channels, info.bits_per_sample
        ));
    }
    #[expect(clippy::cast_precision_loss, reason = "a float is what a model takes")]
    let full = (1_u64 << (info.bits_per_sample - 1)) as f32;
    #[expect(clippy::cast_precision_loss, reason = "at most eight channels")]
    let channels = info.channels as f32;
    let mut samples = Vec::new();
    let mut blocks = reader.blocks();
    let mut buffer = Vec::new();
    while let Some(block) = blocks.read_next_or_eof(buffer).map_err(damaged)? {
        if block.channels() != info.channels {
            return Err("the FLAC changes its number of channels".to_owned());
        }
        let frames = block.duration() as usize;
        if (samples.len() + frames).saturating_mul(info.channels as usize) > MAX_SAMPLES {
            return Err(format!("the FLAC holds more than {MAX_SAMPLES} samples; divide it"));
        }
        #[expect(clippy::cast_precision_loss, reason = "a float is what a model takes")]
        samples.extend((0..block.duration()).map(|frame| {
            let sum: f32 = (0..info.channels).map(|it| block.sample(it, frame) as f32 / full).sum();
            sum / channels
        }));
        buffer = block.into_buffer();
    }
    // The number of samples is unknown (none) where the file was written as a stream.
    if info.samples.is_some_and(|it| it != samples.len() as u64) {
        return Err(format!(
            "the FLAC ends after {} of {} samples",
            samples.len(),
            info.samples.unwrap_or_default()
        ));
    }
    Ok(Decoded { samples, sample_rate_hz: info.sample_rate })
}
