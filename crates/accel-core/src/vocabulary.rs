//! Closed sets of names: one declaration gives the enum, its spelling, parsing with
//! did-you-mean, serde and (with the `schema` feature) JSON Schema.

use std::fmt;

/// A closed set of names, each spelt one way everywhere: registry, reports, flags, file names.
pub trait Vocabulary: Copy + Eq + Ord + fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// What one of these is called in an error message, such as `platform`.
    const WHAT: &'static str;
    /// The name of the Rust type.
    const RUST_TYPE: &'static str;
    /// Every member, in the order of declaration.
    const ALL: &'static [Self];
    /// Every member's name and the Rust identifier of its variant: `("text_generation", "TextGeneration")`.
    const MEMBERS: &'static [(&'static str, &'static str)];
    /// The name as written in the registry, such as `text_generation`.
    fn name(self) -> &'static str;
    /// What it means, in one sentence.
    fn doc(self) -> &'static str;
    /// The member of that name.
    ///
    /// # Errors
    /// [`UnknownName`] when no member has this name; it suggests the closest one.
    fn parse(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.iter().copied().find(|it| it.name() == name).ok_or_else(|| UnknownName {
            what: Self::WHAT,
            given: name.to_owned(),
            suggestion: nearest(name, Self::ALL.iter().map(|it| it.name())),
            known: Self::ALL.iter().map(|it| it.name()).collect(),
        })
    }
}

/// A name that is not in its vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{given}`{}; known: {}", did_you_mean(.suggestion.as_deref()), .known.join(", "))]
pub struct UnknownName {
    /// What was expected, such as `platform`.
    pub what: &'static str,
    /// The name as given.
    pub given: String,
    /// The closest known name, when one is close.
    pub suggestion: Option<String>,
    /// Every known name.
    pub known: Vec<&'static str>,
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |it| format!(" (did you mean `{it}`?)"))
}

/// The candidate closest to `given` by Damerau-Levenshtein distance, if it is at most a third of
/// the word (and at least one edit) away. Ties go to the first candidate.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // Distance is quadratic; nobody mistypes a name of this length.
    if given.len() > 64 {
        return None;
    }
    let given = given.to_lowercase();
    candidates
        .into_iter()
        .map(|it| (strsim::damerau_levenshtein(&given, &it.to_lowercase()), it))
        .filter(|(distance, it)| *distance <= (it.chars().count().max(given.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it.to_owned())
}

/// Declares a [`Vocabulary`]; each member's one line of documentation is its `doc()`.
macro_rules! vocabulary {
    (
        what = $what:literal;
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( #[doc = $doc:literal] $variant:ident = $text:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name {
            $( #[doc = $doc] #[serde(rename = $text)] $variant, )+
        }

        impl crate::Vocabulary for $name {
            const WHAT: &'static str = $what;
            const RUST_TYPE: &'static str = stringify!($name);
            const ALL: &'static [Self] = &[$( Self::$variant, )+];
            const MEMBERS: &'static [(&'static str, &'static str)] =
                &[$( ($text, stringify!($variant)), )+];
            fn name(self) -> &'static str {
                self.name()
            }
            fn doc(self) -> &'static str {
                match self { $( Self::$variant => $doc.trim_ascii(), )+ }
            }
        }

        impl $name {
            /// The name as written in the registry, on the command line and in reports.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::UnknownName;
            fn from_str(name: &str) -> Result<Self, Self::Err> {
                <Self as crate::Vocabulary>::parse(name)
            }
        }
    };
}
pub(crate) use vocabulary;

#[cfg(test)]
mod tests {
    use crate::{Platform, Task, Vocabulary, nearest};

    #[test]
    fn names_round_trip_and_are_unique() {
        for platform in Platform::ALL {
            assert_eq!(platform.name().parse::<Platform>(), Ok(*platform));
        }
        let mut names: Vec<_> = Task::ALL.iter().map(|it| it.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Task::ALL.len());
    }

    #[test]
    fn a_typo_gets_a_suggestion_and_nonsense_gets_none() {
        let error = "opnvino".parse::<Platform>().unwrap_err();
        assert_eq!(error.suggestion.as_deref(), Some("openvino"));
        assert!(error.to_string().contains("did you mean `openvino`?"), "{error}");
        assert_eq!("zebra".parse::<Platform>().unwrap_err().suggestion, None);
    }

    #[test]
    fn swapped_letters_are_one_edit() {
        assert_eq!(nearest("cupa", ["cuda", "cpu"]).as_deref(), Some("cuda"));
        assert_eq!(nearest("ucda", ["cuda"]).as_deref(), Some("cuda"));
        assert_eq!(nearest(&"x".repeat(100_000), ["cuda"]), None);
    }
}
