//! The browser engine in good and bad weather.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use accel_runtime::engine::{BrowserEngine, BrowserFiles, Engine};
use accel_runtime::model::GraphFiles;
use accel_runtime::{Error, Platform, Session, SessionOptions, Tensor};

use crate::needs::{Needs, tests};
use crate::onnx_bytes::{
    FLOAT, INT64, Message, floats, folder, graph, integer_attribute, model, node, text_attribute,
    value,
};
use crate::options;
use crate::reference::assert_close;

tests! {
    Needs::Engine("webnn") => [
        a_browser_that_crashes_is_started_anew_with_its_sessions,
        a_browser_that_never_opens_the_page_is_not_available,
        a_page_that_hangs_is_a_typed_error_after_one_new_start,
        a_session_that_quietly_computes_elsewhere_is_refused,
        a_request_without_the_secret_is_refused,
        an_operator_that_webnn_lacks_is_named_and_the_page_lives_on,
        webnn_takes_elements_and_nearest_pixels,
        webnn_keeps_the_digits_of_small_results,
        what_ends_the_module_is_refused_and_the_page_lives_on,
        webnn_finds_weights_in_other_files,
    ],
    Needs::Engine("webgpu") => [
        webgpu_finds_weights_in_other_files,
        webgpu_joins_truths_of_any_sizes_in_one_page,
        webgpu_turns_positions_as_exactly_as_single_precision_can,
        webgpu_keeps_the_digits_of_small_results,
    ],
    Needs::Nothing => [
        a_model_larger_than_a_page_can_hold_is_refused_unread,
        options_that_a_page_cannot_honour_are_refused,
    ],
}

/// Long enough for a software adapter on a busy machine.
const LIMIT: Duration = Duration::from_secs(100);

fn engine() -> BrowserEngine {
    BrowserEngine::with_time_limit(BrowserFiles::find().unwrap(), LIMIT)
}

fn webnn() -> SessionOptions {
    options("webnn")
}

fn bert() -> GraphFiles {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bert/onnx/model.onnx");
    GraphFiles::read("model", Path::new(path)).unwrap()
}

fn run(session: &dyn Session) -> Result<Vec<Tensor>, Error> {
    let ids = |value| Tensor::new(vec![1, 3], vec![value; 3]).unwrap();
    let output = session.outputs()[0].name.clone();
    let inputs = session.inputs().iter().map(|it| (it.name.as_str(), ids(1_i64))).collect();
    session.run(inputs, &[&output])
}

/// Ends the browser as a crash would.
fn crash(engine: &BrowserEngine) {
    let (process, _) = engine.process(&webnn()).unwrap();
    assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
}

/// Files whose module is `script` in place of onnxruntime-web.
fn double(script: &str) -> (tempfile::TempDir, BrowserFiles) {
    let web = tempfile::tempdir().unwrap();
    fs::write(web.path().join("ort.jspi.bundle.min.mjs"), script).unwrap();
    fs::write(web.path().join("ort-wasm-simd-threaded.jspi.wasm"), "").unwrap();
    let browser = BrowserFiles::find().unwrap().browser;
    let files = BrowserFiles { browser, web: web.path().to_owned() };
    (web, files)
}

/// A module that makes sessions as the function `create` does.
fn module(create: &str) -> String {
    format!(
        "export const env = {{ wasm: {{}}, webgpu: {{}}, versions: {{ web: 'double' }} }};\n\
         export const InferenceSession = {{ create: async () => {{ {create} }} }};\n"
    )
}

fn load(engine: &BrowserEngine, graph: &GraphFiles) -> Result<Box<dyn Session>, Error> {
    engine.load(graph, Platform::Webnn, &webnn())
}

fn a_browser_that_crashes_is_started_anew_with_its_sessions() {
    let engine = engine();
    let session = load(&engine, &bert()).unwrap();
    let before = run(&*session).unwrap();
    crash(&engine);
    assert_eq!(run(&*session).unwrap(), before);
    let (process, _) = engine.process(&webnn()).unwrap();
    crash(&engine);
    assert_eq!(run(&*session).unwrap(), before);
    assert_ne!(engine.process(&webnn()).unwrap().0, process);
}

