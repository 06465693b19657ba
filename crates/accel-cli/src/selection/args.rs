//! What these commands take.

use std::path::PathBuf;

use accel_core::compatibility::{Level, Override, Overrides};
use accel_core::diagnosis::FallbackPolicy;
use accel_core::{Platform, Precision, Task, UnknownName, Vocabulary};
use clap::{Args, Subcommand, ValueEnum};

use crate::args::Format;
use crate::size::bytes;

const SELECT_EXAMPLES: &str = "\
Examples:
  accel select bert                                the device that suits it best here, and why
  accel select llama --priority cuda,mps,cpu       the first choice, or an error with every reason
  accel select llama --priority cuda,mps,cpu --policy next_best
  accel select whisper --priority cuda --index 1   the second GPU
  accel select llava --precision fp16 --explain    every device with every rule's finding
  accel select ./my-model --hardware machine.json  a folder, on a machine described in a file
  accel select vit --override mps=no --override cuda=yes:2GB

The device goes to stdout alone (`cuda:1`, `cpu`, `mps`, `rocm:0`, `openvino:NPU`), so that a script can
take it; why goes to stderr. With --explain or --format json all of it is on stdout.

Policies: `strict` gives the first choice or fails, `next_best` goes on along the list, `cpu` takes the
CPU in its place.";

const RECOMMEND_EXAMPLES: &str = "\
Examples:
  accel recommend --task text-generation
  accel recommend --task image-classification --hw cuda mps
  accel recommend --task text-generation --max-memory 2GB --min-level medium

Models are ranked by how sure it is that they run here, then by how little memory they need. How good
their answers are is not measured.";

const COMPATIBLE_EXAMPLES: &str = "\
Examples:
  accel compatible --hw mps                   every model of the catalogue
  accel compatible --hw webgpu llama vit      these two
  accel compatible --hw cuda,rocm --any-machine

Exit code 1 when none of them runs there.";

const POOL_EXAMPLES: &str = "\
Examples:
  accel pool-config bert t5 clip
  accel pool-config llama llava --precision fp16 --priority cuda,cpu --format json

Exit code 1 when a model fits nowhere.";

const MATRIX_EXAMPLES: &str = "\
Examples:
  accel matrix                                models on this machine
  accel matrix --family --any-machine         families, every platform taken to be there
  accel matrix --format html > matrix.html    one page with every reason
  accel matrix --format md >> REPORT.md";

/// The commands on where models run.
#[derive(Debug, Subcommand)]
pub(crate) enum SelectionCommand {
    /// The device for a model, and why not the others
    #[command(after_help = SELECT_EXAMPLES)]
    Select(Box<SelectArgs>),
    /// The models for a task that run here, the surest first
    #[command(after_help = RECOMMEND_EXAMPLES)]
    Recommend(Box<RecommendArgs>),
    /// Which models run on a platform, and why not
    #[command(after_help = COMPATIBLE_EXAMPLES)]
    Compatible(Box<CompatibleArgs>),
    /// Memory budgets, low-memory mode and what can be resident together, for a set of models
    #[command(after_help = POOL_EXAMPLES)]
    PoolConfig(Box<PoolConfigArgs>),
    /// Models or families × platforms, each cell with its level
    #[command(after_help = MATRIX_EXAMPLES)]
    Matrix(Box<MatrixArgs>),
}

impl SelectionCommand {
    /// Whether the output is one JSON document.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Select(it) => it.format == Format::Json,
            Self::Recommend(it) => it.format == Format::Json,
            Self::Compatible(it) => it.format == Format::Json,
            Self::PoolConfig(it) => it.format == Format::Json,
            Self::Matrix(it) => it.format == MatrixFormat::Json,
        }
    }
}

const WHAT: &str = "What is judged";
const WHERE: &str = "On what";

