//! What goes into a graph and what comes out: types, ranges, refusals.

use accel_runtime::{
    DType, Dim, Error, GraphModel, InputProblem, Pipeline, Stage, Tensor, TextEncoder, load,
};

use crate::onnx_bytes::{BOOL, FLOAT, FLOAT16, INT64, folder, graph, model, node, value};
use crate::reference::{OPTIONS, SPEC, loaded};

fn identity(elem_type: u64) -> GraphModel {
    let bytes = model(&graph(
        &[node("Identity", &["x"], &["y"])],
        &[],
        &[value("x", elem_type, &["n"])],
        &[value("y", elem_type, &["n"])],
    ));
    load(&SPEC, &folder(&bytes).path().into(), &OPTIONS).unwrap()
}

#[test]
fn types_come_back_as_declared() {
    for (elem_type, tensor) in [
        (FLOAT, Tensor::new(vec![2], vec![1.5_f32, -2.0]).unwrap()),
        (INT64, Tensor::new(vec![2], vec![i64::from(i32::MAX), i64::from(i32::MIN)]).unwrap()),
        (BOOL, Tensor::new(vec![2], vec![true, false]).unwrap()),
        (FLOAT, Tensor::new(vec![0], Vec::<f32>::new()).unwrap()),
    ] {
        let results = identity(elem_type).run("model", vec![("x", tensor.clone())], &["y"]);
        assert_eq!(results.unwrap(), [tensor]);
    }
}

#[test]
fn half_precision_is_declared_as_what_rten_takes() {
    let skill = identity(FLOAT16);
    let info = &skill.sessions()[0].inputs()[0];
    assert_eq!((info.dtype, &info.dims[..]), (DType::F32, &[Dim::Symbol("n".into())][..]));
}

#[test]
fn integers_beyond_32_bits_are_refused_not_wrapped() {
    let skill = identity(INT64);
    let tensor = Tensor::new(vec![2], vec![1, i64::from(i32::MAX) + 1]).unwrap();
    let error = skill.run("model", vec![("x", tensor)], &["y"]).unwrap_err();
    assert!(
        matches!(&error, Error::InvalidInput { problem: InputProblem::Range, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("2147483648"), "{error}");
}

#[test]
fn infinities_and_unknown_outputs_are_refused() {
    let skill = identity(FLOAT);
    let input = |value| vec![("x", Tensor::new(vec![1], vec![value]).unwrap())];
    let error = skill.run("model", input(f32::NAN), &["y"]).unwrap_err();
    assert!(matches!(error, Error::NonFinite { .. }), "{error}");
    assert_eq!(error.stage(), Stage::Mismatch);
    let error = skill.run("model", input(1.0), &["z"]).unwrap_err();
    assert_eq!(error.to_string(), "the graph has no output `z`; it has: y");
    let error = skill.run("decoder", input(1.0), &["y"]).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "graph", .. }), "{error}");
}

#[test]
fn a_session_works_on_after_bad_input() {
    let skill: TextEncoder = loaded("bert");
    let session = skill.sessions()[0];
    let ids = |length| Tensor::new(vec![1, length], vec![2_i64; length]).unwrap();
    let run = |a, b, c| {
        let inputs = vec![("input_ids", a), ("attention_mask", b), ("token_type_ids", c)];
        session.run(inputs, &["logits"])
    };
    let error = run(ids(3), ids(4), ids(3)).unwrap_err();
    assert!(matches!(&error, Error::InvalidInput { problem: InputProblem::Symbol, .. }), "{error}");
    // An id beyond the vocabulary is the engine's to refuse.
    let wild = Tensor::new(vec![1, 2], vec![2_i64, 1_000_000]).unwrap();
    let zeros = || Tensor::new(vec![1, 2], vec![0_i64; 2]).unwrap();
    let error = run(wild, zeros(), zeros()).unwrap_err();
    assert!(matches!(error, Error::Run { .. }), "{error}");
    let ones = || Tensor::new(vec![1, 2], vec![1_i64; 2]).unwrap();
    run(ones(), ones(), zeros()).unwrap();
}

#[test]
fn one_pipeline_serves_many_threads() {
    let skill: TextEncoder = loaded("bert");
    let texts = ["a", "The harbour", "The harbour wakes before the sun."];
    let embed = |text| skill.embed(&[text], accel_runtime::Pooling::Mean, true).unwrap();
    let alone: Vec<_> = texts.iter().map(|it| embed(*it)).collect();
    std::thread::scope(|scope| {
        for i in 0..8 {
            let (embed, alone, texts) = (&embed, &alone, &texts);
            scope.spawn(move || {
                for j in 0..4 {
                    let k = (i + j) % texts.len();
                    assert_eq!(embed(texts[k]), alone[k]);
                }
            });
        }
    });
}
