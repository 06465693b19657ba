//! The processor: its name, its cores, what of them this process may use, its caches and clocks.

use std::collections::BTreeSet;

use accel_core::hardware::{Cpu, CpuLimit, Fact};

use super::arm;
use super::clocks::{cache, max_mhz, mhz};
use super::extensions::extensions;
use super::memory::groups_texts;
use super::read::{count_list, fact, field, first, map};
use super::system::{printed, registry};
use crate::hardware::{Answer, Bundle, cgroup};

pub(super) const CPUINFO: &str = "/proc/cpuinfo";
const ONLINE: &str = "/sys/devices/system/cpu/online";
const STATUS: &str = "/proc/self/status";

/// What is known of the processor.
pub(super) fn cpu(bundle: &Bundle) -> Cpu {
    let logical_cores = logical(bundle);
    let affinity = affinity(bundle);
    let limit = limit(bundle);
    Cpu {
        vendor: vendor(bundle),
        name: name(bundle),
        sockets: sockets(bundle),
        physical_cores: physical(bundle, logical_cores.value),
        usable_cores: usable(bundle, &logical_cores, &affinity, &limit),
        logical_cores,
        efficiency_cores: efficiency(bundle),
        numa_nodes: numa(bundle),
        affinity,
        limit,
        extensions: extensions(bundle),
        l1d_bytes: cache(bundle, 1),
        l2_bytes: cache(bundle, 2),
        l3_bytes: cache(bundle, 3),
        max_mhz: max_mhz(bundle),
        mhz: mhz(bundle),
    }
}

/// The blocks of `/proc/cpuinfo`, one a processor.
fn blocks(bundle: &Bundle) -> impl Iterator<Item = &str> {
    bundle.text(CPUINFO).unwrap_or_default().split("\n\n").filter(|it| !it.trim().is_empty())
}

