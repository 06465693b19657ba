//! What generating the whole registry costs, beside what copying the result costs.
//!
//! `cargo bench` prints times; ratios are what to read. `copy_with_cp` is the limit that disk and
//! file system set: the same files, no thought.

use std::path::{Path, PathBuf};
use std::process::Command;

use accelgen::registry::{self, Registry};
use accelgen::sync::{self, RealDisk, State, WriteOptions};
use accelgen::{FileSet, Request, generate};
use divan::Bencher;

fn main() {
    divan::main();
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn registry() -> Registry {
    registry::load(&root().join("model_registry.yaml")).expect("the registry is valid")
}

fn files(registry: &Registry) -> FileSet {
    generate(registry, &Request::default()).expect("everything generates")
}

/// Generates, compares and writes what differs, as `accelgen --all` does.
fn sync_all(registry: &Registry, output: &Path) -> usize {
    let files = files(registry);
    let compared = sync::compare(&RealDisk, output, &files, registry).expect("readable");
    let options = WriteOptions { prune: true, force: false };
    sync::write(&RealDisk, output, &files, &compared, options).expect("writable").len()
}

/// A folder that holds the whole output already.
fn written(registry: &Registry) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    sync::write_all(registry, folder.path(), &files(registry)).expect("writable");
    folder
}

#[divan::bench]
fn parse_registry() -> Registry {
    registry()
}

#[divan::bench]
fn in_memory(bencher: Bencher) {
    let registry = registry();
    bencher.bench(|| files(&registry));
}

#[divan::bench]
fn in_memory_one_thread(bencher: Bencher) {
    let registry = registry();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    bencher.bench(|| pool.install(|| files(&registry)));
}

#[divan::bench]
fn cold_write(bencher: Bencher) {
    let registry = registry();
    bencher
        .with_inputs(|| tempfile::tempdir().expect("a temporary folder"))
        .bench_refs(|folder| sync_all(&registry, folder.path()));
}

#[divan::bench]
fn no_op(bencher: Bencher) {
    let registry = registry();
    let folder = written(&registry);
    bencher.bench(|| sync_all(&registry, folder.path()));
}

#[divan::bench]
fn check(bencher: Bencher) {
    let registry = registry();
    let folder = written(&registry);
    bencher.bench(|| {
        let files = files(&registry);
        let compared =
            sync::compare(&RealDisk, folder.path(), &files, &registry).expect("readable");
        assert!(compared.iter().all(|it| it.state == State::Current));
    });
}

/// The yardstick: `cp -r` of the same tree, the process included.
#[divan::bench]
fn copy_with_cp(bencher: Bencher) {
    let registry = registry();
    let source = written(&registry);
    bencher
        .with_inputs(|| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let target: PathBuf = folder.path().join("copy");
            (folder, target)
        })
        .bench_refs(|(_, target)| {
            let status = Command::new("cp").arg("-r").arg(source.path()).arg(&*target).status();
            assert!(status.expect("cp runs").success());
        });
}
