//! `DynamicQuantizeLinear` on OpenVINO, against ONNX's definition.

use std::fs;

use accel_runtime::{Error, GraphModel, Tensor, TensorData, load};

use super::{ON_OPENVINO, load_bytes, plain, run};
use crate::needs::{Needs, tests};
use crate::onnx_bytes::{BOOL, FLOAT, Message, floats, folder, graph, model, node, value};

tests! {
    Needs::Engine("openvino") => [
        ties_go_where_onnx_says,
        bodies_of_control_flow_quantize_as_well,
        with_weights_in_another_file_it_is_refused,
    ],
}

const UINT8: u64 = 2;

/// ONNX's definition: result, scale and zero point.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 255")]
fn defined(x: &[f32]) -> (Vec<u8>, f32, u8) {
    let least = x.iter().copied().fold(0.0, f32::min);
    let greatest = x.iter().copied().fold(0.0, f32::max);
    let scale = (greatest - least) / 255.0;
    let scale = if scale > 0.0 { scale } else { 1.0 };
    let zero = (-least / scale).clamp(0.0, 255.0).round_ties_even();
    let one = |it: &f32| ((it / scale).round_ties_even() + zero).clamp(0.0, 255.0) as u8;
    (x.iter().map(one).collect(), scale, zero as u8)
}

fn quantize() -> Message {
    node("DynamicQuantizeLinear", &["x"], &["y", "s", "z"])
}

/// Half of the values lie half-way between two steps, where the last digit of a quotient decides.
fn ties_go_where_onnx_says() {
    let skill = load_bytes(&model(&graph(
        &[quantize()],
        &[],
        &[value("x", FLOAT, &["n", "64"])],
        &[value("y", UINT8, &["n", "64"]), value("s", FLOAT, &[]), value("z", UINT8, &[])],
    )))
    .unwrap();
    let mut seed = 1_u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(seed >> 16).unwrap()) / 65_536.0
    };
    for round in 0..300_i16 {
        let size = 10.0_f32.powi(i32::from(round % 13) - 7) * (0.5 + random());
        let x: Vec<f32> = (0..128)
            .map(|index| match (round % 4, index) {
                (0, 0) => -100.0 * size,
                (0, 1) => 155.0 * size,
                (0, _) => ((random() * 254.0).floor() - 99.5) * size,
                (1, _) => ((random() * 64.0).floor() / 4.0 - 8.0) * size,
                (2, _) => random() * size,
                (_, _) => (random() - 0.75) * size,
            })
            .collect();
        let given = Tensor::new(vec![2, 64], x.clone()).unwrap();
        let found = skill.run("model", vec![("x", given)], &["y", "s", "z"]).unwrap();
        let (y, scale, zero) = defined(&x);
        assert_eq!(found[1].data(), &TensorData::F32(vec![scale]), "round {round}");
        assert_eq!(found[2].data(), &TensorData::U8(vec![zero]), "round {round}");
        assert_eq!(found[0].data(), &TensorData::U8(y), "round {round}");
    }
    for x in [[0.0; 64], [7.0; 64], [-7.0; 64]] {
        let given = Tensor::new(vec![1, 64], x.to_vec()).unwrap();
        let found = skill.run("model", vec![("x", given)], &["y", "s", "z"]).unwrap();
        let (y, scale, _) = defined(&x);
        assert_eq!(found[0].data(), &TensorData::U8(y));
        assert_eq!(found[1].data(), &TensorData::F32(vec![scale]));
    }
}

/// -2.5 divided by 5 / 255 is no tie, times 51 it is one. Values of the ONNX reference.
fn bodies_of_control_flow_quantize_as_well() {
    let branch = |nodes: &[Message]| graph(nodes, &[], &[], &[value("y", UINT8, &["n"])]);
    let body = |name: &str, graph: &Message| {
        // `AttributeType.GRAPH`
        Message::default().text(1, name).message(6, graph).number(20, 5)
    };
    let quantized = branch(&[quantize()]);
    let swapped = branch(&[
        node("Neg", &["x"], &["negative"]),
        node("DynamicQuantizeLinear", &["negative"], &["y", "", ""]),
    ]);
    let choice = node("If", &["flag"], &["out"])
        .message(5, &body("then_branch", &quantized))
        .message(5, &body("else_branch", &swapped));
    let file = model(&graph(
        &[choice, node("Identity", &["out"], &["y"])],
        &[],
        &[value("x", FLOAT, &["n"]), value("flag", BOOL, &[])],
        &[value("y", UINT8, &["n"])],
    ));
    let given = vec![0.0_f32, 2.0, -3.0, -2.5, 1.34, 0.5];
    for (flag, sign) in [(true, 1.0), (false, -1.0)] {
        let x = Tensor::new(vec![6], given.clone()).unwrap();
        let flag = Tensor::new(vec![], vec![flag]).unwrap();
        let signed: Vec<_> = given.iter().map(|it| it * sign).collect();
        let expected = TensorData::U8(defined(&signed).0);
        assert_eq!(run(&file, vec![("x", x), ("flag", flag)]).data(), &expected);
    }
    assert_eq!(defined(&given).0, [153, 255, 0, 26, 221, 179]);
}

/// The rewritten file is handed over without its folder, in which its weights are.
fn with_weights_in_another_file_it_is_refused() {
    let pair = |key, value| Message::default().text(1, key).text(2, value);
    let weights = Message::default().number(1, 4).number(2, FLOAT).text(8, "w").number(14, 1);
    let weights = weights.message(13, &pair("location", "weights.bin"));
    let file = |weights: Message| {
        model(&graph(
            &[node("Add", &["a", "w"], &["x"]), quantize()],
            &[weights],
            &[value("a", FLOAT, &["4"])],
            &[value("y", UINT8, &["4"])],
        ))
    };
    let model = folder(&file(weights));
    fs::write(model.path().join("onnx/weights.bin"), [0; 16]).unwrap();
    let error = load::<GraphModel>(&ON_OPENVINO, &model.path().into(), &plain()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::UnsupportedModel { .. }), "{text}");
    assert!(text.contains("DynamicQuantizeLinear") && text.contains("in one file"), "{text}");
    load_bytes(&file(floats("w", &[4], &[0.0; 4]))).unwrap();
}
