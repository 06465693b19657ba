//! Inputs: files, folders of frames, stdin, texts.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use accel_runtime::{Audio, Image, Video};

use crate::failure::Failure;

/// The most that a text may have: far more than any model reads.
const TEXT_BYTES: u64 = 16 << 20;
/// The most that an image may have.
const IMAGE_BYTES: u64 = 512 << 20;
/// The most that a sound may have: three hours of it in stereo, uncompressed.
const SOUND_BYTES: u64 = 2 << 30;

/// What an input is called, and what it holds.
#[derive(Debug)]
pub(super) struct Named<T> {
    pub(super) name: String,
    pub(super) value: T,
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::input("invalid-input", message)
}

/// What is read of an argument: `-` is stdin.
fn read(input: &OsStr, what: &str, most: u64) -> Result<Named<Vec<u8>>, Failure> {
    let mut bytes = Vec::new();
    if input == "-" {
        let taken = io::stdin().lock().take(most + 1).read_to_end(&mut bytes);
        taken.map_err(|error| invalid(format!("stdin cannot be read: {error}")))?;
        if bytes.is_empty() {
            return Err(invalid(format!("stdin is empty, and {what} was expected there")));
        }
    } else {
        let path = Path::new(input);
        let metadata = fs::metadata(path).map_err(|error| {
            invalid(format!("{} cannot be read as {what}: {error}", path.display()))
        })?;
        if metadata.is_dir() {
            return Err(invalid(format!(
                "{} is a folder, and {what} was expected",
                path.display()
            )));
        }
        let taken = File::open(path).and_then(|it| it.take(most + 1).read_to_end(&mut bytes));
        taken.map_err(|error| {
            invalid(format!("{} cannot be read as {what}: {error}", path.display()))
        })?;
    }
    let name = name(input);
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        return Err(invalid(format!("{name} has more than {most} bytes, too many for {what}")));
    }
    Ok(Named { name, value: bytes })
}

fn name(input: &OsStr) -> String {
    if input == "-" { "stdin".to_owned() } else { input.to_string_lossy().into_owned() }
}

/// The texts of a task that takes texts.
pub(super) fn texts(
    inputs: &[OsString],
    literal: &[String],
) -> Result<Vec<Named<String>>, Failure> {
    let mut texts = Vec::new();
    for input in inputs {
        if input == "-" || Path::new(input).exists() {
            let Named { name, value } = read(input, "a text", TEXT_BYTES)?;
            let value = String::from_utf8(value).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                invalid(format!("{name} is not a text: its byte {at} is not UTF-8"))
            })?;
            // A file ends with a line end that is no part of the text.
            let value = value.strip_suffix('\n').unwrap_or(&value);
            let value = value.strip_suffix('\r').unwrap_or(value).to_owned();
            texts.push(Named { name, value });
            continue;
        }
        let Some(text) = input.to_str() else {
            return Err(invalid(format!(
                "{} is neither a file that is there nor a text in UTF-8",
                input.to_string_lossy()
            )));
        };
        if looks_like_a_path(text) {
            return Err(invalid(format!(
                "there is no file {text}; if it is the text itself, write --text {text}"
            )));
        }
        texts.push(Named { name: "text".to_owned(), value: text.to_owned() });
    }
    let literal = literal.iter().map(|it| Named { name: "text".to_owned(), value: it.clone() });
    texts.extend(literal);
    if texts.is_empty() {
        return Err(invalid(
            "give a text: the text itself, a file that holds it, or `-` for stdin",
        ));
    }
    Ok(texts)
}

/// Whether somebody who wrote this meant a file.
fn looks_like_a_path(text: &str) -> bool {
    let end = Path::new(text).extension().and_then(OsStr::to_str).unwrap_or_default();
    let one_word = !text.contains(char::is_whitespace);
    one_word
        && (text.contains(['/', '\\'])
            || ["txt", "md", "json", "png", "jpg", "jpeg", "wav", "flac"].contains(&end))
}

/// The images of a task that takes images.
pub(super) fn images(inputs: &[OsString]) -> Result<Vec<Named<Image>>, Failure> {
    some(inputs, "an image (PNG or JPEG)")?.iter().map(|it| image(it)).collect()
}

fn image(input: &OsStr) -> Result<Named<Image>, Failure> {
    let Named { name, value } = read(input, "an image", IMAGE_BYTES)?;
    let value = Image::from_bytes(&value).map_err(|error| named(&name, error))?;
    Ok(Named { name, value })
}

/// The sounds of a task that takes sounds.
pub(super) fn sounds(inputs: &[OsString]) -> Result<Vec<Named<Audio>>, Failure> {
    let sound = |it: &OsString| {
        let Named { name, value } = read(it, "a sound", SOUND_BYTES)?;
        let value = Audio::from_bytes(&value).map_err(|error| named(&name, error))?;
        Ok(Named { name, value })
    };
    some(inputs, "a sound (WAV or FLAC)")?.iter().map(sound).collect()
}

/// The videos of a task that takes videos: every folder is one, and all image files together are
/// the frames of one.
pub(super) fn videos(inputs: &[OsString]) -> Result<Vec<Named<Video>>, Failure> {
    let what = "a video: a folder with its frames as PNG or JPEG files, or the frames themselves";
    let (folders, files): (Vec<_>, Vec<_>) =
        some(inputs, what)?.iter().partition(|it| Path::new(it).is_dir());
    let mut videos = Vec::new();
    for it in folders {
        videos.push(Named { name: name(it), value: Video::open(it)? });
    }
    if let Some(first) = files.first() {
        let frames = files.iter().map(|it| image(it)).collect::<Result<Vec<_>, _>>();
        let frames = frames.map_err(|error| {
            let message = format!("{error}; a video is given as a folder of frames or as images");
            invalid(message)
        })?;
        let name = format!("{} ({} frames)", name(first), frames.len());
        let value = Video::from_frames(frames.into_iter().map(|it| it.value).collect())?;
        videos.push(Named { name, value });
    }
    Ok(videos)
}

fn some<'a>(inputs: &'a [OsString], what: &str) -> Result<&'a [OsString], Failure> {
    if inputs.is_empty() {
        return Err(invalid(format!("give {what}, or `-` for stdin")));
    }
    if inputs.iter().filter(|it| *it == "-").count() > 1 {
        return Err(invalid("stdin can be read once only, and `-` is given twice"));
    }
    Ok(inputs)
}

/// The error with the input's name in the place of `image bytes` and the like.
fn named(name: &str, error: accel_runtime::Error) -> Failure {
    let message = match &error {
        accel_runtime::Error::Image { reason, .. } => {
            format!("{name} is not an image that can be read: {reason}; PNG and JPEG are supported")
        }
        accel_runtime::Error::Audio { reason, .. } => {
            format!("{name} is not sound that can be read: {reason}; WAV and FLAC are supported")
        }
        _ => return error.into(),
    };
    invalid(message)
}
