//! Which flags go together. Nothing is accepted and ignored: a flag that has no effect beside
//! another is refused, with the reason.

use std::collections::BTreeSet;

use clap::ArgMatches;
use clap::parser::ValueSource;

/// What a command line asks for, as far as flags decide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// `--list models|families|platforms`.
    List,
    /// `--list templates`, which needs no registry.
    ListTemplates,
    /// `--explain MODEL`.
    Explain,
    /// `--prune` without a choice of models, perhaps as a dry run.
    PruneOnly,
    /// Everything that generates: write, check, dry run, diff, watch.
    Generate,
}

impl Action {
    const fn what(self) -> &'static str {
        match self {
            Self::List => "`--list`",
            Self::ListTemplates => "`--list templates`",
            Self::Explain => "`--explain`",
            Self::PruneOnly => "`--prune` alone, which removes orphans and does nothing else",
            Self::Generate => "generation",
        }
    }

    /// The flags that have an effect; `None` is all that belong to no other action.
    const fn takes(self) -> Option<&'static [&'static str]> {
        match self {
            Self::List => Some(&["list", "matrix", "limit", "registry", "format", "debug"]),
            Self::ListTemplates => Some(&["list", "limit", "templates", "format", "debug"]),
            Self::Explain => {
                Some(&["explain", "platform", "registry", "templates", "format", "debug"])
            }
            Self::PruneOnly => Some(&[
                "prune",
                "dry_run",
                "diff",
                "registry",
                "output_dir",
                "format",
                "quiet",
                "debug",
            ]),
            Self::Generate => None,
        }
    }
}

/// The flags that choose models.
const CHOOSERS: [&str; 6] =
    ["generate", "family", "all", "generate_missing", "enhance_openvino", "enhance_web_platforms"];

/// The modes that mean all models when none are chosen.
const MODES: [&str; 3] = ["check", "dry_run", "diff"];

/// Pairs that contradict each other. `format=json` and `kind=skill` stand for a flag's value.
const PAIRS: &[(&str, &str, &str)] = &[
    ("all", "generate", "choose all models or some"),
    ("all", "family", "choose all models or those of some families"),
    ("generate", "family", "choose models by name or by family"),
    (
        "all",
        "generate_missing",
        "the one writes every file, the other only absent ones; without --all, --generate-missing looks at all models",
    ),
    ("check", "generate_missing", "the check reports what is missing anyway"),
    ("check", "dry_run", "the check writes nothing and lists everything anyway"),
    ("check", "diff", "the check shows the same diffs; they differ in the exit code"),
    ("check", "prune", "the check writes nothing and reports orphans anyway"),
    ("check", "force", "the check writes nothing"),
    ("check", "run_tests", "tests run after writing, and the check writes nothing"),
    ("check", "watch", "the check writes nothing"),
    ("dry_run", "diff", "--diff is a dry run already"),
    ("dry_run", "run_tests", "tests run after writing, and a dry run writes nothing"),
    ("dry_run", "watch", "a dry run writes nothing"),
    ("diff", "run_tests", "tests run after writing, and --diff writes nothing"),
    ("diff", "watch", "--diff writes nothing"),
    ("force", "watch", "other people's files are not overwritten unattended"),
    ("run_tests", "watch", "run the tests by a second command"),
    ("run_tests", "kind=skill", "no test is chosen"),
    ("enhance_openvino", "kind=skill", "what it adds are tests"),
    ("enhance_web_platforms", "kind=skill", "what it adds are tests"),
    ("watch", "format=json", "JSON is one document, and watching has no end"),
    ("quiet", "format=json", "JSON on stdout is all that --format json prints"),
    ("quiet", "debug", "the one prints less, the other more"),
    ("quiet", "dry_run", "what would be done is all that a dry run has to say"),
    ("quiet", "diff", "the diff is all that --diff has to say"),
    ("list", "explain", "one question at a time"),
    ("matrix", "list=others", "the matrix is of models and platforms"),
    ("format=markdown", "limit", "the page is of all models"),
];

/// Why a command line makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Two flags, or a flag and an action, contradict each other.
    Conflict(String),
    /// Nothing is chosen and nothing asked.
    NothingChosen {
        /// The flags that were given all the same.
        given: Vec<String>,
    },
}

/// The flags that were written on this command line, by id.
pub(super) fn given(matches: &ArgMatches) -> BTreeSet<String> {
    let mut given: BTreeSet<String> = matches
        .ids()
        .map(clap::Id::as_str)
        .filter(|it| matches.try_contains_id(it).unwrap_or(false))
        .filter(|it| matches.value_source(it) == Some(ValueSource::CommandLine))
        .map(ToOwned::to_owned)
        .collect();
    // clap lists the group that the derive makes of all flags.
    given.remove("Cli");
    given
}

