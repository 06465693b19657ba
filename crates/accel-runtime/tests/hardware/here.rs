//! This machine, compared with what other ways of asking say.

use std::fs;
use std::process::Command;
use std::time::Instant;

use accel_runtime::hardware::{Inventory, detect};

use crate::bundles::check;

/// What a program prints, where it is installed.
fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A line of `lscpu`.
fn lscpu(key: &str) -> Option<String> {
    let text = printed("lscpu", &[])?;
    text.lines().find_map(|it| {
        let (name, value) = it.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}

#[test]
fn this_machine_is_consistent_and_detected_quickly() {
    check("here", &detect());
    let start = Instant::now();
    let _ = detect();
    println!("detection: {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
}

#[test]
#[cfg(target_os = "linux")]
fn values_are_those_that_other_programs_show() {
    let it: Inventory = detect();
    let number = |text: Option<String>| text.and_then(|it| it.trim().parse::<u64>().ok());
    if let Some(expected) = number(printed("nproc", &["--all"])) {
        // `--all` counts what is installed, which is what is online unless some was switched off.
        assert!(u64::from(it.cpu.logical_cores.value.unwrap()) <= expected);
    }
    let same = |value: Option<u32>, expected: Option<u64>, what: &str| {
        if let Some(expected) = expected {
            assert_eq!(value.map(u64::from), Some(expected), "{what}");
        }
    };
    same(it.cpu.logical_cores.value, number(lscpu("CPU(s)")), "CPU(s)");
    same(it.cpu.sockets.value, number(lscpu("Socket(s)")), "sockets");
    same(it.cpu.numa_nodes.value, number(lscpu("NUMA node(s)")), "NUMA nodes");
    let cores = number(lscpu("Core(s) per socket")).zip(number(lscpu("Socket(s)")));
    same(it.cpu.physical_cores.value, cores.map(|it| it.0 * it.1), "cores");
    for (value, key) in [(&it.cpu.vendor.value, "Vendor ID"), (&it.cpu.name.value, "Model name")] {
        if let Some(expected) = lscpu(key) {
            assert_eq!(value.as_ref(), Some(&expected), "{key}");
        }
    }
    if let Some(flags) = lscpu("Flags") {
        let own = it.cpu.extensions.value.clone().unwrap();
        let known: Vec<_> =
            flags.split(' ').filter(|it| it.starts_with("avx") || it.starts_with("amx")).collect();
        for flag in known {
            assert!(own.iter().any(|it| it == flag), "{flag} is not in {own:?}");
        }
    }
    // The standard library rounds a quota down, and here a part of a core is one to use.
    let usable = std::thread::available_parallelism().unwrap().get() as u64;
    let own = u64::from(it.cpu.usable_cores.value.unwrap());
    let whole = it.cpu.limit.value == Some(accel_runtime::hardware::CpuLimit::Unlimited);
    assert!(own == usable || (!whole && own == usable + 1), "{own} and {usable}");
    // As `free -b` prints it: Mem: total used free shared buff/cache available, then Swap: total.
    if let Some(text) = printed("free", &["-b"]) {
        let numbers = |line: &str| -> Vec<u64> {
            let line = text.lines().find(|it| it.starts_with(line)).unwrap();
            line.split_whitespace().filter_map(|it| it.parse().ok()).collect()
        };
        assert_eq!(it.memory.total_bytes.value, Some(numbers("Mem:")[0]));
        assert_eq!(it.memory.swap_total_bytes.value, Some(numbers("Swap:")[0]));
        let available = numbers("Mem:").pop().unwrap();
        let difference = it.memory.available_bytes.value.unwrap().abs_diff(available);
        assert!(difference < numbers("Mem:")[0] / 4, "{difference} bytes apart");
    }
    if let Some(release) = printed("uname", &["-r"]) {
        assert_eq!(it.system.kernel.value.as_deref(), Some(release.trim()));
    }
    assert_eq!(it.system.arch.value.as_deref(), Some(std::env::consts::ARCH));
}

/// What a common tool could show must not be unknown.
#[test]
#[cfg(target_os = "linux")]
fn nothing_is_unknown_that_a_common_tool_shows() {
    let it = detect();
    let there = |path: &str| fs::read_to_string(path).is_ok_and(|it| !it.trim().is_empty());
    assert!(it.system.kernel.value.is_some());
    assert!(it.system.inside.value.is_some());
    assert_eq!(it.system.os_version.value.is_some(), there("/etc/os-release"));
    let cpu = &it.cpu;
    assert!(cpu.vendor.value.is_some() && cpu.logical_cores.value.is_some(), "{cpu:?}");
    assert!(cpu.sockets.value.is_some() && cpu.physical_cores.value.is_some(), "{cpu:?}");
    assert!(cpu.usable_cores.value.is_some() && cpu.affinity.value.is_some(), "{cpu:?}");
    assert!(cpu.extensions.value.is_some() && cpu.limit.value.is_some(), "{cpu:?}");
    assert!(cpu.efficiency_cores.value.is_some() && cpu.numa_nodes.value.is_some(), "{cpu:?}");
    if there("/sys/devices/system/cpu/cpu0/cache/index0/size") {
        assert!(cpu.l1d_bytes.value.is_some() && cpu.l2_bytes.value.is_some(), "{cpu:?}");
    }
    for (known, key) in [
        (cpu.l3_bytes.value.is_some(), "L3 cache"),
        (cpu.max_mhz.value.is_some(), "CPU max MHz"),
        (cpu.l2_bytes.value.is_some(), "L2 cache"),
    ] {
        assert!(known || lscpu(key).is_none(), "{key}: {cpu:?}");
    }
    let memory = &it.memory;
    assert!(memory.total_bytes.value.is_some() && memory.available_bytes.value.is_some());
    assert!(memory.limit.value.is_some() && memory.swap_total_bytes.value.is_some());
    assert_eq!(memory.pressure_percent.value.is_some(), there("/proc/pressure/memory"));
    // `nvidia-smi -L` has a line a GPU, and one a slice.
    if let Some(listed) = printed("nvidia-smi", &["-L"]) {
        let own = it
            .devices
            .iter()
            .filter(|it| it.driver.value.is_some() && it.more.contains_key("uuid"));
        assert_eq!(own.count(), listed.lines().filter(|it| it.contains("UUID")).count());
    }
}
