//! WAV files: a chain of chunks, of which `fmt ` says what `data` holds.
//!
//! Read here and not by a crate, since a damaged header must be an error: the readers that there
//! are trust it in places (symphonia-format-riff 0.6 shifts by a claimed number of channels, hound
//! 3.5 knows no 64-bit floats), and nothing else of the format is needed.

use super::sound::Decoded;

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// The end of every GUID that stands for a format with a number of its own, which comes first.
const GUID_TAIL: &[u8; 14] = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
/// Written for the length by programs that did not know it yet and could not come back.
const UNKNOWN_LENGTH: u32 = u32::MAX;

pub(super) fn is_wav(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE")
}

/// What one sample looks like.
#[derive(Clone, Copy)]
enum Encoding {
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

struct Format {
    encoding: Encoding,
    channels: u16,
    sample_rate_hz: u32,
}

pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let mut format = None;
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((header, body)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, length @ ..] = *header;
        let tag = [a, b, c, d];
        let length = u32::from_le_bytes(length);
        let is_data = tag == *b"data";
        let end = usize::try_from(length).unwrap_or(usize::MAX);
        let chunk = match body.get(..end) {
            Some(it) => it,
            None if is_data && length == UNKNOWN_LENGTH => body,
            None => {
                return Err(format!(
                    "its chunk `{}` should have {length} bytes and the file ends after {}",
                    tag.escape_ascii(),
                    body.len()
                ));
            }
        };
        if is_data {
            let format = format.ok_or("it has samples and does not say of which format")?;
            return Ok(samples(&format, chunk));
        }
        if tag == *b"fmt " {
            format = Some(parse_format(chunk)?);
        }
        // Chunks begin at even places.
        rest = body.get(end + end % 2..).unwrap_or_default();
    }
    Err("it has no samples (no chunk `data`)".to_owned())
}

fn parse_format(chunk: &[u8]) -> Result<Format, String> {
    let two = |at: usize| {
        let bytes = chunk.get(at..).and_then(<[u8]>::first_chunk::<2>);
        bytes.map(|it| u16::from_le_bytes(*it)).ok_or("its chunk `fmt ` is too short")
    };
    let (mut tag, channels, bits) = (two(0)?, two(2)?, two(14)?);
    let sample_rate_hz = u32::from(two(4)?) | u32::from(two(6)?) << 16;
    if tag == EXTENSIBLE {
        tag = two(24)?;
        if chunk.get(26..40) != Some(GUID_TAIL) {
            return Err("its samples are of an unknown extensible format".to_owned());
        }
    }
    let encoding = match (tag, bits) {
        (PCM, 8) => Encoding::U8,
        (PCM, 16) => Encoding::I16,
        (PCM, 24) => Encoding::I24,
        (PCM, 32) => Encoding::I32,
        (FLOAT, 32) => Encoding::F32,
        (FLOAT, 64) => Encoding::F64,
        _ => {
            return Err(format!(
                "its samples are of WAV format {tag} with {bits} bits; integers of 8, 16, 24 or \
                 32 bits (format 1) and floats of 32 or 64 (format 3) are read"
            ));
        }
    };
    if channels == 0 {
        return Err("it has no channels".to_owned());
    }
    Ok(Format { encoding, channels, sample_rate_hz })
}

/// The mean of every frame's channels. Bytes at the end that make no whole frame do not count.
fn samples(format: &Format, data: &[u8]) -> Decoded {
    #[expect(clippy::cast_possible_truncation, reason = "the mean of floats in double precision")]
    let samples = match format.encoding {
        Encoding::U8 => mixed(format, data, |[it]: [u8; 1]| (f32::from(it) - 128.0) / 128.0),
        Encoding::I16 => mixed(format, data, |it| f32::from(i16::from_le_bytes(it)) / 32_768.0),
        Encoding::I24 => {
            mixed(format, data, |[a, b, c]: [u8; 3]| integer(i32::from_le_bytes([0, a, b, c])))
        }
        Encoding::I32 => mixed(format, data, |it| integer(i32::from_le_bytes(it))),
        Encoding::F32 => mixed(format, data, f32::from_le_bytes),
        Encoding::F64 => mixed(format, data, |it| f64::from_le_bytes(it) as f32),
    };
    Decoded { samples, sample_rate_hz: format.sample_rate_hz }
}

/// A sample of 32 bits, or one of fewer in the upper of them.
#[expect(clippy::cast_precision_loss, reason = "a float is what a model takes")]
fn integer(sample: i32) -> f32 {
    sample as f32 / 2_147_483_648.0
}

fn mixed<const N: usize>(
    format: &Format,
    data: &[u8],
    sample: impl Fn([u8; N]) -> f32,
) -> Vec<f32> {
    let channels = f32::from(format.channels);
    data.chunks_exact(N * usize::from(format.channels))
        .map(|frame| {
            let (frame, _) = frame.as_chunks::<N>();
            frame.iter().map(|it| sample(*it)).sum::<f32>() / channels
        })
        .collect()
}
