//! Operators that rten computes wrongly are rewritten or refused, wherever they hide.

use accel_runtime::{EngineName, Error, GraphModel, Pipeline, Stage, Tensor, load};

use crate::onnx_bytes::{
    BOOL, FLOAT, INT64, Message, floats, folder, graph, integer_attribute, model, node,
    text_attribute, value,
};
use crate::reference::{OPTIONS, SPEC, assert_close};

fn load_bytes(bytes: &[u8]) -> Result<GraphModel, Error> {
    load(&SPEC, &folder(bytes).path().into(), &OPTIONS)
}

fn one_node(node: &Message, output: u64) -> Vec<u8> {
    model(&graph(
        std::slice::from_ref(node),
        &[],
        &[value("x", FLOAT, &["n", "4"]), value("sizes", INT64, &["2"])],
        &[value("y", output, &["a", "b"])],
    ))
}

fn argmax() -> Message {
    node("ArgMax", &["x"], &["y"]).message(5, &integer_attribute("axis", 1))
}

#[track_caller]
fn assert_refused(bytes: &[u8], node: &str, reason: &str) {
    let error = load_bytes(bytes).unwrap_err();
    assert_eq!(error.stage(), Stage::Load);
    let text = error.to_string();
    match error {
        Error::UnsupportedOperator { operator, node: n, engine, why, alternatives } => {
            assert_eq!(operator, "Resize (mode=cubic)");
            assert_eq!((n.as_str(), engine), (node, EngineName::Rten));
            assert!(why.contains(reason), "{why}");
            assert_eq!(alternatives, [EngineName::Ort]);
            assert!(text.contains("run it on engine `ort`, or export"), "{text}");
        }
        other => panic!("{other}"),
    }
}

/// The output `y` of a graph with one node.
fn result(bytes: &[u8], inputs: Vec<(&str, Tensor)>) -> Tensor {
    load_bytes(bytes).unwrap().run("model", inputs, &["y"]).unwrap().remove(0)
}

fn float_attribute(name: &str, value: f32) -> Message {
    let mut attribute = Message::default().text(1, name).number(20, 1);
    attribute.0.push(2 << 3 | 5);
    attribute.0.extend(value.to_le_bytes());
    attribute
}

fn extreme(operator: &str, axis: u64, keep: u64, last: u64) -> Message {
    node(operator, &["x"], &["y"])
        .message(5, &integer_attribute("axis", axis))
        .message(5, &integer_attribute("keepdims", keep))
        .message(5, &integer_attribute("select_last_index", last))
}

/// Indices of `NumPy`'s argmax and argmin, and of those of the reversed rows.
#[test]
fn the_first_or_the_last_of_equals_is_found_as_asked() {
    let rows = vec![-1.0, 2.5, 2.5, -1.0, 0.0, 0.0, -3.0, -3.0, 7.0, 7.0, 7.0, 7.0_f32];
    let last_axis = u64::MAX;
    for (operator, last, expected) in [
        ("ArgMax", 0, [1, 0, 0]),
        ("ArgMax", 1, [2, 1, 3]),
        ("ArgMin", 0, [0, 2, 0]),
        ("ArgMin", 1, [3, 3, 3]),
    ] {
        for (axis, keep, shape) in [(1, 1, &[3, 1][..]), (last_axis, 0, &[3])] {
            let dims = if keep == 1 { &["a", "b"][..] } else { &["a"] };
            let bytes = model(&graph(
                &[extreme(operator, axis, keep, last)],
                &[],
                &[value("x", FLOAT, &["n", "4"])],
                &[value("y", INT64, dims)],
            ));
            let x = Tensor::new(vec![3, 4], rows.clone()).unwrap();
            let found = result(&bytes, vec![("x", x)]);
            assert_eq!(found.shape(), shape, "{operator} {axis}");
            assert_eq!(found.as_i64().unwrap(), expected, "{operator} {axis} {last}");
        }
    }
    // One dimension, of which none is kept, of integers.
    let bytes = model(&graph(
        &[extreme("ArgMax", 0, 0, 0)],
        &[],
        &[value("x", INT64, &["n"])],
        &[value("y", INT64, &[])],
    ));
    let x = Tensor::new(vec![5], vec![3_i64, 9, 4, 9, 9]).unwrap();
    let found = result(&bytes, vec![("x", x)]);
    assert_eq!((found.shape(), found.as_i64().unwrap()), (&[][..], &[1][..]));
}

const IMAGE: [f32; 12] = [0.0, 1.0, 4.0, 9.0, 16.0, 2.0, -3.0, 5.0, -8.0, 7.0, 6.0, 1.0];

