//! Which flags belong to which tasks: one that would do nothing is refused.

use accel_core::Task;

use crate::failure::Failure;
use crate::run::args::RunArgs;

const ZERO_SHOT: &[Task] = &[
    Task::ZeroShotImageClassification,
    Task::ZeroShotAudioClassification,
    Task::ZeroShotVideoClassification,
];
const TEXT: &[Task] =
    &[Task::FeatureExtraction, Task::FillMask, Task::TextGeneration, Task::Text2textGeneration];
const WRITES: &[Task] = &[Task::TextGeneration, Task::Text2textGeneration, Task::ImageTextToText];
const WRITES_OR_HEARS: &[Task] = &[
    Task::TextGeneration,
    Task::Text2textGeneration,
    Task::ImageTextToText,
    Task::AutomaticSpeechRecognition,
];
const SPEECH: &[Task] = &[Task::AutomaticSpeechRecognition];

/// Refuses flags that `task` has no use for; without a task a bare graph is run, which has none
/// for any of them.
pub(in crate::run) fn refuse_flags(arguments: &RunArgs, task: Option<Task>) -> Result<(), Failure> {
    let it = arguments;
    let flags: [(&str, bool, &[Task]); 16] = [
        ("--text", !it.text.is_empty(), TEXT),
        ("--label", !it.label.is_empty(), ZERO_SHOT),
        ("--template", it.template.is_some(), ZERO_SHOT),
        ("--prompt", it.prompt.is_some(), &[Task::ImageTextToText]),
        ("--chat", it.chat, &[Task::TextGeneration]),
        ("--max-new-tokens", it.max_new_tokens.is_some(), WRITES_OR_HEARS),
        ("--beams", it.beams.is_some(), WRITES),
        ("--sample", it.sample, WRITES),
        ("--seed", it.seed.is_some(), WRITES),
        ("--top-k", it.top_k.is_some(), &[Task::FillMask, Task::ImageClassification]),
        ("--threshold", it.threshold.is_some(), &[Task::ObjectDetection]),
        ("--pooling", it.pooling.is_some(), &[Task::FeatureExtraction]),
        ("--normalize", it.normalize, &[Task::FeatureExtraction]),
        ("--language", it.language.is_some(), SPEECH),
        ("--translate", it.translate, SPEECH),
        ("--timestamps", it.timestamps.is_some(), SPEECH),
    ];
    for (flag, given, tasks) in flags {
        if given && !task.is_some_and(|it| tasks.contains(&it)) {
            let tasks: Vec<_> = tasks.iter().map(|it| it.name()).collect();
            let what = task.map_or("a bare graph", Task::name);
            let message = format!("{flag} is for {}, not for {what}", tasks.join(", "));
            return Err(Failure::usage(message));
        }
    }
    if task.is_some_and(|it| ZERO_SHOT.contains(&it)) && it.label.is_empty() {
        return Err(Failure::usage(
            "give the labels to choose among: --label boat --label clock, or another --task",
        ));
    }
    if task == Some(Task::ImageTextToText) && it.prompt.is_none() {
        return Err(Failure::usage("give a question about the image: --prompt 'What is this?'"));
    }
    Ok(())
}
