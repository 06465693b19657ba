//! What rten computes wrongly besides the extremes and the cubic resizing of `operators`.

use accel_runtime::{Error, GraphModel, Pipeline, Tensor, TensorData, load};

use crate::onnx_bytes::{
    BOOL, FLOAT, INT64, Message, folder, graph, integer_attribute, model, node, text_attribute,
    value,
};
use crate::reference::{OPTIONS, SPEC, assert_close};

const UINT8: u64 = 2;
const INT8: u64 = 3;
const INT32: u64 = 6;

/// Runs a graph that has the output `y`.
fn run(bytes: &[u8], inputs: Vec<(&str, Tensor)>) -> Tensor {
    let skill: GraphModel = load(&SPEC, &folder(bytes).path().into(), &OPTIONS).unwrap();
    skill.run("model", inputs, &["y"]).unwrap().remove(0)
}

fn constant(name: &str, elem_type: u64, dims: &[u64], raw: &[u8]) -> Message {
    let tensor = dims.iter().fold(Message::default(), |tensor, dim| tensor.number(1, *dim));
    tensor.number(2, elem_type).text(8, name).bytes(9, raw)
}

fn floats(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::new(shape.to_vec(), values.to_vec()).unwrap()
}

/// 8-bit numbers of every size.
fn bytes(count: usize, from: u8) -> Vec<u8> {
    (0..count).map(|it| u8::try_from(it * 37 % 256).unwrap().wrapping_add(from)).collect()
}

#[test]
fn what_is_not_zero_is_true() {
    let cast = node("Cast", &["x"], &["b"]).message(5, &integer_attribute("to", BOOL));
    let back = node("Cast", &["b"], &["y"]).message(5, &integer_attribute("to", FLOAT));
    let through = |elem_type| {
        model(&graph(
            &[cast.clone(), back.clone()],
            &[],
            &[value("x", elem_type, &["n"])],
            &[value("y", FLOAT, &["n"])],
        ))
    };
    let x = floats(&[5], &[-2.5, -0.5, 0.0, 0.25, 7.0]);
    assert_eq!(run(&through(FLOAT), vec![("x", x)]).as_f32().unwrap(), [1.0, 1.0, 0.0, 1.0, 1.0]);
    let x = Tensor::new(vec![3], vec![-2_i64, 0, 5]).unwrap();
    assert_eq!(run(&through(INT64), vec![("x", x)]).as_f32().unwrap(), [1.0, 0.0, 1.0]);
    // What is a truth value already is left alone.
    let compare = node("Equal", &["x", "x"], &["e"]);
    let cast = node("Cast", &["e"], &["y"]).message(5, &integer_attribute("to", BOOL));
    let file = model(&graph(
        &[compare, cast],
        &[],
        &[value("x", FLOAT, &["n"])],
        &[value("y", BOOL, &["n"])],
    ));
    let skill: GraphModel = load(&SPEC, &folder(&file).path().into(), &OPTIONS).unwrap();
    assert!(!skill.placement().evidence.contains("rewritten"), "{}", skill.placement());
}

/// Values of ONNX Runtime 1.31.
#[test]
fn softmax_of_old_operator_sets_spans_all_axes_from_the_second() {
    let x = floats(&[1, 2, 2], &[0.0, 1.0, 2.0, 3.0]);
    let softmax = |operator_set| {
        let main = graph(
            &[node("Softmax", &["x"], &["y"])],
            &[],
            &[value("x", FLOAT, &["a", "b", "c"])],
            &[value("y", FLOAT, &["a", "b", "c"])],
        );
        let version = Message::default().text(1, "").number(2, operator_set);
        Message::default().number(1, 7).message(7, &main).message(8, &version).0
    };
    let old = run(&softmax(11), vec![("x", x.clone())]);
    assert_eq!(old.shape(), [1, 2, 2]);
    assert_close(
        "11",
        old.as_f32().unwrap(),
        &[0.032_058_6, 0.087_144_3, 0.236_882_8, 0.643_914_2],
        1e-6,
    );
    let new = run(&softmax(13), vec![("x", x)]);
    let pair = [0.268_941_4, 0.731_058_6];
    assert_close("13", new.as_f32().unwrap(), &[pair, pair].concat(), 1e-6);
}

