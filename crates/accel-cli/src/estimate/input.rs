//! Inputs for a run that is only to be measured: what a model of the kind takes, made up here.

use std::fs;
use std::path::Path;

use accel_core::Subfamily;
use accel_runtime::{ModelDir, TextTokenizer};

use crate::failure::Failure;

/// Tokens that a generator writes: a few, so that its cache is in use.
pub(super) const NEW_TOKENS: u32 = 4;

/// Words whose number decides on the tokens.
const WORD: &str = "boat ";

/// Arguments of `accel run` for a model of that kind, with files below `folder`; and how many tokens
/// the longest sequence has.
pub(super) fn arguments(
    kind: Subfamily,
    model: &Path,
    context: u32,
    folder: &Path,
) -> Result<(Vec<String>, u32), Failure> {
    let mut given = Vec::new();
    let mut tokens = 0;
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.join(name);
        fs::write(&file, bytes).map_err(Failure::io("write", &file))?;
        Ok::<_, Failure>(file.to_string_lossy().into_owned())
    };
    match kind {
        Subfamily::MaskedLm | Subfamily::CausalLm | Subfamily::Seq2seq => {
            let generates = kind != Subfamily::MaskedLm;
            let room = context.saturating_sub(if generates { NEW_TOKENS } else { 0 });
            let (text, count) = text(model, room)?;
            tokens = count + if generates { NEW_TOKENS } else { 0 };
            given.extend(["--text".to_owned(), text]);
            if generates {
                given.extend(["--max-new-tokens".to_owned(), NEW_TOKENS.to_string()]);
            }
        }
        Subfamily::ImageClassifier | Subfamily::ObjectDetector | Subfamily::ImageTextEncoder => {
            given.push(write("image.png", &png(224, 224))?);
        }
        Subfamily::VisionLanguage => {
            given.push(write("image.png", &png(224, 224))?);
            let prompt = ["--prompt", "boat", "--max-new-tokens"].map(str::to_owned);
            given.extend(prompt.into_iter().chain([NEW_TOKENS.to_string()]));
        }
        Subfamily::VideoTextEncoder => {
            for at in 0..8 {
                given.push(write(&format!("frame{at}.png"), &png(224, 224))?);
            }
        }
        Subfamily::SpeechRecognition | Subfamily::AudioTextEncoder => {
            given.push(write("sound.wav", &wav(160_000))?);
            if kind == Subfamily::SpeechRecognition {
                tokens = NEW_TOKENS;
            }
        }
        other => {
            return Err(Failure::failed(
                "unsupported",
                format!(
                    "{}: no pipeline runs a {other}, so that nothing can be measured",
                    model.display()
                ),
            ));
        }
    }
    Ok((given, tokens))
}

/// Words that make at most `room` tokens, and how many they make.
fn text(model: &Path, room: u32) -> Result<(String, u32), Failure> {
    let tokenizer = TextTokenizer::open(&ModelDir::open(model)?)?;
    let count = |words: u32| -> Result<u32, Failure> {
        let text = WORD.repeat(words as usize);
        // As the model gets them: cut where its tokenizer says.
        let batch = tokenizer.encode_batch(&[text.trim()])?;
        let tokens = batch.input_ids.shape().last().copied().unwrap_or(0);
        Ok(u32::try_from(tokens).unwrap_or(u32::MAX))
    };
    // More words are never fewer tokens.
    let (mut fits, mut beyond) = (1, room.clamp(2, 1 << 16) + 1);
    while beyond - fits > 1 {
        let middle = fits + (beyond - fits) / 2;
        if count(middle)? <= room {
            fits = middle;
        } else {
            beyond = middle;
        }
    }
    Ok((WORD.repeat(fits as usize).trim().to_owned(), count(fits)?))
}

/// A PNG file with a ramp of colours, not compressed (RFC 2083, RFC 1950).
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0);
        for x in 0..width {
            let byte = |it: u32| u8::try_from(it % 256).unwrap_or(0);
            rows.extend([byte(x), byte(y), byte(x + y)]);
        }
    }
    let mut stream = vec![0x78, 0x01];
    let mut blocks = rows.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler(&rows).to_be_bytes());
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8], data: &[u8]| {
        let body = [kind, data].concat();
        file.extend(u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
        file.extend(&body);
        file.extend(crc(&body).to_be_bytes());
    };
    let mut head = Vec::new();
    head.extend(width.to_be_bytes());
    head.extend(height.to_be_bytes());
    head.extend([8, 2, 0, 0, 0]);
    chunk(b"IHDR", &head);
    chunk(b"IDAT", &stream);
    chunk(b"IEND", &[]);
    file
}

fn adler(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    b << 16 | a
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
        }
    }
    !crc
}

/// A WAV file of so many samples at 16 kHz: a saw tooth of 100 Hz.
fn wav(samples: u32) -> Vec<u8> {
    let mut file = b"RIFF".to_vec();
    file.extend((36 + 2 * samples).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    for it in [1_u16, 1] {
        file.extend(it.to_le_bytes());
    }
    for it in [16_000_u32, 32_000] {
        file.extend(it.to_le_bytes());
    }
    for it in [2_u16, 16] {
        file.extend(it.to_le_bytes());
    }
    file.extend(b"data");
    file.extend((2 * samples).to_le_bytes());
    for at in 0..samples {
        let value = i16::try_from(at % 160).unwrap_or(0) * 100 - 8000;
        file.extend(value.to_le_bytes());
    }
    file
}
