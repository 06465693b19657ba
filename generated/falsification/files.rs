//! Copies of fixtures that a test may damage, and what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use accel_runtime::{CaseName, ModelSource, Outcome, Stage};
use tempfile::TempDir;

use crate::{fails, fixture, outcome, passes_once};

/// A copy of a fixture that a test may damage.
pub(crate) struct Copy {
    pub(crate) model: &'static str,
    dir: TempDir,
}

impl Copy {
    pub(crate) fn of(model: &'static str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        copy(&fixture(model), dir.path());
        Self { model, dir }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).expect("a file of the fixture")
    }

    pub(crate) fn source(&self) -> ModelSource {
        ModelSource::dir(self.dir.path())
    }

    #[track_caller]
    pub(crate) fn passes(&self, name: CaseName) {
        passes_once("copied files", self.model, name, || self.source());
    }

    pub(crate) fn write(&self, file: &str, bytes: &[u8]) {
        fs::write(self.path(file), bytes).expect("the copy can be written");
    }

    /// Runs the case with `bytes` in place of `file`, and puts the file back.
    #[track_caller]
    pub(crate) fn fails_with(&self, file: &str, bytes: &[u8], name: CaseName, fault: &str) {
        let sound = self.read(file);
        assert_ne!(sound, bytes, "{fault} changes nothing");
        self.write(file, bytes);
        fails(self.model, name, self.source(), Stage::Mismatch, fault);
        self.write(file, &sound);
    }

    /// Whether the case fails with `bytes` in place of `file`, which is put back.
    pub(crate) fn notices(&self, file: &str, bytes: &[u8], name: CaseName) -> bool {
        let sound = self.read(file);
        self.write(file, bytes);
        let outcome = outcome(self.model, name, self.source());
        self.write(file, &sound);
        matches!(outcome, Outcome::Failed { stage: Stage::Mismatch, .. })
    }

    /// The files of the graphs in 32 bits; those in fewer are other cases'.
    pub(crate) fn graphs(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("onnx")).expect("the graphs' folder");
        let names = files.map(|it| it.expect("a graph").file_name());
        let mut graphs: Vec<_> =
            names.map(|it| format!("onnx/{}", it.to_str().expect("a name in UTF-8"))).collect();
        let fewer = ["_fp16.onnx", "_int8.onnx", "_q4.onnx", "_qdq.onnx"];
        graphs.retain(|it| fewer.iter().all(|suffix| !it.ends_with(suffix)));
        graphs.sort();
        graphs
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the fixture") {
        let entry = entry.expect("an entry of the fixture");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).expect("a folder in the copy");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a file in the copy");
        }
    }
}

pub(crate) const TENSORS: &str = "reference.safetensors";
pub(crate) const JSON: &str = "reference.json";

pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|it| f32::from_le_bytes(*it)).collect()
}

pub(crate) fn index_of(floats: &[f32], better: fn(f32, f32) -> bool) -> usize {
    (0..floats.len()).fold(0, |best, it| if better(floats[it], floats[best]) { it } else { best })
}
