//! Generated texts against Hugging Face's `generate`.

use std::ops::ControlFlow;
use std::time::Instant;

use accel_core::SessionOptions;

use super::errors::expect;
use super::measures::{milliseconds, positive};
use super::tasks::invalid_argument;
use super::{agree, tokenizer};
use crate::testkit::reference::{GeneratedText, GenerationCase, Prompt};
use crate::testkit::{Failure, Probe, Skill, Verdict};
use crate::{
    Error, GenerateOptions, Generated, Message, Result, Step, Stop, Strategy, Tensor,
    TextGenerator, TextToText, TextTokenizer,
};

/// What continues a text, or answers it.
#[derive(Clone, Copy)]
pub(super) enum Writer<'a> {
    Continues(&'a TextGenerator),
    Answers(&'a TextToText),
}

/// Generated token ids and text equal Hugging Face's, alone and in batches, as does the prompt of
/// a chat; what is streamed adds up to the text; the logits that tokens were chosen from and the
/// probabilities that they are drawn from are within tolerance.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when none are recorded.
pub fn generates_text(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    let writer = Writer::of(&skill)?;
    tokenizer::check(probe, writer.tokenizer())?;
    for case in writer.cases(probe)? {
        writer
            .proves(probe, case)
            .map_err(|it| it.during(format!("generation `{}`", case.case)))?;
    }
    match writer {
        Writer::Continues(generator) => probabilities(probe, generator),
        Writer::Answers(_) => Ok(()),
    }
}

impl<'a> Writer<'a> {
    fn of(skill: &'a Skill) -> Result<Self, Failure> {
        match skill {
            Skill::TextToText(it) => Ok(Self::Answers(it)),
            other => other.text_generator().map(Self::Continues),
        }
    }

    fn cases<'p>(self, probe: &'p Probe<'_>) -> Result<&'p [GenerationCase], Failure> {
        match self {
            Self::Continues(_) => probe.recorded(&probe.reference.generations, "continued texts"),
            Self::Answers(_) => probe.recorded(&probe.reference.answers, "answered texts"),
        }
    }

    const fn tokenizer(self) -> &'a TextTokenizer {
        match self {
            Self::Continues(it) => it.tokenizer(),
            Self::Answers(it) => it.tokenizer(),
        }
    }

    fn end_tokens(self) -> &'a [i64] {
        match self {
            Self::Continues(it) => it.end_tokens(),
            Self::Answers(it) => it.end_tokens(),
        }
    }

    fn generate(self, prompt: &Prompt, options: &GenerateOptions) -> Result<Generated> {
        match (self, prompt) {
            (Self::Continues(it), Prompt::Text(text)) => it.generate(text, options),
            (Self::Continues(it), Prompt::Chat(turns)) => it.chat(&messages(turns), options),
            (Self::Answers(it), prompt) => it.text2text(plain(prompt)?, options),
        }
    }

    fn generate_batch(self, texts: &[&str], options: &GenerateOptions) -> Result<Vec<Generated>> {
        match self {
            Self::Continues(it) => it.generate_batch(texts, options),
            Self::Answers(it) => it.text2text_batch(texts, options),
        }
    }

    fn stream(
        self,
        prompt: &Prompt,
        options: &GenerateOptions,
        on_text: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated> {
        match (self, prompt) {
            (Self::Continues(it), Prompt::Text(text)) => it.stream(text, options, on_text),
            (Self::Continues(it), Prompt::Chat(turns)) => {
                it.stream_chat(&messages(turns), options, on_text)
            }
            (Self::Answers(it), prompt) => it.stream(plain(prompt)?, options, on_text),
        }
    }

    fn generate_ids(
        self,
        ids: &[i64],
        options: &GenerateOptions,
        observe: impl FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> Result<(Vec<i64>, Stop)> {
        match self {
            Self::Continues(it) => it.generate_ids(ids, options, observe),
            Self::Answers(it) => it.generate_ids(ids, options, observe),
        }
    }

    fn proves(self, probe: &Probe<'_>, case: &GenerationCase) -> Verdict {
        for it in &case.prompts {
            self.proves_prompt(it)?;
        }
        if let [it] = &case.prompts[..] {
            self.proves_text(case, it)?;
            return self.proves_logits(probe, case, it);
        }
        self.proves_batch(case)
    }

    /// The prompt's text and tokens.
    fn proves_prompt(self, it: &GeneratedText) -> Verdict {
        let ids = match (self, &it.prompt) {
            (Self::Continues(generator), Prompt::Chat(turns)) => {
                let text = generator.apply_chat_template(&messages(turns), true)?;
                same("the chat's text", &Some(&text), &it.prompt_text.as_ref())?;
                self.tokenizer().encode(&text, false)?
            }
            (_, prompt) => self.tokenizer().encode(plain(prompt)?, true)?,
        };
        same("the prompt's tokens", &ids, &it.prompt_ids)
    }

    /// What is generated, at once and streamed.
    fn proves_text(self, case: &GenerationCase, it: &GeneratedText) -> Verdict {
        let options = &case.options;
        let generated = self.generate(&it.prompt, options)?;
        self.proves_generated(case, it, &generated)?;
        if matches!(options.strategy, Strategy::Beams { .. }) {
            let refused = self.stream(&it.prompt, options, |_| ControlFlow::Continue(()));
            return expect("streaming beams", refused, |it| invalid_argument(it, "strategy"));
        }
        streams(&generated, |on_text| self.stream(&it.prompt, options, on_text))
    }

    fn proves_batch(self, case: &GenerationCase) -> Verdict {
        let texts: Vec<_> =
            case.prompts.iter().map(|it| plain(&it.prompt)).collect::<Result<_>>()?;
        let generated = self.generate_batch(&texts, &case.options)?;
        same("the number of texts", &generated.len(), &case.prompts.len())?;
        for (row, (it, generated)) in case.prompts.iter().zip(&generated).enumerate() {
            let what = || format!("text {row} of the batch");
            self.proves_generated(case, it, generated).map_err(|it| it.during(what()))?;
        }
        Ok(())
    }

    fn proves_generated(
        self,
        case: &GenerationCase,
        it: &GeneratedText,
        generated: &Generated,
    ) -> Verdict {
        same("tokens", &generated.token_ids, &it.token_ids)?;
        same("text", &generated.text, &it.text)?;
        same("the reason to stop", &generated.stopped, &self.expected_stop(case, it)?)
    }

    /// The logits that every token was chosen from, where they are recorded.
    fn proves_logits(
        self,
        probe: &Probe<'_>,
        case: &GenerationCase,
        it: &GeneratedText,
    ) -> Verdict {
        let Some(want) = &case.logits else { return Ok(()) };
        let mut rows = Vec::new();
        let (token_ids, _) = self.generate_ids(&it.prompt_ids, &case.options, |step| {
            rows.extend_from_slice(step.logits);
            ControlFlow::Continue(())
        })?;
        same("tokens continued from ids", &token_ids, &it.token_ids)?;
        let width = rows.len() / token_ids.len().max(1);
        let got = Tensor::new(vec![token_ids.len(), width], rows)?;
        let difference = agree::tensors("logits", &got, want, probe.own_tolerance()?)?;
        let mut agreement = agree::Agreement::new();
        agreement.add(&difference);
        agreement.record(probe, &format!("{}.logits", case.case));
        Ok(())
    }

    /// Why Hugging Face stopped, told from what it generated.
    fn expected_stop(self, case: &GenerationCase, it: &GeneratedText) -> Result<Stop, Failure> {
        let options = &case.options;
        let ends = |it: &i64| self.end_tokens().contains(it) || options.stop_tokens.contains(it);
        let string = options.stop_strings.iter().find(|string| it.text.contains(*string));
        match (it.token_ids.last(), string) {
            (Some(last), _) if ends(last) => Ok(Stop::Token(*last)),
            (_, Some(string)) => Ok(Stop::Text(string.clone())),
            _ if it.token_ids.len() == options.max_new_tokens => Ok(Stop::MaxNewTokens),
            _ => Err(Failure::resolve(format!(
                "{} tokens are recorded of at most {}, and the last does not end a text",
                it.token_ids.len(),
                options.max_new_tokens
            ))),
        }
    }

    /// Batches give what their texts give alone, split or not.
    fn proves_singles(self, probe: &Probe<'_>) -> Verdict {
        let cases: Vec<_> = self.cases(probe)?.iter().filter(|it| it.prompts.len() > 1).collect();
        for case in probe.recorded(&cases, "generated texts of a batch")? {
            let what = format!("generation `{}`", case.case);
            self.proves_batch(case).map_err(|it| it.during(&what))?;
            for it in &case.prompts {
                let alone = self.generate(&it.prompt, &case.options)?;
                let alone = self.proves_generated(case, it, &alone);
                alone
                    .map_err(|failure| failure.during(format!("{what}, {:?} alone", it.prompt)))?;
            }
        }
        Ok(())
    }
}

/// What `stream` gives piece by piece is what was generated at once, and it ends when it is told to.
pub(super) fn streams(
    generated: &Generated,
    stream: impl Fn(&mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<Generated>,
) -> Verdict {
    let mut pieces = Vec::new();
    let streamed = stream(&mut |piece| {
        pieces.push(piece.to_owned());
        ControlFlow::Continue(())
    })?;
    same("the streamed pieces together", &pieces.concat(), &generated.text)?;
    same("the streamed result", &streamed, generated)?;
    if let Some(first) = pieces.first() {
        let cancelled = stream(&mut |_| ControlFlow::Break(()))?;
        same("the text when cancelled at the first piece", &cancelled.text, first)?;
    }
    Ok(())
}

/// What the first new token is drawn from.
fn probabilities(probe: &Probe<'_>, generator: &TextGenerator) -> Verdict {
    let mut agreement = agree::Agreement::new();
    for case in probe.recorded(&probe.reference.samplings, "probabilities of new tokens")? {
        let what = format!("sampling `{}`", case.case);
        same(&what, &generator.tokenizer().encode(&case.text, true)?, &case.prompt_ids)?;
        let got = generator.next_token_probabilities(&case.text, &case.options)?;
        let got = Tensor::new(vec![got.len()], got)?;
        let tolerance = probe.own_tolerance()?;
        agreement.add(&agree::tensors(&what, &got, &case.probabilities, tolerance)?);
        // What is never drawn must not be drawn here, however small the tolerance.
        let possible = |it: &Tensor| -> Result<Vec<bool>> {
            Ok(it.as_f32()?.iter().map(|it| *it > 0.0).collect())
        };
        let equal = possible(&got)? == possible(&case.probabilities)?;
        same(&format!("{what}: whether the same tokens can be drawn"), &equal, &true)?;
    }
    agreement.record(probe, "probabilities");
    Ok(())
}

/// The generator's batch call gives what single calls give, split or not.
pub(super) fn batch_equals_singles(probe: &Probe<'_>, skill: &Skill) -> Verdict {
    let one_by_one = SessionOptions { max_batch: 1, ..probe.options };
    Writer::of(skill)?.proves_singles(probe)?;
    Writer::of(&probe.load_with(&one_by_one)?)?
        .proves_singles(probe)
        .map_err(|it| it.during("with max_batch = 1"))
}

/// Wrong arguments are typed errors.
pub(super) fn bad_input_is_typed(probe: &Probe<'_>, skill: &Skill) -> Verdict {
    let writer = Writer::of(skill)?;
    let Some(case) = writer.cases(probe)?.first() else { return Ok(()) };
    let Some(it) = case.prompts.first() else { return Ok(()) };
    let run = |ids: &[i64], options: &GenerateOptions| {
        writer.generate_ids(ids, options, |_| ControlFlow::Continue(()))
    };
    let argument = |error: &Error| matches!(error, Error::InvalidArgument { .. });
    expect("a prompt without tokens", run(&[], &case.options), argument)?;
    expect("a negative token", run(&[-1], &case.options), argument)?;
    let none = GenerateOptions { max_new_tokens: 0, ..case.options.clone() };
    expect("no new tokens", run(&it.prompt_ids, &none), |it| {
        invalid_argument(it, "max_new_tokens")
    })?;
    let penalty = GenerateOptions { repetition_penalty: 0.0, ..case.options.clone() };
    expect("a penalty of 0", run(&it.prompt_ids, &penalty), |it| {
        invalid_argument(it, "repetition_penalty")
    })?;
    let beams = Strategy::Beams { count: 2, length_penalty: 1.0, early_stopping: false };
    let beams = GenerateOptions { strategy: beams, ..case.options.clone() };
    expect("steps of beams", run(&it.prompt_ids, &beams), |it| invalid_argument(it, "strategy"))?;
    let cancelled = case.options.clone();
    let cancelled = GenerateOptions { cancel: crate::CancelHandle::default(), ..cancelled };
    cancelled.cancel.cancel();
    same("a cancelled generation", &run(&it.prompt_ids, &cancelled)?.1, &Stop::Cancelled)?;
    // Models that answer read texts of any length.
    if let (Writer::Continues(_), Some(length), Some(id)) =
        (writer, writer.tokenizer().max_length(), it.prompt_ids.first())
    {
        let too_long = run(&vec![*id; length], &case.options);
        expect("a prompt that fills the context", too_long, |it| {
            matches!(it, Error::ContextTooLong { .. })
        })?;
    }
    Ok(())
}

/// Records how long the first and the other tokens take.
pub(super) fn measure(probe: &Probe<'_>, skill: &Skill) -> Verdict {
    let writer = Writer::of(skill)?;
    let singles = writer.cases(probe)?.iter().filter(|it| {
        it.prompts.len() == 1 && !matches!(it.options.strategy, Strategy::Beams { .. })
    });
    // The longest says most about the time that one token takes.
    let longest = singles.max_by_key(|it| it.prompts.first().map(|it| it.token_ids.len()));
    let Some((case, it)) = longest.and_then(|case| Some((case, case.prompts.first()?))) else {
        return Ok(());
    };
    let start = Instant::now();
    let mut first_ms = None;
    let (token_ids, _) = writer.generate_ids(&it.prompt_ids, &case.options, |_| {
        first_ms.get_or_insert_with(|| milliseconds(start));
        ControlFlow::Continue(())
    })?;
    let all_ms = milliseconds(start);
    same("tokens", &token_ids, &it.token_ids)?;
    positive(probe, "first_token_ms", first_ms.unwrap_or(f64::NAN))?;
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let tokens = token_ids.len() as f64;
    positive(probe, "tokens_per_s", tokens * 1e3 / all_ms)
}

pub(super) fn messages(turns: &[(String, String)]) -> Vec<Message> {
    turns.iter().map(|(role, content)| Message::new(role.as_str(), content.as_str())).collect()
}

/// The prompt of a task that has no conversations.
fn plain(prompt: &Prompt) -> Result<&str> {
    match prompt {
        Prompt::Text(text) => Ok(text),
        Prompt::Chat(_) => Err(Error::InvalidArgument {
            argument: "messages",
            given: "a conversation".to_owned(),
            expected: "a text: this skill, or a batch, has no conversations".to_owned(),
        }),
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
