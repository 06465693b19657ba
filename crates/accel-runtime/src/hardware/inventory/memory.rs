//! Main memory and the container's limit of it.

use accel_core::hardware::{Fact, Memory, MemoryLimit};

use super::read::{fact, field, kilobytes, word};
use crate::hardware::{Answer, Bundle, cgroup};

const MEMINFO: &str = "/proc/meminfo";
const PRESSURE: &str = "/proc/pressure/memory";

/// What is known of main memory.
pub(super) fn memory(bundle: &Bundle) -> Memory {
    match bundle.os.as_str() {
        "linux" => linux(bundle),
        "macos" => macos(bundle),
        os => {
            let not_read = |what: &str| format!("{what} is not read on {os}");
            Memory {
                total_bytes: Fact::unknown("the system", not_read("the size of memory")),
                available_bytes: Fact::unknown("the system", not_read("free memory")),
                limit: Fact::unknown("the system", not_read("a container's limit")),
                limit_used_bytes: Fact::unknown("the system", not_read("a container's use")),
                swap_total_bytes: Fact::unknown("the system", not_read("swap")),
                pressure_percent: Fact::unknown("the system", not_read("pressure")),
            }
        }
    }
}

fn linux(bundle: &Bundle) -> Memory {
    let bytes = |key: &str| fact(bundle, MEMINFO, key, |text| kilobytes(field(text, key)?));
    let total = bytes("MemTotal");
    let mut available = bytes("MemAvailable");
    if available.value.is_none() && bundle.has(MEMINFO) {
        // Kernels before 3.14 do not estimate it.
        let estimate = fact(bundle, MEMINFO, "MemFree + Cached", |text| {
            let part = |key| kilobytes(field(text, key)?);
            part("MemFree")?.checked_add(part("Cached")?)
        });
        if estimate.value.is_some() {
            available = estimate;
        }
    }
    let (limit, limit_used_bytes) = limit(bundle, total.value);
    let pressure = fact(bundle, PRESSURE, "some avg10", |text| {
        let some = text.lines().find_map(|it| it.strip_prefix("some "))?;
        let avg10 = some.split(' ').find_map(|it| it.strip_prefix("avg10="))?;
        avg10.parse::<f64>().ok().filter(|it| (0.0..=100.0).contains(it))
    });
    Memory {
        total_bytes: total,
        available_bytes: available,
        limit,
        limit_used_bytes,
        swap_total_bytes: bytes("SwapTotal"),
        pressure_percent: pressure,
    }
}

/// The limit that leaves least of all groups that this process is in, and what is used of it.
///
/// What the kernel drops at once when memory is short, file pages that nobody used lately, does
/// not count as used; Kubernetes reckons so too.
fn limit(bundle: &Bundle, total: Option<u64>) -> (Fact<MemoryLimit>, Fact<u64>) {
    let (cgroup, mountinfo) = match groups_texts(bundle) {
        Ok(it) => it,
        Err((source, reason)) => {
            return (Fact::unknown(source, &*reason), Fact::unknown(source, reason));
        }
    };
    let mut least: Option<(u64, u64, Fact<u64>, String)> = None;
    let mut looked = Vec::new();
    let mut refused = None;
    for group in cgroup::groups(cgroup, mountinfo) {
        let (limit_name, used_name, cache) = if group.unified {
            ("memory.max", "memory.current", "inactive_file")
        } else if group.controllers.contains("memory") {
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        } else {
            continue;
        };
        for folder in &group.folders {
            let path = format!("{folder}/{limit_name}");
            let Some(text) = bundle.line(&path) else {
                if let Some(Answer::Refused { error }) = bundle.files.get(&path) {
                    refused.get_or_insert((path, error.clone()));
                }
                continue;
            };
            looked.push(path.clone());
            // Version 1 writes the largest number for no limit, and a limit above what there is
            // limits nothing.
            let Some(limit) = text.parse::<u64>().ok() else { continue };
            if limit >= total.unwrap_or(1 << 62) {
                continue;
            }
            let used =
                fact(bundle, &format!("{folder}/{used_name}"), "", |it| it.trim().parse().ok());
            let stat = bundle.text(&format!("{folder}/memory.stat")).ok();
            let cached = stat.and_then(|it| word(it, cache)).and_then(|it| it.parse().ok());
            let used = match (used.value, cached) {
                (Some(used_bytes), Some(cached)) => Fact::known(
                    u64::saturating_sub(used_bytes, cached),
                    format!("{} − memory.stat {cache}", used.source),
                ),
                _ => used,
            };
            let left = limit.saturating_sub(used.value.unwrap_or(0));
            if least.as_ref().is_none_or(|(known, ..)| left < *known) {
                least = Some((left, limit, used, path));
            }
        }
    }
    match least {
        Some((_, limit, used, path)) => (Fact::known(MemoryLimit::Bytes(limit), path), used),
        None if refused.is_some() => {
            let (path, error) = refused.unwrap_or_default();
            let reason = format!("it cannot be read: {error}");
            (Fact::unknown(&*path, &*reason), Fact::unknown(&*path, &*reason))
        }
        None => {
            let source = looked.into_iter().next();
            let source = source.unwrap_or_else(|| "/proc/self/cgroup".to_owned());
            let used = Fact::unknown(&*source, "there is no limit that anything could be used of");
            (Fact::known(MemoryLimit::Unlimited, source), used)
        }
    }
}

