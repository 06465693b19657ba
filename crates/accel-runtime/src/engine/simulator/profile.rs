//! What is known of a device: a table of figures, each with its source.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use accel_core::{DeviceOptions, OpenvinoDevice, Platform, WebnnDevice, nearest};
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::cost::ElementType;
use crate::{Error, Result};

/// The profiles that come with this crate.
const BUILT_IN: &str = include_str!("profiles.json");

/// A number and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The number, in the unit that its field's name says.
    pub value: f64,
    /// The document that has it, or that it is worked out from.
    pub source: String,
    /// Why it is worked out or assumed instead of read; absent when the document says it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumed: Option<String>,
}

/// Types of elements that a device takes, and which document says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElementTypes {
    /// The types.
    pub value: Vec<ElementType>,
    /// The document.
    pub source: String,
}

/// An operator that the device's engine does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedOperator {
    /// Its name in ONNX.
    pub operator: String,
    /// The document that says so.
    pub source: String,
}

/// Which share of its peaks a device reaches; assumed until measurements tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Of its operations in a second, above 0 and at most 1.
    pub compute: f64,
    /// Of its memory's bandwidth, above 0 and at most 1.
    pub bandwidth: f64,
    /// Why it is assumed.
    pub assumed: String,
}

/// Shares of the peaks for two of a band's edges; the third, the lower, is all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attainable {
    /// For the expected time.
    pub expected: Share,
    /// For the upper edge.
    pub high: Share,
}

/// A device as the simulator knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What it is asked for by, such as `nvidia-h100-sxm`.
    pub id: String,
    /// What it is called.
    pub device: String,
    /// The platform that it is a device of.
    pub platform: Platform,
    /// Which of the platform's kinds of device it is (`cpu`, `gpu`, `npu`), where it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether it stands for its platform and unit when no device is asked for.
    #[serde(default)]
    pub default: bool,
    /// Peak rate by type, in 10^12 operations a second, without sparsity; `tf32` is a mode of
    /// `f32`.
    pub peak_tflops: BTreeMap<String, Figure>,
    /// Bandwidth of its memory, in 10^9 bytes a second.
    pub memory_gb_per_s: Figure,
    /// Its memory, in bytes.
    pub memory_bytes: Figure,
    /// Bandwidth between host and device, one way, in 10^9 bytes a second.
    pub transfer_gb_per_s: Figure,
    /// Time that starting a node takes, in microseconds.
    pub dispatch_us: Figure,
    /// Time that preparing a node takes at load, in microseconds.
    pub compile_us_per_node: Figure,
    /// Types of elements that it takes.
    pub element_types: ElementTypes,
    /// The type in which it computes what the graph has in `f32`, if that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computes_f32_as: Option<String>,
    /// Operators that it does not have.
    pub refused_operators: Vec<RefusedOperator>,
    /// Which share of its peaks it reaches.
    pub attainable: Attainable,
    /// What measurements say about its predictions; data files have none.
    #[serde(skip)]
    pub(super) calibration: Option<Calibration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    profiles: Vec<Profile>,
}

