//! Estimates as people and programs read them.

use accel_core::estimate::{Estimate, ParametersSource};
use serde_json::{Value, json};

use super::Answer;
use super::args::EstimateArgs;
use crate::console::{Console, heading, plain, table};
use crate::json;

pub(super) fn print(answers: &[Answer], arguments: &EstimateArgs, console: Console) {
    if console.json() {
        let estimates: Vec<Value> = answers.iter().map(value).collect();
        console.print(&json::document(
            json!({ "memory_asked_bytes": arguments.memory, "estimates": estimates }),
        ));
        return;
    }
    for (at, answer) in answers.iter().enumerate() {
        if at > 0 {
            console.print("\n");
        }
        human(answer, arguments, console);
    }
}

/// An answer in JSON: the fields of [`Estimate`], and what was looked at.
pub(super) fn value(answer: &Answer) -> Value {
    let mut value = json!(answer.estimate);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("model".to_owned(), json!(answer.name));
        fields.insert("path".to_owned(), json!(answer.path));
        fields.insert("counted".to_owned(), json!(answer.counted));
    }
    value
}

fn human(answer: &Answer, arguments: &EstimateArgs, console: Console) {
    let it = &answer.estimate;
    let parts = &it.memory_bytes;
    let workload = &it.workload;
    let mut text = format!(
        "{}: {} parameters, {}\n{}, batch {}, context {}\n\n",
        console.paint.bold(&answer.name),
        grouped(it.parameters),
        source(it, &answer.counted),
        it.weight_format.name(),
        workload.batch,
        workload.context
    );
    let needs = &it.requirements;
    let row = |what: &'static str, bytes: u64| vec![plain(what), plain(size(bytes))];
    let rows = [
        vec![heading("memory"), heading("size")],
        row("weights", parts.weights),
        row("key-value cache", parts.kv_cache),
        row("activations", parts.activations),
        row("workspace", parts.workspace),
        row("runtime", parts.runtime),
        row("minimum", needs.min_memory_bytes),
        row("recommended", needs.recommended_memory_bytes),
        row("files", needs.disk_bytes),
        vec![plain("CPU cores"), plain(needs.cpu_cores.to_string())],
    ];
    text += &table(console.paint, &rows);
    console.print(&text);
    match (arguments.memory, needs.batch_size) {
        (Some(memory), 0) => {
            console.say(&format!("\nnot even one input fits into {}", size(memory)));
        }
        (Some(memory), batch) => {
            console.say(&format!("\nup to {batch} inputs at once fit into {}", size(memory)));
        }
        (None, _) => {}
    }
    for note in &it.assumptions {
        console.say(&format!("- {note}"));
    }
}

fn source(estimate: &Estimate, counted: &str) -> String {
    match estimate.parameters_source {
        ParametersSource::WeightFiles => format!("from the headers of {counted}"),
        ParametersSource::Config if counted.is_empty() => "from config.json".to_owned(),
        ParametersSource::Config => format!("from config.json ({counted})"),
        ParametersSource::Registry => "from the registry".to_owned(),
        ParametersSource::Name => "from the name alone".to_owned(),
    }
}

/// `110106428` as `110 106 428`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Memory in binary units, as memory is sold: `1.50 GiB`.
pub(super) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let count = bytes as f64;
    let units = [(1_u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (unit, name) in units {
        if bytes >= unit {
            #[expect(clippy::cast_precision_loss, reason = "a power of two")]
            let value = count / unit as f64;
            return if value < 10.0 {
                format!("{value:.2} {name}")
            } else {
                format!("{value:.0} {name}")
            };
        }
    }
    format!("{bytes} bytes")
}
