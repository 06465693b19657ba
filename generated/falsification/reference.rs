//! One fault in what was recorded.

use std::ops::Range;

use accel_runtime::CaseName;

use crate::cell;
use crate::files::{Copy, JSON, TENSORS, floats, index_of};

/// Where the bytes of every recorded tensor of 32-bit floats lie, by name.
fn float_tensors(file: &[u8]) -> Vec<(String, Range<usize>)> {
    let (length, rest) = file.split_first_chunk::<8>().expect("a safetensors file");
    let length = usize::try_from(u64::from_le_bytes(*length)).expect("a length");
    let header = std::str::from_utf8(&rest[..length]).expect("a header in JSON");
    let number = |text: &str| -> usize { text.trim().parse().expect("a number") };
    let mut tensors = Vec::new();
    for entry in header.split("\"data_offsets\":[").collect::<Vec<_>>().windows(2) {
        // `…"name":{"dtype":"F32","shape":[1,2],` and `0,8]},"name":{…`
        let opened = entry[0].rfind(":{").expect("an entry");
        let name = entry[0][..opened].trim_end_matches('"');
        let name = &name[name.rfind('"').expect("a name") + 1..];
        let (start, end) = entry[1]
            .split_once(']')
            .and_then(|(offsets, _)| offsets.split_once(','))
            .expect("two offsets");
        if entry[0][opened..].contains("\"F32\"") {
            tensors.push((name.to_owned(), 8 + length + number(start)..8 + length + number(end)));
        }
    }
    tensors
}

/// The case that compares with the recorded tensor `name`.
fn case_of(name: &str) -> CaseName {
    match name.split('/').nth(1) {
        _ if name.starts_with("graphs/") => CaseName::MatchesReference,
        Some("feature-extraction") => CaseName::Embeds,
        Some("image-classification") => CaseName::ClassifiesImages,
        Some("text-generation") => CaseName::GeneratesText,
        _ => panic!("no case compares with {name}"),
    }
}

/// One value of every recorded output, off by a thousandth.
#[track_caller]
fn a_perturbed_reference_is_noticed(model: &'static str) {
    let copy = Copy::of(model);
    let sound = copy.read(TENSORS);
    let mut noticed = Vec::new();
    for (name, place) in float_tensors(&sound) {
        // What decoders of lossy images may differ by is more than a thousandth.
        if name.contains("/in/") || name.contains("_jpg/") {
            continue;
        }
        let case = case_of(&name);
        if !noticed.contains(&case) {
            copy.passes(case);
            noticed.push(case);
        }
        let values = floats(&sound[place.clone()]);
        let largest = index_of(&values, |it, best| it.abs() > best.abs());
        let value = values[largest];
        // So that what is tested is the comparison, and not how small a number was picked.
        let tolerance = cell(model).tolerances[0].1.max_abs;
        assert!(f64::from(value).abs() * 1e-3 > tolerance, "{name} holds small numbers only");
        let mut bytes = sound.clone();
        let at = place.start + 4 * largest;
        bytes[at..at + 4].copy_from_slice(&(value * 1.001).to_le_bytes());
        copy.fails_with(TENSORS, &bytes, case, &format!("{name} off by a thousandth"));
    }
    assert!(noticed.contains(&CaseName::MatchesReference), "{noticed:?}");
}

#[test]
fn a_perturbed_reference_of_bert_is_noticed() {
    a_perturbed_reference_is_noticed("bert");
}

#[test]
fn a_perturbed_reference_of_vit_is_noticed() {
    a_perturbed_reference_is_noticed("vit");
}

#[test]
fn a_perturbed_reference_of_llama_is_noticed() {
    a_perturbed_reference_is_noticed("llama");
}

#[test]
fn a_perturbed_reference_of_qwen2_is_noticed() {
    a_perturbed_reference_is_noticed("qwen2");
}

#[test]
fn a_perturbed_reference_of_qwen3_is_noticed() {
    a_perturbed_reference_is_noticed("qwen3");
}

/// Changes what follows the `nth` occurrence of `key`, up to the end of the line.
fn edited(json: &str, key: &str, nth: usize, change: impl Fn(&str) -> String) -> Vec<u8> {
    let start = json.match_indices(key).nth(nth).expect("the key is recorded").0 + key.len();
    let end = start + json[start..].find('\n').expect("one value a line");
    let value = json[start..end].trim_end_matches(',');
    let rest = &json[start + value.len()..];
    format!("{}{}{rest}", &json[..start], change(value)).into_bytes()
}

#[test]
fn perturbed_scores_are_noticed() {
    let off = |text: &str| {
        let score: f64 = text.parse().expect("a score");
        assert!(score > 1e-3, "{score} is not a score");
        (score * 1.001).to_string()
    };
    for (model, case) in [("bert", CaseName::FillsMasks), ("vit", CaseName::ClassifiesImages)] {
        let copy = Copy::of(model);
        copy.passes(case);
        let json = String::from_utf8(copy.read(JSON)).expect("text");
        // The likeliest answer and the one after it.
        for nth in 0..2 {
            let bytes = edited(&json, "\"score\": ", nth, off);
            copy.fails_with(JSON, &bytes, case, "a score off by a thousandth");
        }
    }
}

type Change<'a> = &'a dyn Fn(&str) -> String;

#[test]
fn perturbed_answers_are_noticed() {
    let longer = |text: &str| format!("{}!\"", text.trim_end_matches('"'));
    let other = |text: &str| (text.trim().parse::<i64>().expect("a token") ^ 1).to_string();
    let changes: [(&'static str, CaseName, &str, Change<'_>); 7] = [
        ("bert", CaseName::FillsMasks, "\"sequence\": ", &longer),
        ("bert", CaseName::FillsMasks, "\"token\": ", &other),
        ("bert", CaseName::Embeds, "\"decoded\": ", &longer),
        ("vit", CaseName::ClassifiesImages, "\"label\": ", &longer),
        ("qwen3", CaseName::GeneratesText, "\"prompt_text\": ", &longer),
        ("qwen3", CaseName::GeneratesText, "\"text\": ", &longer),
        ("qwen3", CaseName::GeneratesText, "\"token_ids\": [\n", &other),
    ];
    for (model, case, key, change) in changes {
        let copy = Copy::of(model);
        copy.passes(case);
        let json = String::from_utf8(copy.read(JSON)).expect("text");
        copy.fails_with(JSON, &edited(&json, key, 0, change), case, &format!("another {key}"));
    }
}