fn cubic(attributes: &[Message], factors: &Message, given: &[&str]) -> Vec<u8> {
    let mut inputs = vec!["x"];
    inputs.extend(given);
    let resize = node("Resize", &inputs, &["y"]).text(3, "upscale");
    let resize = resize.message(5, &text_attribute("mode", "cubic"));
    let resize = attributes.iter().fold(resize, |resize, it| resize.message(5, it));
    model(&graph(
        &[resize],
        std::slice::from_ref(factors),
        &[value("x", FLOAT, &["1", "1", "h", "w"])],
        &[value("y", FLOAT, &["1", "1", "a", "b"])],
    ))
}

#[track_caller]
fn assert_resized(bytes: &[u8], shape: &[usize], expected: &[f32]) {
    let x = Tensor::new(vec![1, 1, 3, 4], IMAGE.to_vec()).unwrap();
    let y = result(bytes, vec![("x", x)]);
    assert_eq!(y.shape(), shape);
    // Six digits are recorded.
    assert_close("cubic", y.as_f32().unwrap(), expected, 5e-5);
}

/// Results of ONNX Runtime 1.31; those of half pixels, aligned corners and scales are also
/// `PyTorch` 2.15's `interpolate` with mode="bicubic".
#[test]
fn cubic_resize_interpolates_as_asked() {
    let sizes = |height: i64, width: i64| {
        let raw: Vec<_> = [1, 1, height, width].iter().flat_map(|it| it.to_le_bytes()).collect();
        Message::default().number(1, 4).number(2, INT64).text(8, "sizes").bytes(9, &raw)
    };
    let mode = |name: &str| text_attribute("coordinate_transformation_mode", name);
    let given = ["", "", "sizes"];
    assert_resized(
        &cubic(&[], &sizes(2, 5), &given),
        &[1, 1, 2, 5],
        &[
            4.67639, 1.88898, 0.678_467, 3.92522, 8.60718, -2.48007, 3.93876, 5.73218, 2.92984,
            1.64721,
        ],
    );
    assert_resized(
        &cubic(&[mode("align_corners")], &sizes(2, 5), &given),
        &[1, 1, 2, 5],
        &[0.0, 0.457_031, 2.125, 5.44922, 9.0, -8.0, 3.70703, 8.375, 4.76172, 1.0],
    );
    assert_resized(
        &cubic(&[mode("pytorch_half_pixel")], &sizes(1, 5), &given),
        &[1, 1, 1, 5],
        &[-0.06075, 0.390_251, 2.125, 5.72575, 9.30375],
    );
    assert_resized(
        &cubic(&[mode("asymmetric")], &sizes(2, 5), &given),
        &[1, 1, 2, 5],
        &[0.0, 0.536, 2.368, 6.264, 9.48, 5.5, 5.11325, 2.04112, 1.12987, 2.796],
    );
    let excluding =
        [integer_attribute("exclude_outside", 1), float_attribute("cubic_coeff_a", -0.5)];
    assert_resized(
        &cubic(&excluding, &sizes(2, 5), &given),
        &[1, 1, 2, 5],
        &[
            3.66943, 1.67748, 1.25639, 4.21678, 8.58177, -3.49158, 3.63777, 5.83303, 3.30843,
            1.56478,
        ],
    );
    assert_resized(
        &cubic(&[], &floats("scales", &[4], &[1.0, 1.0, 1.0, 1.3]), &["", "scales"]),
        &[1, 1, 3, 5],
        &[
            -0.067_719_9,
            0.338_287,
            1.95943,
            5.12433,
            8.85356,
            16.9481,
            7.15737,
            -2.16662,
            -2.12317,
            4.75525,
            -9.0158,
            2.17983,
            8.55775,
            5.06385,
            1.14856,
        ],
    );
}

#[test]
fn what_cannot_be_rewritten_is_refused() {
    let scales = |values: [f32; 4]| floats("scales", &[4], &values);
    let given = ["", "scales"];
    let plain = scales([1.0, 1.0, 2.0, 2.0]);
    for (attribute, reason) in [
        (integer_attribute("antialias", 1), "antialias=1"),
        (
            text_attribute("coordinate_transformation_mode", "tf_crop_and_resize"),
            "coordinate_transformation_mode=tf_crop_and_resize",
        ),
        (
            text_attribute("keep_aspect_ratio_policy", "not_larger"),
            "keep_aspect_ratio_policy=not_larger",
        ),
    ] {
        assert_refused(&cubic(&[attribute], &plain, &given), "upscale", reason);
    }
    let outer = cubic(&[], &scales([1.0, 2.0, 2.0, 2.0]), &given);
    assert_refused(&outer, "upscale", "other axes than the last two");
    let nothing = cubic(&[], &scales([1.0, 1.0, 2.0, 0.0]), &given);
    assert_refused(&nothing, "upscale", "not a positive number");
    let neither = cubic(&[], &plain, &[]);
    assert_refused(&neither, "upscale", "neither scales nor sizes");
}

