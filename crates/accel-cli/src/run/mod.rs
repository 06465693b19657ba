//! `accel run`: a model directory or a bare graph, once, by hand.

mod args;
mod graph;
mod inputs;
mod model;
mod options;
mod output;
mod place;
mod tasks;
mod tensors;

pub(crate) use args::{EXAMPLES, RunArgs};

use crate::console::Console;
use crate::failure::Failure;

/// Runs what `arguments` name.
pub(crate) fn run(arguments: &RunArgs, console: Console) -> Result<(), Failure> {
    match (&arguments.graph, &arguments.tensors_in, &arguments.tensors_out, &arguments.model) {
        (Some(graph), Some(from), Some(to), _) => graph::run(graph, from, to, arguments, console),
        (None, _, _, Some(model)) => tasks::run(model, arguments, console),
        // clap asks for these.
        _ => Err(Failure::usage("give a model, or --graph with --inputs and --outputs")),
    }
}
