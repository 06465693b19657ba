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

use crate::engines::{options, require};

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

#[test]
fn a_browser_that_crashes_is_started_anew_with_its_sessions() {
    if !require("webnn") {
        return;
    }
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

#[test]
fn a_browser_that_never_opens_the_page_is_not_available() {
    if !require("webnn") {
        return;
    }
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

#[test]
fn a_page_that_hangs_is_a_typed_error_after_one_new_start() {
    if !require("webnn") {
        return;
    }
    let (_web, files) = double(&module("await new Promise(() => {});"));
    let engine = BrowserEngine::with_time_limit(files, Duration::from_secs(8));
    let error = load(&engine, &bert()).unwrap_err();
    assert!(matches!(&error, Error::Run { .. }), "{error:?}");
    let words = error.to_string();
    assert_eq!(words.matches("did not answer within").count(), 2, "{words}");
}

#[test]
fn a_session_that_quietly_computes_elsewhere_is_refused() {
    if !require("webnn") {
        return;
    }
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

#[test]
fn a_request_without_the_secret_is_refused() {
    if !require("webnn") {
        return;
    }
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

#[test]
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

#[test]
fn options_that_a_page_cannot_honour_are_refused() {
    let nowhere = PathBuf::from("/no/such/browser");
    let files = BrowserFiles { browser: nowhere.clone(), web: nowhere };
    let threads = SessionOptions { threads: 4, ..webnn() };
    let error = BrowserEngine::new(files).load(&bert(), Platform::Webnn, &threads).unwrap_err();
    assert!(matches!(&error, Error::InvalidOption { option: "threads", .. }), "{error:?}");
}

#[test]
fn an_operator_that_webnn_lacks_is_named() {
    if !require("webnn") {
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/detr/onnx/model.onnx");
    let graph = GraphFiles::read("model", Path::new(path)).unwrap();
    let error = load(&engine(), &graph).unwrap_err();
    assert!(
        matches!(&error, Error::UnsupportedOperator { operator, .. } if operator.contains("nearest")),
        "{error:?}"
    );
}
