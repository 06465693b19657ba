//! The operating system and what it runs in.

use accel_core::hardware::{Fact, System};

use super::read::{fact, field, first};
use crate::hardware::Bundle;

const RELEASE: &str = "/proc/sys/kernel/osrelease";

/// What is known of the system.
pub(super) fn system(bundle: &Bundle) -> System {
    System {
        os: Fact::known(bundle.os.clone(), "the program's own build"),
        arch: Fact::known(bundle.arch.clone(), "the program's own build"),
        machine: machine(bundle),
        os_version: os_version(bundle),
        kernel: kernel(bundle),
        inside: inside(bundle),
    }
}

/// Whether this is the Linux that Windows runs, and which version of it.
pub(super) fn wsl(bundle: &Bundle) -> Option<&'static str> {
    let kernel = bundle.line(RELEASE)?.to_ascii_lowercase();
    match () {
        () if bundle.os != "linux" || !kernel.contains("microsoft") => None,
        // Version 1 has no kernel of its own and calls itself as here.
        () if kernel.contains("-microsoft")
            && !kernel.contains("wsl2")
            && !bundle.has("/dev/dxg") =>
        {
            Some("wsl1")
        }
        () => Some("wsl2"),
    }
}

/// Whether this is the inside of a container.
pub(super) fn in_container(bundle: &Bundle) -> bool {
    inside(bundle).value.is_some_and(|it| it.iter().any(|it| !it.starts_with("wsl")))
}

fn machine(bundle: &Bundle) -> Fact<String> {
    let text = |it: &str| {
        let it = it.trim_matches(|it: char| it.is_whitespace() || it == '\0');
        (!it.is_empty()).then(|| it.to_owned())
    };
    let ways = match bundle.os.as_str() {
        "macos" => vec![printed(bundle, "sysctl", "hw.model")],
        "windows" => Vec::new(),
        _ => vec![
            fact(bundle, "/sys/class/dmi/id/product_name", "", text),
            fact(bundle, "/proc/device-tree/model", "", text),
        ],
    };
    first(ways).unwrap_or_else(|| Fact::unknown("the system", "the model is not read here"))
}

fn os_version(bundle: &Bundle) -> Fact<String> {
    match bundle.os.as_str() {
        "macos" => {
            let mut version = printed(bundle, "sysctl", "kern.osproductversion");
            version.value = version.value.map(|it| format!("macOS {it}"));
            version
        }
        "windows" => match bundle.printed("reg query CurrentVersion") {
            Some(text) => {
                let part = |key| registry(text, key);
                match (part("ProductName"), part("CurrentBuild")) {
                    (Some(name), Some(build)) => Fact::known(
                        format!("{name} (build {build})"),
                        "registry: Windows NT\\CurrentVersion",
                    ),
                    _ => Fact::unknown("registry: Windows NT\\CurrentVersion", "it does not say"),
                }
            }
            None => Fact::unknown("registry: Windows NT\\CurrentVersion", "it was not read"),
        },
        _ => {
            let pretty = |text: &str| {
                let value = text
                    .lines()
                    .find_map(|it| it.strip_prefix("PRETTY_NAME="))?
                    .trim()
                    .trim_matches('"');
                (!value.is_empty()).then(|| value.to_owned())
            };
            let paths = ["/etc/os-release", "/usr/lib/os-release"];
            first(paths.map(|it| fact(bundle, it, "PRETTY_NAME", pretty))).unwrap_or_default()
        }
    }
}

fn kernel(bundle: &Bundle) -> Fact<String> {
    match bundle.os.as_str() {
        "macos" => printed(bundle, "sysctl", "kern.osrelease"),
        "windows" => {
            let build = bundle
                .printed("reg query CurrentVersion")
                .and_then(|it| registry(it, "CurrentBuild"));
            match build {
                Some(it) => Fact::known(it, "registry: CurrentBuild"),
                None => Fact::unknown("registry: CurrentBuild", "it was not read"),
            }
        }
        _ => fact(bundle, RELEASE, "", |it| {
            let it = it.trim();
            (!it.is_empty()).then(|| it.to_owned())
        }),
    }
}

fn inside(bundle: &Bundle) -> Fact<Vec<String>> {
    if bundle.os == "macos" {
        return Fact::known(Vec::new(), "macOS: its programs run on the machine itself");
    }
    if bundle.os != "linux" {
        return Fact::unknown("the system", "containers are not looked for here");
    }
    let groups = bundle.text("/proc/self/cgroup").unwrap_or_default();
    let variable = |name: &str| bundle.environment.get(name).map(String::as_str);
    let signs = [
        ("docker", bundle.has("/.dockerenv"), "/.dockerenv"),
        ("docker", groups.contains("/docker"), "/proc/self/cgroup"),
        ("podman", bundle.has("/run/.containerenv"), "/run/.containerenv"),
        ("podman", groups.contains("libpod"), "/proc/self/cgroup"),
        ("kubernetes", groups.contains("kubepods"), "/proc/self/cgroup"),
        ("kubernetes", variable("KUBERNETES_SERVICE_HOST").is_some(), "KUBERNETES_SERVICE_HOST"),
        ("lxc", groups.contains("/lxc"), "/proc/self/cgroup"),
        ("lxc", variable("container") == Some("lxc"), "the variable `container`"),
        (
            "systemd-nspawn",
            variable("container") == Some("systemd-nspawn"),
            "the variable `container`",
        ),
        ("wsl1", wsl(bundle) == Some("wsl1"), RELEASE),
        ("wsl2", wsl(bundle) == Some("wsl2"), RELEASE),
    ];
    let (mut names, mut sources) = (Vec::<String>::new(), Vec::<&str>::new());
    for (name, there, source) in signs {
        if there && !names.iter().any(|it| it == name) {
            names.push(name.to_owned());
            sources.push(source);
        }
    }
    sources.dedup();
    let source = if sources.is_empty() {
        "no sign of one: /.dockerenv, /run/.containerenv, /proc/self/cgroup, variables".to_owned()
    } else {
        sources.join(", ")
    };
    Fact::known(names, source)
}

/// A value that a command prints as `key: value`.
pub(super) fn printed(bundle: &Bundle, command: &str, key: &str) -> Fact<String> {
    let source = format!("{command} {key}");
    match bundle.printed(command).and_then(|it| field(it, key)).filter(|it| !it.is_empty()) {
        Some(it) => Fact::known(it.to_owned(), source),
        None => Fact::unknown(source, "it does not say"),
    }
}

/// A value that `reg query` prints as `    name    REG_SZ    value`.
pub(super) fn registry(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix(name)?.trim_start();
        let value = rest.strip_prefix("REG_")?.split_once(char::is_whitespace)?.1.trim();
        (!value.is_empty()).then(|| value.to_owned())
    })
}