/// What all of them take.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Another catalogue, as `accelgen --list --matrix --format json` writes it
    #[arg(long, value_name = "FILE.json", help_heading = WHAT)]
    pub(crate) models: Option<PathBuf>,

    /// The precision [default: for each device the widest that fits]
    #[arg(long, value_name = "PRECISION", value_parser = member::<Precision>, help_heading = WHAT)]
    pub(crate) precision: Option<Precision>,

    /// Inputs at once
    #[arg(
        long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_536),
        help_heading = WHAT
    )]
    pub(crate) batch: u32,

    /// Tokens that a sequence may have, prompt and answer together
    #[arg(
        long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=16_777_216),
        help_heading = WHAT
    )]
    pub(crate) context: u32,

    /// Your own word on a platform: `mps=no`, `cuda=yes`, `cuda=yes:2GB` (the most memory that it
    /// takes); can be repeated
    #[arg(
        long = "override", value_name = "PLATFORM=yes|no[:BYTES]", value_parser = declared,
        help_heading = WHAT
    )]
    pub(crate) overrides: Vec<(Platform, Override)>,

    /// A machine in place of this one: what `accel hardware --format json` wrote there
    #[arg(long, value_name = "FILE.json", help_heading = WHERE)]
    pub(crate) hardware: Option<PathBuf>,
}

impl Common {
    /// The caller's own word, by platform.
    ///
    /// # Errors
    /// A platform that is named twice.
    pub(crate) fn overrides(&self) -> Result<Overrides, crate::failure::Failure> {
        let mut all = Overrides::new();
        for (platform, declared) in &self.overrides {
            if all.insert(*platform, *declared).is_some() {
                let message = format!("--override names {platform} twice; say it once");
                return Err(crate::failure::Failure::usage(message));
            }
        }
        Ok(all)
    }
}

/// What `select` takes.
#[derive(Debug, Args)]
pub(crate) struct SelectArgs {
    /// A model of the catalogue by its name or Hub id, or a folder with config.json
    #[arg(value_name = "MODEL", help_heading = WHAT)]
    pub(crate) model: String,

    #[command(flatten)]
    pub(crate) common: Common,

    /// Platforms and devices, the dearest first [default: what suits best]
    #[arg(long, value_name = "LIST", help_heading = WHERE)]
    pub(crate) priority: Option<String>,

    /// The number of the device that is preferred, where devices are numbered
    #[arg(long, value_name = "N", help_heading = WHERE)]
    pub(crate) index: Option<u32>,

    /// What happens when the first choice cannot be had: `strict`, `next_best`, `cpu`
    #[arg(
        long, value_name = "POLICY", value_parser = member::<FallbackPolicy>, default_value = "strict",
        help_heading = WHERE
    )]
    pub(crate) policy: FallbackPolicy,

    /// The least level that is accepted: low, medium, high
    #[arg(
        long, value_name = "LEVEL", value_parser = member::<Level>, default_value = "low",
        help_heading = WHERE
    )]
    pub(crate) min_level: Level,

    /// Tell every rule's finding for every device
    #[arg(long)]
    pub(crate) explain: bool,

    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// What `recommend` takes.
#[derive(Debug, Args)]
pub(crate) struct RecommendArgs {
    /// What is to be done
    #[arg(long, value_name = "TASK", value_parser = member::<Task>, help_heading = WHAT)]
    pub(crate) task: Task,

    #[command(flatten)]
    pub(crate) common: Common,

    /// Platforms that may be used [default: all]
    #[arg(
        long, value_name = "PLATFORM", value_parser = member::<Platform>, num_args = 1..,
        value_delimiter = ',', help_heading = WHERE
    )]
    pub(crate) hw: Vec<Platform>,

    /// The most memory that a model may need, such as 2GB or 1.5GiB
    #[arg(long, value_name = "BYTES", value_parser = bytes, help_heading = WHERE)]
    pub(crate) max_memory: Option<u64>,

    /// The least level that is accepted: low, medium, high
    #[arg(
        long, value_name = "LEVEL", value_parser = member::<Level>, default_value = "low",
        help_heading = WHERE
    )]
    pub(crate) min_level: Level,

    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// What `compatible` takes.
