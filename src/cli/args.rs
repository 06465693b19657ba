//! What may be written on the command line.
//!
//! Which flags go together is in [`super::conflicts`]: clap's own conflicts cannot say why.

use std::path::PathBuf;

use accel_core::{Family, Platform, Variant, Vocabulary};
use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand, ValueEnum};

use super::hardware::HardwareArg;

const ABOUT: &str =
    "Generates a test and a typed Rust skill for every (model, platform) pair of a registry";

const LONG_ABOUT: &str = "\
Generates, for every (model, platform) pair of a registry, a test that proves the model works there \
and a skill, a typed Rust module that loads and runs it there.

Choose models (--all, --family, --generate, --generate-missing), narrow the choice by platform, \
variant and kind, and pick a mode: write (the default), --check, --dry-run, --diff or --prune. A mode \
without a choice of models means all of them, except --prune, which alone removes orphans and does \
nothing else.";

/// The first lines of help for those who typed nothing.
pub(super) const EXAMPLES: &str = "\
Examples:
  accelgen --all                                 write every test and skill, remove orphans
  accelgen --generate-missing --key-models-only  write only what is not there yet
  accelgen --generate bert,vit --platform cuda   two models on one platform
  accelgen --check                               is the output up to date? exit code 1 if not";

const MORE: &str = "
  accelgen --family vision --diff                what would change, line by line; writes nothing
  accelgen --generate-missing --hardware detected   only what this machine can run
  accelgen --enhance-openvino                    OpenVINO cells and their extra tests
  accelgen --generate bert --run-tests           write, then run bert's tests and show outcomes
  accelgen --explain bert --platform webnn       why this class, this support, this template
  accelgen --list --matrix                       what runs where, and how that is known
  accelgen registry add config.json --dry-run    a registry entry from a model's config.json

Exit codes:
  0  fine
  1  the check found something, or a test failed
  2  wrong use, broken input, or the system refused; no file is ever half-written

