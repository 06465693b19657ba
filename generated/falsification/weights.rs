//! One fault in the model's weights.

use std::ops::Range;

use accel_runtime::CaseName;

use crate::files::{Copy, GRAPH, floats, index_of};

/// A field of a protobuf message: its number, and where its content lies.
fn fields(bytes: &[u8], message: Range<usize>) -> Vec<(u64, Range<usize>)> {
    let mut fields = Vec::new();
    let mut at = message.start;
    let varint = |at: &mut usize| {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = bytes[*at];
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    };
    while at < message.end {
        let key = varint(&mut at);
        let start = at;
        match key & 7 {
            0 => _ = varint(&mut at),
            1 => at += 8,
            2 => {
                let length = usize::try_from(varint(&mut at)).expect("a length");
                fields.push((key >> 3, at..at + length));
                at += length;
                continue;
            }
            5 => at += 4,
            other => panic!("wire type {other}"),
        }
        fields.push((key >> 3, start..at));
    }
    fields
}

/// Names and places of the initializers of 32-bit floats of an ONNX file.
fn float_initializers(file: &[u8]) -> Vec<(String, Range<usize>)> {
    const GRAPH_FIELD: u64 = 7;
    const INITIALIZER: u64 = 5;
    const DATA_TYPE: u64 = 2;
    const NAME: u64 = 8;
    const RAW_DATA: u64 = 9;
    let all = |message: Range<usize>, number: u64| {
        fields(file, message).into_iter().filter(move |it| it.0 == number).map(|it| it.1)
    };
    let mut found = Vec::new();
    for graph in all(0..file.len(), GRAPH_FIELD) {
        for tensor in all(graph, INITIALIZER) {
            let one = |number| all(tensor.clone(), number).next();
            let (Some(data_type), Some(name), Some(raw)) =
                (one(DATA_TYPE), one(NAME), one(RAW_DATA))
            else {
                continue;
            };
            if file[data_type] == [1] {
                found.push((String::from_utf8_lossy(&file[name]).into_owned(), raw));
            }
        }
    }
    found
}

/// The largest and the smallest number of each large weight change places.
#[track_caller]
fn swapped_weights_are_noticed(model: &'static str) {
    let copy = Copy::of(model);
    copy.passes(CaseName::MatchesReference);
    let sound = copy.read(GRAPH);
    let mut swapped = 0;
    for (name, place) in float_initializers(&sound) {
        let values = floats(&sound[place.clone()]);
        let (largest, smallest) =
            (index_of(&values, |it, best| it > best), index_of(&values, |it, best| it < best));
        // Constants of the arithmetic have few numbers; rows of embeddings may go unused.
        if values.len() < 512 || name.contains("embed") {
            continue;
        }
        let mut bytes = sound.clone();
        for (to, from) in [(largest, smallest), (smallest, largest)] {
            let (to, from) = (place.start + 4 * to, place.start + 4 * from);
            bytes[to..to + 4].copy_from_slice(&sound[from..from + 4]);
        }
        let fault = format!("two numbers of `{name}` swapped");
        copy.fails_with(GRAPH, &bytes, CaseName::MatchesReference, &fault);
        swapped += 1;
    }
    assert!(swapped >= 8, "only {swapped} weights were found");
}

#[test]
fn swapped_weights_of_bert_are_noticed() {
    swapped_weights_are_noticed("bert");
}

#[test]
fn swapped_weights_of_vit_are_noticed() {
    swapped_weights_are_noticed("vit");
}

#[test]
fn swapped_weights_of_llama_are_noticed() {
    swapped_weights_are_noticed("llama");
}

#[test]
fn swapped_weights_of_qwen2_are_noticed() {
    swapped_weights_are_noticed("qwen2");
}

#[test]
fn swapped_weights_of_qwen3_are_noticed() {
    swapped_weights_are_noticed("qwen3");
}
