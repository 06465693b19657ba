//! Text about images against Hugging Face's `generate`.

use std::time::Instant;

use super::agree::{self, Agreement};
use super::errors::expect;
use super::generator::{messages, same, streams};
use super::measures::{milliseconds, positive};
use super::tasks::invalid_argument;
use super::tokenizer;
use crate::testkit::reference::{ImageTextCase, Prompt};
use crate::testkit::{Failure, Probe, Verdict};
use crate::{Error, GenerateOptions, Generated, Image, ImageTextGenerator, Result, Stop};

/// Images get the pixel values of Hugging Face's processor, prompts its tokens with as many as the
/// image takes, and what is generated are its tokens and text; what is streamed adds up to it.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when none are recorded or an image is not there.
pub fn describes_images(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    let generator = skill.image_text_generator()?;
    tokenizer::check(probe, generator.tokenizer())?;
    let mut pixels = Agreement::new();
    for case in probe.recorded(&probe.reference.image_texts, "texts about images")? {
        let what = format!("text `{}`", case.case);
        let image = open(probe, case)?;
        let got =
            generator.pixel_values(&image).map_err(|error| Failure::from(error).during(&what))?;
        // A black image has no direction, so only the absolute bound says something.
        let bound = agree::max_abs_only(case.pixel_tolerance);
        let what_pixels = format!("{what}, pixel values");
        pixels.add(&agree::tensors(&what_pixels, &got, &case.pixel_values, bound)?);
        text(generator, case, &image).map_err(|it| it.during(&what))?;
    }
    pixels.record(probe, "pixel_values");
    Ok(())
}

fn open(probe: &Probe<'_>, case: &ImageTextCase) -> Result<Image, Failure> {
    Image::open(probe.reference.dir.join(&case.image))
        .map_err(|error| Failure::from(error).during(format!("text `{}`", case.case)))
}

/// The prompt, and what is generated at once and streamed.
fn text(generator: &ImageTextGenerator, case: &ImageTextCase, image: &Image) -> Verdict {
    let prompt = match &case.prompt {
        Prompt::Text(text) => text.clone(),
        Prompt::Chat(turns) => {
            let text = generator.apply_chat_template(&messages(turns), true)?;
            same("the chat's text", &Some(&text), &case.prompt_text.as_ref())?;
            text
        }
    };
    same("the prompt's tokens", &generator.prompt_ids(image, &prompt)?, &case.prompt_ids)?;

    let generated = generate(generator, case, image)?;
    same("tokens", &generated.token_ids, &case.token_ids)?;
    same("text", &generated.text, &case.text)?;
    let stopped = match case.token_ids.last() {
        Some(last) if generator.end_tokens().contains(last) => Stop::Token(*last),
        _ => Stop::MaxNewTokens,
    };
    same("the reason to stop", &generated.stopped, &stopped)?;

    streams(&generated, |on_text| generator.stream(image, &prompt, &options(case), on_text))
}

fn generate(
    generator: &ImageTextGenerator,
    case: &ImageTextCase,
    image: &Image,
) -> Result<Generated> {
    match &case.prompt {
        Prompt::Text(text) => generator.generate(image, text, &options(case)),
        Prompt::Chat(turns) => generator.chat(image, &messages(turns), &options(case)),
    }
}

fn options(case: &ImageTextCase) -> GenerateOptions {
    GenerateOptions { max_new_tokens: case.max_new_tokens, ..GenerateOptions::default() }
}

/// Wrong arguments are typed errors.
pub(super) fn bad_input_is_typed(probe: &Probe<'_>, generator: &ImageTextGenerator) -> Verdict {
    let result = Image::from_bytes(b"these bytes are no image");
    expect("bytes of no image", result, |it| matches!(it, Error::Image { .. }))?;
    let image = Image::from_rgb8(2, 1, vec![0; 6])?;
    let one = GenerateOptions { max_new_tokens: 1, ..GenerateOptions::default() };
    let token = generator.image_token();
    for prompt in ["What is it?".to_owned(), format!("{token} and {token}")] {
        let result = generator.generate(&image, &prompt, &one);
        expect(&format!("the prompt {prompt:?}"), result, |it| invalid_argument(it, "prompt"))?;
    }
    let none = GenerateOptions { max_new_tokens: 0, ..one.clone() };
    let result = generator.generate(&image, token, &none);
    expect("no new tokens", result, |it| invalid_argument(it, "max_new_tokens"))?;
    if let Some(length) = generator.tokenizer().max_length() {
        let prompt = format!("{token}{}", " word".repeat(length));
        let result = generator.generate(&image, &prompt, &one);
        expect("a prompt that fills the context", result, |it| {
            matches!(it, Error::ContextTooLong { .. })
        })?;
    }
    let cases = probe.recorded(&probe.reference.image_texts, "texts about images")?;
    let Some(case) = cases.first() else { return Ok(()) };
    text(generator, case, &open(probe, case)?).map_err(|it| it.during("after wrong arguments"))
}

/// Records how long the first and the other tokens take.
pub(super) fn measure(probe: &Probe<'_>, generator: &ImageTextGenerator) -> Verdict {
    let cases = probe.recorded(&probe.reference.image_texts, "texts about images")?;
    // The longest says most about the time that one token takes.
    let Some(case) = cases.iter().max_by_key(|it| it.token_ids.len()) else { return Ok(()) };
    let image = open(probe, case)?;
    for (figure, max_new_tokens) in [("first_token_ms", 1), ("text_ms", case.max_new_tokens)] {
        let case = ImageTextCase { max_new_tokens, ..case.clone() };
        let start = Instant::now();
        let got = generate(generator, &case, &image)?;
        let elapsed_ms = milliseconds(start);
        same("tokens", &got.token_ids[..], &case.token_ids[..got.token_ids.len()])?;
        positive(probe, figure, elapsed_ms)?;
        if max_new_tokens > 1 {
            #[expect(clippy::cast_precision_loss, reason = "a small count")]
            let tokens = got.token_ids.len() as f64;
            positive(probe, "tokens_per_s", tokens * 1e3 / elapsed_ms)?;
        }
    }
    Ok(())
}