impl Profile {
    /// The profiles that come with this crate.
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Profile>> = OnceLock::new();
        // A test holds the file to its form; an empty list would make every name unknown.
        ALL.get_or_init(|| Self::read(BUILT_IN).unwrap_or_default())
    }

    /// The profile of that id.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] with the ids that there are.
    pub fn of(id: &str) -> Result<&'static Self> {
        Self::all().iter().find(|it| it.id == id).ok_or_else(|| {
            let ids = || Self::all().iter().map(|it| it.id.as_str());
            let hint = nearest(id, ids())
                .map_or_else(String::new, |it| format!(" (did you mean `{it}`?)"));
            Error::InvalidOption {
                option: "simulated device",
                given: id.to_owned(),
                reason: format!(
                    "there is no such profile{hint}; there are {}",
                    ids().collect::<Vec<_>>().join(", ")
                ),
            }
        })
    }

    /// The device that stands for the one that `options` ask for: of OpenVINO and WebNN, one of
    /// the kind asked for, where OpenVINO's `AUTO` is taken as its GPU.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] when no profile is of that kind, which a test rules out.
    pub fn default_for(options: &DeviceOptions) -> Result<&'static Self> {
        let platform = options.platform();
        let unit = unit(options);
        Self::all()
            .iter()
            .find(|it| it.default && it.platform == platform && it.unit.as_deref() == unit)
            .ok_or_else(|| Error::InvalidOption {
                option: "simulated device",
                given: platform.name().to_owned(),
                reason: "no profile stands for this platform; name one".to_owned(),
            })
    }

    /// Profiles of your own, in the form of this crate's `profiles.json`.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] with what is wrong and where.
    pub fn read(json: &str) -> Result<Vec<Self>> {
        let invalid = |reason: String| Error::InvalidOption {
            option: "simulated device",
            given: "a profile".to_owned(),
            reason,
        };
        let file: File = serde_json::from_str(json).map_err(|it| invalid(it.to_string()))?;
        if file.version != 1 {
            return Err(invalid(format!("it is of version {}; give version 1", file.version)));
        }
        for profile in &file.profiles {
            profile.check().map_err(|it| invalid(format!("`{}`: {it}", profile.id)))?;
        }
        Ok(file.profiles)
    }

    /// What the predictions are based on.
    pub const fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// Every number, by name.
    pub fn figures(&self) -> Vec<(String, &Figure)> {
        let own = [
            ("memory_gb_per_s", &self.memory_gb_per_s),
            ("memory_bytes", &self.memory_bytes),
            ("transfer_gb_per_s", &self.transfer_gb_per_s),
            ("dispatch_us", &self.dispatch_us),
            ("compile_us_per_node", &self.compile_us_per_node),
        ];
        let peaks = self.peak_tflops.iter().map(|(it, figure)| (format!("peak {it}"), figure));
        own.into_iter().map(|(name, it)| (name.to_owned(), it)).chain(peaks).collect()
    }

    /// Refuses numbers that no time can be worked out from.
    fn check(&self) -> Result<(), String> {
        for (name, figure) in self.figures() {
            if !(figure.value.is_finite() && figure.value > 0.0) {
                return Err(format!("{name} is {}; give a positive number", figure.value));
            }
            if figure.source.trim().is_empty() {
                return Err(format!("{name} has no source"));
            }
        }
        for share in [&self.attainable.expected, &self.attainable.high] {
            for part in [share.compute, share.bandwidth] {
                if !(part > 0.0 && part <= 1.0) {
                    return Err(format!("a share of {part}; give one above 0 and at most 1"));
                }
            }
        }
        let (expected, high) = (&self.attainable.expected, &self.attainable.high);
        if high.compute > expected.compute || high.bandwidth > expected.bandwidth {
            return Err("the upper edge takes a larger share than the expected time".to_owned());
        }
        if !self.peak_tflops.contains_key("f32") && self.computes_f32_as.is_none() {
            return Err("it has no rate for f32 and does not say what it computes it as".to_owned());
        }
        match &self.computes_f32_as {
            Some(it) if !self.peak_tflops.contains_key(it) => {
                Err(format!("it computes f32 as {it} and has no rate for that"))
            }
            _ => Ok(()),
        }
    }

    /// Operations a second for elements of `dtype` under `options`, and the mode that they are
    /// computed in.
    pub(super) fn rate(&self, dtype: ElementType, options: &DeviceOptions) -> (f64, &str) {
        let f32_mode = || {
            let mode = f32_mode(options).filter(|it| self.peak_tflops.contains_key(*it));
            mode.or(self.computes_f32_as.as_deref()).unwrap_or("f32")
        };
        let mode = match dtype {
            ElementType::F16 if is_int8(options) => "i8",
            ElementType::F16 => "f16",
            ElementType::Bf16 => "bf16",
            ElementType::F64 => "f64",
            ElementType::I8 | ElementType::U8 => "i8",
            // Rates of other integers are published nowhere; they are few in a model.
            _ => f32_mode(),
        };
        let (mode, figure) = match self.peak_tflops.get_key_value(mode) {
            Some((name, figure)) => (name.as_str(), Some(figure)),
            None => (f32_mode(), self.peak_tflops.get(f32_mode())),
        };
        (figure.map_or(f64::MIN_POSITIVE, |it| it.value * 1e12), mode)
    }
}

/// Which kind of device the options ask for, on platforms that have several.
fn unit(options: &DeviceOptions) -> Option<&'static str> {
    match options {
        DeviceOptions::Openvino(it) => Some(match it.device {
            OpenvinoDevice::Cpu => "cpu",
            OpenvinoDevice::Gpu | OpenvinoDevice::Auto => "gpu",
            OpenvinoDevice::Npu => "npu",
        }),
        DeviceOptions::Webnn(it) => Some(match it.device {
            WebnnDevice::Cpu => "cpu",
            WebnnDevice::Gpu => "gpu",
            WebnnDevice::Npu => "npu",
        }),
        _ => None,
    }
}

/// The mode that the options set for single precision.
fn f32_mode(options: &DeviceOptions) -> Option<&'static str> {
    use accel_core::InferencePrecision as Precision;
    match options {
        DeviceOptions::Cuda(it) if it.tf32 => Some("tf32"),
        DeviceOptions::Rocm(it) if it.int8 => Some("i8"),
        DeviceOptions::Rocm(it) if it.fp16 => Some("f16"),
        DeviceOptions::Openvino(it) => match it.inference_precision {
            Precision::F32 => None,
            Precision::F16 => Some("f16"),
            Precision::Bf16 => Some("bf16"),
        },
        _ => None,
    }
}

const fn is_int8(options: &DeviceOptions) -> bool {
    matches!(options, DeviceOptions::Rocm(it) if it.int8)
}
