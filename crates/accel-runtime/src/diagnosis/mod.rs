//! Every error of this crate as a finding, and where nodes ran.
//!
//! The words (codes, severities, findings, reports) are [`accel_core::diagnosis`], which is here
//! too.

mod placement;

pub use accel_core::diagnosis::*;
pub use placement::check_placement;

use crate::Error;
use crate::engine::Lack;

impl Lack {
    /// The code of what is lacking.
    pub const fn code(self) -> Code {
        match self {
            Self::BuiltIn => Code::EngineNotBuiltIn,
            Self::Engine => Code::EngineMissing,
            Self::WorkingEngine => Code::EngineBroken,
            Self::Device => Code::NoDevice,
        }
    }
}

impl Error {
    /// Its code, which `accel explain` explains.
    pub const fn code(&self) -> Code {
        match self {
            Self::EngineUnavailable { lack, .. } => lack.code(),
            Self::NoneAvailable { .. } => Code::NoCandidate,
            Self::WrongVariant { .. } => Code::WrongVariant,
            Self::MissingFile { .. } => Code::MissingFile,
            Self::Io { .. } => Code::Unreadable,
            Self::InvalidFile { .. } => Code::InvalidFile,
            Self::CorruptModel { .. } => Code::CorruptModel,
            Self::UnsupportedModel { .. } => Code::UnsupportedModel,
            Self::UnsupportedOperator { .. } => Code::UnsupportedOperator,
            Self::Load { .. } => Code::Load,
            Self::MemoryLimit { .. } => Code::MemoryLimit,
            Self::InvalidOption { .. } => Code::InvalidOption,
            Self::MissingPrecision { .. } => Code::MissingPrecision,
            Self::InvalidInput { .. } => Code::InvalidInput,
            Self::UnknownOutput { .. } => Code::UnknownOutput,
            Self::TensorShape { .. } => Code::TensorShape,
            Self::TensorDtype { .. } => Code::TensorDtype,
            Self::InvalidArgument { .. } => Code::InvalidArgument,
            Self::ContextTooLong { .. } => Code::ContextTooLong,
            Self::NoMask { .. } => Code::NoMask,
            Self::NoChatTemplate { .. } => Code::NoChatTemplate,
            Self::ChatTemplate { .. } => Code::ChatTemplate,
            Self::Tokenizer { .. } => Code::Tokenizer,
            Self::Image { .. } => Code::Image,
            Self::Audio { .. } => Code::Audio,
            Self::Run { .. } => Code::RunFailed,
            Self::BadOutput { .. } => Code::BadOutput,
            Self::NonFinite { .. } => Code::NonFinite,
            Self::DeviceMemory { .. } => Code::DeviceMemory,
        }
    }

    /// The finding that it is: an error at least, since something that was asked for did not
    /// happen.
    pub fn finding(&self) -> Finding {
        let finding = Finding::new(self.code(), self.to_string());
        let worst = finding.severity.min(Severity::Error);
        let finding = finding.severity(worst);
        match self {
            Self::EngineUnavailable { platform, engine, reason, remedy, .. } => finding
                .on(*platform)
                .because(reason.as_str())
                .seen("engine", engine.name())
                .advise(remedy.as_str()),
            Self::NoneAvailable { rejected } => rejected.iter().fold(finding, |it, rejection| {
                it.seen(rejection.platform.label(), rejection.reason.as_str())
            }),
            Self::WrongVariant { model, platform, wanted, is, remedy } => finding
                .on(*platform)
                .of(*model)
                .instead(*wanted, is.as_str())
                .advise(format!("Use {remedy}.")),
            Self::MissingFile { path, remedy, .. }
            | Self::InvalidFile { path, remedy, .. }
            | Self::UnsupportedModel { path, remedy, .. } => {
                finding.seen("file", path.display().to_string()).advise(remedy.as_str())
            }
            Self::Io { path, source } => {
                finding.seen("file", path.display().to_string()).because(source.to_string())
            }
            Self::CorruptModel { path, reason } => {
                finding.seen("file", path.display().to_string()).because(reason.as_str())
            }
            Self::UnsupportedOperator { operator, node, engine, why, alternatives } => {
                let finding = finding
                    .because(why.as_str())
                    .seen("operator", operator.as_str())
                    .seen("node", node.as_str())
                    .seen("engine", engine.name());
                alternatives
                    .iter()
                    .rev()
                    .fold(finding, |it, engine| it.advise(format!("Run it on engine `{engine}`.")))
            }
            Self::Load { engine, path, reason } => finding
                .because(reason.as_str())
                .seen("engine", engine.name())
                .seen("file", path.display().to_string()),
            Self::Run { engine, reason } => {
                finding.because(reason.as_str()).seen("engine", engine.name())
            }
            Self::MemoryLimit { path, needed_bytes, limit_bytes } => finding
                .seen("file", path.display().to_string())
                .seen("bytes needed", needed_bytes.to_string())
                .seen("memory_limit_bytes", limit_bytes.to_string()),
            Self::DeviceMemory { path, device, needed_bytes, memory_bytes } => finding
                .seen("file", path.display().to_string())
                .seen("device", device.as_str())
                .seen("bytes needed", needed_bytes.to_string())
                .seen("bytes of the device", memory_bytes.to_string()),
            Self::MissingPrecision { dir, precision, present, .. } => finding
                .seen("folder", dir.display().to_string())
                .seen("graphs that are there", present.join(", "))
                .seen("precision", precision.name()),
            _ => finding,
        }
    }

    /// At which level a platform failed, where another one may do better. `None` for an error
    /// that every platform would share.
    pub fn fallback_level(&self) -> Option<FallbackLevel> {
        Some(match self {
            Self::EngineUnavailable { lack: Lack::BuiltIn | Lack::Engine, .. }
            | Self::MissingPrecision { .. } => FallbackLevel::ComponentMissing,
            Self::EngineUnavailable { lack: Lack::Device, .. }
            // The index of a device that is not there.
            | Self::InvalidOption { option: "device_id" | "device_index", .. } => {
                FallbackLevel::HardwareMissing
            }
            Self::MemoryLimit { .. } | Self::DeviceMemory { .. } => FallbackLevel::MemoryTooSmall,
            Self::Load { reason, .. } | Self::Run { reason, .. } if is_out_of_memory(reason) => {
                FallbackLevel::MemoryTooSmall
            }
            Self::EngineUnavailable { lack: Lack::WorkingEngine, .. } | Self::Load { .. } => {
                FallbackLevel::InitializationFailed
            }
            Self::UnsupportedModel { .. }
            | Self::UnsupportedOperator { .. }
            | Self::Run { .. }
            | Self::BadOutput { .. }
            | Self::NonFinite { .. } => FallbackLevel::OperationFailed,
            _ => return None,
        })
    }
}

/// Whether an engine's words mean that memory ran out: CUDA's, HIP's and the system's "out of
/// memory", ONNX Runtime's arena ("Failed to allocate memory for requested buffer"), C++'s
/// `std::bad_alloc`, and `CL_MEM_OBJECT_ALLOCATION_FAILURE`. Engines have no code for it.
fn is_out_of_memory(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    ["out of memory", "out_of_memory", "failed to allocate", "bad_alloc", "allocation_failure"]
        .iter()
        .any(|it| reason.contains(it))
}
