//! OpenVINO's library and devices: what is missing is named, and what to do about it.

use std::fs;

use accel_runtime::engine::openvino::{LIBRARY, found};
use accel_runtime::engine::{Availability, locate};
use accel_runtime::{Error, GraphModel, OpenvinoDevice, Stage, availability, load};

use super::{ON_OPENVINO, in_child, is_child, options, plain};
use crate::needs::{Needs, library_of_the_system, tests};
use crate::reference::fixture;

tests! {
    Needs::Engine("openvino") => [
        what_was_found_is_told,
        a_device_that_is_not_there_is_unavailable_and_those_that_are_are_named,
        #[cfg(target_os = "linux")]
        a_damaged_library_beside_it_is_found_before_it_ends_the_process,
        #[cfg(unix)]
        a_link_to_the_library_is_followed,
    ],
    Needs::That(|| library_of_the_system("libopenvino_c")) => [
        a_missing_library_is_said_with_what_would_bring_it,
    ],
    Needs::Nothing => [
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        a_library_that_cannot_be_used_is_unavailable_and_says_why,
    ],
}

/// What the child is to find in the message.
const EXPECTED: &str = "ACCEL_RUNTIME_OPENVINO_EXPECTED";

/// A shared library's headers for a processor, as ELF's specification has them, and nothing else.
fn headers(machine: u8, needed: u64) -> Vec<u8> {
    let mut bytes = vec![0; 64 + 56];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    (bytes[16], bytes[18], bytes[32], bytes[54], bytes[56], bytes[64]) = (3, machine, 64, 56, 1, 1);
    bytes[64 + 32..64 + 40].copy_from_slice(&needed.to_le_bytes());
    bytes
}

/// Loading fails for the reason that is expected, and says what helps.
fn says_that_it_is_unavailable() {
    let expected = std::env::var(EXPECTED).unwrap();
    let error = load::<GraphModel>(&ON_OPENVINO, &fixture("bert").into(), &plain()).unwrap_err();
    assert!(matches!(error, Error::EngineUnavailable { .. }), "{error:?}");
    assert_eq!(error.stage(), Stage::Resolve);
    let text = error.to_string();
    assert!(text.contains(&expected) && text.contains("accel engines install"), "{text}");
    assert!(matches!(availability(&plain()), Availability::Unavailable { .. }));
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_library_that_cannot_be_used_is_unavailable_and_says_why() {
    if is_child() {
        return says_that_it_is_unavailable();
    }
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut cases = vec![
        (place("arm.so", &headers(183, 120)), "is for aarch64"),
        (place("text.so", b"not a library"), "cut off within its headers"),
        (place("longer.so", &[b'x'; 100]), "is not a shared library of Linux"),
        (place("cut.so", &headers(62, 1 << 20)), "is cut off"),
        (place("empty.so", b""), "is empty"),
        (place("other.so", &headers(62, 120)), "is not OpenVINO's C library"),
        (folder.path().to_str().unwrap().to_owned(), "is not a file"),
        (folder.path().join("nothing.so").to_str().unwrap().to_owned(), "cannot be found"),
    ];
    // Names the function that is looked for, and is no library beyond its headers.
    let named = [headers(62, 120), b"\0ov_get_openvino_version\0".to_vec()].concat();
    cases.push((place("damaged.so", &named), "cannot be loaded"));
    let test = "openvino::library::a_library_that_cannot_be_used_is_unavailable_and_says_why";
    for (path, expected) in &cases {
        in_child(test, &[(LIBRARY, path), (EXPECTED, expected)]);
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_missing_library_is_said_with_what_would_bring_it() {
    if is_child() {
        return says_that_it_is_unavailable();
    }
    let nowhere = tempfile::tempdir().unwrap();
    let nowhere = nowhere.path().to_str().unwrap();
    let test = "openvino::library::a_missing_library_is_said_with_what_would_bring_it";
    let mut variables = vec![(LIBRARY, ""), (EXPECTED, "was not found")];
    variables.extend([(locate::ENGINES_DIR, nowhere), ("PATH", nowhere)]);
    variables.extend([("VIRTUAL_ENV", ""), ("CONDA_PREFIX", "")]);
    in_child(test, &variables);
}

/// OpenVINO's own other libraries are loaded by it, without a check of its own.
#[cfg(target_os = "linux")]
fn a_damaged_library_beside_it_is_found_before_it_ends_the_process() {
    let test = "openvino::library::a_damaged_library_beside_it_is_found_before_it_ends_the_process";
    if is_child() {
        let error = found().unwrap_err().to_string();
        assert!(error.contains("libopenvino.so.0") && error.contains("is cut off"), "{error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libopenvino_c.so.0");
    let intact = &found().unwrap().path;
    fs::copy(intact, &library).unwrap();
    let bytes = fs::read(intact).unwrap();
    fs::write(folder.path().join("libopenvino.so.0"), &bytes[..bytes.len() / 2]).unwrap();
    in_child(test, &[(LIBRARY, library.to_str().unwrap())]);
}

fn what_was_found_is_told() {
    let found = found().unwrap();
    assert!(found.path.is_file());
    assert!(found.version.starts_with("20"), "{}", found.version);
    assert!(found.devices.iter().all(|it| !it.name.is_empty() && !it.full_name.is_empty()));
}

/// A link elsewhere is followed: OpenVINO looks for its other libraries beside the real file.
#[cfg(unix)]
fn a_link_to_the_library_is_followed() {
    let test = "openvino::library::a_link_to_the_library_is_followed";
    if is_child() {
        load::<GraphModel>(&ON_OPENVINO, &fixture("bert").into(), &plain()).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("libopenvino_c.so");
    std::os::unix::fs::symlink(&found().unwrap().path, &link).unwrap();
    in_child(test, &[(LIBRARY, link.to_str().unwrap())]);
}

fn a_device_that_is_not_there_is_unavailable_and_those_that_are_are_named() {
    let devices = &found().unwrap().devices;
    let load = |options| load::<GraphModel>(&ON_OPENVINO, &fixture("bert").into(), &options);
    for (device, index, name) in
        [(OpenvinoDevice::Gpu, 7, "GPU.7"), (OpenvinoDevice::Npu, 7, "NPU.7")]
    {
        let options = options(|it| (it.device, it.device_index) = (device, index));
        let error = load(options).unwrap_err();
        assert!(matches!(error, Error::EngineUnavailable { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(name), "{text}");
        assert!(devices.iter().all(|it| text.contains(&it.name)), "{text}");
        assert!(matches!(availability(&options), Availability::Unavailable { .. }));
    }
    let second_cpu = load(options(|it| it.device_index = 1)).unwrap_err();
    assert!(
        matches!(second_cpu, Error::InvalidOption { option: "device_index", .. }),
        "{second_cpu:?}"
    );
}
