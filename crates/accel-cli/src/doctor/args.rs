//! What `doctor` takes.

use std::path::PathBuf;

use accel_core::Platform;
use clap::ValueEnum;

use crate::args::member;

pub(crate) const EXAMPLES: &str = "\
Examples:
  accel doctor                                     the machine, its engines and platforms
  accel doctor --test-hardware                     also run a tiny graph on each, and check it
  accel doctor --model fixtures/bert               one model: its files, its kind, does it load
  accel doctor --all --registry model_registry.yaml --matrix
  accel doctor --platform cuda                     CUDA is wanted: not having it is an error
  accel doctor --all --output-dir reports          every format at once, for people and for tools

A finding has a code: `accel explain ACC0201` says what it means and what helps.

Severities: critical, error, warning, info. What nothing on the machine suggests to be wanted is
info; a device without its engine is a warning; an engine that is there and fails is an error; a
platform that computes wrongly, takes its process down or quietly became the CPU is critical.

Exit codes:
  0  nothing above a warning
  1  an error or worse was found, or the report could not be written
  2  wrong use";

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// A model's folder, or the name of one below --models or in the registry; can be repeated
    #[arg(long = "model", value_name = "MODEL")]
    pub(crate) model: Vec<PathBuf>,

    /// Every model below --models and in the registry
    #[arg(long, conflicts_with = "model")]
    pub(crate) all: bool,

    /// A platform that is wanted: it alone is looked at, and not having it is an error; can be
    /// repeated
    #[arg(long, value_name = "PLATFORM", value_parser = member::<Platform>)]
    pub(crate) platform: Vec<Platform>,

    /// Run a tiny graph with a known answer on every platform that is available, each in a
    /// process of its own; models are loaded on all of these in place of the CPU alone
    #[arg(long)]
    pub(crate) test_hardware: bool,

    /// Also say for every model and platform whether it can run there
    #[arg(long)]
    pub(crate) matrix: bool,

    /// Where models are looked for by name
    #[arg(
        long,
        value_name = "DIR",
        env = "ACCEL_MODEL_DIR",
        default_value = "fixtures",
        hide_env_values = true
    )]
    pub(crate) models: PathBuf,

    /// The registry of models; findings about its models name their line in it
    #[arg(long, value_name = "FILE")]
    pub(crate) registry: Option<PathBuf>,

    /// How long one run or load may take, in seconds
    #[arg(
        long, value_name = "SECONDS", default_value_t = 120,
        value_parser = clap::value_parser!(u32).range(1..=86_400)
    )]
    pub(crate) timeout: u32,

    /// What is printed
    #[arg(long, value_enum, default_value_t = DoctorFormat::Human)]
    pub(crate) format: DoctorFormat,

    /// Also write the report in every format into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,

    /// Do one probe in this process, and print what came of it: how doctor calls itself
    #[arg(long, value_name = "PLATFORM", value_parser = member::<Platform>, hide = true)]
    pub(crate) probe: Option<Platform>,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// Text
    Human,
    /// Markdown
    Md,
    /// One versioned JSON document
    Json,
    /// SARIF 2.1.0, for code review and editors
    Sarif,
    /// One page that needs nothing else
    Html,
}

impl DoctorFormat {
    /// Every format, with the name of its file.
    pub(crate) const FILES: [(Self, &'static str); 5] = [
        (Self::Human, "doctor.txt"),
        (Self::Md, "doctor.md"),
        (Self::Json, "doctor.json"),
        (Self::Sarif, "doctor.sarif"),
        (Self::Html, "doctor.html"),
    ];
}