Environment:
  NO_COLOR  no colours; a pipe gets none anyway
  CARGO     the cargo that --run-tests calls (default: cargo)
  ACCEL     the accel that --hardware asks (default: the one beside accelgen, else on the PATH)";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "accelgen",
    version,
    about = ABOUT,
    long_about = LONG_ABOUT,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}{MORE}"),
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 110,
)]
#[expect(clippy::struct_excessive_bools, reason = "one for every flag")]
pub(super) struct Cli {
    /// Generate these models, by registry key
    #[arg(
        long, visible_alias = "batch-generate", value_name = "MODEL,…", value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new(), help_heading = CHOOSE
    )]
    pub(super) generate: Vec<String>,

    /// Generate the models of these families
    #[arg(
        long, value_name = "FAMILY,…", value_delimiter = ',', value_parser = member::<Family>,
        help_heading = CHOOSE
    )]
    pub(super) family: Vec<Family>,

    /// Generate every model of the registry, and remove orphans
    ///
    /// Orphans are files that accelgen wrote and nothing in the registry stands for any more. They
    /// are removed only when nothing narrows the choice; else they stay and are reported.
    #[arg(long, help_heading = CHOOSE)]
    pub(super) all: bool,

    /// Write only the tests and skills whose files are absent (of all models, or of the chosen ones)
    #[arg(long, help_heading = CHOOSE)]
    pub(super) generate_missing: bool,

    /// Only models that the registry marks as key models
    #[arg(long, help_heading = NARROW)]
    pub(super) key_models_only: bool,

    /// Only these platforms: `all`, or names such as `cuda,openvino`
    #[arg(
        long, value_name = "PLATFORM,…", value_delimiter = ',', value_parser = PlatformArg::parse,
        help_heading = NARROW
    )]
    pub(super) platform: Vec<PlatformArg>,

    /// Only platforms that a machine can run: this one (`detected`), or the one that FILE describes
    ///
    /// FILE is what `accel hardware --record` wrote or `accel hardware --format json` printed. Asks
    /// the `accel` program, which looks for devices and engines; `all` asks nobody.
    #[arg(
        long, value_name = "detected|all|FILE", value_parser = HardwareArg::parse,
        default_value = "all", help_heading = NARROW
    )]
    pub(super) hardware: HardwareArg,

    /// Only cells that are real, or only simulations; `auto` takes each as the registry has it
    #[arg(long, value_enum, default_value_t = VariantArg::Auto, help_heading = NARROW)]
    pub(super) variant: VariantArg,

    /// Only tests (extra tests among them) or only skills
    #[arg(long, value_enum, default_value_t = KindArg::All, help_heading = NARROW)]
    pub(super) kind: KindArg,

    /// At most N models (the first ones by key), or at most N lines of --list
    #[arg(
        long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..),
        help_heading = NARROW
    )]
    pub(super) limit: Option<u32>,

    /// Only OpenVINO, with its extra tests: INT8, compiled-model cache
    ///
    /// Extra tests that are on disk are kept up to date by every later run; to be rid of them,
    /// delete their files and run --all.
    #[arg(long, help_heading = EXTRA)]
    pub(super) enhance_openvino: bool,

    /// Only WebNN and WebGPU, with their extra tests: first-run compile time, memory limits
    #[arg(long, help_heading = EXTRA)]
    pub(super) enhance_web_platforms: bool,

    /// Where generated files go [default: `generated` beside the registry]
    #[arg(long, value_name = "DIR", help_heading = PLACES)]
    pub(super) output_dir: Option<PathBuf>,

    /// The registry [default: `model_registry.yaml` here or in the nearest folder above]
    #[arg(long, value_name = "FILE", help_heading = PLACES)]
    pub(super) registry: Option<PathBuf>,

    /// Templates that replace embedded ones of the same name, or are more specific
    ///
    /// Names are those of --list templates, or {skill,test}/FAMILY/PLATFORM.rs.tera,
    /// {skill,test}/FAMILY/PLATFORM.VARIANT.rs.tera, {skill,test}/default.rs.tera. Any other file is an
    /// error: it would never be used. Names that begin with a dot or end with `~` are passed over.
    #[arg(long, value_name = "DIR", help_heading = PLACES)]
    pub(super) templates: Option<PathBuf>,

    /// Write nothing; list what is missing, stale (with a diff), orphaned or not ours; exit 1 if any
    #[arg(long, help_heading = MODES)]
    pub(super) check: bool,

    /// Write nothing; list what would be written or removed
    #[arg(long, help_heading = MODES)]
    pub(super) dry_run: bool,

    /// Write nothing; list what would be written or removed, with unified diffs
    #[arg(long, help_heading = MODES)]
    pub(super) diff: bool,

    /// Remove orphans; without a choice of models, do nothing else
    #[arg(long, help_heading = MODES)]
    pub(super) prune: bool,

    /// Overwrite files that accelgen did not write where generated ones belong
    #[arg(long, help_heading = MODES)]
    pub(super) force: bool,

    /// After writing, run the tests of the chosen cells and show their outcomes
    #[arg(long, help_heading = RUN)]
    pub(super) run_tests: bool,

    /// Write again whenever the registry or a file of --templates changes, until Ctrl-C
    #[arg(long, help_heading = RUN)]
    pub(super) watch: bool,

    /// Threads that render [default: one for every core]; the output does not depend on it
    #[arg(
        long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024),
        help_heading = RUN
    )]
    pub(super) max_workers: Option<u16>,

    /// What is printed
    #[arg(long, value_enum, default_value_t = OutputFormat::Human, help_heading = OUTPUT)]
    pub(super) format: OutputFormat,

    /// Print counts and timings of every phase on stderr, and show cargo's output
    #[arg(long, help_heading = OUTPUT)]
    pub(super) debug: bool,

    /// Print nothing but errors
    #[arg(long, help_heading = OUTPUT)]
    pub(super) quiet: bool,

    /// List what there is [without WHAT: models]
    #[arg(
        long, value_enum, value_name = "WHAT", num_args = 0..=1, default_missing_value = "models",
        help_heading = LOOK
    )]
    pub(super) list: Option<ListArg>,

    /// With --list: every model on every platform, what is claimed and what stands behind it
    #[arg(long, help_heading = LOOK)]
    pub(super) matrix: bool,

    /// Explain how a model is classified and where its files come from
    #[arg(
        long, value_name = "MODEL", value_parser = NonEmptyStringValueParser::new(),
        help_heading = LOOK
    )]
    pub(super) explain: Option<String>,

    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

