//! Reading the system's files and folders into a bundle.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use crate::hardware::{Answer, Bundle, cgroup};

/// More than any file that is read here has; a longer one is cut off.
const LONGEST: u64 = 256 << 10;
/// More entries than any folder that is walked here has.
const MOST_ENTRIES: usize = 1024;

/// Read anew each time, whatever is cached: what differs between processes, and what changes.
const FRESH: &[&str] = &[
    "/proc/meminfo",
    "/proc/pressure/memory",
    "/proc/self/cgroup",
    "/proc/self/mountinfo",
    "/proc/self/status",
    "/sys/bus/pci/devices/*/mem_info_vram_used",
    "/sys/class/kfd/kfd/topology/nodes/*/mem_banks/0/used_memory",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
];

/// Read once; `*` stands for each entry of a folder.
const LASTING: &[&str] = &[
    "/.dockerenv",
    "/run/.containerenv",
    "/etc/os-release",
    "/usr/lib/os-release",
    "/proc/cpuinfo",
    "/proc/device-tree/model",
    "/proc/driver/nvidia/gpus/*/information",
    "/proc/driver/nvidia/version",
    "/proc/sys/kernel/osrelease",
    "/sys/class/dmi/id/product_name",
    "/sys/class/kfd/kfd/topology/nodes/*/gpu_id",
    "/sys/class/kfd/kfd/topology/nodes/*/mem_banks/*/properties",
    "/sys/class/kfd/kfd/topology/nodes/*/properties",
    "/sys/devices/cpu_atom/cpus",
    "/sys/devices/system/cpu/cpu*/cpu_capacity",
    "/sys/devices/system/cpu/cpu0/cache/*/level",
    "/sys/devices/system/cpu/cpu0/cache/*/shared_cpu_list",
    "/sys/devices/system/cpu/cpu0/cache/*/size",
    "/sys/devices/system/cpu/cpu0/cache/*/type",
    "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
    "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/node/online",
    "/sys/module/amdgpu/version",
    "/sys/module/i915/version",
    "/sys/module/intel_vpu/version",
    "/sys/module/xe/version",
];

/// Of a GPU or NPU on the PCI bus.
const PCI: &[&str] = &[
    "current_link_speed",
    "current_link_width",
    "hwmon/*/freq1_input",
    "hwmon/*/power1_average",
    "hwmon/*/power1_cap",
    "hwmon/*/power1_input",
    "max_link_speed",
    "max_link_width",
    "mem_info_vram_total",
    "product_name",
    "resource",
    "tile*/physical_vram_size_bytes",
];

/// Device files of which only matters whether they may be opened.
const DOORS: &[&str] = &["/dev/accel/accel*", "/dev/dri/renderD*", "/dev/dxg", "/dev/kfd"];

/// Reads what lasts.
pub(super) fn lasting(bundle: &mut Bundle) {
    for pattern in LASTING {
        read(bundle, pattern);
    }
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        keep_lines(bundle, path, |it| it.starts_with("PRETTY_NAME="));
    }
    cpus(bundle);
    pci(bundle);
    for pattern in DOORS {
        each(pattern, &mut |path| {
            let answer = match File::open(path) {
                Ok(_) => Answer::Given(String::new()),
                Err(error) if error.kind() == ErrorKind::NotFound => return,
                Err(error) => Answer::Refused { error: words(&error) },
            };
            bundle.files.insert(path.to_owned(), answer);
        });
    }
}

/// Reads anew what does not last.
pub(super) fn fresh(bundle: &mut Bundle) {
    for pattern in FRESH {
        read(bundle, pattern);
    }
    keep_lines(bundle, "/proc/self/mountinfo", |it| it.contains(" - cgroup"));
    let keys = ["MemTotal:", "MemFree:", "MemAvailable:", "Cached:", "SwapTotal:"];
    keep_lines(bundle, "/proc/meminfo", |it| keys.iter().any(|key| it.starts_with(key)));
    keep_lines(bundle, "/proc/self/status", |it| it.starts_with("Cpus_allowed_list"));
    let text = |path| bundle.text(path).unwrap_or_default().to_owned();
    let (cgroup, mountinfo) = (text("/proc/self/cgroup"), text("/proc/self/mountinfo"));
    for group in cgroup::groups(&cgroup, &mountinfo) {
        for path in cgroup::files(&group) {
            one(bundle, &path);
            keep_lines(bundle, &path, |it| {
                !path.ends_with("memory.stat")
                    || it.starts_with("inactive_file ")
                    || it.starts_with("total_inactive_file ")
            });
        }
    }
}

