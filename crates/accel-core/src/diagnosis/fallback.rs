//! When another platform may be used than the one that was wanted.

use super::Code;
use crate::vocabulary::vocabulary;

vocabulary! {
    what = "fallback policy";
    /// What happens when the first choice cannot be used or fails.
    pub enum FallbackPolicy {
        /// Its failure is the error. What tests use, and what is used when nobody says otherwise.
        Strict = "strict",
        /// The next candidate is tried, in order.
        NextBest = "next_best",
        /// The candidate for the CPU is tried, and none between.
        Cpu = "cpu",
    }
}

#[expect(clippy::derivable_impls, reason = "the vocabulary macro takes no attributes of members")]
impl Default for FallbackPolicy {
    fn default() -> Self {
        Self::Strict
    }
}

vocabulary! {
    what = "fallback level";
    /// At which level the first choice failed. Failures that another platform would share, such as
    /// a damaged file or a wrong argument, are at none of them.
    pub enum FallbackLevel {
        /// An engine or a file that this candidate needs is not there.
        ComponentMissing = "component_missing",
        /// The device is not there.
        HardwareMissing = "hardware_missing",
        /// The device's memory is too small.
        MemoryTooSmall = "memory_too_small",
        /// An operation cannot be computed there, or failed.
        OperationFailed = "operation_failed",
        /// The engine or the device is there and did not start, or did not take the model.
        InitializationFailed = "initialization_failed",
    }
}

impl FallbackLevel {
    /// The code of a fallback at this level.
    pub const fn code(self) -> Code {
        match self {
            Self::ComponentMissing => Code::ComponentFallback,
            Self::HardwareMissing => Code::HardwareFallback,
            Self::MemoryTooSmall => Code::MemoryFallback,
            Self::OperationFailed => Code::OperationFallback,
            Self::InitializationFailed => Code::InitializationFallback,
        }
    }
}
