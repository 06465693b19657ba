//! One fault in what was recorded.

use std::collections::BTreeSet;
use std::ops::Range;

use accel_runtime::CaseName;
use serde_json::{Map, Value, json};

use crate::cell;
use crate::files::{Copy, JSON, TENSORS, floats, index_of};

/// Where the bytes of every recorded tensor lie, by name and type.
fn recorded_tensors(file: &[u8]) -> Vec<(String, String, Range<usize>)> {
    let (length, rest) = file.split_first_chunk::<8>().expect("a safetensors file");
    let length = usize::try_from(u64::from_le_bytes(*length)).expect("a length");
    let header: Map<String, Value> =
        serde_json::from_slice(&rest[..length]).expect("a header in JSON");
    let place = |entry: &Value, side: usize| {
        let offset = entry["data_offsets"][side].as_u64().expect("an offset");
        8 + length + usize::try_from(offset).expect("an offset")
    };
    let tensors = header.iter().filter(|(name, _)| *name != "__metadata__");
    tensors
        .map(|(name, it)| {
            let dtype = it["dtype"].as_str().expect("a type").to_owned();
            (name.clone(), dtype, place(it, 0)..place(it, 1))
        })
        .collect()
}

/// The case that compares with what was recorded of `task`.
fn case_of(task: &str) -> CaseName {
    match task {
        "feature-extraction" => CaseName::Embeds,
        "fill-mask" => CaseName::FillsMasks,
        "image-classification" => CaseName::ClassifiesImages,
        "text-generation" | "text2text-generation" => CaseName::GeneratesText,
        "zero-shot-image-classification"
        | "zero-shot-audio-classification"
        | "zero-shot-video-classification" => CaseName::ClassifiesZeroShot,
        "object-detection" => CaseName::DetectsObjects,
        "automatic-speech-recognition" => CaseName::TranscribesSpeech,
        "image-text-to-text" => CaseName::DescribesImages,
        _ => panic!("no case is known for {task}"),
    }
}

/// What was recorded, and the file that it is in.
struct Recorded {
    copy: Copy,
    json: Value,
}

impl Recorded {
    fn of(model: &'static str) -> Self {
        let copy = Copy::of(model);
        let json = serde_json::from_slice(&copy.read(JSON)).expect("JSON");
        Self { copy, json }
    }

    fn entries(&self, list: &str) -> &[Value] {
        self.json[list].as_array().expect("a list")
    }

    /// Which run or task expects the tensor, if one does.
    fn owner(&self, tensor: &str) -> Option<(&'static str, usize)> {
        let (list, key) = match tensor.split_once('/')? {
            ("graphs", rest) if !rest.contains("/in/") => ("graphs", "graph"),
            ("tasks", _) => ("tasks", "task"),
            // Of the inside of a preprocessor, for tests of the runtime.
            ("graphs" | "features", _) => return None,
            _ => panic!("nothing is known of {tensor}"),
        };
        let mut parts = tensor.split('/').skip(1);
        let (of, case) = (parts.next().expect("a graph or task"), parts.next().expect("a case"));
        let entry = self.entries(list).iter().position(|it| it[key] == of && it["case"] == case);
        // A resampled sound: what is made of it is what the task expects.
        let inside = tensor.ends_with("/waveform");
        entry.filter(|_| !inside).map(|it| (list, it))
    }

    /// The file with one entry at the front, which a case comes to at once.
    fn with_first(&self, list: &str, index: usize, entry: Value) -> Vec<u8> {
        let mut json = self.json.clone();
        let entries = json[list].as_array_mut().expect("a list");
        entries.remove(index);
        entries.insert(0, entry);
        serde_json::to_vec(&json).expect("JSON")
    }
}

