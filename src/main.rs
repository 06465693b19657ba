//! The `accelgen` command; everything is in [`accelgen::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    accelgen::cli::run(std::env::args_os())
}
