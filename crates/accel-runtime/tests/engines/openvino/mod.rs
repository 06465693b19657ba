//! OpenVINO, where it is installed.

pub(crate) mod files;
pub(crate) mod graphs;
pub(crate) mod library;
pub(crate) mod quantize;

use std::process::Command;

use accel_runtime::{
    DeviceOptions, Error, GraphModel, OpenvinoOptions, Platform, SessionOptions, SkillSpec, Tensor,
    load,
};

use crate::onnx_bytes::folder;
use crate::reference::SPEC;

/// As the others, on OpenVINO.
const ON_OPENVINO: SkillSpec = SkillSpec { platform: Platform::Openvino, ..SPEC };

/// Set in a process that a test starts for itself.
const CHILD: &str = "ACCEL_RUNTIME_OPENVINO_CHILD";

/// The plain options, changed.
fn options(change: impl FnOnce(&mut OpenvinoOptions)) -> SessionOptions {
    let mut options = crate::options("openvino");
    let DeviceOptions::Openvino(own) = &mut options.device else { panic!("not OpenVINO's") };
    change(own);
    options
}

fn plain() -> SessionOptions {
    options(|_| {})
}

fn load_bytes(bytes: &[u8]) -> Result<GraphModel, Error> {
    load(&ON_OPENVINO, &folder(bytes).path().into(), &plain())
}

/// Runs the one graph of `bytes`; its output `y`.
#[track_caller]
fn run(bytes: &[u8], inputs: Vec<(&str, Tensor)>) -> Tensor {
    load_bytes(bytes).unwrap().run("model", inputs, &["y"]).unwrap().remove(0)
}

/// Whether this is a process that [`in_child`] started.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the test `test` again in a process of its own, with other variables: OpenVINO is looked
/// for once per process.
#[track_caller]
fn in_child(test: &str, variables: &[(&str, &str)]) {
    let this = std::env::current_exe().unwrap();
    let arguments = [test, "--exact", "--nocapture", "--test-threads", "1"];
    let child = Command::new(this)
        .args(arguments)
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&child.stdout);
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{}: {printed}\n{errors}", child.status);
    assert!(printed.contains("1 passed"), "{printed}");
}