/// One value of every recorded output, and of what tasks recorded as tensors, off by a thousandth
/// or, where more is allowed, by more than that.
#[track_caller]
pub(crate) fn perturbed_tensors_are_noticed(model: &'static str) {
    let recorded = Recorded::of(model);
    let copy = &recorded.copy;
    let (sound, sound_json) = (copy.read(TENSORS), copy.read(JSON));
    let max_abs = cell(model).tolerances[0].1.max_abs;
    let mut graphs = 0;
    for (name, dtype, place) in recorded_tensors(&sound) {
        // A merged decoder gives nothing in place of a cache that it only reads.
        let Some((list, index)) = recorded.owner(&name).filter(|_| !place.is_empty()) else {
            continue;
        };
        let entry = &recorded.entries(list)[index];
        let case = entry["task"].as_str().map_or(CaseName::MatchesReference, case_of);
        copy.passes(case);
        graphs += usize::from(list == "graphs");

        let mut bytes = sound.clone();
        if dtype == "F32" {
            let values = floats(&sound[place.clone()]);
            let largest = index_of(&values, |it, best| it.abs() > best.abs());
            let value = values[largest];
            let kind = name.rsplit('/').next().expect("a name");
            // Samples are features of a sound, too.
            let kind = if kind == "input_values" { "input_features" } else { kind };
            let allowed = entry["tolerance"][kind].as_f64();
            let off = 1e-3 * f64::from(value.abs()) + 2.0 * allowed.unwrap_or(0.0);
            // So that what is tested is the comparison, and not how small a number was picked.
            assert!(off > allowed.unwrap_or(max_abs), "{name} holds small numbers only");
            #[expect(clippy::cast_possible_truncation, reason = "the file holds 32-bit floats")]
            let other = (f64::from(value) + off) as f32;
            let at = place.start + 4 * largest;
            bytes[at..at + 4].copy_from_slice(&other.to_le_bytes());
        } else {
            bytes[place.start] ^= 1;
        }
        copy.write(JSON, &recorded.with_first(list, index, entry.clone()));
        copy.fails_with(TENSORS, &bytes, case, &format!("a number of {name} changed"));
        copy.write(JSON, &sound_json);
    }
    assert!(graphs > 0, "no output is recorded");
}

/// The first and the last of every list of expected values, and every value that stands alone.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, it) in fields {
                leaves(it, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            leaves(&items[0], &format!("{pointer}/0"), found);
            let last = items.len() - 1;
            if last > 0 {
                leaves(&items[last], &format!("{pointer}/{last}"), found);
            }
        }
        _ => found.push(pointer.to_owned()),
    }
}

/// Another value than the recorded one at `pointer`, just further from it than is allowed.
fn other(value: &Value, pointer: &str, tolerance: &Value) -> Option<Value> {
    let name = pointer.rsplit('/').next().unwrap_or_default();
    let of_box = pointer.contains("/box/");
    Some(match value {
        Value::String(text) => json!(format!("{text}!")),
        Value::Number(number) if number.is_i64() => json!(number.as_i64()? ^ 1),
        Value::Number(number) => {
            let number = number.as_f64()?;
            let allowed = tolerance[if of_box { "box" } else { name }].as_f64().unwrap_or(0.0);
            // A side of a box is counted in pixels, whatever the size of the image.
            // Decoders of lossy images differ by more than one certainty from the next.
            if name == "score" && allowed >= 0.01 {
                return None;
            }
            let least = if of_box { 0.05 } else { 1e-5 };
            // Less, since the most certain answer has to stay the first.
            json!(number - 2.0 * allowed - least - 1e-3 * number.abs())
        }
        Value::Null => json!(1.5),
        Value::Bool(it) => json!(!it),
        Value::Array(_) | Value::Object(_) => return None,
    })
}

/// Every kind of value that tasks expect, and one value of every task that was recorded.
#[track_caller]
pub(crate) fn perturbed_answers_are_noticed(model: &'static str) {
    let recorded = Recorded::of(model);
    let copy = &recorded.copy;
    let mut kinds = BTreeSet::new();
    for (index, entry) in recorded.entries("tasks").iter().enumerate() {
        let Some(expected) = entry.get("expected") else { continue };
        let task = entry["task"].as_str().expect("a task");
        let case = case_of(task);
        copy.passes(case);
        let mut found = Vec::new();
        leaves(expected, "", &mut found);
        let changes = found.into_iter().filter_map(|pointer| {
            let other = other(expected.pointer(&pointer)?, &pointer, &entry["tolerance"])?;
            Some((pointer, other))
        });
        let changes: Vec<_> = changes.collect();
        let last = changes.len().saturating_sub(1);
        for (nth, (pointer, other)) in changes.into_iter().enumerate() {
            let kind: String = pointer.chars().filter(|it| !it.is_ascii_digit()).collect();
            let is_new = kinds.insert((task.to_owned(), kind, pointer.contains("/0")));
            if !is_new && nth != last {
                continue;
            }
            let mut entry = entry.clone();
            *entry["expected"].pointer_mut(&pointer).expect("a value that was found") = other;
            let fault = format!("another `{pointer}` in `{}` of {task}", entry["case"]);
            copy.fails_with(JSON, &recorded.with_first("tasks", index, entry), case, &fault);
        }
    }
    assert!(!kinds.is_empty(), "no expected value was found");
}
