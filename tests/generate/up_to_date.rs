//! What is committed is what the registry gives.

use std::path::Path;

use accelgen::sync::{self, RealDisk, State};
use accelgen::{Request, generate, registry};

#[test]
fn the_matrix_of_support_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let registry = registry::load(&root.join("model_registry.yaml")).unwrap();
    let committed = std::fs::read_to_string(root.join("SUPPORT.md")).unwrap_or_default();
    let operators = "crates/accel-runtime/tests/operators/RESULTS.md";
    let counted = std::fs::read_to_string(root.join(operators)).unwrap();
    assert!(
        committed == format!("{}\n{counted}", accelgen::matrix::markdown(&registry)),
        "SUPPORT.md is not what the registry and the counts of operators say; run: \
         {{ cargo run --release -- --list --matrix --format markdown; echo; cat {operators}; }} > SUPPORT.md"
    );
}

/// Only compares: writing is `accelgen --all`, never a test.
#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let registry = registry::load(&root.join("model_registry.yaml")).unwrap();
    let output = root.join("generated");
    let present = sync::present_cells(&output, &registry).unwrap();
    let files = generate(&registry, &Request { present, ..Request::default() }).unwrap();
    let compared = sync::compare(&RealDisk, &output, &files, &registry).unwrap();
    let wrong: Vec<_> =
        compared.iter().filter(|it| it.state != State::Current).map(|it| &it.path).collect();
    let some = wrong.iter().take(10).collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "{} files are not up to date, run `cargo run --release -- --all`: {some:?} …",
        wrong.len()
    );
}