/// The two files that say in which groups this process is; else which is missing, and why.
pub(super) fn groups_texts(bundle: &Bundle) -> Result<(&str, &str), (&'static str, String)> {
    let read = |path: &'static str| bundle.text(path).map_err(|reason| (path, reason));
    Ok((read("/proc/self/cgroup")?, read("/proc/self/mountinfo")?))
}

fn macos(bundle: &Bundle) -> Memory {
    const TOTAL: &str = "hw.memsize";
    let sysctl = bundle.printed("sysctl").unwrap_or_default();
    let total = match field(sysctl, TOTAL).and_then(|it| it.parse().ok()) {
        Some(it) => Fact::known(it, format!("sysctl {TOTAL}")),
        None => Fact::unknown(format!("sysctl {TOTAL}"), "it does not say"),
    };
    let vm_stat = bundle.printed("vm_stat").unwrap_or_default();
    let available = match available_pages(vm_stat) {
        Some(it) => Fact::known(it, "vm_stat: pages free, inactive, speculative and purgeable"),
        None => Fact::unknown("vm_stat", "it does not say"),
    };
    // As `total = 2048.00M  used = 900.00M  free = 1148.00M`.
    let swap = field(sysctl, "vm.swapusage").and_then(|it| {
        let total = it.strip_prefix("total =")?.split_whitespace().next()?.strip_suffix('M')?;
        let (whole, part) = total.split_once('.').unwrap_or((total, "0"));
        let part = part.get(..2).unwrap_or("0").parse::<u64>().ok()?;
        whole.parse::<u64>().ok()?.checked_mul(1 << 20)?.checked_add((part << 20) / 100)
    });
    Memory {
        total_bytes: total,
        available_bytes: available,
        limit: Fact::known(MemoryLimit::Unlimited, "macOS: it has no control groups"),
        limit_used_bytes: Fact::unknown(
            "macOS",
            "there is no limit that anything could be used of",
        ),
        swap_total_bytes: match swap {
            Some(it) => Fact::known(it, "sysctl vm.swapusage"),
            None => Fact::unknown("sysctl vm.swapusage", "it does not say"),
        },
        pressure_percent: Fact::unknown("macOS", "macOS tells no share of time spent waiting"),
    }
}

/// Bytes that can be had without swapping, from what `vm_stat` prints.
fn available_pages(text: &str) -> Option<u64> {
    let page = text.split("page size of ").nth(1)?.split(' ').next()?.parse::<u64>().ok()?;
    let pages = |key: &str| field(text, key)?.trim_end_matches('.').parse::<u64>().ok();
    let mut sum = pages("Pages free")?;
    for key in ["Pages inactive", "Pages speculative", "Pages purgeable"] {
        sum = sum.checked_add(pages(key).unwrap_or(0))?;
    }
    sum.checked_mul(page)
}