fn a_browser_that_never_opens_the_page_is_not_available() {
    let found = BrowserFiles::find().unwrap();
    let start = Instant::now();
    for (browser, words) in [("/bin/false", "ended"), ("/no/such/browser", "does not start")] {
        let files = BrowserFiles { browser: PathBuf::from(browser), web: found.web.clone() };
        let error = BrowserEngine::new(files).check(&webnn()).unwrap_err();
        assert!(matches!(&error, Error::EngineUnavailable { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(start.elapsed() < LIMIT);
}

fn a_page_that_hangs_is_a_typed_error_after_one_new_start() {
    let (_web, files) = double(&module("await new Promise(() => {});"));
    let engine = BrowserEngine::with_time_limit(files, Duration::from_secs(8));
    let error = load(&engine, &bert()).unwrap_err();
    assert!(matches!(&error, Error::Run { .. }), "{error:?}");
    let words = error.to_string();
    assert_eq!(words.matches("did not answer within").count(), 2, "{words}");
}

fn a_session_that_quietly_computes_elsewhere_is_refused() {
    let quiet = "return { release() {}, run() { throw 'never' } };";
    let cpu = format!(
        "console.log('All nodes placed on [CPUExecutionProvider]. Number of nodes: 9'); {quiet}"
    );
    for (create, words) in [(quiet, "does not say"), (&cpu, "every node on the CPU")] {
        let (_web, files) = double(&module(create));
        let error = load(&BrowserEngine::with_time_limit(files, LIMIT), &bert()).unwrap_err();
        assert!(matches!(&error, Error::Load { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

fn a_request_without_the_secret_is_refused() {
    let engine = engine();
    engine.check(&webnn()).unwrap();
    let (_, address) = engine.process(&webnn()).unwrap();
    let (host, secret) = address.strip_prefix("http://").and_then(|it| it.split_once('/')).unwrap();
    let status = |request: &str| {
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        String::from_utf8_lossy(&status[9..]).into_owned()
    };
    let wrong = "0".repeat(32);
    for path in
        ["/".to_owned(), "/next".to_owned(), format!("/{wrong}/"), format!("/{}x", &secret[..31])]
    {
        assert_eq!(status(&format!("GET {path}")), "403", "{path}");
        assert_eq!(status(&format!("POST {path}")), "403", "{path}");
    }
    assert_eq!(status(&format!("GET /{secret}")), "200");
    assert_eq!(status(&format!("GET /{secret}content/../../etc/passwd")), "404");
    assert_eq!(status(&format!("GET /{secret}ort/../secret")), "404");
}

fn a_model_larger_than_a_page_can_hold_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    fs::copy(bert().path, &path).unwrap();
    let mut graph = GraphFiles::read("model", &path).unwrap();
    graph.bytes = 5 << 30;
    let nowhere = PathBuf::from("/no/such/browser");
    let files = BrowserFiles { browser: nowhere.clone(), web: nowhere };
    let error = load(&BrowserEngine::new(files), &graph).unwrap_err();
    assert!(matches!(&error, Error::UnsupportedModel { .. }), "{error:?}");
    assert!(error.to_string().contains("4294967296"), "{error}");
}

fn options_that_a_page_cannot_honour_are_refused() {
    let nowhere = PathBuf::from("/no/such/browser");
    let files = BrowserFiles { browser: nowhere.clone(), web: nowhere };
    let threads = SessionOptions { threads: 4, ..webnn() };
    let error = BrowserEngine::new(files).load(&bert(), Platform::Webnn, &threads).unwrap_err();
    assert!(matches!(&error, Error::InvalidOption { option: "threads", .. }), "{error:?}");
}

fn an_operator_that_webnn_lacks_is_named_and_the_page_lives_on() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bert/onnx/model_int8.onnx");
    let graph = GraphFiles::read("model", Path::new(path)).unwrap();
    let engine = engine();
    let session = load(&engine, &bert()).unwrap();
    let before = run(&*session).unwrap();
    let (process, _) = engine.process(&webnn()).unwrap();
    let error = load(&engine, &graph).unwrap_err();
    assert!(
        matches!(&error, Error::UnsupportedOperator { operator, .. } if operator == "MatMulInteger"),
        "{error:?}"
    );
    assert_eq!(run(&*session).unwrap(), before);
    assert_eq!(engine.process(&webnn()).unwrap().0, process);
}

/// Runs a graph with the output `y`.
fn result(
    engine: &BrowserEngine,
    name: &str,
    file: &[u8],
    inputs: Vec<(&str, Tensor)>,
) -> Vec<f32> {
    let folder = folder(file);
    let graph = GraphFiles::read("model", &folder.path().join("onnx/model.onnx")).unwrap();
    let options = options(name);
    let session = engine.load(&graph, options.device.platform(), &options).unwrap();
    session.run(inputs, &["y"]).unwrap()[0].as_f32().unwrap().to_vec()
}

/// A tensor of floats that lies in the file `location`, `offset` bytes from its beginning.
fn elsewhere(name: &str, dims: &[u64], location: &str, offset: usize) -> Message {
    let tensor = dims.iter().fold(Message::default(), |tensor, dim| tensor.number(1, *dim));
    let place = [("location", location.to_owned()), ("offset", offset.to_string())];
    place.iter().fold(tensor.number(2, FLOAT).text(8, name).number(14, 1), |tensor, (key, it)| {
        tensor.message(13, &Message::default().text(1, key).text(2, it))
    })
}

/// A product and a sum whose weights lie in two files, as the graph's file says it (`3`), with a
/// size that is given when it runs (`n`), and with a node that has to be written anew.
fn finds_weights_in_other_files(name: &str) {
    let engine = engine();
    let options = options(name);
    let bytes = |values: &[f32]| values.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>();
    let factors = [1.0, -2.0, 3.0, 0.5];
    for (rows, last) in [("3", "Identity"), ("n", "Identity"), ("n", "Softplus")] {
        let file = model(&graph(
            &[
                node("MatMul", &["x", "w"], &["product"]),
                node("Add", &["product", "b"], &["sum"]),
                node(last, &["sum"], &["y"]),
            ],
            &[elsewhere("w", &[2, 2], "w.data", 64), elsewhere("b", &[2], "b.data", 0)],
            &[value("x", FLOAT, &[rows, "2"])],
            &[value("y", FLOAT, &[rows, "2"])],
        ));
        let folder = folder(&file);
        let onnx = folder.path().join("onnx");
        // Other numbers before the weights: a place that is not looked at would be noticed.
        fs::write(onnx.join("w.data"), bytes(&[&[7.0; 16], &factors[..]].concat())).unwrap();
        fs::write(onnx.join("b.data"), bytes(&[10.0, 20.0])).unwrap();
        let files = GraphFiles::read("model", &onnx.join("model.onnx")).unwrap();
        let session = engine.load(&files, options.device.platform(), &options).unwrap();
        let x = Tensor::new(vec![3, 2], vec![1.0_f32, 0.0, 0.0, 1.0, 2.0, -4.0]).unwrap();
        let found = session.run(vec![("x", x)], &["y"]).unwrap();
        let sums = [11.0_f32, 18.0, 13.0, 20.5, 0.0, 14.0];
        let expected = match last {
            "Softplus" => sums.map(|it| it.exp().ln_1p()),
            _ => sums,
        };
        let what = format!("{last} of {rows} rows");
        assert_close(&what, found[0].as_f32().unwrap(), &expected, 1e-5);
    }
}

fn webgpu_finds_weights_in_other_files() {
    finds_weights_in_other_files("webgpu");
}

fn webnn_finds_weights_in_other_files() {
    finds_weights_in_other_files("webnn");
}

fn webgpu_joins_truths_of_any_sizes_in_one_page() {
    let engine = engine();
    // The first makes the shader that the second would take: both have one operand repeated along
    // the first axis, by fours and by one.
    for (rows, left, right) in [(3, 8, 8), (3, 8, 1), (3, 1, 8)] {
        let zero = floats("zero", &[], &[0.0]);
        let file = model(&graph(
            &[
                node("Greater", &["a", "zero"], &["p"]),
                node("Greater", &["b", "zero"], &["q"]),
                node("And", &["p", "q"], &["r"]),
                node("Cast", &["r"], &["y"]).message(5, &integer_attribute("to", FLOAT)),
            ],
            &[zero],
            &[value("a", FLOAT, &["m", "n"]), value("b", FLOAT, &["k", "l"])],
            &[value("y", FLOAT, &["m", "o"])],
        ));
        let truth = |row: usize, column: usize| f32::from(u8::from((row * 5 + column * 3) % 4 > 1));
        let a: Vec<_> = (0..rows * left).map(|it| truth(it / left, it % left)).collect();
        let b: Vec<_> = (0..right).map(|it| truth(1, it)).collect();
        let columns = left.max(right);
        let expected: Vec<_> = (0..rows * columns)
            .map(|it| a[it / columns * left + it % columns % left] * b[it % columns % right])
            .collect();
        let inputs = vec![
            ("a", Tensor::new(vec![rows, left], a.clone()).unwrap()),
            ("b", Tensor::new(vec![1, right], b.clone()).unwrap()),
        ];
        assert_eq!(result(&engine, "webgpu", &file, inputs), expected, "{left} and {right}");
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a reference in double precision")]
fn webgpu_turns_positions_as_exactly_as_single_precision_can() {
    let engine = engine();
    let angles: Vec<f32> = (-400_i16..400).map(|it| f32::from(it) * 2.7 + 0.01).collect();
    for (operator, function) in [("Sin", f64::sin as fn(f64) -> f64), ("Cos", f64::cos)] {
        let file = model(&graph(
            &[node(operator, &["x"], &["y"])],
            &[],
            &[value("x", FLOAT, &["n"])],
            &[value("y", FLOAT, &["n"])],
        ));
        let x = Tensor::new(vec![angles.len()], angles.clone()).unwrap();
        let expected: Vec<_> = angles.iter().map(|it| function(f64::from(*it)) as f32).collect();
        assert_close(operator, &result(&engine, "webgpu", &file, vec![("x", x)]), &expected, 3e-7);
    }
}

fn webnn_takes_elements_and_nearest_pixels() {
    let engine = engine();
    let elements = |axis: u64| {
        let gather = node("GatherElements", &["x", "i"], &["y"]);
        model(&graph(
            &[gather.message(5, &integer_attribute("axis", axis))],
            &[],
            &[value("x", FLOAT, &["a", "b"]), value("i", INT64, &["c", "d"])],
            &[value("y", FLOAT, &["c", "d"])],
        ))
    };
    let x = || Tensor::new(vec![3, 2], vec![0.0_f32, 1.0, 10.0, 11.0, 20.0, 21.0]).unwrap();
    let index = || Tensor::new(vec![2, 2], vec![1_i64, 0, -1, 1]).unwrap();
    let taken = |axis| result(&engine, "webnn", &elements(axis), vec![("x", x()), ("i", index())]);
    assert_eq!(taken(1), [1.0, 0.0, 11.0, 11.0]);
    assert_eq!(taken(0), [10.0, 1.0, 20.0, 11.0]);

    let resize = [
        ("mode", "nearest"),
        ("coordinate_transformation_mode", "asymmetric"),
        ("nearest_mode", "floor"),
    ]
    .iter()
    .fold(node("Resize", &["x", "", "scales"], &["y"]), |node, (name, text)| {
        node.message(5, &text_attribute(name, text))
    });
    let file = model(&graph(
        &[resize],
        &[floats("scales", &[4], &[1.0, 1.0, 2.0, 0.4])],
        &[value("x", FLOAT, &["1", "1", "2", "5"])],
        &[value("y", FLOAT, &["1", "1", "4", "2"])],
    ));
    let x = Tensor::new(vec![1, 1, 2, 5], (0_u8..10).map(f32::from).collect::<Vec<_>>()).unwrap();
    // The columns at 0 and 1 / 0.4 = 2.5.
    let expected = [0.0, 2.0, 0.0, 2.0, 5.0, 7.0, 5.0, 7.0];
    assert_eq!(result(&engine, "webnn", &file, vec![("x", x)]), expected);
}

/// `ln(1 + exp(x))` far below zero is what `exp(x)` is, and 1 + `exp(x)` has none of its digits.
#[expect(clippy::cast_possible_truncation, reason = "a reference in double precision")]
fn keeps_the_digits_of_small_results(name: &str) {
    let file = model(&graph(
        &[node("Softplus", &["x"], &["y"])],
        &[],
        &[value("x", FLOAT, &["n"])],
        &[value("y", FLOAT, &["n"])],
    ));
    let given = vec![-14.0_f32, -10.0, -5.0, -0.5, 0.0, 0.5, 5.0, 100.0];
    let expected: Vec<_> = given.iter().map(|it| f64::from(*it).exp().ln_1p() as f32).collect();
    let x = Tensor::new(vec![given.len()], given).unwrap();
    let found = result(&engine(), name, &file, vec![("x", x)]);
    let far = found.iter().zip(&expected).map(|(a, b)| ((a - b) / b).abs()).fold(0.0, f32::max);
    assert!(far < 2e-5, "{found:?} where {expected:?} is expected: {far:e} of it");
}

fn webgpu_keeps_the_digits_of_small_results() {
    keeps_the_digits_of_small_results("webgpu");
}

fn webnn_keeps_the_digits_of_small_results() {
    keeps_the_digits_of_small_results("webnn");
}

/// One is refused before the page sees it, and the other because the page did.
fn what_ends_the_module_is_refused_and_the_page_lives_on() {
    let engine = engine();
    let session = load(&engine, &bert()).unwrap();
    let before = run(&*session).unwrap();
    let edge = node("Pad", &["x"], &["y"]).message(5, &text_attribute("mode", "edge"));
    // Seven in four parts: three of two, and one of one.
    let parts = node("Split", &["x"], &["a", "b", "c", "y"]);
    let parts = parts.message(5, &integer_attribute("num_outputs", 4));
    for (node, name) in [(edge, "Pad (mode=edge)"), (parts, "Split")] {
        let ends = [value("x", FLOAT, &["7"])];
        let folder = folder(&model(&graph(&[node], &[], &ends, &[value("y", FLOAT, &["n"])])));
        let path = folder.path().join("onnx/model.onnx");
        let error = load(&engine, &GraphFiles::read("model", &path).unwrap()).unwrap_err();
        assert!(
            matches!(&error, Error::UnsupportedOperator { operator, .. } if operator == name),
            "{error:?}"
        );
        assert_eq!(run(&*session).unwrap(), before);
    }
}
