//! What `run` takes.

use std::ffi::OsString;
use std::path::PathBuf;

use accel_core::{Platform, Precision, Subfamily, Task};
use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;

use crate::args::{Format, member};

pub(crate) const EXAMPLES: &str = "\
Examples:
  accel run fixtures/bert 'The boat leaves the [MASK].' --task fill-mask
  accel run fixtures/llama 'The harbour wakes' --max-new-tokens 32
  accel run fixtures/clip photo.jpg --label boat --label clock
  accel run fixtures/whisper speech.wav --language en --timestamps segments
  accel run fixtures/xclip frames/ --label chess     a folder of frames, or several images
  accel run fixtures/llava photo.jpg --prompt 'What is this?'
  cat letter.txt | accel run fixtures/t5 -           `-` is what comes in on stdin
  accel run fixtures/vit photo.jpg --platform webgpu --option power_preference=low-power
  accel run fixtures/vit photo.jpg --platform cuda --simulate       a GPU that is not here

The result goes to stdout; the device, the placement of the nodes and the times go to stderr. With
--format json all of it is one document on stdout.";

const WHAT: &str = "What to run";
const TASK: &str = "The task";
const WHERE: &str = "Where and how";

/// What `run` takes.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for every flag")]
pub(crate) struct RunArgs {
    /// A model's folder in the Hub's layout, or the name of one below --models
    #[arg(value_name = "MODEL", required_unless_present = "graph", help_heading = WHAT)]
    pub(crate) model: Option<PathBuf>,

    /// Files with a text, image or sound, a folder of frames, or `-` for stdin; for tasks on
    /// text, what is not a file is the text itself
    #[arg(value_name = "INPUT", help_heading = WHAT)]
    pub(crate) inputs: Vec<OsString>,

    /// A text, taken as it is; can be repeated
    #[arg(long, value_name = "TEXT", help_heading = WHAT)]
    pub(crate) text: Vec<String>,

