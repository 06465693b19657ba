//! What stands behind the claim that a model runs on a platform.

use serde::{Deserialize, Serialize};

/// Evidence for one cell of the model × platform matrix, weakest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Evidence {
    /// Nothing ran yet.
    None,
    /// The generated code compiles; nothing ran.
    Compiled,
    /// The generated tests pass in every CI run.
    Ci,
    /// They do, on a program that stands in for the platform's hardware, such as a browser's
    /// software adapter: code, operators and results are proved, a real device is not.
    CiSoftware,
    /// The generated tests passed on a named device.
    Device {
        /// The device as its driver names it.
        device: String,
        /// When, as `YYYY-MM-DD`.
        date: String,
    },
}

impl Evidence {
    /// Whether every CI run renews it.
    pub const fn is_ci(&self) -> bool {
        matches!(self, Self::Ci | Self::CiSoftware)
    }
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none: no run has proved it yet"),
            Self::Compiled => f.write_str("compiled only: nothing ran yet"),
            Self::Ci => f.write_str("executed in CI"),
            Self::CiSoftware => {
                f.write_str("executed in CI, on a software stand-in for the device")
            }
            Self::Device { device, date } => write!(f, "executed on {device} on {date}"),
        }
    }
}
