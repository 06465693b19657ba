//! What a machine said of itself, before anything is concluded from it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use accel_core::Engine as EngineName;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The version of [`Bundle`] as JSON.
pub const BUNDLE_VERSION: u32 = 1;

/// What the field `format` of every bundle says.
pub const BUNDLE_FORMAT: &str = "accel-hardware-bundle";

/// The largest file that is read as a bundle: ten times what a machine with hundreds of
/// processors and a dozen GPUs needs.
const LARGEST_BYTES: u64 = 4 << 20;

/// The raw evidence of one machine, as [`record`](super::record()) reads it and
/// [`inventory`](super::inventory()) judges it.
///
/// What is not in it was not there when it was recorded. A redacted one
/// ([`redact`](super::redact())) may be shown to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// [`BUNDLE_FORMAT`].
    pub format: String,
    /// [`BUNDLE_VERSION`] of the program that wrote it.
    pub version: u32,
    /// `recorded`, or for one that was written by hand `constructed from documentation`.
    pub origin: String,
    /// What machine it is, for people; empty unless somebody wrote it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// `linux`, `macos`, `windows`, as Rust names systems.
    pub os: String,
    /// `x86_64`, `aarch64`, as Rust names processors.
    pub arch: String,
    /// Threads that the standard library says this process may run side by side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// Extensions that the standard library finds by asking the processor, by their Linux names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<String>,
    /// Texts of files by path. Of device files, whether this process may open them: an empty text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Answer<String>>,
    /// Names in folders by path: of `/sys/bus/pci/devices` those of display controllers and
    /// processing accelerators, so that a bus without any differs from one that cannot be seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub folders: BTreeMap<String, Answer<Vec<String>>>,
    /// Last parts of what links lead to, by the links' paths.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, String>,
    /// Environment variables that matter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// What the system's own programs print, by the command that was run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commands: BTreeMap<String, Answer<String>>,
    /// Names of PCI devices from the system's list of them, by `vendor:device` in hexadecimal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pci_names: BTreeMap<String, String>,
    /// NVIDIA's management library; `None` when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nvml: Option<Nvml>,
    /// Apple's Metal; `None` when it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metal: Option<Answer<Metal>>,
    /// OpenVINO's devices; `None` when it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openvino: Option<Answer<Vec<OpenvinoDevice>>>,
    /// Engines' files; an engine that is not listed was not found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engines: Vec<EngineFiles>,
    /// What browsers said, by platform; `None` when none was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browsers: Option<BTreeMap<String, Answer<String>>>,
}

/// Something that was asked for, or why it was not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer<T> {
    /// What was asked for.
    Given(T),
    /// Why not, in the words of the system.
    Refused {
        /// The words.
        error: String,
    },
}

impl<T> Answer<T> {
    /// What was given.
    pub const fn given(&self) -> Option<&T> {
        match self {
            Self::Given(it) => Some(it),
            Self::Refused { .. } => None,
        }
    }

    /// An answer of another type from what was given.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Given(it) => Answer::Given(to(it)),
            Self::Refused { error } => Answer::Refused { error },
        }
    }

    /// What was given, taken out.
    pub fn into_given(self) -> Option<T> {
        match self {
            Self::Given(it) => Some(it),
            Self::Refused { .. } => None,
        }
    }
}

impl<T, E: std::fmt::Display> From<std::result::Result<T, E>> for Answer<T> {
    /// What a fallible question gave, or its error's words.
    fn from(result: std::result::Result<T, E>) -> Self {
        match result {
            Ok(it) => Self::Given(it),
            Err(error) => Self::Refused { error: error.to_string() },
        }
    }
}

/// What NVML said. Numbers are as it gives them (`nvml.h` of the CUDA toolkit).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nvml {
    /// What `nvmlInit_v2` returned.
    pub status: i32,
    /// The driver's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<NvmlValue<String>>,
    /// The newest CUDA that the driver serves, as `1000 × major + 10 × minor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cuda: Option<NvmlValue<i32>>,
    /// Its GPUs in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<NvmlGpu>,
}

/// A value, or the `nvmlReturn_t` that came in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NvmlValue<T> {
    /// What was asked for.
    Value(T),
    /// Why not.
    Status {
        /// The number.
        status: i32,
    },
}

/// A GPU as NVML tells of it. What is `None` was not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NvmlGpu {
    /// What `nvmlDeviceGetHandleByIndex_v2` returned; nothing else is known unless it is 0.
    pub status: i32,
    /// `GPU-…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<NvmlValue<String>>,
    /// The product's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<NvmlValue<String>>,
    /// Its place on the bus, such as `00000000:07:00.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pci: Option<NvmlValue<String>>,
    /// Total and free bytes of its memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<NvmlValue<[u64; 2]>>,
    /// Major and minor number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_capability: Option<NvmlValue<[i32; 2]>>,
    /// Generation of the link, now and at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pcie_generation: Option<NvmlValue<[u32; 2]>>,
    /// Lanes of the link, now and at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pcie_width: Option<NvmlValue<[u32; 2]>>,
    /// The limit that holds, in milliwatts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_limit_mw: Option<NvmlValue<u32>>,
    /// What it draws, in milliwatts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_mw: Option<NvmlValue<u32>>,
    /// Clock of the multiprocessors, now and at most, in MHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_mhz: Option<NvmlValue<[u32; 2]>>,
    /// Clock of the memory, now and at most, in MHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_clock_mhz: Option<NvmlValue<[u32; 2]>>,
    /// Processes that compute, and that draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<NvmlValue<[u32; 2]>>,
    /// Whether it is partitioned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mig: Option<NvmlValue<bool>>,
    /// Its slices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<NvmlSlice>,
}

