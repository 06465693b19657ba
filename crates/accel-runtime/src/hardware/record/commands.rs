//! What the programs of macOS and Windows print, cut down to what is read of it.

use std::process::{Command, Stdio};

use crate::hardware::{Answer, Bundle};

/// Names of sysctl's values that are read, or their beginnings.
const SYSCTL: [&str; 14] = [
    "hw.cpufrequency_max",
    "hw.l",
    "hw.memsize:",
    "hw.model:",
    "hw.optional.arm.AdvSIMD",
    "hw.optional.arm.FEAT_",
    "hw.optional.neon:",
    "hw.packages:",
    "hw.perflevel",
    "hw.physicalcpu:",
    "kern.osproductversion:",
    "kern.osrelease:",
    "machdep.cpu.",
    "vm.swapusage:",
];

/// Runs what tells of what lasts.
pub(super) fn lasting(bundle: &mut Bundle) {
    match bundle.os.as_str() {
        "macos" => {
            let areas =
                ["hw", "machdep.cpu", "kern.osproductversion", "kern.osrelease", "vm.swapusage"];
            run(bundle, "sysctl", "sysctl", &areas, |it| {
                SYSCTL.iter().any(|key| it.starts_with(key))
            });
            let class = ["-r", "-d", "1", "-c", "AGXAccelerator"];
            run(bundle, "ioreg AGXAccelerator", "ioreg", &class, |it| {
                it.contains("\"gpu-core-count\"")
            });
        }
        "windows" => {
            let current = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
            let names = ["ProductName", "CurrentBuild "];
            run(bundle, "reg query CurrentVersion", "reg", &["query", current], |it| {
                names.iter().any(|name| it.trim_start().starts_with(name))
            });
            let processor = r"HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor\0";
            let names = ["ProcessorNameString", "~MHz"];
            run(bundle, r"reg query CentralProcessor\0", "reg", &["query", processor], |it| {
                names.iter().any(|name| it.trim_start().starts_with(name))
            });
        }
        _ => {}
    }
}

/// Runs what tells of what does not last.
pub(super) fn fresh(bundle: &mut Bundle) {
    if bundle.os == "macos" {
        let keys = [
            "Mach Virtual",
            "Pages free",
            "Pages inactive",
            "Pages speculative",
            "Pages purgeable",
        ];
        run(bundle, "vm_stat", "vm_stat", &[], |it| keys.iter().any(|key| it.starts_with(key)));
    }
}

fn run(
    bundle: &mut Bundle,
    name: &str,
    program: &str,
    arguments: &[&str],
    keep: impl Fn(&str) -> bool,
) {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let answer = match output {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let lines: Vec<_> = text.lines().filter(|it| keep(it)).collect();
            Answer::Given(lines.join("\n") + "\n")
        }
        Err(error) => Answer::Refused { error: error.to_string() },
    };
    bundle.commands.insert(name.to_owned(), answer);
}
