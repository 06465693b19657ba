//! What may be written on the command line.

use clap::{Parser, Subcommand};

use crate::args::Format;
use crate::doctor::{self, DoctorArgs, DoctorFormat};
use crate::engines::{EnginesCommand, ListFormat};
use crate::explain::{self, ExplainArgs, ExplainFormat};
use crate::run::{self, RunArgs};
use crate::selection::SelectionCommand;

const ABOUT: &str = "Says what this machine has, what a model is and needs, and where it should run; gets engines; runs";

const EXAMPLES: &str = "\
Examples:
  accel hardware                         what this machine has, and which platforms it can use
  accel classify openai/whisper-tiny     which kind of model it is, and how sure that is
  accel estimate fixtures/llama          memory by part, cores, disk
  accel select llama --priority cuda,mps,cpu --explain   which device, and why not the others
  accel matrix                           what runs where
  accel doctor --test-hardware           what is wrong here, and what helps
  accel engines install onnxruntime      ONNX Runtime into a folder of yours; no root needed
  accel run fixtures/vit photo.jpg       what is in the picture, on the CPU
  accel run --graph model.onnx --inputs in.safetensors --outputs out.safetensors

Exit codes:
  0  fine
  1  a check found something, a run or an installation failed, or nothing here can do it
  2  wrong use or broken input

Only `accel engines install` uses the network.

Environment:
  ACCEL_ENGINES_DIR    the folder of engines, in place of .accel/engines and the user's own
  ACCEL_MODEL_DIR      where `accel run NAME` looks for a model of that name
  ACCEL_ONNXRUNTIME, ACCEL_OPENVINO    the library to load
  ACCEL_BROWSER, ACCEL_WEB_DIR         the browser, and the folder of onnxruntime-web's files
  ACCEL_SIMULATED_DEVICE               the devices that --simulate takes, the first of each platform
  NO_COLOR             no colours; a pipe gets none anyway";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "accel",
    version,
    about = ABOUT,
    after_help = EXAMPLES,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 110,
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What can run here, and getting what is missing
    #[command(subcommand, arg_required_else_help = true)]
    Engines(EnginesCommand),
    /// What this machine has, and which platforms it can use
    #[command(after_help = crate::hardware::EXAMPLES)]
    Hardware(crate::hardware::HardwareArgs),
    /// What a model needs: parameters, memory by part, cores, disk
    #[command(after_help = crate::estimate::EXAMPLES)]
    Estimate(Box<crate::estimate::EstimateArgs>),
    /// Tell which kind of model it is, and why
    #[command(after_help = crate::classify::args::EXAMPLES)]
    Classify(crate::classify::args::ClassifyArgs),
    /// Run a model directory or a bare graph, by hand
    #[command(after_help = run::EXAMPLES)]
    Run(Box<RunArgs>),
    #[command(flatten)]
    Selection(SelectionCommand),
    /// What is wrong with this machine, its engines and models, and what helps
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(Box<DoctorArgs>),
    /// What a code such as ACC0201 means, and what helps
    #[command(after_help = explain::EXAMPLES)]
    Explain(ExplainArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Whether the output is one JSON document.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Engines(EnginesCommand::List(it)) => it.format == ListFormat::Json,
            Self::Engines(EnginesCommand::Install(it)) => it.format == Format::Json,
            Self::Hardware(it) => it.format == Format::Json,
            Self::Estimate(it) => it.format == Format::Json,
            Self::Classify(it) => it.format == Format::Json,
            Self::Run(it) => it.format == Format::Json,
            Self::Selection(it) => it.json(),
            Self::Doctor(it) => it.format == DoctorFormat::Json,
            Self::Explain(it) => it.format == ExplainFormat::Json,
            Self::Completions { .. } => false,
        }
    }

    /// Whether nothing but results and errors is wanted.
    pub(crate) fn quiet(&self) -> bool {
        matches!(self, Self::Run(it) if it.quiet)
    }
}