#[test]
fn a_stack_of_matrices_times_a_vector_loses_a_dimension() {
    let vector: Vec<_> = [1.0_f32, 10.0].iter().flat_map(|it| it.to_le_bytes()).collect();
    let file = model(&graph(
        &[node("MatMul", &["x", "v"], &["y"])],
        &[constant("v", FLOAT, &[2], &vector)],
        &[value("x", FLOAT, &["a", "b", "2"])],
        &[value("y", FLOAT, &["a", "b"])],
    ));
    let x = floats(&[2, 3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 0.0, 1.0, 1.0]);
    let y = run(&file, vec![("x", x)]);
    assert_eq!(y.shape(), [2, 3]);
    assert_eq!(y.as_f32().unwrap(), [21.0, 43.0, 65.0, 87.0, 9.0, 11.0]);
}

#[test]
fn a_transposed_constant_multiplies_whatever_stands_before_it() {
    let numbers: Vec<_> = (1_u8..=6).flat_map(|it| f32::from(it).to_le_bytes()).collect();
    let file = |dims: &[&str], result: &[&str]| {
        model(&graph(
            &[node("Transpose", &["w"], &["t"]), node("MatMul", &["x", "t"], &["y"])],
            // Rows 1 2, 3 4 and 5 6.
            &[constant("w", FLOAT, &[3, 2], &numbers)],
            &[value("x", FLOAT, dims)],
            &[value("y", FLOAT, result)],
        ))
    };
    let stack = file(&["a", "b", "2"], &["a", "b", "3"]);
    let x = floats(&[2, 1, 2], &[1.0, 0.0, 10.0, 1.0]);
    let y = run(&stack, vec![("x", x)]);
    assert_eq!(y.shape(), [2, 1, 3]);
    assert_eq!(y.as_f32().unwrap(), [1.0, 3.0, 5.0, 12.0, 34.0, 56.0]);
    let y = run(&stack, vec![("x", floats(&[2, 0, 2], &[]))]);
    assert_eq!(y.shape(), [2, 0, 3]);
    let y = run(&file(&["2"], &["3"]), vec![("x", floats(&[2], &[0.0, 1.0]))]);
    assert_eq!(y.shape(), [3]);
    assert_eq!(y.as_f32().unwrap(), [2.0, 4.0, 6.0]);
}

#[test]
fn softplus_does_not_overflow() {
    let file = model(&graph(
        &[node("Softplus", &["x"], &["y"])],
        &[],
        &[value("x", FLOAT, &["n"])],
        &[value("y", FLOAT, &["n"])],
    ));
    let y = run(&file, vec![("x", floats(&[4], &[-100.0, 0.0, 1.0, 1000.0]))]);
    assert_close(
        "softplus",
        y.as_f32().unwrap(),
        &[0.0, std::f32::consts::LN_2, 1.313_261_6, 1000.0],
        1e-6,
    );
}

/// Whole numbers have one right sum, on every processor.
#[test]
fn products_of_8_bit_matrices_are_exact() {
    let (rows, inner, columns) = (3_usize, 96_usize, 5_usize);
    let left = bytes(rows * inner, 0);
    let right = bytes(inner * columns, 11);
    let sign = |byte: u8, elem_type| {
        if elem_type == INT8 { i64::from(byte.cast_signed()) } else { i64::from(byte) }
    };
    for elem_type in [UINT8, INT8] {
        let file = model(&graph(
            &[node("MatMulInteger", &["x", "w", "p", "q"], &["y"])],
            &[
                constant("w", elem_type, &[96, 5], &right),
                constant("p", UINT8, &[], &[128]),
                constant("q", elem_type, &[], &[3]),
            ],
            &[value("x", UINT8, &["r", "96"])],
            &[value("y", INT32, &["r", "5"])],
        ));
        let x = Tensor::new(vec![rows, inner], left.clone()).unwrap();
        let y = run(&file, vec![("x", x)]);
        let TensorData::I32(sums) = y.into_parts().1 else { panic!("not i32") };
        for (place, sum) in sums.iter().enumerate() {
            let (row, column) = (place / columns, place % columns);
            let expected: i64 = (0..inner)
                .map(|k| {
                    (i64::from(left[row * inner + k]) - 128)
                        * (sign(right[k * columns + column], elem_type) - 3)
                })
                .sum();
            assert_eq!(i64::from(*sum), expected, "type {elem_type}, row {row}, column {column}");
        }
    }
}

