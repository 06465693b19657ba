//! Text generators against Hugging Face's `generate`.

use std::ops::ControlFlow;
use std::time::Instant;

use super::agree;
use super::errors::expect;
use super::measures::{milliseconds, positive};
use super::tokenizer;
use crate::testkit::reference::{GenerationCase, Prompt};
use crate::testkit::{Failure, Probe, Verdict};
use crate::{Error, GenerateOptions, Generated, Message, Result, Stop, Tensor, TextGenerator};

/// Generated token ids and text equal Hugging Face's, as does the prompt of a chat; what is
/// streamed adds up to the text; the logits that tokens were chosen from are within tolerance.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when none are recorded.
pub fn generates_text(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    let generator = skill.text_generator()?;
    tokenizer::check(probe, generator.tokenizer())?;
    for case in probe.recorded(&probe.reference.generations, "generated texts")? {
        let what = format!("generation `{}`", case.case);
        prompt(generator, case).map_err(|it| it.during(&what))?;
        text(generator, case).map_err(|it| it.during(&what))?;
        logits(probe, generator, case).map_err(|it| it.during(&what))?;
    }
    Ok(())
}

/// The prompt's text and tokens.
fn prompt(generator: &TextGenerator, case: &GenerationCase) -> Verdict {
    let tokenizer = generator.tokenizer();
    let ids = match &case.prompt {
        Prompt::Text(text) => tokenizer.encode(text, true)?,
        Prompt::Chat(turns) => {
            let text = generator.apply_chat_template(&messages(turns), true)?;
            same("the chat's text", &Some(&text), &case.prompt_text.as_ref())?;
            tokenizer.encode(&text, false)?
        }
    };
    same("the prompt's tokens", &ids, &case.prompt_ids)
}

/// What is generated, at once and streamed.
fn text(generator: &TextGenerator, case: &GenerationCase) -> Verdict {
    let generated = generate(generator, case)?;
    same("tokens", &generated.token_ids, &case.token_ids)?;
    same("text", &generated.text, &case.text)?;
    same("the reason to stop", &generated.stopped, &expected_stop(generator, case)?)?;

    let mut pieces = Vec::new();
    let streamed = stream(generator, case, |piece| {
        pieces.push(piece.to_owned());
        ControlFlow::Continue(())
    })?;
    same("the streamed pieces together", &pieces.concat(), &case.text)?;
    same("the streamed result", &streamed, &generated)?;

    if let Some(first) = pieces.first() {
        let cancelled = stream(generator, case, |_| ControlFlow::Break(()))?;
        same("the text when cancelled at the first piece", &cancelled.text, first)?;
    }
    Ok(())
}

/// The logits that every token was chosen from, where they are recorded.
fn logits(probe: &Probe<'_>, generator: &TextGenerator, case: &GenerationCase) -> Verdict {
    let Some(want) = &case.logits else { return Ok(()) };
    let mut rows = Vec::new();
    let (token_ids, _) = generator.generate_ids(&case.prompt_ids, &options(case), |step| {
        rows.extend_from_slice(step.logits);
        ControlFlow::Continue(())
    })?;
    same("tokens continued from ids", &token_ids, &case.token_ids)?;
    let width = rows.len() / token_ids.len().max(1);
    let got = Tensor::new(vec![token_ids.len(), width], rows)?;
    let difference = agree::tensors("logits", &got, want, probe.own_tolerance()?)?;
    let mut agreement = agree::Agreement::new();
    agreement.add(&difference);
    agreement.record(probe, &format!("{}.logits", case.case));
    Ok(())
}

/// Wrong arguments are typed errors.
pub(super) fn bad_input_is_typed(probe: &Probe<'_>, generator: &TextGenerator) -> Verdict {
    let argument = |error: &Error| matches!(error, Error::InvalidArgument { .. });
    let cases = probe.recorded(&probe.reference.generations, "generated texts")?;
    for case in cases.iter().take(1) {
        let options = options(case);
        let run = |ids: &[i64], options: &GenerateOptions| {
            generator.generate_ids(ids, options, |_| ControlFlow::Continue(()))
        };
        expect("a prompt without tokens", run(&[], &options), argument)?;
        let none = GenerateOptions { max_new_tokens: 0, ..options.clone() };
        expect("no new tokens", run(&case.prompt_ids, &none), argument)?;
        if let (Some(length), Some(id)) =
            (generator.tokenizer().max_length(), case.prompt_ids.first())
        {
            let too_long = run(&vec![*id; length], &options);
            expect("a prompt that fills the context", too_long, |it| {
                matches!(it, Error::ContextTooLong { .. })
            })?;
        }
    }
    Ok(())
}

/// Records how long the first and the other tokens take.
pub(super) fn measure(probe: &Probe<'_>, generator: &TextGenerator) -> Verdict {
    let cases = probe.recorded(&probe.reference.generations, "generated texts")?;
    // The longest says most about the time that one token takes.
    let Some(case) = cases.iter().max_by_key(|it| it.token_ids.len()) else { return Ok(()) };
    let start = Instant::now();
    let mut first_ms = None;
    let (token_ids, _) = generator.generate_ids(&case.prompt_ids, &options(case), |_| {
        first_ms.get_or_insert_with(|| milliseconds(start));
        ControlFlow::Continue(())
    })?;
    let all_ms = milliseconds(start);
    same("tokens", &token_ids, &case.token_ids)?;
    positive(probe, "first_token_ms", first_ms.unwrap_or(f64::NAN))?;
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let tokens = token_ids.len() as f64;
    positive(probe, "tokens_per_s", tokens * 1e3 / all_ms)
}

fn generate(generator: &TextGenerator, case: &GenerationCase) -> Result<Generated> {
    match &case.prompt {
        Prompt::Text(text) => generator.generate(text, &options(case)),
        Prompt::Chat(turns) => generator.chat(&messages(turns), &options(case)),
    }
}

fn stream(
    generator: &TextGenerator,
    case: &GenerationCase,
    on_text: impl FnMut(&str) -> ControlFlow<()>,
) -> Result<Generated> {
    match &case.prompt {
        Prompt::Text(text) => generator.stream(text, &options(case), on_text),
        Prompt::Chat(turns) => generator.stream_chat(&messages(turns), &options(case), on_text),
    }
}

fn options(case: &GenerationCase) -> GenerateOptions {
    GenerateOptions {
        max_new_tokens: case.max_new_tokens,
        stop_tokens: case.stop_tokens.clone(),
        ..GenerateOptions::default()
    }
}

pub(super) fn messages(turns: &[(String, String)]) -> Vec<Message> {
    turns.iter().map(|(role, content)| Message::new(role.as_str(), content.as_str())).collect()
}

/// Why Hugging Face stopped, told from what it generated.
fn expected_stop(generator: &TextGenerator, case: &GenerationCase) -> Result<Stop, Failure> {
    match case.token_ids.last() {
        Some(last) if generator.end_tokens().contains(last) || case.stop_tokens.contains(last) => {
            Ok(Stop::Token(*last))
        }
        _ if case.token_ids.len() == case.max_new_tokens => Ok(Stop::MaxNewTokens),
        _ => Err(Failure::resolve(format!(
            "{} tokens are recorded of at most {}, and the last does not end a text",
            case.token_ids.len(),
            case.max_new_tokens
        ))),
    }
}

pub(super) fn same<T: PartialEq + std::fmt::Debug + ?Sized>(
    what: &str,
    got: &T,
    want: &T,
) -> Verdict {
    if got == want {
        return Ok(());
    }
    Err(Failure::mismatch(format!("{what}: got {got:?}, want {want:?}")))
}
