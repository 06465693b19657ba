//! How a command that did not succeed ends.

use std::path::Path;

use accel_core::diagnosis::Code;
use accel_runtime::Error;

/// The exit code of wrong use and broken input.
pub(crate) const WRONG_USE: u8 = 2;
/// The exit code of something rightly asked for that did not succeed.
pub(crate) const FAILED: u8 = 1;

/// Why a command failed, for people and for programs.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// What kind; stable, see the crate's README.
    pub(crate) code: &'static str,
    /// The code that `accel explain` explains.
    pub(crate) acc: Code,
    /// What was wrong, where, and what to do.
    pub(crate) message: String,
    /// The exit code.
    pub(crate) exit: u8,
}

impl Failure {
    /// Wrong use of the command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::input("usage", message)
    }

    /// Wrong use or broken input.
    pub(crate) fn input(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, acc: acc(code), message: message.into(), exit: WRONG_USE }
    }

    /// What was rightly asked for and did not succeed.
    pub(crate) fn failed(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, acc: acc(code), message: message.into(), exit: FAILED }
    }

    /// The message, and where to read more. Wrong use has `--help`.
    pub(crate) fn for_people(&self) -> String {
        match self.acc {
            Code::WrongUse => self.message.clone(),
            acc => {
                // What has several lines has said its own last word.
                let between = if self.message.contains('\n') { '\n' } else { ' ' };
                format!("{}{between}({acc}; see `accel explain {acc}`)", self.message)
            }
        }
    }

    /// What was asked for did not succeed, and the output says so already.
    pub(crate) fn told() -> Self {
        Self::failed("", "")
    }

    /// Whether nothing is left to print.
    pub(crate) fn is_told(&self) -> bool {
        self.message.is_empty()
    }

    /// The system refused to do `what` with a path.
    pub(crate) fn io<'a>(
        what: &'a str,
        path: &'a Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<'a> {
        move |error| Self::failed("io", format!("cannot {what} {}: {error}", path.display()))
    }
}

/// The code of a failure of this program's own, by its kind.
fn acc(code: &str) -> Code {
    match code {
        "unknown-model" => Code::UnknownModel,
        "unknown-kind" => Code::UnknownKind,
        "invalid-option" => Code::InvalidOption,
        "placement" => Code::QuietFallback,
        "invalid-input" | "unreadable" => Code::InputUnreadable,
        "unreadable-registry" => Code::RegistryUnreadable,
        "corrupt-model-db" => Code::InvalidFile,
        "unsupported" => Code::UnsupportedModel,
        "memory" => Code::ModelTooLarge,
        "no-device" => Code::NoCandidate,
        "run" => Code::RunFailed,
        "io" => Code::Output,
        "missing-tool" => Code::InstallToolMissing,
        "no-package" => Code::NoPackage,
        "no-user-folder" => Code::NoUserFolder,
        "not-ours" => Code::NotOurs,
        "checksum" => Code::Checksum,
        "install" => Code::InstallFailed,
        _ => Code::WrongUse,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let failure = match &error {
            Error::EngineUnavailable { .. } => Self::failed("engine-unavailable", message),
            Error::MissingFile { .. } | Error::Io { .. } | Error::InvalidFile { .. } => {
                Self::input("unreadable", message)
            }
            Error::MissingPrecision { .. } | Error::InvalidOption { .. } => {
                Self::input("invalid-option", message)
            }
            Error::CorruptModel { .. } => Self::input("corrupt-model", message),
            Error::UnsupportedModel { .. } | Error::UnsupportedOperator { .. } => {
                Self::failed("unsupported", message)
            }
            Error::Load { .. } | Error::MemoryLimit { .. } => Self::failed("load", message),
            Error::InvalidInput { .. }
            | Error::UnknownOutput { .. }
            | Error::InvalidArgument { .. }
            | Error::ContextTooLong { .. }
            | Error::NoMask { .. }
            | Error::NoChatTemplate { .. }
            | Error::ChatTemplate { .. }
            | Error::Tokenizer { .. }
            | Error::Image { .. }
            | Error::Audio { .. } => Self::input("invalid-input", message),
            _ => Self::failed("run", message),
        };
        Self { acc: error.code(), ..failure }
    }
}