/// One processor of each socket: the others of it are like it.
fn cpus(bundle: &mut Bundle) {
    use crate::hardware::inventory::read::{in_list, numbers};
    let Some(online) = bundle.line("/sys/devices/system/cpu/online").map(str::to_owned) else {
        return;
    };
    let mut covered: Vec<String> = Vec::new();
    for cpu in numbers(&online) {
        if covered.iter().any(|it| in_list(it, cpu)) {
            continue;
        }
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/package_cpus_list");
        one(bundle, &path);
        match bundle.line(&path) {
            Some(list) if in_list(list, cpu) => covered.push(list.to_owned()),
            _ => break,
        }
    }
    // A block for each kind of processor in each socket is enough where the kernel counts them.
    let Ok(text) = bundle.text("/proc/cpuinfo") else { return };
    let short = short_cpuinfo(text);
    bundle.files.insert("/proc/cpuinfo".to_owned(), Answer::Given(short));
}

/// The first block of those that agree in all that is read of them.
fn short_cpuinfo(text: &str) -> String {
    const KEPT: [&str; 11] = [
        "vendor_id",
        "model name",
        "physical id",
        "cpu cores",
        "flags",
        "Features",
        "CPU implementer",
        "CPU part",
        "Model",
        "cpu MHz",
        "processor",
    ];
    let mut seen = std::collections::BTreeSet::new();
    let mut blocks = Vec::new();
    for block in text.split("\n\n").take(65_536) {
        let key = |line: &str| line.split(':').next().unwrap_or_default().trim().to_owned();
        let lines = || block.lines().filter(|it| KEPT.contains(&key(it).as_str()));
        let identity: String =
            lines().filter(|it| !matches!(key(it).as_str(), "processor" | "cpu MHz")).collect();
        if !identity.is_empty() && seen.insert(identity) {
            blocks.push(lines().collect::<Vec<_>>().join("\n"));
        }
    }
    blocks.join("\n\n") + "\n"
}

/// GPUs and NPUs on the bus, and their names in the system's list.
fn pci(bundle: &mut Bundle) {
    const DEVICES: &str = "/sys/bus/pci/devices";
    let names = match list(Path::new(DEVICES)) {
        Ok(names) => names,
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        Err(error) => {
            bundle.folders.insert(DEVICES.to_owned(), Answer::Refused { error: words(&error) });
            return;
        }
    };
    let (mut ids, mut kept) = (Vec::new(), Vec::new());
    for name in names {
        let folder = format!("{DEVICES}/{name}");
        let class = text(Path::new(&format!("{folder}/class"))).ok().and_then(Answer::into_given);
        // Display controllers and processing accelerators (PCI Code and ID Assignment).
        let class = class.unwrap_or_default();
        if !["0x03", "0x1200"].iter().any(|it| class.starts_with(it)) {
            continue;
        }
        for file in ["class", "device", "vendor"] {
            one(bundle, &format!("{folder}/{file}"));
        }
        for pattern in PCI {
            read(bundle, &format!("{folder}/{pattern}"));
        }
        let driver = format!("{folder}/driver");
        if let Ok(target) = fs::read_link(&driver) {
            let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
            bundle.links.insert(driver, name);
        }
        let id = |file: &str| {
            let text = bundle.line(&format!("{folder}/{file}"))?;
            Some(text.strip_prefix("0x")?.to_owned())
        };
        ids.extend(id("vendor").zip(id("device")));
        kept.push(name);
    }
    bundle.folders.insert(DEVICES.to_owned(), Answer::Given(kept));
    if !ids.is_empty() {
        pci_names(bundle, &ids);
    }
}

