//! What `accel hardware` takes.

use std::path::PathBuf;

use crate::args::Format;

/// Help's examples.
pub(crate) const EXAMPLES: &str = "\
Examples:
  accel hardware                       this machine, and which platforms it can use
  accel hardware --format json | jq '.platforms[] | select(.available) | .platform'
  accel hardware --browsers            start the browser too, and ask it for WebGPU and WebNN
  accel hardware --refresh             read everything anew
  accel hardware --record lab7.json    write what was read, without what is private
  accel hardware --replay lab7.json    judge that machine, anywhere

What does not change is remembered for seven days, or until the machine starts anew or a driver, device,
engine or variable such as CUDA_VISIBLE_DEVICES changes. Free memory and pressure are read each time.

A value that is not known is `-` here and null in JSON, where its reason stands beside it. A platform is
available when a device that this process may use and an engine are both there; only a run proves more.";

/// What `accel hardware` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct HardwareArgs {
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,

    /// Read everything anew, and remember that
    #[arg(long, conflicts_with = "replay")]
    pub(crate) refresh: bool,

    /// Where it is remembered [default: accel/hardware.json in the user's cache folder]
    #[arg(long, value_name = "PATH", conflicts_with = "replay")]
    pub(crate) cache: Option<PathBuf>,

    /// Start the browser and ask it for WebGPU and WebNN, which takes seconds
    #[arg(long, conflicts_with = "replay")]
    pub(crate) browsers: bool,

    /// Also write what was read to a file, without names, serial numbers and paths that are private
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub(crate) record: Option<PathBuf>,

    /// Judge a machine that was recorded, in place of this one
    #[arg(long, value_name = "FILE")]
    pub(crate) replay: Option<PathBuf>,
}
