//! `accel select`, `recommend`, `compatible`, `pool-config`, `matrix`: which hardware a model
//! should run on, whether it fits, and why not.
//!
//! The judging is `accel_core::{compatibility, select}`; here are its inputs and its tables.

mod args;
mod compatible;
mod machine;
mod matrix;
mod models;
mod page;
mod pool_config;
mod recommend;
mod select;

pub(crate) use args::SelectionCommand;

use accel_core::compatibility::{Level, Reason};
use accel_core::select::{Wish, parse_priority};

use crate::console::{Console, Paint, TableCell, bytes};
use crate::failure::Failure;

/// Runs one of the commands.
pub(crate) fn run(command: &SelectionCommand, console: Console) -> Result<(), Failure> {
    match command {
        SelectionCommand::Select(args) => select::run(args, console),
        SelectionCommand::Recommend(args) => recommend::run(args, console),
        SelectionCommand::Compatible(args) => compatible::run(args, console),
        SelectionCommand::PoolConfig(args) => pool_config::run(args, console),
        SelectionCommand::Matrix(args) => matrix::run(args, console),
    }
}

/// The order that `--priority` asks for; none where it is not given.
fn priority(list: Option<&str>) -> Result<Vec<Wish>, Failure> {
    let list = list.map(|it| parse_priority(it.split(',')));
    list.unwrap_or_else(|| Ok(Vec::new())).map_err(|it| Failure::usage(it.to_string()))
}

/// A level in its colour.
fn level(level: Level) -> TableCell<'static> {
    let paint: fn(Paint, &str) -> String = match level {
        Level::High | Level::Medium => Paint::good,
        Level::Low => Paint::warn,
        Level::None => Paint::bad,
    };
    TableCell { text: level.name().into(), paint }
}

/// Bytes, or that they are not known.
fn size(count: Option<u64>) -> String {
    count.map_or_else(|| "unknown".to_owned(), bytes)
}

/// A reason with what would help.
fn told(reason: &Reason) -> String {
    match &reason.remedy {
        Some(remedy) => format!("{}; {remedy}", reason.message),
        None => reason.message.clone(),
    }
}
