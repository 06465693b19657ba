//! What is wrong with a registry, where, and what to do about it.

use std::fmt;

use serde::{Serialize, Serializer};

/// Declares the codes and the table in their documentation.
macro_rules! codes {
    ($( $(#[$group:meta])* $variant:ident = $id:literal, $what:literal; )+) => {
        /// A problem's code: stable, so that it can be searched for. `E…` are errors, `W…` warnings.
        ///
        /// | code | meaning |
        /// |---|---|
        $( #[doc = concat!("| `", $id, "` | ", $what, " |")] )+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $( #[doc = concat!("`", $id, "`: ", $what, ".")] $variant, )+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The code as printed, such as `E201`.
            pub const fn id(self) -> &'static str {
                match self { $( Self::$variant => $id, )+ }
            }

            /// What it means, in a few words.
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$variant => $what, )+ }
            }
        }
    };
}

codes! {
    // 1xx: the text.
    Syntax = "E101", "the text is not YAML";
    Alias = "E102", "an anchor or an alias: every entry is spelt out";
    Tag = "E103", "a YAML tag: the registry has none";
    TooDeep = "E104", "nested too deeply";
    TooLarge = "E105", "too much text or too many values";
    HiddenCharacter = "E106", "a control, bidirectional or invisible character";
    SeveralDocuments = "E107", "more than one YAML document";
    Empty = "E108", "nothing but blanks and comments";
    DuplicateKey = "E109", "a key is written twice in one mapping";
    BadKey = "E110", "a key that is not text";
    // 2xx: the shape.
    WrongType = "E201", "a value of the wrong type";
    UnknownKey = "E202", "a key that does not belong here";
    MissingKey = "E203", "a key that must be here";
    UnknownName = "E204", "a name that is not in its vocabulary";
    OutOfRange = "E205", "a number out of its range";
    EmptyValue = "E206", "an empty list or text where something must be";
    Repeated = "E207", "the same thing twice in one list";
    UnknownVersion = "E208", "a registry version that this program does not know";
    // 3xx: single values.
    BadIdentifier = "E301", "a model's key is not a snake_case identifier";
    ReservedIdentifier = "E302", "a model's key is a keyword or otherwise reserved";
    CollidingIdentifier = "E303", "two models' keys become the same name in Rust";
    BadHubId = "E304", "a Hub id that is not `owner/name`";
    BadRevision = "E305", "a revision that cannot be a commit, tag or branch";
    BadModelDir = "E306", "a model directory that is not a plain relative path";
    BadText = "E307", "text that is too long, has several lines or hidden characters";
    BadTolerance = "E308", "a tolerance that no result or every result would meet";
    BadDate = "E309", "a date that is not a day written `YYYY-MM-DD`";
    BadConfigName = "E310", "an architecture or model type that cannot be one";
    // 4xx: statements that contradict each other.
    RealWithReason = "E401", "a real cell with a reason why it is not";
    NoReason = "E402", "a simulated or unsupported cell without a reason";
    UnsupportedWithSettings = "E403", "an unsupported cell with evidence or settings";
    EvidenceWithoutModel = "E404", "executed in CI, but the model has no directory";
    SimulationWithEvidence = "E405", "a simulated cell with evidence of a real run";
    MissingPlatform = "E406", "a model does not say what holds on a platform";
    ImpossibleTask = "E407", "a task that a model of this kind cannot do";
    Unclassified = "E408", "the classifier does not know the model and the entry does not say";
    NoTolerance = "E409", "no tolerance for the precision of a cell";
    NoFamilyDefaults = "E410", "a model's family has no defaults";
    UnplannedCase = "E411", "an expected failure of a case that no test of the cell has";
    NoPipeline = "E412", "no template and no pipeline for models of this kind";
    OtherCount = "E413", "the parameters are not those that the config gives";
    // 5xx: worth a look.
    OverridesClassifier = "W501", "the entry and the classifier disagree about the subfamily";
    ConflictingEvidence = "W502", "what the entry says of the model points to several kinds";
    UnpinnedRevision = "W503", "the revision is not a commit and can move";
    Uncountable = "W504", "nothing counts the weights of this config";
}

impl Code {
    /// Whether it stops generation.
    pub fn severity(self) -> Severity {
        if self.id().starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is generated.
    Error,
    /// Worth a look.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Where something is in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The file, as it was named to the reader.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// How many characters of the line are meant, at least 1.
    pub length: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing that is wrong, or worth a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which kind of problem.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, without hidden characters.
    pub message: String,
    /// Where.
    pub location: Location,
    /// What to do.
    pub help: Option<String>,
    /// The line of the file, clipped around the place, without hidden characters.
    pub snippet: String,
    /// How many characters of `snippet` come before the place.
    pub snippet_offset: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, severity, message, location, help, snippet, snippet_offset } = self;
        write!(f, "{location}: {severity}[{code}]: {message}")?;
        let line = location.line.to_string();
        let gutter = line.len();
        let room = snippet.chars().count().saturating_sub(*snippet_offset).max(1);
        let carets = "^".repeat(location.length.clamp(1, room));
        write!(f, "\n{:gutter$} |", "")?;
        write!(f, "\n{line} |{}{snippet}", if snippet.is_empty() { "" } else { " " })?;
        write!(f, "\n{:gutter$} | {:snippet_offset$}{carets}", "", "")?;
        if let Some(help) = help {
            write!(f, "\n{:gutter$} = help: {help}", "")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a registry, warnings included, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// At least one of them is an error.
    pub list: Vec<Problem>,
    /// How many more there are that were not kept; 0 unless the file is absurd.
    pub omitted: usize,
}

impl Problems {
    /// How many errors and how many warnings are listed.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.list.iter().filter(|it| it.severity == Severity::Error).count();
        (errors, self.list.len() - errors)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.list {
            write!(f, "{problem}\n\n")?;
        }
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (errors, warnings) = self.counts();
        write!(f, "{errors} error{}", plural(errors))?;
        if warnings > 0 {
            write!(f, ", {warnings} warning{}", plural(warnings))?;
        }
        if self.omitted > 0 {
            write!(f, ", and {} more that are not shown", self.omitted)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
