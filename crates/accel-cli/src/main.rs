//! `accel`: says what a machine has, what a model is and needs, and where it should run; gets engines;
//! runs a model or a bare graph by hand.
//!
//! | module | does |
//! |---|---|
//! | `cli` | the commands; what each takes is in its folder |
//! | `classify` | which kind of model it is, and why |
//! | `engines` | what each engine can do here, and installing them |
//! | `hardware` | what this machine has, or one that was recorded |
//! | `estimate` | what a model needs, before it is loaded |
//! | `run` | a model directory or a bare graph, once, by hand |
//! | `selection` | which device a model goes on, what runs where, and why not |
//! | `doctor` | what is wrong with a machine, its engines and models |
//! | `explain` | what a code means |
//! | `catalogue`, `hub`, `models` | the registry's models, those of the Hub's cache, those in folders |
//! | `args`, `files`, `console`, `json`, `failure`, `size` | what several commands take and read, printing, how a command ends, amounts of memory |
//! | `placed` | whether nodes ran where they were told to |
//! | `defaults` | what a session is asked for when nobody says otherwise |

mod args;
mod catalogue;
mod classify;
mod cli;
mod console;
mod defaults;
mod doctor;
mod engines;
mod estimate;
mod explain;
mod failure;
mod files;
mod hardware;
mod hub;
mod json;
mod models;
mod placed;
mod run;
mod selection;
mod size;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use cli::{Cli, Command};
use console::Console;
use engines::EnginesCommand;
use failure::Failure;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &arguments),
    };
    let console = Console::new(cli.command.json(), cli.command.quiet());
    match dispatch(&cli.command, console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_told() => ExitCode::from(failure.exit),
        Err(failure) => {
            if console.json() {
                console.print(&json::failure(&failure));
            }
            console.error(&failure.for_people());
            ExitCode::from(failure.exit)
        }
    }
}

fn dispatch(command: &Command, console: Console) -> Result<(), Failure> {
    match command {
        Command::Engines(EnginesCommand::List(_)) => engines::list(console),
        Command::Engines(EnginesCommand::Install(args)) => engines::install(args, console),
        Command::Hardware(args) => hardware::hardware(args, console),
        Command::Estimate(args) => estimate::run(args, console),
        Command::Classify(args) => classify::run(args, console),
        Command::Run(args) => run::run(args, console),
        Command::Selection(command) => selection::run(command, console),
        Command::Doctor(args) => doctor::run(args, console),
        Command::Explain(args) => explain::explain(args, console),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "accel", &mut script);
            console.print(&String::from_utf8_lossy(&script));
            Ok(())
        }
    }
}

/// What clap says: help and the version on stdout, everything else as an error.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed pipe is no reason to fail.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if asks_for_json(arguments) {
        let text = error.to_string();
        let text = text.trim().strip_prefix("error: ").unwrap_or(text.trim());
        let failure = Failure::usage(text);
        Console::new(true, false).print(&json::failure(&failure));
    }
    let _ = error.print();
    ExitCode::from(failure::WRONG_USE)
}

/// Whether the command line that could not be read asks for JSON.
fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().any(|it| it == "--format=json")
        || arguments.windows(2).any(|it| it[0] == "--format" && it[1] == "json")
}