/// Names from the list that the package `pciutils` or `hwdata` brings.
fn pci_names(bundle: &mut Bundle, ids: &[(String, String)]) {
    let lists = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];
    let Some(text) = lists.iter().find_map(|it| fs::read(it).ok()) else { return };
    let text = String::from_utf8_lossy(&text);
    let mut vendor = "";
    for line in text.lines() {
        // A vendor begins its line, its devices come below it after one tab.
        match line.strip_prefix('\t') {
            None => vendor = line.get(..4).unwrap_or_default(),
            Some(line) if line.starts_with('\t') => {}
            Some(line) => {
                let Some((device, name)) = line.split_once("  ") else { continue };
                if ids.iter().any(|it| it.0 == vendor && it.1 == device) {
                    bundle.pci_names.insert(format!("{vendor}:{device}"), name.to_owned());
                }
            }
        }
    }
}

/// Reads every file that `pattern` stands for.
fn read(bundle: &mut Bundle, pattern: &str) {
    each(pattern, &mut |path| one(bundle, path));
}

/// Reads one file; what is not there leaves nothing.
fn one(bundle: &mut Bundle, path: &str) {
    match text(Path::new(path)) {
        Ok(answer) => {
            bundle.files.insert(path.to_owned(), answer);
        }
        Err(_) => {
            bundle.files.remove(path);
        }
    }
}

/// The text of a file, or the system's refusal; an error only where there is no file.
fn text(path: &Path) -> std::io::Result<Answer<String>> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|it| it.take(LONGEST).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Answer::Given(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(error)
        }
        Err(error) => Ok(Answer::Refused { error: words(&error) }),
    }
}

/// Calls `found` with every path that `pattern` stands for; `*` stands for the rest of a name.
fn each(pattern: &str, found: &mut dyn FnMut(&str)) {
    let Some((start, rest)) = pattern.split_once('*') else {
        found(pattern);
        return;
    };
    let (folder, prefix) = start.rsplit_once('/').unwrap_or(("", start));
    for name in list(Path::new(folder)).unwrap_or_default() {
        // `cpu*` is meant for `cpu0`, not for `cpufreq`.
        let Some(end) = name.strip_prefix(prefix) else { continue };
        if !prefix.is_empty() && !end.bytes().all(|it| it.is_ascii_digit()) {
            continue;
        }
        each(&format!("{folder}/{name}{rest}"), found);
    }
}

fn list(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names: Vec<_> = fs::read_dir(folder)?
        .flatten()
        .filter_map(|it| it.file_name().into_string().ok())
        .take(MOST_ENTRIES)
        .collect();
    names.sort_unstable();
    Ok(names)
}

fn keep_lines(bundle: &mut Bundle, path: &str, keep: impl Fn(&str) -> bool) {
    if let Some(Answer::Given(text)) = bundle.files.get_mut(path) {
        let lines: Vec<_> = text.lines().filter(|it| keep(it)).collect();
        *text = lines.join("\n") + "\n";
    }
}

/// What the system said, the same in every language.
fn words(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{each, short_cpuinfo};

    #[test]
    fn a_star_stands_for_entries_and_for_numbers_after_a_name() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["cpu0/x", "cpu10/x", "cpufreq/x"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let root = folder.path().to_str().unwrap();
        let count = |pattern: &str| {
            let mut count = 0;
            each(&format!("{root}/{pattern}"), &mut |_| count += 1);
            count
        };
        assert_eq!(count("cpu*/x"), 2);
        assert_eq!(count("*/x"), 3);
        assert_eq!(count("none/*/x"), 0);
    }

    #[test]
    fn processors_of_one_kind_become_one_block() {
        let block = |number: u32, socket: u32| {
            format!(
                "processor\t: {number}\nbogomips\t: {number}\nphysical id\t: {socket}\ncpu cores\t: 2\n\n"
            )
        };
        let text = [block(0, 0), block(1, 0), block(2, 1), block(3, 1)].concat();
        let short = short_cpuinfo(&text);
        assert_eq!(short.matches("physical id").count(), 2, "{short}");
        assert!(!short.contains("bogomips"), "{short}");
    }
}
