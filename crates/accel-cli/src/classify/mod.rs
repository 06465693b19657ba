//! `accel classify`: which kind of model it is, and why.

mod answer;
pub(crate) mod args;
mod database;
mod facts;
mod measure;

use serde_json::json;

use answer::Answer;
use args::ClassifyArgs;
use database::Database;
use facts::Facts;

use crate::console::Console;
use crate::failure::Failure;
use crate::json::document;

/// Classifies the models of `arguments`, or evaluates the classifier.
pub(crate) fn run(arguments: &ClassifyArgs, console: Console) -> Result<(), Failure> {
    if let Some(path) = &arguments.evaluate {
        return measure::print(path, console);
    }
    let of_one = arguments.config.is_some()
        || arguments.class.is_some()
        || !arguments.task.is_empty()
        || !arguments.method.is_empty();
    if of_one && arguments.models.len() > 1 {
        let message =
            "--config, --class, --task and --method tell of one model; give one at a time";
        return Err(Failure::usage(message));
    }
    let models: Vec<Option<&str>> = match arguments.models.as_slice() {
        [] => vec![None],
        all => all.iter().map(|it| Some(it.as_str())).collect(),
    };
    let all: Result<Vec<Facts>, Failure> =
        models.into_iter().map(|it| Facts::read(it, arguments)).collect();
    let answers = answers(&all?, arguments)?;
    if console.json() {
        console.print(&document(json!({ "models": answers })));
    } else if let [one] = answers.as_slice() {
        console.print(&one.page(console.paint));
    } else {
        console.print(&answer::summary(&answers, console.paint));
    }
    Ok(())
}

/// The answers, from the file of answers where it has them.
fn answers(all: &[Facts], arguments: &ClassifyArgs) -> Result<Vec<Answer>, Failure> {
    let Some(path) = &arguments.model_db else {
        return Ok(all.iter().map(Answer::of).collect());
    };
    let mut database = Database::open(path)?;
    let mut answers = Vec::new();
    for facts in all {
        let kept = if arguments.force_refresh { None } else { database.get(facts) };
        let answer = kept.unwrap_or_else(|| {
            let answer = Answer::of(facts);
            database.put(facts, &answer);
            answer
        });
        answers.push(answer);
    }
    database.close()?;
    Ok(answers)
}
