//! Evidence that makes no sense gives unknown values, and never a panic.

use accel_runtime::hardware::{Answer, Bundle, NvmlValue, inventory};

use crate::bundles::{all, check};

/// A small generator, the same on every machine (Numerical Recipes' constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

const NONSENSE: [&str; 16] = [
    "",
    "\0",
    "-1",
    "18446744073709551616",
    "9223372036854775807",
    "0x",
    "ffffffffffffffffffffffff",
    ":",
    "\t:\n\n:\t",
    "0-18446744073709551615",
    "\u{fffd}\u{fffd}\u{fffd}",
    "max max",
    "1 0",
    "..",
    ",,,,",
    "processor\nphysical id: \ncpu cores: 99999999999\n",
];

#[test]
fn texts_cut_anywhere_do_no_harm() {
    for (name, bundle) in all() {
        let mut numbers = Numbers(7);
        for _ in 0..12 {
            let mut cut = bundle.clone();
            for text in cut.files.values_mut().chain(cut.commands.values_mut()) {
                if let Answer::Given(text) = text {
                    let mut at = numbers.below(text.len() + 1);
                    while !text.is_char_boundary(at) {
                        at -= 1;
                    }
                    text.truncate(at);
                }
            }
            check(&name, &inventory(&cut));
        }
    }
}

#[test]
fn nonsense_in_any_file_does_no_harm() {
    for (name, bundle) in all() {
        let mut numbers = Numbers(11);
        for _ in 0..40 {
            let mut strange = bundle.clone();
            for text in strange.files.values_mut() {
                if numbers.below(4) == 0 {
                    *text = Answer::Given(NONSENSE[numbers.below(NONSENSE.len())].to_owned());
                }
            }
            for variable in ["CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"]
            {
                if numbers.below(2) == 0 {
                    let value = NONSENSE[numbers.below(NONSENSE.len())].to_owned();
                    strange.environment.insert(variable.to_owned(), value);
                }
            }
            check(&name, &inventory(&strange));
        }
    }
}

#[test]
fn absurd_numbers_of_nvml_do_no_harm() {
    for (name, mut bundle) in all() {
        let Some(nvml) = &mut bundle.nvml else { continue };
        nvml.cuda = Some(NvmlValue::Value(i32::MIN));
        for gpu in &mut nvml.gpus {
            gpu.memory = Some(NvmlValue::Value([0, u64::MAX]));
            gpu.compute_capability = Some(NvmlValue::Value([i32::MIN, i32::MAX]));
            gpu.processes = Some(NvmlValue::Value([u32::MAX, u32::MAX]));
            gpu.power_limit_mw = Some(NvmlValue::Value(u32::MAX));
            gpu.uuid = Some(NvmlValue::Value(String::new()));
            gpu.pci = Some(NvmlValue::Value(":".to_owned()));
        }
        check_but_ids(&name, &bundle);
    }
}

fn check_but_ids(name: &str, bundle: &Bundle) {
    let inventory = inventory(bundle);
    assert_eq!(inventory.platforms.len(), 7, "{name}");
}

#[test]
fn ten_thousand_entries_are_read_in_no_time() {
    let mut bundle = crate::bundles::bundle("mi300x");
    for number in 0..10_000 {
        let node = format!("/sys/class/kfd/kfd/topology/nodes/{number}");
        bundle.files.insert(format!("{node}/gpu_id"), Answer::Given("1\n".to_owned()));
        let pci = format!("/sys/bus/pci/devices/{number:04x}:00:00.0");
        for (file, text) in [("vendor", "0x10de"), ("device", "0x20b0"), ("class", "0x030200")] {
            bundle.files.insert(format!("{pci}/{file}"), Answer::Given(text.to_owned()));
        }
    }
    let group = "/x".repeat(100_000);
    bundle.files.insert("/proc/self/cgroup".to_owned(), Answer::Given(format!("0::{group}\n")));
    let list = "0-1,".repeat(100_000);
    bundle.files.insert(
        "/proc/self/status".to_owned(),
        Answer::Given(format!("Cpus_allowed_list:\t{list}\n")),
    );
    let inventory = inventory(&bundle);
    assert_eq!(inventory.devices.iter().filter(|it| it.id.starts_with("cuda")).count(), 10_000);
}

#[test]
fn files_that_are_no_bundles_are_refused() {
    let refused = |text: &str| Bundle::from_json(text.as_bytes()).unwrap_err();
    assert!(refused("").contains("not JSON"));
    assert!(refused("[1, 2]").contains("not JSON of a bundle"));
    assert!(refused("{}").contains("format"));
    assert!(refused(r#"{"format": "accel-hardware-bundle"}"#).contains("version"));
    assert!(
        refused(r#"{"format": "accel-hardware-bundle", "version": 2}"#).contains("version is 2")
    );
    let extra = r#"{"format": "accel-hardware-bundle", "version": 1, "origin": "", "os": "", "arch": "", "x": 1}"#;
    assert!(refused(extra).contains("unknown field"), "{}", refused(extra));
    let deep = "[".repeat(100_000);
    assert!(refused(&deep).contains("not JSON"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.json");
    std::fs::write(&path, " ".repeat(5 << 20)).unwrap();
    let error = Bundle::read(&path).unwrap_err().to_string();
    assert!(error.contains("more than"), "{error}");
    assert!(Bundle::read(folder.path()).is_err());
}

#[test]
fn an_empty_machine_has_a_processor() {
    check(
        "empty",
        &inventory(&Bundle {
            os: "linux".to_owned(),
            engines: crate::bundles::bundle("nouveau").engines,
            ..Bundle::default()
        }),
    );
    check(
        "unknown",
        &inventory(&Bundle {
            os: "plan9".to_owned(),
            engines: crate::bundles::bundle("nouveau").engines,
            ..Bundle::default()
        }),
    );
}
