//! What the ONNX project's own tests found, kept where no Python is needed to see it.

use accel_runtime::{Error, GraphModel, Tensor, TensorData, load};

use crate::onnx_bytes::{
    BOOL, FLOAT, INT64, Message, floats, folder, graph, integer_attribute, model, node, value,
};
use crate::reference::{OPTIONS, SPEC};

const UINT8: u64 = 2;
const DOUBLE: u64 = 11;

fn load_bytes(bytes: &[u8]) -> Result<GraphModel, Error> {
    load(&SPEC, &folder(bytes).path().into(), &OPTIONS)
}

fn run(bytes: &[u8], inputs: Vec<(&str, Tensor)>) -> Tensor {
    load_bytes(bytes).unwrap().run("model", inputs, &["y"]).unwrap().remove(0)
}

fn tensor(shape: &[usize], data: impl Into<TensorData>) -> Tensor {
    Tensor::new(shape.to_vec(), data).unwrap()
}

/// An initializer of integers.
fn integers(name: &str, values: &[i64]) -> Message {
    let raw: Vec<_> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    let dims = Message::default().number(1, values.len() as u64);
    dims.number(2, INT64).text(8, name).bytes(9, &raw)
}

#[test]
fn the_sign_of_zero_is_zero() {
    for (elem_type, x) in [
        (FLOAT, tensor(&[4], vec![-2.0_f32, 0.0, 0.5, f32::INFINITY])),
        (INT64, tensor(&[4], vec![-2_i64, 0, 1, 9])),
    ] {
        let file = model(&graph(
            &[node("Sign", &["x"], &["y"])],
            &[],
            &[value("x", elem_type, &["n"])],
            &[value("y", elem_type, &["n"])],
        ));
        match run(&file, vec![("x", x)]).data() {
            TensorData::F32(it) => assert_eq!(it, &[-1.0, 0.0, 1.0, 1.0]),
            other => assert_eq!(other, &TensorData::I64(vec![-1, 0, 1, 1])),
        }
    }
}

#[test]
fn the_greatest_of_no_truth_values_is_false() {
    for (operator, of_none) in [("ReduceMax", false), ("ReduceMin", true)] {
        let file = model(&graph(
            &[node(operator, &["x", "axes"], &["y"])],
            &[integers("axes", &[1])],
            &[value("x", BOOL, &["a", "b"])],
            &[value("y", BOOL, &["a", "1"])],
        ));
        let none = run(&file, vec![("x", tensor(&[2, 0], Vec::<bool>::new()))]);
        assert_eq!(none.data(), &TensorData::Bool(vec![of_none; 2]), "{operator}");
        let some = run(&file, vec![("x", tensor(&[1, 2], vec![true, false]))]);
        assert_eq!(some.data(), &TensorData::Bool(vec![!of_none]), "{operator}");
    }
}

/// Whether the second factor is a vector or a matrix, only the run shows: its declared shape says
/// nothing, since it is made by `Reshape` to a given shape.
#[test]
fn a_computed_vector_takes_a_dimension_away() {
    let file = |rank: &str, dims: &[&str]| {
        model(&graph(
            &[node("Reshape", &["v", "shape"], &["w"]), node("MatMul", &["x", "w"], &["y"])],
            &[],
            &[
                value("x", FLOAT, &["a", "b", "2"]),
                value("v", FLOAT, &["2"]),
                value("shape", INT64, &[rank]),
            ],
            &[value("y", FLOAT, dims)],
        ))
    };
    let inputs = |shape: Vec<i64>| {
        vec![
            ("x", tensor(&[2, 1, 2], vec![1.0_f32, 2.0, 3.0, 4.0])),
            ("v", tensor(&[2], vec![1.0_f32, 10.0])),
            ("shape", tensor(&[shape.len()], shape)),
        ]
    };
    let vector = run(&file("1", &["a", "b"]), inputs(vec![2]));
    assert_eq!((vector.shape(), vector.as_f32().unwrap()), (&[2, 1][..], &[21.0, 43.0][..]));
    let matrix = run(&file("2", &["a", "b", "1"]), inputs(vec![2, 1]));
    assert_eq!((matrix.shape(), matrix.as_f32().unwrap()), (&[2, 1, 1][..], &[21.0, 43.0][..]));
}

/// -2.5 divided by 5 / 255 is no tie, times 51 it is one. Values of the ONNX reference.
#[test]
fn quantizing_divides_by_the_scale() {
    let x = tensor(&[6], vec![0.0_f32, 2.0, -3.0, -2.5, 1.34, 0.5]);
    let expected = TensorData::U8(vec![153, 255, 0, 26, 221, 179]);
    let dynamic = model(&graph(
        &[node("DynamicQuantizeLinear", &["x"], &["y", "s", "z"])],
        &[],
        &[value("x", FLOAT, &["n"])],
        &[value("y", UINT8, &["n"])],
    ));
    assert_eq!(run(&dynamic, vec![("x", x.clone())]).data(), &expected);
    let zero = Message::default().number(2, UINT8).text(8, "z").bytes(9, &[153]);
    let constant = model(&graph(
        &[node("QuantizeLinear", &["x", "s", "z"], &["y"])],
        &[floats("s", &[], &[5.0 / 255.0]), zero],
        &[value("x", FLOAT, &["n"])],
        &[value("y", UINT8, &["n"])],
    ));
    assert_eq!(run(&constant, vec![("x", x)]).data(), &expected);
}