#[test]
fn placement_tells_what_was_rewritten() {
    let skill = load_bytes(&one_node(&argmax(), INT64)).unwrap();
    let evidence = &skill.placement().evidence;
    assert!(
        evidence.contains("rewritten because rten computes them differently: 1 ArgMax"),
        "{evidence}"
    );
    let relu = load_bytes(&one_node(&node("Relu", &["x"], &["y"]), FLOAT)).unwrap();
    assert!(!relu.placement().evidence.contains("rewritten"));
}

/// Why they are rewritten. When one of these fails, rten has been mended: drop the rewriting.
#[test]
fn rten_still_computes_them_wrongly() {
    let run = |bytes: Vec<u8>, inputs: Vec<(&str, rten::Value)>| {
        let model = rten::Model::load(bytes).unwrap();
        let inputs = inputs
            .into_iter()
            .map(|(name, value)| (model.node_id(name).unwrap(), value.into()))
            .collect();
        let [result] = model.run_n(inputs, [model.node_id("y").unwrap()], None).unwrap();
        result
    };
    let equals = || rten::Value::from_shape([1, 3], vec![1.0_f32; 3]).unwrap();
    for operator in ["ArgMax", "ArgMin"] {
        let node = node(operator, &["x"], &["y"]).message(5, &integer_attribute("axis", 1));
        let bytes = model(&graph(
            &[node],
            &[],
            &[value("x", FLOAT, &["n", "3"])],
            &[value("y", INT64, &["n", "1"])],
        ));
        let (_, found) = run(bytes, vec![("x", equals())]).into_shape_vec::<i32, 2>().unwrap();
        assert_eq!(found, [2], "{operator}: ONNX wants 0");
    }
    let resize = |mode: &str| {
        let node = node("Resize", &["x", "", "", "sizes"], &["y"]);
        let bytes = model(&graph(
            &[node.message(5, &text_attribute("mode", mode))],
            &[],
            &[value("x", FLOAT, &["1", "1", "1", "4"]), value("sizes", INT64, &["4"])],
            &[value("y", FLOAT, &["1", "1", "1", "8"])],
        ));
        let x = rten::Value::from_shape([1, 1, 1, 4], vec![0.0_f32, 1.0, 4.0, 9.0]).unwrap();
        let sizes = rten::Value::from_shape([4], vec![1_i32, 1, 1, 8]).unwrap();
        run(bytes, vec![("x", x), ("sizes", sizes)]).into_shape_vec::<f32, 4>().unwrap()
    };
    assert_eq!(resize("cubic"), resize("linear"));
}

#[test]
fn bodies_of_control_flow_are_rewritten() {
    // The bodies' values have the same names: what is added to them must not clash either.
    let body = graph(&[argmax()], &[], &[], &[value("y", INT64, &["a", "b"])]);
    let branch = |name: &str| Message::default().text(1, name).message(6, &body).number(20, 5);
    let choice = node("If", &["condition"], &["z"])
        .message(5, &branch("then_branch"))
        .message(5, &branch("else_branch"));
    let bytes = model(&graph(
        &[choice],
        &[],
        &[value("condition", BOOL, &[]), value("x", FLOAT, &["n", "4"])],
        &[value("z", INT64, &["a", "b"])],
    ));
    let skill = load_bytes(&bytes).unwrap();
    assert!(skill.placement().evidence.contains("2 ArgMax"), "{}", skill.placement());
    for condition in [true, false] {
        let condition = Tensor::new(vec![], vec![condition]).unwrap();
        let x = Tensor::new(vec![1, 4], vec![1.0_f32, 5.0, 5.0, 2.0]).unwrap();
        let found = skill.run("model", vec![("condition", condition), ("x", x)], &["z"]).unwrap();
        assert_eq!(found[0].as_i64().unwrap(), [1]);
    }
}

/// rten knows no functions; it must not pass over what is in them.
#[test]
fn functions_are_told_by_the_engine() {
    let call = node("Largest", &["x"], &["y"]).text(7, "local");
    let function = Message::default().text(1, "Largest").text(10, "local").message(7, &argmax());
    let file = Message(one_node(&call, INT64)).message(25, &function);
    assert_lacks(&file.0, "Largest");
}

#[test]
fn an_operator_nobody_knows_is_told_by_the_engine() {
    assert_lacks(&one_node(&node("Frobnicate", &["x"], &["y"]), FLOAT), "Frobnicate");
}

#[track_caller]
fn assert_lacks(bytes: &[u8], lacking: &str) {
    match load_bytes(bytes).unwrap_err() {
        Error::UnsupportedOperator { operator, node, engine: EngineName::Rten, why, .. } => {
            assert_eq!((operator.as_str(), node.as_str()), (lacking, "y"));
            assert!(why.contains("not supported"), "{why}");
        }
        other => panic!("{other}"),
    }
}
