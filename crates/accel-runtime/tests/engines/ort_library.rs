//! Libraries of ONNX Runtime that are missing or of no use: each is a typed error with advice.
//!
//! A process has one library, so each of these runs in a process of its own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use accel_runtime::engine::ort::{ONNXRUNTIME, found};
use accel_runtime::{
    Availability, CpuEngine, CpuOptions, DeviceOptions, SessionOptions, availability,
};

use crate::needs::{Needs, library_of_the_system, tests};
use crate::options;
use crate::reference::OPTIONS;

tests! {
    Needs::Engine("ort") => [
        a_library_that_was_cut_off_is_refused,
        a_search_goes_on_after_a_library_of_no_use,
    ],
    Needs::That(|| library_of_the_system("libonnxruntime")) => [
        a_missing_library_is_said_with_what_would_bring_it,
    ],
    Needs::Nothing => [
        files_that_are_no_library_are_refused,
        #[cfg(target_os = "linux")]
        a_library_of_another_machine_is_named_as_such,
        old_libraries_and_other_ones_are_refused,
    ],
}

/// Begins what the other process says.
const SAYS: &str = "the library: ";

/// Set in a process that is to say what it makes of its library.
const CHILD: &str = "ACCEL_RUNTIME_ORT_CHILD";

/// Whether this is a process that [`says`] started.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// What that process does.
pub(crate) fn say() {
    let either = DeviceOptions::Cpu(CpuOptions {
        engine: CpuEngine::OrtElseRten,
        prepack_weights: false,
        pin_threads: false,
    });
    let either = availability(&SessionOptions { device: either, ..OPTIONS });
    let either = match either {
        Availability::Available { engine } => engine.to_string(),
        Availability::Unavailable { .. } => "neither".to_owned(),
    };
    match (found(), availability(&options("ort"))) {
        (Ok(found), Availability::Available { .. }) => println!("{SAYS}{found} [{either}]"),
        (Err(error), Availability::Unavailable { .. }) => println!("{SAYS}{error} [{either}]"),
        other => panic!("{other:?}"),
    }
}

/// What a process with these variables says of its library.
fn says(variables: &[(&str, OsString)]) -> String {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.env(CHILD, "1").env_remove(ONNXRUNTIME).envs(variables.iter().cloned());
    let output = process.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}: {printed}", output.status);
    let line = printed.lines().find_map(|it| Some(it.split_once(SAYS)?.1.to_owned()));
    line.unwrap_or_else(|| panic!("{printed}"))
}

#[track_caller]
fn assert_refused(library: &Path, reason: &str) {
    let said = says(&[(ONNXRUNTIME, library.into())]);
    assert!(said.contains(reason), "{said}");
    assert!(said.contains(ONNXRUNTIME) && said.contains(&library.display().to_string()), "{said}");
    assert!(said.contains("accel engines install onnxruntime"), "{said}");
    // What was named and is of no use is an error, and not silently another engine.
    assert!(said.ends_with("[neither]"), "{said}");
}

fn a_missing_library_is_said_with_what_would_bring_it() {
    let empty = tempfile::tempdir().unwrap();
    let nowhere = || OsString::from(empty.path());
    let said = says(&[
        ("ACCEL_ENGINES_DIR", nowhere()),
        ("HOME", nowhere()),
        ("PATH", nowhere()),
        ("VIRTUAL_ENV", nowhere()),
        ("CONDA_PREFIX", nowhere()),
        ("LD_LIBRARY_PATH", nowhere()),
    ]);
    assert!(said.contains("not on this machine"), "{said}");
    assert!(said.contains("accel engines install onnxruntime"), "{said}");
    assert!(said.ends_with("[rten]"), "{said}");
}

fn files_that_are_no_library_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libonnxruntime.so.1.31.1");
    assert_refused(&file, "there is no such file");
    fs::write(&file, "").unwrap();
    assert_refused(&file, "the file is empty");
    fs::write(&file, "<html>not found</html>").unwrap();
    assert_refused(&file, "it is corrupt");
}

#[cfg(target_os = "linux")]
fn a_library_of_another_machine_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libonnxruntime.so.1.31.1");
    // The test itself, made for another processor.
    let mut bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
    let (machine, arch) =
        if cfg!(target_arch = "aarch64") { (62_u8, "x86_64") } else { (183, "aarch64") };
    bytes[18] = machine;
    fs::write(&file, bytes).unwrap();
    assert_refused(&file, &format!("it is built for {arch} processors"));
}

fn a_library_that_was_cut_off_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = found().unwrap().path;
    let file = folder.path().join(whole.file_name().unwrap());
    let bytes = fs::read(whole).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    assert_refused(&file, "cut off");
}

/// A library made of `source`.
fn compiled(folder: &Path, source: &str) -> PathBuf {
    let file = folder.join("library.rs");
    fs::write(&file, source).unwrap();
    let library = folder.join(format!("libonnxruntime{}", std::env::consts::DLL_SUFFIX));
    let status = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o"])
        .args([&library, &file])
        .status()
        .unwrap();
    assert!(status.success());
    library
}

fn old_libraries_and_other_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = compiled(folder.path(), "");
    assert_refused(&other, "no function OrtGetApiBase");
    let old = r#"
        #[repr(C)]
        pub struct Base { api: extern "C" fn(u32) -> usize, version: extern "C" fn() -> usize }
        extern "C" fn api(_: u32) -> usize { 0 }
        extern "C" fn version() -> usize { c"1.16.3".as_ptr() as usize }
        static BASE: Base = Base { api, version };
        #[unsafe(no_mangle)]
        pub extern "C" fn OrtGetApiBase() -> &'static Base { &BASE }
    "#;
    let old_one = compiled(folder.path(), old);
    assert_refused(&old_one, "it is version 1.16.3, and 1.17 is the oldest that will do");
    // One that claims to be new and has no interface for anybody.
    let liar = compiled(folder.path(), &old.replace("1.16.3", "1.31.0"));
    assert_refused(&liar, "it panicked");
}

/// Among the libraries found, one of no use does not hide the next one.
fn a_search_goes_on_after_a_library_of_no_use() {
    let engines = tempfile::tempdir().unwrap();
    let place = |build: &str| {
        let folder = engines.path().join(build).join("onnxruntime/capi");
        fs::create_dir_all(&folder).unwrap();
        folder.join(found().unwrap().path.file_name().unwrap())
    };
    fs::write(place("onnxruntime-gpu"), "").unwrap();
    let good = place("onnxruntime");
    fs::copy(found().unwrap().path, &good).unwrap();
    let said = says(&[("ACCEL_ENGINES_DIR", engines.path().into())]);
    assert!(said.contains(&good.display().to_string()), "{said}");
    assert!(said.ends_with("[ort]"), "{said}");
}