/// A scale for every place of the second axis, which no attribute names, and that is computed.
#[test]
fn computed_scales_lie_along_the_second_axis() {
    let file = model(&graph(
        &[node("Add", &["s", "s"], &["t"]), node("QuantizeLinear", &["x", "t"], &["y"])],
        &[],
        &[value("x", FLOAT, &["1", "2", "2"]), value("s", FLOAT, &["2"])],
        &[value("y", UINT8, &["1", "2", "2"])],
    ));
    let x = tensor(&[1, 2, 2], vec![8.0_f32, 16.0, 8.0, 16.0]);
    let y = run(&file, vec![("x", x), ("s", tensor(&[2], vec![1.0_f32, 4.0]))]);
    assert_eq!(y.data(), &TensorData::U8(vec![4, 8, 1, 2]));
}

#[test]
fn a_shape_may_have_fewer_sizes_than_the_value() {
    let file = model(&graph(
        &[node("Expand", &["x", "sizes"], &["y"])],
        &[integers("sizes", &[2])],
        &[value("x", FLOAT, &["1", "3", "1"])],
        &[value("y", FLOAT, &["1", "3", "2"])],
    ));
    let y = run(&file, vec![("x", tensor(&[1, 3, 1], vec![1.0_f32, 2.0, 3.0]))]);
    assert_eq!(y.as_f32().unwrap(), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
}

/// rten has 32 bits and cuts what does not fit. "To the end" of a slice may be cut.
#[test]
fn constants_beyond_32_bits_are_refused_but_for_ends() {
    let add = |constant: i64| {
        model(&graph(
            &[node("Add", &["x", "c"], &["y"])],
            &[integers("c", &[constant])],
            &[value("x", INT64, &["n"])],
            &[value("y", INT64, &["n"])],
        ))
    };
    for constant in [i64::MAX, 1 << 31, -(1 << 31) - 1] {
        match load_bytes(&add(constant)).unwrap_err() {
            Error::UnsupportedOperator { operator, node, why, .. } => {
                assert_eq!(
                    (operator.as_str(), node.as_str()),
                    ("Add (of integers beyond 32 bits)", "y")
                );
                assert!(why.contains(&constant.to_string()), "{why}");
            }
            other => panic!("{other}"),
        }
    }
    let y = run(&add((1 << 31) - 1), vec![("x", tensor(&[1], vec![-1_i64]))]);
    assert_eq!(y.as_i64().unwrap(), [(1 << 31) - 2]);
    let slice = model(&graph(
        &[node("Slice", &["x", "start", "end"], &["y"])],
        &[integers("start", &[1]), integers("end", &[i64::MAX])],
        &[value("x", INT64, &["n"])],
        &[value("y", INT64, &["m"])],
    ));
    let y = run(&slice, vec![("x", tensor(&[3], vec![1_i64, 2, 3]))]);
    assert_eq!(y.as_i64().unwrap(), [2, 3]);
}

#[test]
fn a_type_that_is_lacking_is_named() {
    for (elem_type, name) in [(DOUBLE, "double"), (4, "uint16"), (16, "bfloat16"), (22, "int4")] {
        let file = model(&graph(
            &[node("Identity", &["x"], &["y"])],
            &[],
            &[value("x", elem_type, &["n"])],
            &[value("y", elem_type, &["n"])],
        ));
        match load_bytes(&file).unwrap_err() {
            Error::UnsupportedModel { reason, .. } => {
                assert!(reason.contains(&format!("`x` is of type {name},")), "{reason}");
            }
            other => panic!("{other}"),
        }
    }
}

/// Scales that leave a fraction of a place have corners between two places.
#[test]
fn corners_between_places_are_not_aligned() {
    let file = |scale: f32| {
        let mode = "coordinate_transformation_mode";
        let aligned = Message::default().text(1, mode).text(4, "align_corners").number(20, 3);
        let linear = Message::default().text(1, "mode").text(4, "linear").number(20, 3);
        let resize = node("Resize", &["x", "", "scales"], &["y"]);
        model(&graph(
            &[resize.message(5, &aligned).message(5, &linear)],
            &[floats("scales", &[4], &[1.0, 1.0, scale, scale])],
            &[value("x", FLOAT, &["1", "1", "2", "4"])],
            &[value("y", FLOAT, &["1", "1", "a", "b"])],
        ))
    };
    assert!(matches!(load_bytes(&file(0.6)), Err(Error::UnsupportedOperator { .. })));
    load_bytes(&file(2.0)).unwrap();
}

/// A convolution along one axis that leaves its strides, dilations and pads to ONNX's defaults.
#[test]
fn defaults_of_other_than_images_are_known() {
    let pool = node("MaxPool", &["x"], &["y"]);
    let kernel = Message::default().text(1, "kernel_shape").number(8, 2).number(20, 7);
    let file = model(&graph(
        &[pool.message(5, &kernel).message(5, &integer_attribute("ceil_mode", 0))],
        &[],
        &[value("x", FLOAT, &["1", "1", "n"])],
        &[value("y", FLOAT, &["1", "1", "m"])],
    ));
    let y = run(&file, vec![("x", tensor(&[1, 1, 3], vec![1.0_f32, 3.0, 2.0]))]);
    assert_eq!(y.as_f32().unwrap(), [3.0, 3.0]);
}
