//! One model, several devices.

use serde::{Deserialize, Serialize};

use super::Wish;
use super::candidate::ordered;
use super::steps::{answer, computed, listed};
use crate::compatibility::{Level, Model, Overrides, Reason, Target};
use crate::diagnosis::FallbackPolicy;
use crate::{Platform, Precision};

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Platforms and devices, the dearest first; where it is empty the order is computed, see
    /// [`automatic_order`](super::automatic_order).
    pub priority: Vec<Wish>,
    /// The number of the device that is preferred on platforms whose devices are numbered.
    pub preferred_index: Option<u32>,
    /// What happens when the first choice cannot be had.
    pub policy: FallbackPolicy,
    /// The precision; where it is `None` the widest one that fits.
    pub precision: Option<Precision>,
    /// The least level that is accepted; [`Level::None`] is taken for [`Level::Low`].
    pub min_level: Level,
    /// The caller's own word on platforms.
    pub overrides: Overrides,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            priority: Vec::new(),
            preferred_index: None,
            policy: FallbackPolicy::Strict,
            precision: None,
            min_level: Level::Low,
            overrides: Overrides::new(),
        }
    }
}

/// A device that can be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Its name: torch's where torch has one (`cpu`, `cuda:1`, `mps`), ours in the same form
    /// elsewhere (`rocm:0`, `openvino:NPU`, `webgpu`).
    pub device: String,
    /// The platform.
    pub platform: Platform,
    /// The device's own name, when it is known.
    pub name: Option<String>,
    /// The precision that was judged.
    pub precision: Precision,
    /// How sure it is.
    pub level: Level,
    /// Memory that the model needs at least, in bytes.
    pub needed_bytes: Option<u64>,
    /// Memory that is free on the device, in bytes.
    pub free_bytes: Option<u64>,
    /// Every rule's finding.
    pub reasons: Vec<Reason>,
}

/// A wish or a device that was passed over, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The entry of the list that asked for it.
    pub wanted: String,
    /// The device.
    pub device: String,
    /// What speaks against it, at least one; each with what would help.
    pub reasons: Vec<Reason>,
}

/// Which device a model goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The model's key.
    pub model: String,
    /// The policy.
    pub policy: FallbackPolicy,
    /// The priority list: as given, or as computed from what can be had.
    pub wanted: Vec<String>,
    /// Whether the list was computed.
    pub automatic: bool,
    /// The number of the device that was preferred.
    pub preferred_index: Option<u32>,
    /// The device; `None` when the policy leaves none.
    pub given: Option<Given>,
    /// Whether something else than the first choice was given.
    pub fell_back: bool,
    /// Why this device, or why none, in a sentence.
    pub why: String,
    /// Everything that was asked before and could not be had, in the order in which it was asked;
    /// without an answer, every other entry as well.
    pub rejections: Vec<Rejection>,
    /// What else could be had, in the order of the list.
    pub alternatives: Vec<Given>,
}

/// Chooses a device for a model.
///
/// An entry that names a platform means any of its devices, the one that suits best first; with a
/// preferred index it means the one of that number, and the platform's others count as falling
/// back. A platform whose devices have no numbers (the CPU, OpenVINO, browsers) takes no notice of
/// the index. What is there but has not enough memory free now cannot be had.
///
/// `targets` are those of [`targets`](crate::compatibility::targets).
pub fn select(model: &Model, targets: &[Target], request: &Request) -> Selection {
    let candidates = ordered(model, targets, request);
    let steps = if request.priority.is_empty() {
        computed(model, &candidates, request)
    } else {
        listed(model, &candidates, request)
    };
    answer(model, &steps, &candidates, request)
}
