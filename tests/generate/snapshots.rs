//! What generated files look like: one snapshot a file, all through [`generate`].

use accel_core::{Platform, Vocabulary};
use accelgen::registry::Registry;
use accelgen::{Request, generate};

use crate::synthetic::{MODELS, REAL, SIMULATION, parse, yaml};

/// Everything that snapshots are taken from: all cells real, then all cells simulated, with every
/// platform's extra tests.
pub(crate) fn requests() -> Vec<(Registry, Request)> {
    [REAL, SIMULATION]
        .into_iter()
        .map(|support| {
            let extras = Platform::ALL.iter().copied().collect();
            (parse(&yaml(support, false)), Request { extras, ..Request::default() })
        })
        .collect()
}

/// Checks the file at `path` of the real (0) or simulated (1) registry.
#[track_caller]
fn check(which: usize, path: &str) {
    let (registry, request) = requests().swap_remove(which);
    let files = generate(&registry, &request).unwrap().files;
    let file = files.get(path).unwrap_or_else(|| panic!("no {path}; there are {:?}", files.keys()));
    let variant = ["real", "simulation"][which];
    let name = format!("{variant}__{}", path.trim_end_matches(".rs").replace('/', "__"));
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, file.text);
    });
}

#[test]
fn every_platform_in_both_variants() {
    for platform in Platform::ALL {
        check(0, &format!("src/skills/tiny_encoder/{platform}.rs"));
        check(1, &format!("src/skills/tiny_encoder/{platform}.rs"));
    }
}

#[test]
fn every_pipeline_and_family() {
    for (model, ..) in MODELS.iter().skip(1) {
        check(0, &format!("src/skills/{model}/cpu.rs"));
    }
    // The examples read differently when simulated.
    for model in ["tiny_decoder", "tiny_eye", "tiny_ear"] {
        check(1, &format!("src/skills/{model}/cuda.rs"));
    }
}

#[test]
fn tests_of_cells() {
    check(0, "tests/models/tiny_encoder/cpu.rs");
    check(0, "tests/models/tiny_decoder/cuda.rs");
    check(1, "tests/models/tiny_eye/webgpu.rs");
    check(0, "tests/models/tiny_eye/openvino_extra.rs");
    check(1, "tests/models/tiny_eye/webnn_extra.rs");
}

#[test]
fn index_files() {
    check(0, "src/lib.rs");
    check(0, "src/skills/mod.rs");
    check(0, "src/skills/tiny_encoder/mod.rs");
    check(1, "src/skills/tiny_encoder/mod.rs");
    check(0, "tests/main.rs");
    check(0, "tests/models/mod.rs");
    check(0, "tests/models/tiny_encoder/mod.rs");
}
