//! Operators that rten computes wrongly are refused, wherever they hide.

use accel_runtime::{EngineName, Error, GraphModel, Stage, load};

use crate::onnx_bytes::{
    BOOL, FLOAT, INT64, Message, folder, graph, integer_attribute, model, node, text_attribute,
    value,
};
use crate::reference::{OPTIONS, SPEC};

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
fn assert_refused(bytes: &[u8], operator: &str, node: &str) {
    let error = load_bytes(bytes).unwrap_err();
    assert_eq!(error.stage(), Stage::Load);
    let text = error.to_string();
    match error {
        Error::UnsupportedOperator { operator: o, node: n, engine, alternatives, .. } => {
            assert_eq!((o.as_str(), n.as_str(), engine), (operator, node, EngineName::Rten));
            assert_eq!(alternatives, [EngineName::Ort, EngineName::Openvino]);
            assert!(text.contains("run it on engine `ort` or `openvino`"), "{text}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn cubic_resize_is_refused_and_linear_is_not() {
    let resize = |mode: &str| {
        let node = node("Resize", &["x", "", "", "sizes"], &["y"]);
        one_node(&node.text(3, "upscale").message(5, &text_attribute("mode", mode)), FLOAT)
    };
    assert_refused(&resize("cubic"), "Resize (mode=cubic)", "upscale");
    load_bytes(&resize("linear")).unwrap();
}

#[test]
fn the_first_of_equals_is_refused() {
    for operator in ["ArgMax", "ArgMin"] {
        let refused = format!("{operator} (select_last_index=0)");
        let plain = node(operator, &["x"], &["y"]).message(5, &integer_attribute("axis", 1));
        // A node without a name is told by its output.
        assert_refused(&one_node(&plain, INT64), &refused, "y");
        let first = plain.clone().message(5, &integer_attribute("select_last_index", 0));
        assert_refused(&one_node(&first, INT64), &refused, "y");
        // rten itself refuses the other kind.
        let last = plain.message(5, &integer_attribute("select_last_index", 1));
        let error = load_bytes(&one_node(&last, INT64)).unwrap_err();
        assert!(matches!(error, Error::Load { .. }), "{error}");
    }
}

/// Why they are refused. When one of these fails, rten has been mended: drop the refusal.
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
fn bodies_of_control_flow_are_looked_into() {
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
    assert_refused(&bytes, "ArgMax (select_last_index=0)", "y");
}

#[test]
fn functions_are_looked_into() {
    let call = node("Largest", &["x"], &["y"]).text(7, "local");
    let function = Message::default().text(1, "Largest").text(10, "local").message(7, &argmax());
    let file = Message(one_node(&call, INT64)).message(25, &function);
    assert_refused(&file.0, "ArgMax (select_last_index=0)", "y");
}

#[test]
fn an_operator_nobody_knows_is_told_by_the_engine() {
    let error = load_bytes(&one_node(&node("Frobnicate", &["x"], &["y"]), FLOAT)).unwrap_err();
    assert!(matches!(error, Error::Load { engine: EngineName::Rten, .. }), "{error}");
    assert!(error.to_string().contains("Frobnicate"), "{error}");
}
