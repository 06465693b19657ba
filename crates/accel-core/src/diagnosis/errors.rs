//! This crate's own errors as findings. Each `match` names every variant, so that a new one cannot
//! be without a code.

use super::{Code, Finding};
use crate::UnknownName;
use crate::classify::Unknown;
use crate::estimate::EstimateError;
use crate::select::WishError;

impl UnknownName {
    /// The finding that it is.
    pub fn finding(&self) -> Finding {
        let finding = Finding::new(Code::UnknownName, self.to_string());
        match &self.suggestion {
            Some(name) => finding.advise(format!("Write `{name}`.")),
            None => finding,
        }
    }
}

impl Unknown {
    /// The finding that it is.
    pub fn finding(&self) -> Finding {
        let finding = Finding::new(Code::UnknownKind, self.reason);
        self.evidence.iter().fold(finding, |it, clue| {
            let says = clue.subfamily.map_or("no known kind", crate::Subfamily::name);
            it.seen(clue.value.as_str(), says)
        })
    }
}

impl EstimateError {
    /// Its code.
    pub const fn code(&self) -> Code {
        match self {
            Self::NoModelType
            | Self::UnknownModelType { .. }
            | Self::UnknownArchitecture { .. } => Code::NoEstimate,
            Self::Malformed { .. } | Self::Missing { .. } | Self::Absurd { .. } => {
                Code::InvalidFile
            }
        }
    }

    /// The finding that it is.
    pub fn finding(&self) -> Finding {
        Finding::new(self.code(), self.to_string())
    }
}

impl WishError {
    /// The finding that it is.
    pub fn finding(&self) -> Finding {
        match self {
            Self::Platform(unknown) => unknown.finding(),
            Self::Device { .. } | Self::Empty | Self::Twice(_) => {
                Finding::new(Code::WrongDevice, self.to_string())
            }
        }
    }
}