#[test]
fn convolutions_of_8_bit_numbers_are_exact_and_pad_with_the_zero_point() {
    let (image, kernel) = (bytes(25, 0), bytes(9, 5));
    let convolution = node("ConvInteger", &["x", "w", "p", "q"], &["y"]);
    let pads = [1, 1, 1, 1];
    let shape = [3, 3];
    let ints = |name: &str, values: &[u64]| {
        let attribute = Message::default().text(1, name).number(20, 7);
        values.iter().fold(attribute, |attribute, it| attribute.number(8, *it))
    };
    let convolution =
        convolution.message(5, &ints("pads", &pads)).message(5, &ints("kernel_shape", &shape));
    let file = model(&graph(
        &[convolution],
        &[
            constant("w", UINT8, &[1, 1, 3, 3], &kernel),
            constant("p", UINT8, &[], &[7]),
            constant("q", UINT8, &[1], &[130]),
        ],
        &[value("x", UINT8, &["1", "1", "5", "5"])],
        &[value("y", INT32, &["1", "1", "5", "5"])],
    ));
    let x = Tensor::new(vec![1, 1, 5, 5], image.clone()).unwrap();
    let TensorData::I32(sums) = run(&file, vec![("x", x)]).into_parts().1 else {
        panic!("not i32")
    };
    for (place, sum) in sums.iter().enumerate() {
        let expected: i64 = (0..9)
            .map(|k| {
                let (row, column) = (place / 5 + k / 3, place % 5 + k % 3);
                let inside = (1..=5).contains(&row) && (1..=5).contains(&column);
                let pixel = if inside { image[(row - 1) * 5 + column - 1] } else { 7 };
                (i64::from(pixel) - 7) * (i64::from(kernel[k]) - 130)
            })
            .sum();
        assert_eq!(i64::from(*sum), expected, "place {place}");
    }
}

#[test]
fn what_has_no_rewriting_is_refused() {
    let lower = |operator| {
        node(operator, &["x", "w"], &["y"]).message(5, &text_attribute("auto_pad", "SAME_LOWER"))
    };
    for (node, operator) in [
        (lower("Conv"), "Conv (auto_pad=SAME_LOWER)"),
        (lower("MaxPool"), "MaxPool (auto_pad=SAME_LOWER)"),
        (lower("AveragePool"), "AveragePool (auto_pad=SAME_LOWER)"),
        (lower("ConvTranspose"), "ConvTranspose (auto_pad=SAME_LOWER)"),
        (node("LSTM", &["x", "w", "r", "b", "lengths"], &["y"]), "LSTM (with sequence_lens)"),
        (node("GRU", &["x", "w", "r", "b", "lengths"], &["y"]), "GRU (with sequence_lens)"),
        (
            node("ReduceMean", &["x", "w"], &["y"])
                .message(5, &integer_attribute("noop_with_empty_axes", 1)),
            "ReduceMean (noop_with_empty_axes=1)",
        ),
        (node("NonMaxSuppression", &["x", "w"], &["y"]), "NonMaxSuppression"),
    ] {
        let file = model(&graph(
            &[node],
            &[],
            &[value("x", FLOAT, &["n"]), value("w", FLOAT, &["n"])],
            &[value("y", FLOAT, &["n"])],
        ));
        let loaded = load::<GraphModel>(&SPEC, &folder(&file).path().into(), &OPTIONS);
        match loaded.unwrap_err() {
            Error::UnsupportedOperator { operator: refused, .. } => assert_eq!(refused, operator),
            other => panic!("{operator}: {other}"),
        }
    }
}