/// A fact from the first line of `/proc/cpuinfo` with that key.
pub(super) fn cpuinfo<T>(
    bundle: &Bundle,
    key: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Fact<T> {
    fact(bundle, CPUINFO, key, |text| parse(field(text, key)?))
}

fn owned(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn vendor(bundle: &Bundle) -> Fact<String> {
    match bundle.os.as_str() {
        "macos" => {
            let said = printed(bundle, "sysctl", "machdep.cpu.vendor");
            let brand = printed(bundle, "sysctl", "machdep.cpu.brand_string");
            match brand.value {
                Some(it) if it.starts_with("Apple") => {
                    Fact::known("Apple".to_owned(), brand.source)
                }
                _ => said,
            }
        }
        "windows" => {
            let source = "the variable PROCESSOR_IDENTIFIER";
            let text = bundle.environment.get("PROCESSOR_IDENTIFIER");
            match text.and_then(|it| it.rsplit_once(',')).and_then(|it| owned(it.1.trim())) {
                Some(it) => Fact::known(it, source),
                None => Fact::unknown(source, "it is not set"),
            }
        }
        _ => first([
            cpuinfo(bundle, "vendor_id", owned),
            cpuinfo(bundle, "CPU implementer", |it| Some(arm::implementer(it)?.to_owned())),
        ])
        .unwrap_or_default(),
    }
}

fn name(bundle: &Bundle) -> Fact<String> {
    match bundle.os.as_str() {
        "macos" => printed(bundle, "sysctl", "machdep.cpu.brand_string"),
        "windows" => {
            let source = "registry: ProcessorNameString";
            let text = bundle.printed("reg query CentralProcessor\\0");
            match text.and_then(|it| registry(it, "ProcessorNameString")) {
                Some(it) => Fact::known(it, source),
                None => Fact::unknown(source, "it was not read"),
            }
        }
        _ => first([
            cpuinfo(bundle, "model name", owned),
            fact(bundle, CPUINFO, "CPU part", |text| {
                // Cores of two kinds have two parts.
                let kinds: BTreeSet<_> = text
                    .split("\n\n")
                    .filter_map(|it| {
                        arm::part(field(it, "CPU implementer")?, field(it, "CPU part")?)
                    })
                    .collect();
                owned(&kinds.into_iter().collect::<Vec<_>>().join(" and "))
            }),
            cpuinfo(bundle, "Model", owned),
        ])
        .unwrap_or_default(),
    }
}

fn logical(bundle: &Bundle) -> Fact<u32> {
    let counted = match bundle.os.as_str() {
        "macos" => number(printed(bundle, "sysctl", "hw.logicalcpu")),
        "windows" => {
            let source = "the variable NUMBER_OF_PROCESSORS";
            match bundle.environment.get("NUMBER_OF_PROCESSORS").and_then(|it| it.parse().ok()) {
                Some(it) => Fact::known(it, source),
                None => Fact::unknown(source, "it is not set"),
            }
        }
        _ => first([
            fact(bundle, ONLINE, "", count_list),
            fact(bundle, CPUINFO, "processor", |text| {
                let count = text.lines().filter(|it| is_key(it, "processor")).count();
                u32::try_from(count).ok().filter(|it| *it > 0)
            }),
        ])
        .unwrap_or_default(),
    };
    match (counted.value, bundle.threads) {
        (None, Some(threads)) => Fact::known(threads, "the standard library"),
        _ => counted,
    }
}

fn is_key(line: &str, key: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| name.trim() == key)
}

fn number(fact: Fact<String>) -> Fact<u32> {
    let value = fact.value.and_then(|it| it.trim().parse().ok());
    let reason = match value {
        Some(_) => None,
        None => fact.reason.or_else(|| Some("it is not a number".to_owned())),
    };
    Fact { value, source: fact.source, reason }
}

/// The lists of processors of each socket.
fn packages(bundle: &Bundle) -> BTreeSet<&str> {
    let lists = bundle.below("/sys/devices/system/cpu/cpu").filter_map(|(path, text)| {
        path.ends_with("/topology/package_cpus_list").then(|| text.given())?
    });
    lists.map(|it| it.trim()).filter(|it| count_list(it).is_some()).collect()
}

fn sockets(bundle: &Bundle) -> Fact<u32> {
    const PACKAGES: &str = "/sys/devices/system/cpu/cpu*/topology/package_cpus_list";
    match bundle.os.as_str() {
        "macos" => return number(printed(bundle, "sysctl", "hw.packages")),
        "windows" => return Fact::unknown("the system", "sockets are not counted on Windows"),
        _ => {}
    }
    if let Some(count) = u32::try_from(packages(bundle).len()).ok().filter(|it| *it > 0) {
        return Fact::known(count, PACKAGES);
    }
    let ids: BTreeSet<_> = blocks(bundle).filter_map(|it| field(it, "physical id")).collect();
    match u32::try_from(ids.len()) {
        Ok(count) if count > 0 => Fact::known(count, format!("{CPUINFO} physical id")),
        _ => Fact::unknown(PACKAGES, "neither these files nor /proc/cpuinfo tell of sockets"),
    }
}

fn physical(bundle: &Bundle, logical: Option<u32>) -> Fact<u32> {
    const SIBLINGS: &str = "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list";
    match bundle.os.as_str() {
        "macos" => return number(printed(bundle, "sysctl", "hw.physicalcpu")),
        "windows" => return Fact::unknown("the system", "whole cores are not counted on Windows"),
        _ => {}
    }
    // Each socket tells its number of cores in each of its processors' blocks.
    let mut seen = BTreeSet::new();
    let mut cores = Some(0_u32);
    for block in blocks(bundle) {
        if let Some(id) = field(block, "physical id").filter(|id| seen.insert(*id)) {
            let own = field(block, "cpu cores").and_then(|it| it.parse::<u32>().ok());
            cores = cores
                .zip(own)
                .and_then(|(sum, own)| sum.checked_add(own))
                .filter(|_| !id.is_empty());
        }
    }
    if let Some(cores) = cores.filter(|it| *it > 0 && logical.is_none_or(|all| *it <= all)) {
        return Fact::known(cores, format!("{CPUINFO} cpu cores, by physical id"));
    }
    let threads = fact(bundle, SIBLINGS, "", count_list);
    match (threads.value, logical) {
        (Some(threads), Some(logical)) if logical % threads == 0 => {
            Fact::known(logical / threads, format!("{ONLINE}, {SIBLINGS}"))
        }
        (None, _) => {
            Fact::unknown(SIBLINGS, threads.reason.unwrap_or_else(|| "it does not say".to_owned()))
        }
        _ => Fact::unknown(SIBLINGS, "its cores are not all alike, so that they cannot be counted"),
    }
}

fn efficiency(bundle: &Bundle) -> Fact<u32> {
    const ATOM: &str = "/sys/devices/cpu_atom/cpus";
    match bundle.os.as_str() {
        "macos" => {
            let weaker = number(printed(bundle, "sysctl", "hw.perflevel1.logicalcpu"));
            if weaker.value.is_none() && bundle.printed("sysctl").is_some() {
                return Fact::known(0, "sysctl: there is no hw.perflevel1");
            }
            weaker
        }
        "windows" => Fact::unknown("the system", "kinds of cores are not told apart on Windows"),
        _ => {
            if bundle.has(ATOM) {
                return fact(bundle, ATOM, "", count_list);
            }
            // Capacities are relative to the strongest core (kernel, `arch_topology`).
            let capacities: Vec<u32> = bundle
                .below("/sys/devices/system/cpu/cpu")
                .filter(|(path, _)| path.ends_with("/cpu_capacity"))
                .filter_map(|(_, text)| text.given()?.trim().parse().ok())
                .collect();
            match capacities.iter().max() {
                Some(strongest) => {
                    let weaker = capacities.iter().filter(|it| *it < strongest).count();
                    Fact::known(
                        u32::try_from(weaker).unwrap_or(u32::MAX),
                        "/sys/devices/system/cpu/cpu*/cpu_capacity",
                    )
                }
                None => match bundle.files.get(ONLINE) {
                    Some(Answer::Refused { error }) => {
                        Fact::unknown(ATOM, format!("it cannot be read: {error}"))
                    }
                    _ => Fact::known(0, format!("there is no {ATOM}")),
                },
            }
        }
    }
}

fn numa(bundle: &Bundle) -> Fact<u32> {
    const NODES: &str = "/sys/devices/system/node/online";
    match bundle.os.as_str() {
        "linux" if bundle.has(NODES) => fact(bundle, NODES, "", count_list),
        "linux" => Fact::known(1, format!("there is no {NODES}: a kernel without NUMA")),
        "macos" => Fact::known(1, "macOS: Macs have one memory"),
        _ => Fact::unknown("the system", "NUMA nodes are not counted here"),
    }
}

fn affinity(bundle: &Bundle) -> Fact<String> {
    match bundle.os.as_str() {
        "linux" => fact(bundle, STATUS, "Cpus_allowed_list", |text| {
            let list = field(text, "Cpus_allowed_list")?;
            count_list(list).map(|_| list.to_owned())
        }),
        os => Fact::unknown("the system", format!("affinity is not read on {os}")),
    }
}

/// The least quota of all groups that this process is in.
fn limit(bundle: &Bundle) -> Fact<CpuLimit> {
    if bundle.os == "macos" {
        return Fact::known(CpuLimit::Unlimited, "macOS: it has no control groups");
    }
    if bundle.os != "linux" {
        return Fact::unknown("the system", "a container's quota is not read here");
    }
    let (cgroup, mountinfo) = match groups_texts(bundle) {
        Ok(it) => it,
        Err((source, reason)) => return Fact::unknown(source, reason),
    };
    let mut least: Option<(u64, String)> = None;
    let (mut looked, mut refused) = (None, None);
    for group in cgroup::groups(cgroup, mountinfo) {
        for folder in &group.folders {
            let (path, quota) = if group.unified {
                let path = format!("{folder}/cpu.max");
                let quota = bundle.line(&path).and_then(|it| it.split_once(' '));
                (path, quota)
            } else if group.controllers.contains("cpu") {
                let path = format!("{folder}/cpu.cfs_quota_us");
                let quota =
                    bundle.line(&path).zip(bundle.line(&format!("{folder}/cpu.cfs_period_us")));
                (path, quota)
            } else {
                continue;
            };
            let Some((quota, period)) = quota else {
                if let Some(Answer::Refused { error }) = bundle.files.get(&path) {
                    refused.get_or_insert((path, error.clone()));
                }
                continue;
            };
            looked.get_or_insert_with(|| path.clone());
            // `max` and -1 are no numbers of this type: no limit.
            let Some((quota, period)) = quota.parse::<u64>().ok().zip(period.parse::<u64>().ok())
            else {
                continue;
            };
            let Some(millicores) = quota.checked_mul(1000).and_then(|it| it.checked_div(period))
            else {
                continue;
            };
            if millicores > 0 && least.as_ref().is_none_or(|(known, _)| millicores < *known) {
                least = Some((millicores, path));
            }
        }
    }
    match least {
        Some((millicores, path)) => Fact::known(CpuLimit::Millicores(millicores), path),
        None if refused.is_some() => {
            let (path, error) = refused.unwrap_or_default();
            Fact::unknown(path, format!("it cannot be read: {error}"))
        }
        None => {
            let source = looked.unwrap_or_else(|| "/proc/self/cgroup".to_owned());
            Fact::known(CpuLimit::Unlimited, source)
        }
    }
}

fn usable(
    bundle: &Bundle,
    logical: &Fact<u32>,
    affinity: &Fact<String>,
    limit: &Fact<CpuLimit>,
) -> Fact<u32> {
    let mut usable = match affinity.value.as_deref().and_then(count_list) {
        Some(count) => Fact::known(count, affinity.source.clone()),
        None => match bundle.threads {
            Some(threads) => Fact::known(threads, "the standard library"),
            None => map(logical.clone(), |it| it),
        },
    };
    if let (Some(CpuLimit::Millicores(millicores)), Some(count)) = (limit.value, usable.value) {
        let whole = u32::try_from(millicores.div_ceil(1000)).unwrap_or(u32::MAX);
        if whole < count {
            usable = Fact::known(whole, limit.source.clone());
        }
    }
    usable
}
