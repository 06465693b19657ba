//! The rules, as a table that is the code.

use crate::compatibility::Level;
use crate::vocabulary::vocabulary;

/// Weights of more bytes than this do not fit into one ONNX file: protobuf messages end at 2 GiB.
/// The tests' tiny models are one file each, so that their evidence says less about larger ones.
pub const LARGE_WEIGHTS_BYTES: u64 = 1 << 31;

vocabulary! {
    what = "rule";
    /// What a finding is about.
    pub enum Rule {
        /// The caller's own word.
        Override = "override",
        /// What the registry says of the cell.
        Support = "support",
        /// What stands behind that.
        Evidence = "evidence",
        /// Whether the platform takes the precision.
        Precision = "precision",
        /// Whether the model is of a size that the evidence speaks for.
        Size = "size",
        /// Whether its weights are within the limit of its skill on the platform.
        Limit = "limit",
        /// Whether device and engine are there.
        Hardware = "hardware",
        /// Whether the device has room for it.
        Memory = "memory",
    }
}

vocabulary! {
    what = "finding";
    /// What a rule can find.
    pub enum Finding {
        /// The caller says that it runs there.
        DeclaredCompatible = "declared_compatible",
        /// The caller says that it does not run there.
        DeclaredIncompatible = "declared_incompatible",
        /// The registry has it run there through a real engine.
        Real = "real",
        /// The registry only simulates it there.
        Simulated = "simulated",
        /// The registry says that it does not run there.
        Unsupported = "unsupported",
        /// The catalogue knows neither the model nor one of its kind there.
        Unlisted = "unlisted",
        /// Its tests pass in CI or passed on a named device.
        Executed = "executed",
        /// Its tests pass on another kind of the platform's devices than this one.
        ExecutedElsewhere = "executed_elsewhere",
        /// Its tests pass in CI on a program that stands in for such a device.
        ExecutedInSoftware = "executed_in_software",
        /// Its code compiles; nothing ran there.
        Compiled = "compiled",
        /// Nothing stands behind the claim yet.
        Claimed = "claimed",
        /// Another model of its kind was tested there, not this one.
        Relative = "relative",
        /// Files of that precision are part of its tests.
        PrecisionTested = "precision_tested",
        /// No test has a file of that precision.
        PrecisionUntested = "precision_untested",
        /// Its tests record that the platform does not take that precision.
        PrecisionRefused = "precision_refused",
        /// Its weights fit into one ONNX file, as those of the tests do.
        SizeSmall = "size_small",
        /// Its weights are over 2 GiB; the tests' are far smaller.
        SizeLarge = "size_large",
        /// Its weights are within the limit of its skill there.
        WithinLimit = "within_limit",
        /// Its weights are over the limit of its skill there.
        OverLimit = "over_limit",
        /// Device and engine are there.
        Present = "present",
        /// Device or engine is missing, hidden or broken.
        Absent = "absent",
        /// The recommended memory is free.
        FitsRecommended = "fits_recommended",
        /// The least memory is free, the recommended memory is not.
        FitsMinimum = "fits_minimum",
        /// How much memory the device has free is not known.
        MemoryUnknown = "memory_unknown",
        /// How much memory the model needs is not known.
        NeedUnknown = "need_unknown",
        /// The device has the least memory, but not free now.
        FitsOnceFree = "fits_once_free",
        /// The device does not have the least memory.
        TooLarge = "too_large",
    }
}

impl Finding {
    /// The rule that finds it.
    pub const fn rule(self) -> Rule {
        match self {
            Self::DeclaredCompatible | Self::DeclaredIncompatible => Rule::Override,
            Self::Real | Self::Simulated | Self::Unsupported | Self::Unlisted => Rule::Support,
            Self::Executed
            | Self::ExecutedElsewhere
            | Self::ExecutedInSoftware
            | Self::Compiled
            | Self::Claimed
            | Self::Relative => Rule::Evidence,
            Self::PrecisionTested | Self::PrecisionUntested | Self::PrecisionRefused => {
                Rule::Precision
            }
            Self::SizeSmall | Self::SizeLarge => Rule::Size,
            Self::WithinLimit | Self::OverLimit => Rule::Limit,
            Self::Present | Self::Absent => Rule::Hardware,
            Self::FitsRecommended
            | Self::FitsMinimum
            | Self::MemoryUnknown
            | Self::NeedUnknown
            | Self::FitsOnceFree
            | Self::TooLarge => Rule::Memory,
        }
    }

    /// The best level that a verdict with this finding can have.
    pub const fn allows(self) -> Level {
        match self {
            Self::DeclaredCompatible
            | Self::Real
            | Self::Executed
            | Self::PrecisionTested
            | Self::SizeSmall
            | Self::WithinLimit
            | Self::Present
            | Self::FitsRecommended => Level::High,
            Self::ExecutedElsewhere
            | Self::ExecutedInSoftware
            | Self::Compiled
            | Self::SizeLarge
            | Self::FitsMinimum
            | Self::MemoryUnknown
            | Self::NeedUnknown => Level::Medium,
            Self::Claimed | Self::Relative | Self::PrecisionUntested | Self::FitsOnceFree => {
                Level::Low
            }
            Self::DeclaredIncompatible
            | Self::Simulated
            | Self::Unsupported
            | Self::Unlisted
            | Self::PrecisionRefused
            | Self::OverLimit
            | Self::Absent
            | Self::TooLarge => Level::None,
        }
    }
}
