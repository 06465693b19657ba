//! What is wrong, in one form for every component: findings with stable codes, and the report
//! that collects them.
//!
//! A [`Finding`] says what was found, where, why, what was seen and what to do, in order. Its
//! [`Code`] is looked up in one table ([`ENTRIES`]), which also is what `accel explain` prints.
//! Findings are plain data in a `Vec`; [`sort`], [`dedup`] and [`exit_code`] are functions on it.

mod codes;
mod errors;
mod fallback;
mod finding;
mod report;
mod text;

use crate::vocabulary::vocabulary;

pub use codes::{Code, ENTRIES, Entry};
pub use fallback::{FallbackLevel, FallbackPolicy};
pub use finding::{Finding, Location, Observation};
pub use report::{
    Check, Counts, Matrix, MatrixCell, MatrixRow, Report, VERSION, Verdict, Worth, dedup,
    exit_code, severity_of_unusable, sort,
};
pub use text::visible;

vocabulary! {
    what = "severity";
    /// How bad a finding is, the worst first.
    pub enum Severity {
        /// Nothing that depends on it can be used or trusted.
        Critical = "critical",
        /// Something that is wanted does not work; alternatives may.
        Error = "error",
        /// It works, and less well than it could.
        Warning = "warning",
        /// Worth knowing.
        Info = "info",
    }
}

vocabulary! {
    what = "component";
    /// Which part of the system a finding is about; the first two digits of its code.
    pub enum Component {
        /// 01xx: devices and memory.
        Hardware = "hardware",
        /// 02xx: what executes graphs.
        Engine = "engine",
        /// 03xx: a model's files.
        Model = "model",
        /// 04xx: what kind of model it is.
        Classification = "classification",
        /// 05xx: what a model needs.
        Memory = "memory",
        /// 06xx: which platform is taken.
        Selection = "selection",
        /// 07xx: loading and running.
        Run = "run",
        /// 08xx: where nodes ran.
        Placement = "placement",
        /// 09xx: the registry and its words.
        Registry = "registry",
        /// 10xx: the command line itself.
        Program = "program",
    }
}

impl Component {
    /// The first two digits of its codes.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }
}

#[cfg(test)]
mod tests;
