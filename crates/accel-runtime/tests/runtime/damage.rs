//! Random damage to real files: a typed error or a model, never a dead process and never a large
//! allocation.
//!
//! Each test runs again in a process of its own whose memory is limited, since an allocation that
//! fails ends the process.

use std::fs;
use std::path::Path;
use std::process::Command;

use accel_runtime::{DType, Dim, Error, GraphModel, Stage, Tensor, TensorData, TensorInfo, load};

use crate::onnx_bytes::{FLOAT, Message, graph, model, node, value};
use crate::reference::{OPTIONS, SPEC, fixture};

/// Set in the process that does the damage.
const CHILD: &str = "ACCEL_RUNTIME_DAMAGE";

/// What that process may use, where the system can limit it: far more than these small graphs
/// need, and far less than a damaged size can ask for.
const LIMIT_KIB: u32 = 1 << 20;

/// Runs `body` in a process of its own, where the test of this name finds itself again.
pub(crate) fn in_child(test: &str, body: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        return body();
    }
    let this = std::env::current_exe().unwrap();
    let mut process = if cfg!(target_os = "linux") {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -v {LIMIT_KIB} && exec \"$0\" \"$@\"")]).arg(this);
        shell
    } else {
        Command::new(this)
    };
    let arguments = [test, "--exact", "--nocapture", "--test-threads", "1"];
    let output = process.args(arguments).env(CHILD, "1").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    println!("{printed}");
    let errors = String::from_utf8_lossy(&output.stderr);
    let errors: String =
        errors.chars().rev().take(2000).collect::<Vec<_>>().into_iter().rev().collect();
    assert!(output.status.success(), "{}: {printed}\n{errors}", output.status);
    assert!(printed.contains("1 passed"), "{printed}");
}

/// A small generator of numbers, so that every run damages the same bytes.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % end
    }

    /// One of the ways in which files are damaged: cut off, a bit flipped, bytes overwritten,
    /// bytes lost, a run of zeros.
    fn damage(&mut self, round: usize, bytes: &mut Vec<u8>) {
        let from = self.below(bytes.len());
        let to = (from + self.below(4096)).min(bytes.len());
        match round % 5 {
            0 => bytes.truncate(from),
            1 => bytes[from] ^= 1 << self.below(8),
            2 => {
                for _ in 0..32 {
                    let at = self.below(bytes.len());
                    bytes[at] = u8::try_from(self.below(256)).unwrap();
                }
            }
            3 => drop(bytes.drain(from..to)),
            _ => bytes[from..to].fill(0),
        }
    }
}

/// Loads the folder's graph, runs it if it loads, and says whether it was refused.
fn is_refused(folder: &Path) -> bool {
    match load::<GraphModel>(&SPEC, &folder.into(), &OPTIONS) {
        Ok(skill) => {
            let session = skill.graph("model").unwrap();
            if let Some(inputs) = session.inputs().iter().map(zeros).collect() {
                let outputs: Vec<_> = session.outputs().iter().map(|it| it.name.as_str()).collect();
                _ = session.run(inputs, &outputs);
            }
            false
        }
        Err(error) => {
            assert!(
                matches!(
                    error,
                    Error::CorruptModel { .. }
                        | Error::Load { .. }
                        | Error::UnsupportedModel { .. }
                        | Error::UnsupportedOperator { .. }
                        | Error::MissingFile { .. }
                ),
                "{error:?}"
            );
            assert!(matches!(error.stage(), Stage::Load | Stage::Resolve));
            true
        }
    }
}

