//! One thing that was found.

use serde::{Deserialize, Serialize};

use super::{Code, Component, Severity};
use crate::Platform;

/// One thing that was found, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// How bad it is here.
    pub severity: Severity,
    /// Which part of the system it is about.
    pub component: Component,
    /// The platform, where it is about one.
    pub platform: Option<Platform>,
    /// The model, where it is about one: its name, registry key or folder.
    pub model: Option<String>,
    /// What was found, as a sentence about this very case.
    pub message: String,
    /// Why, where that is known.
    pub cause: Option<String>,
    /// What was seen that shows it.
    pub evidence: Vec<Observation>,
    /// What to do, in the order in which to try it.
    pub recommendations: Vec<String>,
    /// A command that helps, ready to be run.
    pub remedy: Option<String>,
    /// What was wanted, where something else was given.
    pub wanted: Option<String>,
    /// What was given instead.
    pub given: Option<String>,
    /// The place in a file, where it is about one.
    pub location: Option<Location>,
}

/// Something that was seen, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Observation {
    /// What was looked at, such as `engine` or `/proc/meminfo MemAvailable`.
    pub what: String,
    /// What was seen.
    pub value: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Location {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
}

impl Finding {
    /// A finding with its code's severity, component and remedies.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let entry = code.entry();
        Self {
            code,
            severity: entry.severity,
            component: entry.component,
            platform: None,
            model: None,
            message: message.into(),
            cause: None,
            evidence: Vec::new(),
            recommendations: entry.remedies.iter().map(|it| (*it).to_owned()).collect(),
            remedy: None,
            wanted: None,
            given: None,
            location: None,
        }
    }

    /// With another severity than its code's.
    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// About a platform.
    #[must_use]
    pub const fn on(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// About a model.
    #[must_use]
    pub fn of(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// With its cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// With something that was seen.
    #[must_use]
    pub fn seen(mut self, what: impl Into<String>, value: impl Into<String>) -> Self {
        self.evidence.push(Observation { what: what.into(), value: value.into() });
        self
    }

    /// With advice for this very case, which comes before the code's own; it becomes a sentence.
    /// A command in backticks within it becomes the remedy, unless there is one.
    #[must_use]
    pub fn advise(mut self, advice: impl AsRef<str>) -> Self {
        let advice = sentence(advice.as_ref());
        if advice.is_empty() {
            return self;
        }
        if self.remedy.is_none() {
            self.remedy = command_in(&advice).map(str::to_owned);
        }
        self.recommendations.retain(|it| *it != advice);
        self.recommendations.insert(0, advice);
        self
    }

    /// With a command that helps.
    #[must_use]
    pub fn remedy(mut self, command: impl Into<String>) -> Self {
        self.remedy = Some(command.into());
        self
    }

    /// With what was wanted and what was given in its place.
    #[must_use]
    pub fn instead(mut self, wanted: impl Into<String>, given: impl Into<String>) -> Self {
        self.wanted = Some(wanted.into());
        self.given = Some(given.into());
        self
    }

    /// At a place in a file.
    #[must_use]
    pub fn at(mut self, location: Option<Location>) -> Self {
        self.location = location.or(self.location);
        self
    }
}

/// `text` with a capital at its beginning and a full stop at its end. A name in backticks stays as
/// it is.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

/// The first command of ours between backticks.
fn command_in(advice: &str) -> Option<&str> {
    let mut parts = advice.split('`').skip(1).step_by(2);
    parts.find(|it| it.starts_with("accel ") || it.starts_with("accelgen "))
}
