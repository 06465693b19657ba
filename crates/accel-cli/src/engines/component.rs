//! What can be installed: pinned, with the checksums that this program carries.

use std::fs;
use std::path::Path;

use super::args::Installable;

/// One thing to install, in a folder of its own below the folder of engines.
#[derive(Debug)]
pub(super) struct Component {
    /// What people call it.
    pub(super) name: &'static str,
    /// The pinned version.
    pub(super) version: &'static str,
    /// Its folder below the folder of engines.
    pub(super) folder: &'static str,
    /// Where it comes from.
    pub(super) source: Source,
    /// Files of which one begins like each of these once it is complete.
    pub(super) proofs: &'static [&'static str],
    /// What is fetched on Linux x86-64, in bytes; elsewhere it differs a little.
    pub(super) download_bytes: u64,
    /// What it takes on disk there, in bytes.
    pub(super) disk_bytes: u64,
}

/// Where a component comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// Python packages, with a lock file of hashes.
    Pip { lock: &'static str },
    /// An npm package: its `package.json`, the lock file, and what is taken out of it.
    Npm { package: &'static str, lock: &'static str, take: Take },
}

/// What is taken out of an npm package.
#[derive(Clone, Copy, Debug)]
pub(super) enum Take {
    /// The two files of onnxruntime-web.
    WebFiles,
    /// The packed browser and its libraries.
    Chromium,
}

/// The name of the lock file's copy in what was installed by it: the mark of a complete one.
pub(super) const MARK: &str = "accel.lock";

/// The files of onnxruntime-web that serve wasm, WebGPU and WebNN.
pub(super) const WEB_FILES: [&str; 2] =
    ["ort.jspi.bundle.min.mjs", "ort-wasm-simd-threaded.jspi.wasm"];

static ONNXRUNTIME: Component = Component {
    name: "onnxruntime",
    version: "1.31.1",
    folder: "onnxruntime",
    source: Source::Pip { lock: include_str!("../../locks/onnxruntime.txt") },
    proofs: ONNXRUNTIME_PROOFS,
    download_bytes: 24_000_000,
    disk_bytes: 65_000_000,
};

static ONNXRUNTIME_GPU: Component = Component {
    name: "onnxruntime-gpu",
    version: "1.31.1",
    folder: "onnxruntime-gpu",
    source: Source::Pip { lock: include_str!("../../locks/onnxruntime-gpu.txt") },
    proofs: ONNXRUNTIME_PROOFS,
    download_bytes: 1_570_000_000,
    disk_bytes: 2_520_000_000,
};

static OPENVINO: Component = Component {
    name: "openvino",
    version: "2026.4.1",
    folder: "openvino",
    source: Source::Pip { lock: include_str!("../../locks/openvino.txt") },
    proofs: if cfg!(windows) {
        &["openvino/libs/openvino_c"]
    } else {
        &["openvino/libs/libopenvino_c"]
    },
    download_bytes: 59_000_000,
    disk_bytes: 184_000_000,
};

static WEB: Component = Component {
    name: "onnxruntime-web",
    version: "1.30.0",
    folder: "web",
    source: Source::Npm {
        package: include_str!("../../locks/web/package.json"),
        lock: include_str!("../../locks/web/package-lock.json"),
        take: Take::WebFiles,
    },
    proofs: &WEB_FILES,
    download_bytes: 35_000_000,
    disk_bytes: 17_000_000,
};

/// Lies inside [`WEB`]'s folder.
static CHROMIUM: Component = Component {
    name: "chromium",
    version: "153.0.0",
    folder: "web/chromium",
    source: Source::Npm {
        package: include_str!("../../locks/chromium/package.json"),
        lock: include_str!("../../locks/chromium/package-lock.json"),
        take: Take::Chromium,
    },
    proofs: &["chromium", "libGLESv2.so", "libvk_swiftshader.so"],
    download_bytes: 70_000_000,
    disk_bytes: 217_000_000,
};

const ONNXRUNTIME_PROOFS: &[&str] = if cfg!(windows) {
    &["onnxruntime/capi/onnxruntime.dll"]
} else {
    &["onnxruntime/capi/libonnxruntime."]
};

/// How far a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing is there.
    Absent,
    /// This version is there, complete.
    Complete,
    /// An earlier version, or one that lost files, is there.
    Outdated,
    /// Something works there that was put there in another way; it is left as it is.
    ByHand,
    /// Something is there that is not this component at all.
    Foreign,
}

impl Component {
    /// The lock file, which names the versions and their checksums.
    pub(super) const fn lock(&self) -> &'static str {
        match self.source {
            Source::Pip { lock } | Source::Npm { lock, .. } => lock,
        }
    }

    /// How far it is in `engines`.
    pub(super) fn state(&self, engines: &Path) -> State {
        let folder = engines.join(self.folder);
        let proven = self.proofs.iter().all(|it| proof(&folder, it));
        match fs::read(folder.join(MARK)) {
            Ok(mark) if proven && mark == self.lock().as_bytes() => State::Complete,
            Ok(_) => State::Outdated,
            Err(_) if proven => State::ByHand,
            Err(_) if is_empty_or_absent(&folder) => State::Absent,
            Err(_) => State::Foreign,
        }
    }
}

/// Whether `folder` has a file that begins as `path` does.
pub(super) fn proof(folder: &Path, path: &str) -> bool {
    let (below, start) = path.rsplit_once('/').unwrap_or(("", path));
    let Ok(entries) = fs::read_dir(folder.join(below)) else { return false };
    entries.flatten().any(|it| {
        it.file_name().to_str().is_some_and(|it| it.starts_with(start))
            && fs::metadata(it.path()).is_ok_and(|it| it.is_file() && it.len() > 0)
    })
}

fn is_empty_or_absent(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        // A browser alone, whose folder lies in that of the web files, is nothing foreign.
        Ok(entries) => entries.flatten().all(|it| it.file_name() == "chromium"),
        Err(_) => fs::symlink_metadata(folder).is_err(),
    }
}

/// What is to be installed for `asked`, each once, and what `all` leaves out, with the reason.
pub(super) fn chosen(
    asked: &[Installable],
    with_browser: bool,
) -> (Vec<&'static Component>, Vec<String>) {
    let (mut components, mut left_out) = (Vec::new(), Vec::new());
    let mut add = |it: &'static Component| {
        if !components.iter().any(|known: &&Component| known.folder == it.folder) {
            components.push(it);
        }
    };
    for it in asked {
        match it {
            Installable::Onnxruntime => add(&ONNXRUNTIME),
            Installable::OnnxruntimeGpu => add(&ONNXRUNTIME_GPU),
            Installable::Openvino => add(&OPENVINO),
            Installable::Web => add(&WEB),
            Installable::All => {
                for it in [&ONNXRUNTIME, &OPENVINO, &WEB] {
                    add(it);
                }
                if has_nvidia_driver() {
                    add(&ONNXRUNTIME_GPU);
                } else {
                    left_out.push(
                        "onnxruntime-gpu is left out, since no NVIDIA driver is here; name it to \
                         install it anyway"
                            .to_owned(),
                    );
                }
            }
        }
    }
    if with_browser {
        add(&WEB);
        add(&CHROMIUM);
    }
    (components, left_out)
}

fn has_nvidia_driver() -> bool {
    let system = std::env::var_os("SystemRoot").unwrap_or_default();
    Path::new("/proc/driver/nvidia/version").exists()
        || Path::new("/dev/dxg").exists()
        || (cfg!(windows) && Path::new(&system).join("System32/nvcuda.dll").exists())
}