    /// Where models are looked for by name
    #[arg(
        long, value_name = "DIR", env = "ACCEL_MODEL_DIR", default_value = "fixtures",
        hide_env_values = true, help_heading = WHAT
    )]
    pub(crate) models: PathBuf,

    /// A bare graph in place of a model
    #[arg(
        long, value_name = "FILE.onnx", requires_all = ["tensors_in", "tensors_out"],
        conflicts_with_all = ["model", "inputs", "text", "task", "kind", "precision"],
        help_heading = WHAT
    )]
    pub(crate) graph: Option<PathBuf>,

    /// The graph's inputs by name
    #[arg(
        id = "tensors_in", long = "inputs", value_name = "IN.safetensors", requires = "graph",
        help_heading = WHAT
    )]
    pub(crate) tensors_in: Option<PathBuf>,

    /// Where the graph's outputs are written
    #[arg(
        id = "tensors_out", long = "outputs", value_name = "OUT.safetensors", requires = "graph",
        help_heading = WHAT
    )]
    pub(crate) tensors_out: Option<PathBuf>,

    /// What the model is to do [default: the first task of its kind; with --label, its
    /// zero-shot task]
    #[arg(long, value_name = "TASK", value_parser = member::<Task>, help_heading = TASK)]
    pub(crate) task: Option<Task>,

    /// The model's kind, where config.json does not tell
    #[arg(long, value_name = "KIND", value_parser = member::<Subfamily>, help_heading = TASK)]
    pub(crate) kind: Option<Subfamily>,

    /// A label to choose among; can be repeated (zero-shot tasks)
    #[arg(long, value_name = "LABEL", help_heading = TASK)]
    pub(crate) label: Vec<String>,

    /// The text that `{}` in it makes of a label (zero-shot tasks)
    #[arg(long, value_name = "TEMPLATE", help_heading = TASK)]
    pub(crate) template: Option<String>,

    /// The question about the image (image-text-to-text)
    #[arg(long, value_name = "PROMPT", help_heading = TASK)]
    pub(crate) prompt: Option<String>,

    /// The text is a user's turn in a chat (text-generation)
    #[arg(long, help_heading = TASK)]
    pub(crate) chat: bool,

    /// New tokens at most [default: 128; for speech, what the model says]
    #[arg(
        long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..),
        help_heading = TASK
    )]
    pub(crate) max_new_tokens: Option<u32>,

    /// Follow N texts side by side in place of taking the likeliest token
    #[arg(
        long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64),
        conflicts_with = "sample", help_heading = TASK
    )]
    pub(crate) beams: Option<u32>,

    /// Draw tokens at random as the model's `generation_config.json` says
    #[arg(long, help_heading = TASK)]
    pub(crate) sample: bool,

    /// Seed of --sample [default: 0]
    #[arg(long, value_name = "N", requires = "sample", help_heading = TASK)]
    pub(crate) seed: Option<u64>,

    /// How many answers are given [default: 5] (fill-mask, image-classification)
    #[arg(
        long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..),
        help_heading = TASK
    )]
    pub(crate) top_k: Option<u32>,

    /// Leave out objects that are less sure [default: 0.5] (object-detection)
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = TASK)]
    pub(crate) threshold: Option<f32>,

    /// How the vectors of tokens become one [default: mean] (feature-extraction of texts)
    #[arg(long, value_enum, help_heading = TASK)]
    pub(crate) pooling: Option<PoolingArg>,

    /// Scale vectors to length 1 (feature-extraction)
    #[arg(long, help_heading = TASK)]
    pub(crate) normalize: bool,

    /// The language that is spoken (automatic-speech-recognition)
    #[arg(long, value_name = "LANGUAGE", help_heading = TASK)]
    pub(crate) language: Option<String>,

    /// Write in English what is said (automatic-speech-recognition)
    #[arg(long, help_heading = TASK)]
    pub(crate) translate: bool,

    /// Tell times (automatic-speech-recognition)
    #[arg(long, value_enum, help_heading = TASK)]
    pub(crate) timestamps: Option<TimestampsArg>,

    /// Where it runs; nothing falls back to another [default: cpu; with --simulate=DEVICE, that
    /// device's]
    #[arg(long, value_name = "PLATFORM", value_parser = member::<Platform>, help_heading = WHERE)]
    pub(crate) platform: Option<Platform>,

    /// Simulate a device that is not here, such as nvidia-h100-sxm: outputs are computed on this
    /// processor, times are predicted [default: the device that stands for --platform]
    #[arg(
        long, value_name = "DEVICE", num_args = 0..=1, require_equals = true,
        default_missing_value = "", conflicts_with_all = ["runs", "quiet"], help_heading = WHERE
    )]
    pub(crate) simulate: Option<String>,

    /// The model's file by precision [default: fp32]
    #[arg(long, value_name = "PRECISION", value_parser = member::<Precision>, help_heading = WHERE)]
    pub(crate) precision: Option<Precision>,

    /// An option of the session, such as `threads=2` or `engine=ort`; can be repeated
    #[arg(
        long, value_name = "KEY=VALUE", value_parser = NonEmptyStringValueParser::new(),
        help_heading = WHERE
    )]
    pub(crate) option: Vec<String>,

    /// How often the task is run [default: 2, so that the first run's time stands apart; 1 where
    /// text is written token by token]
    #[arg(
        long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000),
        help_heading = WHERE
    )]
    pub(crate) runs: Option<u32>,

    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Human, help_heading = WHERE)]
    pub(crate) format: Format,

    /// Print the result alone
    #[arg(long, help_heading = WHERE)]
    pub(crate) quiet: bool,
}

/// How the vectors of tokens become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PoolingArg {
    /// Their mean
    Mean,
    /// The first token's
    Cls,
    /// The largest of each component
    Max,
}

/// Which times are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimestampsArg {
    /// Of segments (Whisper)
    Segments,
    /// Of characters (CTC models)
    Characters,
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f32, String> {
    match text.trim().parse::<f32>() {
        Ok(it) if (0.0..=1.0).contains(&it) => Ok(it),
        _ => Err("expected a number from 0 to 1, such as 0.5".to_owned()),
    }
}