/// A slice of a partitioned GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NvmlSlice {
    /// `MIG-…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<NvmlValue<String>>,
    /// Such as `NVIDIA A100-SXM4-40GB MIG 3g.20gb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<NvmlValue<String>>,
    /// Total and free bytes of its memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<NvmlValue<[u64; 2]>>,
    /// Numbers of its GPU instance and its compute instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<NvmlValue<[u32; 2]>>,
    /// Processes that compute, and that draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<NvmlValue<[u32; 2]>>,
}

/// What Metal says of the system's default GPU (`MTLDevice`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metal {
    /// `recommendedMaxWorkingSetSize`: what it may use without slowing down, in bytes.
    pub working_set_bytes: u64,
    /// `hasUnifiedMemory`.
    pub unified: bool,
    /// Members of `MTLGPUFamily` for which `supportsFamily` says yes, of those asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<i64>,
}

/// One of OpenVINO's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenvinoDevice {
    /// As OpenVINO is asked for it: `GPU.0`, `NPU`.
    pub name: String,
    /// As its maker calls it.
    pub full_name: String,
}

/// An engine as its files tell of it; nothing of it was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineFiles {
    /// Which.
    pub engine: EngineName,
    /// Whether this program can drive it.
    pub built_in: bool,
    /// Its library or executable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its version, and what says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<(String, String)>,
    /// What it brings: `cuda`, `migraphx`, `coreml`; plugins; for CUDA also `cuda-runtime=13`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// Why its files are of no use, and what would help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<(String, String)>,
}

impl Bundle {
    /// Reads a bundle that [`write`](Self::write) or a person wrote.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::InvalidFile`] when it is too large, not
    /// a bundle, or one of another version.
    pub fn read(path: &Path) -> Result<Self> {
        let unreadable = |source| Error::Io { path: path.to_owned(), source };
        let mut text = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(LARGEST_BYTES + 1).read_to_end(&mut text).map_err(unreadable)?;
        let refuse = |reason: String| Error::InvalidFile {
            path: path.to_owned(),
            reason,
            remedy: "give a file that `accel hardware --record FILE` wrote".to_owned(),
        };
        if text.len() as u64 > LARGEST_BYTES {
            return Err(refuse(format!("it has more than {LARGEST_BYTES} bytes")));
        }
        Self::from_json(&text).map_err(refuse)
    }

    /// A bundle from its JSON; the reason when it is none.
    pub fn from_json(text: &[u8]) -> std::result::Result<Self, String> {
        /// What is asked before the rest is believed.
        #[derive(Deserialize)]
        struct Kind {
            format: Option<String>,
            version: Option<u32>,
        }
        let kind: Kind = serde_json::from_slice(text)
            .map_err(|it| format!("it is not JSON of a bundle: {it}"))?;
        if kind.format.as_deref() != Some(BUNDLE_FORMAT) {
            return Err(format!("its `format` is not `{BUNDLE_FORMAT}`"));
        }
        if kind.version != Some(BUNDLE_VERSION) {
            let version = kind.version.map_or_else(|| "no version".to_owned(), |it| it.to_string());
            return Err(format!("its version is {version}, and {BUNDLE_VERSION} is known"));
        }
        serde_json::from_slice(text).map_err(|it| format!("it is not a bundle: {it}"))
    }

    /// Writes it as JSON, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        let text = serde_json::to_string_pretty(self).map_err(|it| failed(it.into()))? + "\n";
        super::whole::write(path, text.as_bytes()).map_err(failed)
    }

    /// The text of a file; the reason when there is none.
    pub(super) fn text(&self, path: &str) -> std::result::Result<&str, String> {
        match self.files.get(path) {
            Some(Answer::Given(text)) => Ok(text),
            Some(Answer::Refused { error }) => Err(format!("it cannot be read: {error}")),
            None => Err("it is not there".to_owned()),
        }
    }

    /// The text of a file without the blanks around it.
    pub(super) fn line(&self, path: &str) -> Option<&str> {
        let text = self.files.get(path)?.given()?;
        Some(text.trim_matches(|it: char| it.is_whitespace() || it == '\0'))
    }

    /// What a command printed.
    pub(super) fn printed(&self, command: &str) -> Option<&str> {
        self.commands.get(command)?.given().map(String::as_str)
    }

    /// Whether a file was there, readable or not.
    pub(super) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// The files whose paths begin with `start`.
    pub(super) fn below<'a>(
        &'a self,
        start: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Answer<String>)> {
        self.files
            .range(start.to_owned()..)
            .take_while(move |(path, _)| path.starts_with(start))
            .map(|(path, text)| (path.as_str(), text))
    }

    /// The names of what lies directly in `folder` (which ends in `/`) and has files below it here.
    pub(super) fn children<'a>(&'a self, folder: &'a str) -> Vec<&'a str> {
        let mut names: Vec<_> = self
            .below(folder)
            .filter_map(|(path, _)| path.get(folder.len()..)?.split('/').next())
            .collect();
        names.dedup();
        names.sort_by_key(|it| (natural(it), *it));
        names
    }
}

/// The first number in a name, so that `node10` comes after `node9`.
fn natural(name: &str) -> u64 {
    let digits = name.trim_start_matches(|it: char| !it.is_ascii_digit());
    let end = digits.find(|it: char| !it.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().unwrap_or(0)
}
