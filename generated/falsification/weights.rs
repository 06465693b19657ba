//! One fault in the model's weights.

use std::ops::Range;

use accel_runtime::CaseName;

use crate::files::{Copy, floats, index_of};

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
fn swapped(file: &[u8], place: &Range<usize>) -> Vec<u8> {
    let values = floats(&file[place.clone()]);
    let largest = index_of(&values, |it, best| it > best);
    let smallest = index_of(&values, |it, best| it < best);
    let mut bytes = file.to_vec();
    for (to, from) in [(largest, smallest), (smallest, largest)] {
        let (to, from) = (place.start + 4 * to, place.start + 4 * from);
        bytes[to..to + 4].copy_from_slice(&file[from..from + 4]);
    }
    bytes
}

/// The last number of the weight is its first, and so on.
fn turned_round(file: &[u8], place: &Range<usize>) -> Vec<u8> {
    let numbers = file[place.clone()].as_chunks::<4>().0;
    let turned: Vec<_> = numbers.iter().rev().flatten().copied().collect();
    let mut bytes = file.to_vec();
    bytes[place.clone()].copy_from_slice(&turned);
    bytes
}

/// How many weights change nothing, whatever numbers they hold: those of an attention over vectors
/// that are all the same. So are the values of DETR's first decoder layer, which begins with
/// zeros, and the messages of X-CLIP's first layer, which every frame begins with.
fn without_effect(model: &str) -> usize {
    match model {
        "detr" => 3,
        "xclip" => 4,
        _ => 0,
    }
}

/// Two numbers of each large weight change places. Where that changes nothing that counts, since
/// no recorded run reads that row of a table, a rectifier takes the one number to zero or a border
/// of a kernel meets padding only, the weight is turned round, and that is noticed.
#[track_caller]
pub(crate) fn changed_weights_are_noticed(model: &'static str) {
    let copy = Copy::of(model);
    let case = CaseName::MatchesReference;
    copy.passes(case);
    let (mut weights, mut swaps, mut unnoticed) = (0, 0, Vec::new());
    for graph in copy.graphs() {
        let sound = copy.read(&graph);
        let before = weights;
        for (name, place) in float_initializers(&sound) {
            // Constants of the arithmetic have few numbers.
            if place.len() < 4 * 512 {
                continue;
            }
            weights += 1;
            if copy.notices(&graph, &swapped(&sound, &place), case) {
                swaps += 1;
            } else if !copy.notices(&graph, &turned_round(&sound, &place), case) {
                unnoticed.push(format!("`{name}` of {graph}"));
            }
        }
        assert!(weights > before, "no weight was found in {graph}");
    }
    assert_eq!(unnoticed.len(), without_effect(model), "turned round: {unnoticed:?}");
    assert!(weights >= 8, "only {weights} weights were found");
    assert!(4 * swaps >= 3 * weights, "{swaps} swaps in {weights} weights were noticed");
}
