//! What a caller writes in a priority list.

use std::fmt;

use crate::compatibility::Target;
use crate::{Platform, UnknownName, Vocabulary as _};

/// One entry of a priority list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wish {
    /// Any device of a platform: `cuda`.
    Platform(Platform),
    /// One device: `cuda:1`, `openvino:NPU`.
    Device {
        /// The platform before the colon.
        platform: Platform,
        /// The whole name, as [`Target::device`](crate::compatibility::Target::device) spells it.
        device: String,
    },
}

impl Wish {
    /// The platform that it speaks of.
    pub const fn platform(&self) -> Platform {
        match self {
            Self::Platform(platform) | Self::Device { platform, .. } => *platform,
        }
    }

    /// Whether it speaks of this device.
    pub fn means(&self, target: &Target) -> bool {
        match self {
            Self::Platform(platform) => target.platform == *platform,
            Self::Device { device, .. } => target.device == *device,
        }
    }

    /// Reads `cuda`, `cuda:1`, `mps:0`, `openvino:NPU`.
    ///
    /// Whether the device exists is not asked here: [`select`](super::select()) says so, with
    /// those that do.
    ///
    /// # Errors
    /// A platform that does not exist, with the nearest one; a device that no platform can have.
    pub fn parse(text: &str) -> Result<Self, WishError> {
        let text = text.trim();
        let Some((platform, rest)) = text.split_once(':') else {
            return Ok(Self::Platform(Platform::parse(text)?));
        };
        let platform = Platform::parse(platform)?;
        let wrong = |expected: &'static str| WishError::Device {
            given: text.chars().take(64).collect(),
            expected,
        };
        let number =
            || rest.len() <= 9 && !rest.is_empty() && rest.bytes().all(|it| it.is_ascii_digit());
        match platform {
            Platform::Cpu | Platform::Webnn | Platform::Webgpu => {
                Err(wrong("its name alone: there is one, or the browser chooses"))
            }
            Platform::Mps => match rest {
                "0" => Ok(Self::Device { platform, device: "mps".to_owned() }),
                _ if number() => Ok(Self::Device { platform, device: format!("mps:{rest}") }),
                _ => Err(wrong("a number after the colon, such as `mps:0`")),
            },
            Platform::Cuda | Platform::Rocm => {
                let hidden = rest.strip_prefix("hidden-").is_some();
                if !number() && !hidden {
                    return Err(wrong("a number after the colon, such as `cuda:0` or `rocm:1`"));
                }
                let rest = if number() { rest.trim_start_matches('0') } else { rest };
                let rest = if rest.is_empty() { "0" } else { rest };
                Ok(Self::Device { platform, device: format!("{platform}:{rest}") })
            }
            Platform::Openvino => {
                let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-');
                if rest.is_empty() || rest.len() > 32 || !rest.chars().all(plain) {
                    return Err(wrong("OpenVINO's name of it, such as `openvino:GPU`"));
                }
                let (before, name) = match rest.strip_prefix("hidden-") {
                    Some(name) => ("hidden-", name),
                    None => ("", rest),
                };
                let device = format!("{platform}:{before}{}", name.to_ascii_uppercase());
                Ok(Self::Device { platform, device })
            }
        }
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform(platform) => platform.fmt(f),
            Self::Device { device, .. } => f.pad(device),
        }
    }
}

/// Why a priority list is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// A platform that does not exist.
    #[error(transparent)]
    Platform(#[from] UnknownName),
    /// A device that the platform cannot have.
    #[error("there can be no device `{given}`; write {expected}")]
    Device {
        /// As given, at most 64 characters of it.
        given: String,
        /// What is right.
        expected: &'static str,
    },
    /// A list without an entry.
    #[error("the priority list is empty; name a platform or a device, such as `cuda,mps,cpu`")]
    Empty,
    /// One entry twice.
    #[error("`{0}` is in the priority list twice; the second one would never be asked")]
    Twice(String),
}

/// Reads a priority list, one entry each.
///
/// # Errors
/// See [`WishError`]; the first problem in the order of the list.
pub fn parse_priority<'a>(
    entries: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Wish>, WishError> {
    let mut wishes: Vec<Wish> = Vec::new();
    for entry in entries {
        let wish = Wish::parse(entry)?;
        if wishes.contains(&wish) {
            return Err(WishError::Twice(wish.to_string()));
        }
        wishes.push(wish);
    }
    if wishes.is_empty() { Err(WishError::Empty) } else { Ok(wishes) }
}
