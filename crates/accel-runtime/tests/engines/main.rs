//! Engines that a machine may lack, in good and bad weather: ONNX Runtime, OpenVINO, the browser.
//!
//! A test whose engine is not here is ignored, with the reason and what would bring it; it fails
//! where `ACCEL_REQUIRE_ENGINES` asks for the engine.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]
#![expect(clippy::print_stdout, reason = "measured differences, shown with --nocapture")]

mod browser;
#[path = "../support/engine.rs"]
mod engine;
mod needs;
#[path = "../support/onnx_bytes.rs"]
mod onnx_bytes;
mod openvino;
mod ort;
mod ort_devices;
mod ort_library;
#[expect(dead_code, reason = "the tests of the embedded engine read more of what is recorded")]
#[path = "../support/reference.rs"]
mod reference;

use std::process::ExitCode;

use accel_runtime::SessionOptions;
use libtest_mimic::{Arguments, Trial};
use needs::Test;

/// Every committed model.
pub(crate) const MODELS: [&str; 14] = [
    "bert",
    "clap",
    "clip",
    "detr",
    "llama",
    "llava",
    "llava_next",
    "qwen2",
    "qwen3",
    "t5",
    "vit",
    "wav2vec2",
    "whisper",
    "xclip",
];

/// The plainest options that the engine `name` serves.
fn options(name: &str) -> SessionOptions {
    SessionOptions { device: engine::device(name), ..reference::OPTIONS }
}

fn main() -> ExitCode {
    if ort_library::is_child() {
        ort_library::say();
        return ExitCode::SUCCESS;
    }
    let tests = [
        browser::TESTS,
        needs::TESTS,
        openvino::files::TESTS,
        openvino::graphs::TESTS,
        openvino::library::TESTS,
        openvino::quantize::TESTS,
        ort::TESTS,
        ort_devices::TESTS,
        ort_library::TESTS,
    ];
    let trial = |test: &'static Test| Trial::ignorable_test(test.name(), || test.run());
    let trials = tests.into_iter().flatten().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
