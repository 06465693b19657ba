//! Why a command failed: exit code 2.

use crate::error::Error;
use crate::registry::{AddError, LoadError, Problem, Problems};

/// A failure, for people and for programs.
#[derive(Debug)]
pub(super) struct Failure {
    /// What kind; stable, see [`super::json`].
    pub(super) code: &'static str,
    /// What was wrong, where, and what to do.
    pub(super) message: String,
    /// The registry's problems, one by one, when that is what it is about.
    pub(super) problems: Vec<Problem>,
}

impl Failure {
    pub(super) const fn new(code: &'static str, message: String) -> Self {
        Self { code, message, problems: Vec::new() }
    }

    /// Wrong use of the command line.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new("usage", message.into())
    }

    fn invalid(message: String, problems: &Problems) -> Self {
        Self { code: "invalid-registry", message, problems: problems.list.clone() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Registry(error) => return error.into(),
            Error::UnknownModel { .. } => "unknown-model",
            Error::NothingSelected { .. } => "nothing-selected",
            Error::Template { .. } => "template",
            Error::NotRust { .. } => "not-rust",
            Error::NotOurs { .. } => "not-ours",
            Error::SymbolicLink { .. } => "symbolic-link",
            Error::InTheWay { .. } => "in-the-way",
            Error::Io { .. } => "io",
        };
        Self::new(code, error.to_string())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match &error {
            LoadError::Invalid(problems) => Self::invalid(error.to_string(), problems),
            _ => Self::new("unreadable-registry", error.to_string()),
        }
    }
}

impl From<AddError> for Failure {
    fn from(error: AddError) -> Self {
        match &error {
            AddError::Registry(problems) => Self::invalid(error.to_string(), problems),
            _ => Self::new("cannot-add", error.to_string()),
        }
    }
}