#[derive(Debug, Args)]
pub(crate) struct CompatibleArgs {
    /// Models by name, Hub id or folder [default: the whole catalogue]
    #[arg(value_name = "MODEL", help_heading = WHAT)]
    pub(crate) model: Vec<String>,

    #[command(flatten)]
    pub(crate) common: Common,

    /// The platform; several with commas
    #[arg(
        long, value_name = "PLATFORM", value_parser = member::<Platform>, required = true,
        value_delimiter = ',', help_heading = WHERE
    )]
    pub(crate) hw: Vec<Platform>,

    /// Take every platform to be there, with memory enough
    #[arg(long, conflicts_with = "hardware", help_heading = WHERE)]
    pub(crate) any_machine: bool,

    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// What `pool-config` takes.
#[derive(Debug, Args)]
pub(crate) struct PoolConfigArgs {
    /// Models by name, Hub id or folder
    #[arg(value_name = "MODEL", required = true, help_heading = WHAT)]
    pub(crate) model: Vec<String>,

    #[command(flatten)]
    pub(crate) common: Common,

    /// Platforms and devices that may be used, the dearest first [default: for each model what
    /// suits it best]
    #[arg(long, value_name = "LIST", help_heading = WHERE)]
    pub(crate) priority: Option<String>,

    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// What `matrix` takes.
#[derive(Debug, Args)]
pub(crate) struct MatrixArgs {
    /// A row for each model (the default)
    #[arg(long, conflicts_with = "family", help_heading = WHAT)]
    pub(crate) model: bool,

    /// A row for each family
    #[arg(long, help_heading = WHAT)]
    pub(crate) family: bool,

    #[command(flatten)]
    pub(crate) common: Common,

    /// Take every platform to be there, with memory enough
    #[arg(long, conflicts_with = "hardware", help_heading = WHERE)]
    pub(crate) any_machine: bool,

    /// What is printed
    #[arg(long, value_enum, default_value_t = MatrixFormat::Human)]
    pub(crate) format: MatrixFormat,
}

/// How a matrix is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MatrixFormat {
    /// A table
    Human,
    /// One versioned JSON document
    Json,
    /// Markdown
    Md,
    /// One page that needs nothing else
    Html,
}

/// A member of a vocabulary, by name.
fn member<V: Vocabulary>(name: &str) -> Result<V, UnknownName> {
    V::parse(name.trim())
}

/// `mps=no`, `cuda=yes`, `cuda=yes:2GB`.
fn declared(text: &str) -> Result<(Platform, Override), String> {
    let expected = "write PLATFORM=yes, PLATFORM=no or PLATFORM=yes:2GB";
    let (platform, word) = text.split_once('=').ok_or(expected)?;
    let platform = member::<Platform>(platform).map_err(|it| it.to_string())?;
    let (word, peak) = match word.split_once(':') {
        Some((word, peak)) => (word, Some(bytes(peak)?)),
        None => (word, None),
    };
    match word.trim() {
        "yes" => Ok((platform, Override { compatible: true, peak_memory_bytes: peak })),
        "no" if peak.is_none() => {
            Ok((platform, Override { compatible: false, peak_memory_bytes: None }))
        }
        _ => Err(expected.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::declared;

    #[test]
    fn overrides_are_read_or_told_how() {
        let (_, it) = declared("cuda=yes:2GB").unwrap();
        assert_eq!((it.compatible, it.peak_memory_bytes), (true, Some(2_000_000_000)));
        assert!(!declared("mps=no").unwrap().1.compatible);
        for wrong in ["cuda", "cuda=", "cuda=maybe", "cuda=no:2GB", "cuda=yes:", "cdua=yes"] {
            assert!(declared(wrong).is_err(), "{wrong}");
        }
    }
}