const CHOOSE: &str = "Choose models";
const NARROW: &str = "Narrow the choice";
const EXTRA: &str = "Extra tests (alone: of all models)";
const PLACES: &str = "Places";
const MODES: &str = "Modes";
const RUN: &str = "Running";
const OUTPUT: &str = "Output";
const LOOK: &str = "Look";

/// Commands beside generation.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check, describe or extend the registry
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// Commands on the registry.
#[derive(Debug, Subcommand)]
pub(super) enum RegistryCommand {
    /// Print every problem and warning of the registry
    Validate(RegistryPlace),
    /// Print the registry's JSON Schema
    Schema,
    /// Compare what the registry claims as run in CI with a report of the tests; exit 1 if unproved
    VerifyEvidence(VerifyArgs),
    /// Write an entry for the model that a Hugging Face config.json describes
    Add(AddArgs),
}

/// Where the registry is, and how to print.
#[derive(Debug, clap::Args)]
pub(super) struct RegistryPlace {
    /// The registry [default: `model_registry.yaml` here or in the nearest folder above]
    #[arg(long, value_name = "FILE")]
    pub(super) registry: Option<PathBuf>,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
}

/// What `registry verify-evidence` takes.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// The report: what a run of the tests wrote to the path in `ACCEL_REPORT`
    pub(super) report: PathBuf,
    #[command(flatten)]
    pub(super) place: RegistryPlace,
}

/// What `registry add` takes.
#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// The model's config.json
    pub(super) config: PathBuf,
    /// The entry's key [default: from the configuration]
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub(super) key: Option<String>,
    /// The number of the model's weights [default: counted from config.json where its architecture
    /// is known]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) parameters: Option<u64>,
    /// The repository on the Hugging Face Hub [default: from the configuration]
    #[arg(long, value_name = "OWNER/NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) hub_id: Option<String>,
    /// Print the entry and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) place: RegistryPlace,
}

/// A platform, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlatformArg {
    All,
    One(Platform),
}

impl PlatformArg {
    fn parse(name: &str) -> Result<Self, accel_core::UnknownName> {
        if name == "all" { Ok(Self::All) } else { member::<Platform>(name).map(Self::One) }
    }
}

/// A member of a vocabulary, by name.
fn member<V: Vocabulary>(name: &str) -> Result<V, accel_core::UnknownName> {
    V::parse(name.trim())
}

/// A variant, or each cell's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum VariantArg {
    Real,
    Simulation,
    Auto,
}

impl VariantArg {
    /// The variant that cells must have; `None` for each its own.
    pub(super) const fn wanted(self) -> Option<Variant> {
        match self {
            Self::Real => Some(Variant::Real),
            Self::Simulation => Some(Variant::Simulation),
            Self::Auto => None,
        }
    }
}

/// Which files of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum KindArg {
    Test,
    Skill,
    All,
}

/// How generation and lists are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// Tables and sentences
    Human,
    /// One versioned JSON document
    Json,
    /// A page of Markdown; of --list --matrix only
    Markdown,
}

/// How output is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Tables and sentences
    Human,
    /// One versioned JSON document
    Json,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListArg {
    Models,
    Families,
    Platforms,
    Templates,
}
