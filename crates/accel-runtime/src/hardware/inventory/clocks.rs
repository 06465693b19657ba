//! Caches and clocks of the processor.

use accel_core::hardware::Fact;

use super::cpu::cpuinfo;
use super::read::{count_list, fact, first, size};
use super::system::{printed, registry};
use crate::hardware::Bundle;

/// The cache of a level: of one core, or of level 3 of one socket, in bytes.
pub(super) fn cache(bundle: &Bundle, level: u32) -> Fact<u64> {
    const FOLDER: &str = "/sys/devices/system/cpu/cpu0/cache/";
    match bundle.os.as_str() {
        "macos" => {
            // Of the stronger cores, where there are two kinds.
            let keys: &[&str] = match level {
                1 => &["hw.perflevel0.l1dcachesize", "hw.l1dcachesize"],
                2 => &["hw.perflevel0.l2cachesize", "hw.l2cachesize"],
                _ => &["hw.l3cachesize"],
            };
            let mut found =
                first(keys.iter().map(|it| printed(bundle, "sysctl", it))).unwrap_or_default();
            if level == 3 && found.value.is_none() {
                found.reason =
                    Some("this processor has no cache of level 3 that is told".to_owned());
            }
            let value = found.value.and_then(|it| it.parse::<u64>().ok()).filter(|it| *it > 0);
            let reason = match value {
                Some(_) => None,
                None => found.reason.or_else(|| Some("it does not say".to_owned())),
            };
            return Fact { value, source: found.source, reason };
        }
        "windows" => return Fact::unknown("the system", "caches are not read on Windows"),
        _ => {}
    }
    let indexes = bundle.children(FOLDER);
    if indexes.is_empty() {
        return Fact::unknown(FOLDER, "the system does not tell of caches");
    }
    let line = |index: &str, name: &str| bundle.line(&format!("{FOLDER}{index}/{name}"));
    for index in indexes {
        let is_data = line(index, "type").is_some_and(|it| it != "Instruction");
        if !is_data || line(index, "level").and_then(|it| it.parse().ok()) != Some(level) {
            continue;
        }
        let path = format!("{FOLDER}{index}/size");
        let one = fact(bundle, &path, "", size);
        if level < 3 {
            return one;
        }
        // A socket may have several, each for some of its cores.
        let sharing = line(index, "shared_cpu_list").and_then(count_list);
        let package = bundle
            .line("/sys/devices/system/cpu/cpu0/topology/package_cpus_list")
            .and_then(count_list);
        let instances = match (sharing, package) {
            (Some(sharing), Some(package)) if sharing > 0 => package.div_ceil(sharing),
            _ => 1,
        };
        return match one.value.and_then(|it| it.checked_mul(u64::from(instances))) {
            Some(sum) if instances > 1 => {
                Fact::known(sum, format!("{path} × {instances} in a socket"))
            }
            _ => one,
        };
    }
    Fact::unknown(FOLDER, format!("it lists no cache of level {level}"))
}

/// The highest clock.
pub(super) fn max_mhz(bundle: &Bundle) -> Fact<u32> {
    const MAX: &str = "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq";
    match bundle.os.as_str() {
        "macos" => {
            let hertz = printed(bundle, "sysctl", "hw.cpufrequency_max");
            match hertz.value.as_ref().and_then(|it| it.parse::<u64>().ok()) {
                Some(it) => Fact::known(u32::try_from(it / 1_000_000).unwrap_or(0), hertz.source),
                None => Fact::unknown(hertz.source, "macOS tells no clock of Apple's processors"),
            }
        }
        "windows" => Fact::unknown("the system", "the highest clock is not read on Windows"),
        _ => {
            let mut highest = fact(bundle, MAX, "", |it| {
                Some(it.trim().parse::<u32>().ok()? / 1000).filter(|it| *it > 0)
            });
            if !bundle.has(MAX) {
                highest.reason = Some(
                    "the kernel has no cpufreq driver for it, as in most virtual machines"
                        .to_owned(),
                );
            }
            highest
        }
    }
}

/// The clock now.
pub(super) fn mhz(bundle: &Bundle) -> Fact<u32> {
    match bundle.os.as_str() {
        "windows" => {
            let source = "registry: ~MHz";
            let text = bundle.printed("reg query CentralProcessor\\0");
            let value = text.and_then(|it| registry(it, "~MHz"));
            match value.and_then(|it| u32::from_str_radix(it.strip_prefix("0x")?, 16).ok()) {
                Some(it) => Fact::known(it, source),
                None => Fact::unknown(source, "it was not read"),
            }
        }
        "macos" => Fact::unknown("macOS", "macOS tells no clock without root"),
        _ => first([
            cpuinfo(bundle, "cpu MHz", |it| it.split('.').next()?.parse().ok()),
            fact(bundle, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "", |it| {
                Some(it.trim().parse::<u32>().ok()? / 1000)
            }),
        ])
        .unwrap_or_default(),
    }
}
