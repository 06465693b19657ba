//! What the decoder is told before it writes: that a text begins, its language, the task, and
//! whether times are wanted (transformers 5.23, `generation_whisper.py`, `_retrieve_init_tokens`).

use super::{Whisper, languages};
use crate::Result;
use crate::tasks::speech::{SpeechTask, TranscribeOptions, refuse};

impl Whisper {
    /// The token of the language that the caller or the model's configuration names.
    pub(super) fn language(&self, options: &TranscribeOptions) -> Result<Option<i64>> {
        if self.settings.is_multilingual == Some(false) {
            if let Some(language) = &options.language {
                return Err(refuse("language", &language, "none: this model knows English alone"));
            }
            if options.task == SpeechTask::Translate {
                let expected = "Transcribe: this model knows English alone";
                return Err(refuse("task", &"Translate", expected));
            }
        }
        if options.task == SpeechTask::Translate && self.task(SpeechTask::Translate).is_none() {
            let expected = "Transcribe: this model's generation_config.json has no `translate` in \
                            task_to_id";
            return Err(refuse("task", &"Translate", expected));
        }
        let Some(language) = options.language.as_ref().or(self.settings.language.as_ref()) else {
            return Ok(None);
        };
        let Some(known) = &self.settings.lang_to_id else {
            let expected = "none: this model's generation_config.json has no lang_to_id";
            return Err(refuse("language", &language, expected));
        };
        languages::token(language, known).map(Some)
    }

    /// Whether the language is to be heard from the sound: nobody names it, and the model knows
    /// several.
    pub(super) fn detects(&self, options: &TranscribeOptions, language: Option<i64>) -> bool {
        let forced = self.forced(options.task, language);
        language.is_none()
            && self.settings.lang_to_id.is_some()
            && forced.first().copied().flatten().is_none()
    }

    /// The tokens that the decoder begins with.
    pub(super) fn prompt(
        &self,
        task: SpeechTask,
        language: Option<i64>,
        detected: Option<i64>,
        times: bool,
    ) -> Vec<i64> {
        let mut after = self.forced(task, language).to_vec();
        if let Some(language) = language.or(detected) {
            match after.first_mut() {
                Some(place) => *place = Some(language),
                None => after.push(Some(language)),
            }
        }
        let named =
            task == SpeechTask::Translate || language.is_some() || self.settings.task.is_some();
        let tasks = [SpeechTask::Transcribe, SpeechTask::Translate].map(|it| self.task(it));
        if named && !after.iter().any(|it| it.is_some() && tasks.contains(it)) {
            after.push(self.task(task));
        }
        let mut prompt = vec![self.settings.start_token];
        prompt.extend(after.into_iter().flatten());
        match self.settings.no_timestamps_token_id {
            Some(token) if times => {
                prompt.pop_if(|it| *it == token);
            }
            Some(token) if prompt.last() != Some(&token) => prompt.push(token),
            _ => {}
        }
        prompt
    }

    /// What the configuration puts after the first token when neither language nor task are
    /// named.
    fn forced(&self, task: SpeechTask, language: Option<i64>) -> &[Option<i64>] {
        let named =
            task == SpeechTask::Translate || language.is_some() || self.settings.task.is_some();
        if named { &[] } else { &self.settings.forced }
    }

    fn task(&self, task: SpeechTask) -> Option<i64> {
        let name = match task {
            SpeechTask::Transcribe => "transcribe",
            SpeechTask::Translate => "translate",
        };
        self.settings.task_to_id.as_ref()?.get(name).copied()
    }
}