/// An input of two along every open dimension, unless that is more than a caller would give.
fn zeros(info: &TensorInfo) -> Option<(&str, Tensor)> {
    let size = |dim: &Dim| if let Dim::Fixed(size) = dim { *size } else { 2 };
    let shape: Vec<_> = info.dims.iter().map(size).collect();
    let count = shape.iter().try_fold(1_usize, |product, it| product.checked_mul(*it))?;
    if count > 1 << 20 {
        return None;
    }
    let data = match info.dtype {
        DType::F32 => TensorData::F32(vec![0.0; count]),
        DType::I32 => TensorData::I32(vec![0; count]),
        DType::I64 => TensorData::I64(vec![0; count]),
        DType::I8 => TensorData::I8(vec![0; count]),
        DType::U8 => TensorData::U8(vec![0; count]),
        DType::Bool => TensorData::Bool(vec![false; count]),
    };
    Some((&info.name, Tensor::new(shape, data).unwrap()))
}

/// Damages the graph of a fixture 200 times.
fn damage(seed: u64, name: &str, file: &str) {
    let intact = fs::read(fixture(name).join("onnx").join(file)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("onnx")).unwrap();
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    let target = folder.path().join("onnx/model.onnx");
    fs::write(&target, &intact).unwrap();
    assert!(!is_refused(folder.path()));
    let mut random = Random(seed);
    let mut refused = 0;
    for round in 0..200 {
        let mut bytes = intact.clone();
        random.damage(round, &mut bytes);
        fs::write(&target, bytes).unwrap();
        refused += u32::from(is_refused(folder.path()));
    }
    println!("{name}: {refused} of 200 refused");
    assert!(refused > 50);
}

#[test]
fn a_plain_graph_survives() {
    in_child("damage::a_plain_graph_survives", || damage(1, "bert", "model.onnx"));
}

#[test]
fn a_rewritten_graph_survives() {
    in_child("damage::a_rewritten_graph_survives", || damage(2, "clip", "text_model.onnx"));
}

#[test]
fn a_graph_with_a_cubic_resize_survives() {
    in_child("damage::a_graph_with_a_cubic_resize_survives", || damage(3, "clap", "model.onnx"));
}

#[test]
fn a_graph_with_control_flow_survives() {
    in_child("damage::a_graph_with_control_flow_survives", || {
        damage(4, "whisper", "decoder_model_merged.onnx");
    });
}

/// Both the graph and the file of its weights.
#[test]
fn weights_in_another_file_survive() {
    in_child("damage::weights_in_another_file_survive", || {
        let entry = |key: &str, value: &str| Message::default().text(1, key).text(2, value);
        let weights = |name: &str, offset: &str| {
            Message::default()
                .number(1, 32)
                .number(1, 32)
                .number(2, FLOAT)
                .text(8, name)
                .message(13, &entry("location", "weights.bin"))
                .message(13, &entry("offset", offset))
                .message(13, &entry("length", "4096"))
                .number(14, 1)
        };
        let graph = model(&graph(
            &[node("MatMul", &["x", "v"], &["z"]), node("MatMul", &["z", "w"], &["y"])],
            &[weights("v", "0"), weights("w", "4096")],
            &[value("x", FLOAT, &["n", "32"])],
            &[value("y", FLOAT, &["n", "32"])],
        ));
        let data = vec![0x3d; 8192];
        let folder = tempfile::tempdir().unwrap();
        let onnx = folder.path().join("onnx");
        fs::create_dir(&onnx).unwrap();
        fs::write(folder.path().join("config.json"), "{}").unwrap();
        let write = |graph: &[u8], data: &[u8]| {
            fs::write(onnx.join("model.onnx"), graph).unwrap();
            fs::write(onnx.join("weights.bin"), data).unwrap();
        };
        write(&graph, &data);
        assert!(!is_refused(folder.path()));
        let mut random = Random(5);
        let mut refused = 0;
        for round in 0..400 {
            let (mut graph, mut data) = (graph.clone(), data.clone());
            random.damage(round, if round < 200 { &mut graph } else { &mut data });
            write(&graph, &data);
            refused += u32::from(is_refused(folder.path()));
        }
        println!("external data: {refused} of 400 refused");
        assert!(refused > 100);
    });
}
