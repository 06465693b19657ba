//! The command line: flags → library calls → tables or JSON.
//!
//! [`run`] is all that `main` calls. A command gives its whole output as text and an exit code,
//! and one place prints it, so that a closed pipe or a closed terminal cannot break a run half-way.
//!
//! | module | does |
//! |---|---|
//! | `args`, `conflicts` | what may be written, and which flags go together |
//! | `places` | where the registry, the output and the templates are |
//! | `choice` | flags → [`crate::Request`] |
//! | `hardware` | what the machine of `--hardware` can run |
//! | `generate`, `report` | write, check, dry run, diff, prune, and what came of it |
//! | `cargo`, `outcomes` | `--run-tests`: running, and what came of it |
//! | `watch` | `--watch` |
//! | `list`, `explain`, `registry` | looking |
//! | `human`, `json`, `console` | printing |

#![expect(clippy::disallowed_methods, reason = "the command line is where the outside is")]

mod args;
mod cargo;
mod choice;
mod conflicts;
mod console;
mod evidence;
mod explain;
mod failure;
mod generate;
mod hardware;
mod human;
mod json;
mod list;
mod outcomes;
mod places;
mod registry;
mod report;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use args::{Cli, Command, Format, ListArg, OutputFormat};
use conflicts::{Action, Refusal};
use console::Console;
use failure::Failure;

/// What a command came to.
#[derive(Debug, Default)]
struct Done {
    /// What goes to stdout.
    stdout: String,
    /// Whether a check or a test found something.
    found: bool,
}

impl Done {
    /// Output of a command that found nothing wrong.
    const fn fine(stdout: String) -> Self {
        Self { stdout, found: false }
    }
}

/// Runs a command line, program name first, and gives the exit code: 0 fine, 1 a check or a test
/// found something, 2 wrong use or broken input.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match Cli::command().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => return refuse(&error, asks_for_json(&arguments)),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, asks_for_json(&arguments)),
    };
    let console = Console::new(cli.format(), cli.quiet, cli.debug);
    let done = match &cli.command {
        Some(Command::Registry(command)) => registry::run(command, console),
        Some(Command::Completions { shell }) => Ok(Done::fine(completions(*shell))),
        None => match conflicts::action(&conflicts::given(&matches), &cli.values()) {
            Ok(action) => dispatch(action, &cli, console),
            Err(refusal) => return refuse(&refusal_error(refusal), console.json()),
        },
    };
    finish(done, console)
}

fn dispatch(action: Action, cli: &Cli, console: Console) -> Result<Done, Failure> {
    match action {
        Action::List | Action::ListTemplates => {
            list::run(cli.list.unwrap_or(ListArg::Models), cli, console)
        }
        Action::Explain => explain::run(cli.explain.as_deref().unwrap_or_default(), cli, console),
        Action::PruneOnly => generate::prune(cli, console),
        Action::Generate if cli.watch => watch::run(cli, console),
        Action::Generate => generate::run(cli, console),
    }
}

impl Cli {
    /// How to print: a subcommand has a flag of its own.
    const fn format(&self) -> Format {
        match &self.command {
            Some(Command::Registry(command)) => command.format(),
            _ => match self.format {
                OutputFormat::Json => Format::Json,
                OutputFormat::Human | OutputFormat::Markdown => Format::Human,
            },
        }
    }

    /// The values of flags that matter to [`conflicts::action`].
    fn values(&self) -> Vec<&'static str> {
        let values = [
            (self.format == OutputFormat::Json, "format=json"),
            (self.format == OutputFormat::Markdown, "format=markdown"),
            (self.list.is_some_and(|it| it != ListArg::Models), "list=others"),
            (self.kind == args::KindArg::Skill, "kind=skill"),
            (self.list == Some(ListArg::Templates), "list=templates"),
        ];
        values.into_iter().filter(|(given, _)| *given).map(|(_, name)| name).collect()
    }
}

/// Prints what came of a command. A closed pipe is the reader's right and no error.
fn finish(done: Result<Done, Failure>, console: Console) -> ExitCode {
    match done {
        Ok(Done { stdout, found }) => {
            let mut out = io::stdout().lock();
            let written = out.write_all(stdout.as_bytes()).and_then(|()| out.flush());
            match written {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    let message = format!("cannot write to stdout: {error}");
                    console.failure(&Failure::new("io", message));
                    ExitCode::from(2)
                }
                _ => ExitCode::from(u8::from(found)),
            }
        }
        Err(failure) => {
            if console.json() {
                let _ = io::stdout().lock().write_all(json::failure(&failure).as_bytes());
            } else {
                console.failure(&failure);
            }
            ExitCode::from(2)
        }
    }
}

/// Prints clap's help, version or refusal.
fn refuse(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        let text = error.render().to_string();
        let message = text.trim_end().trim_start_matches("error: ");
        let failure = Failure::new("usage", message.to_owned());
        let _ = io::stdout().lock().write_all(json::failure(&failure).as_bytes());
    } else {
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn refusal_error(refusal: Refusal) -> clap::Error {
    let mut command = Cli::command();
    match refusal {
        Refusal::Conflict(message) => command.error(ErrorKind::ArgumentConflict, message),
        Refusal::NothingChosen { given } if given.is_empty() => {
            let message = format!("nothing to do: choose models or a mode\n\n{}", args::EXAMPLES);
            command.error(ErrorKind::MissingRequiredArgument, message)
        }
        Refusal::NothingChosen { given } => {
            let message = format!(
                "{} without a choice of models: add --all, --generate-missing, --family or --generate\n\n{}",
                given.join(", "),
                args::EXAMPLES
            );
            command.error(ErrorKind::MissingRequiredArgument, message)
        }
    }
}

/// Whether JSON was asked for on a command line that clap could not read.
fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().any(|it| it == "--format=json")
        || arguments.windows(2).any(|it| it[0] == "--format" && it[1] == "json")
}

fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "accelgen", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::args::Cli;

    #[test]
    fn clap_finds_no_fault_with_the_declaration() {
        Cli::command().debug_assert();
    }
}