/// Decides what is asked for, or why it makes no sense. `values` are flags' values that matter
/// here, such as `format=json` and `list=templates`.
pub(super) fn action(given: &BTreeSet<String>, values: &[&str]) -> Result<Action, Refusal> {
    let has = |id: &str| given.contains(id) || values.contains(&id);
    for (one, other, why) in PAIRS {
        if has(one) && has(other) {
            let message = format!("{} cannot be used with {}: {why}", flag(one), flag(other));
            return Err(Refusal::Conflict(message));
        }
    }
    if has("matrix") && !has("list") {
        let message = "`--matrix` needs `--list`: it is a way to list models".to_owned();
        return Err(Refusal::Conflict(message));
    }
    if has("format=markdown") && !has("matrix") {
        let message = "`--format markdown` is for `--list --matrix` only".to_owned();
        return Err(Refusal::Conflict(message));
    }
    let chosen = CHOOSERS.iter().any(|it| has(it));
    let action = if has("list") {
        if has("list=templates") { Action::ListTemplates } else { Action::List }
    } else if has("explain") {
        Action::Explain
    } else if has("prune") && !chosen {
        Action::PruneOnly
    } else if chosen || MODES.iter().any(|it| has(it)) {
        Action::Generate
    } else {
        let given = given.iter().map(|it| flag(it)).collect();
        return Err(Refusal::NothingChosen { given });
    };
    if let Some(takes) = action.takes()
        && let Some(stray) = given.iter().find(|it| !takes.contains(&it.as_str()))
    {
        let message = format!("{} has no effect with {}", flag(stray), action.what());
        return Err(Refusal::Conflict(message));
    }
    Ok(action)
}

/// `enhance_openvino` → `` `--enhance-openvino` ``, `format=json` → `` `--format json` ``.
fn flag(id: &str) -> String {
    format!("`--{}`", id.replace('_', "-").replace('=', " "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::{Action, CHOOSERS, MODES, PAIRS, Refusal, action};
    use crate::cli::args::Cli;

    fn ids() -> BTreeSet<String> {
        Cli::command()
            .get_arguments()
            .map(|it| it.get_id().as_str().to_owned())
            .filter(|it| it != "help" && it != "version")
            .collect()
    }

    fn of(flags: &[&str]) -> BTreeSet<String> {
        flags.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn the_tables_name_flags_that_exist() {
        let ids = ids();
        let tables = [Action::List, Action::ListTemplates, Action::Explain, Action::PruneOnly];
        let named = PAIRS
            .iter()
            .flat_map(|(a, b, _)| [*a, *b])
            .chain(CHOOSERS)
            .chain(MODES)
            .chain(tables.iter().flat_map(|it| it.takes().unwrap().iter().copied()));
        for id in named {
            let id = id.split('=').next().unwrap();
            assert!(ids.contains(id), "{id}");
        }
    }

    /// What every flag but choosers and modes does when it stands with another is decided here,
    /// once, so that a new flag cannot be forgotten.
    #[test]
    fn every_flag_means_something_in_generation_or_belongs_to_another_action() {
        for id in ids() {
            let refused = action(&of(&["generate", &id]), &[]).is_err();
            let elsewhere = ["family", "all", "list", "matrix", "explain"].contains(&id.as_str());
            assert_eq!(refused, elsewhere, "--generate with --{id}");
        }
    }

    #[test]
    fn a_mode_alone_means_all_and_prune_alone_means_orphans() {
        for mode in MODES {
            assert_eq!(action(&of(&[mode]), &[]), Ok(Action::Generate), "{mode}");
        }
        assert_eq!(action(&of(&["prune"]), &[]), Ok(Action::PruneOnly));
        assert_eq!(action(&of(&["prune", "dry_run"]), &[]), Ok(Action::PruneOnly));
        assert_eq!(action(&of(&["prune", "generate"]), &[]), Ok(Action::Generate));
        for filter in ["key_models_only", "platform", "force", "watch", "run_tests", "limit"] {
            assert!(
                matches!(action(&of(&[filter]), &[]), Err(Refusal::NothingChosen { .. })),
                "{filter}"
            );
        }
    }

    #[test]
    fn a_refusal_says_why() {
        let Err(Refusal::Conflict(message)) = action(&of(&["all", "quiet"]), &["format=json"])
        else {
            panic!("accepted")
        };
        assert_eq!(
            message,
            "`--quiet` cannot be used with `--format json`: JSON on stdout is all that --format json prints"
        );
        let Err(Refusal::Conflict(message)) = action(&of(&["list", "force"]), &[]) else {
            panic!("accepted")
        };
        assert_eq!(message, "`--force` has no effect with `--list`");
    }
}
