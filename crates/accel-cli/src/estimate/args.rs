//! What `accel estimate` takes.

use std::ffi::OsString;
use std::path::PathBuf;

use accel_core::estimate::WeightFormat;
use accel_core::{Platform, Vocabulary as _};

use crate::args::Format;

pub(crate) const EXAMPLES: &str = "\
Examples:
  accel estimate fixtures/bert                     a folder: its weights' headers, then its config
  accel estimate meta-llama/Llama-3.1-8B           a model of the Hub that this machine's cache has
  accel estimate --config config.json --precision all --context 4096
  accel estimate fixtures/llama --memory 8GiB      and the largest batch that fits into that
  accel estimate mistral-7b                        a bare name; a lower bound, and said so
  accel estimate fixtures/bert --verify --store measured.json
                                                   run it once and compare with the true peak

Parameters come from headers of safetensors or ONNX files (no weight is read), else from config.json by
rules that are exact for each model type they cover, else from a number in the name.

Exit codes:
  0  fine
  1  --memory is too small for one input, or the run of --verify did not succeed
  2  wrong use or broken input, or nothing is known of the model";

const WHAT: &str = "What is asked about";
const HOW: &str = "How it is to run";
const VERIFY: &str = "Against a true run";

/// What `estimate` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct EstimateArgs {
    /// Folders of models, names below --models, ids of the Hub's cache, or bare names
    #[arg(value_name = "MODEL", required_unless_present = "config", help_heading = WHAT)]
    pub(crate) models: Vec<OsString>,

    /// A model's config.json alone
    #[arg(long, value_name = "CONFIG.json", conflicts_with_all = ["models", "verify"], help_heading = WHAT)]
    pub(crate) config: Option<PathBuf>,

    /// Where models are looked for by name
    #[arg(
        id = "models_dir", long = "models", value_name = "DIR", env = "ACCEL_MODEL_DIR",
        default_value = "fixtures", hide_env_values = true, help_heading = WHAT
    )]
    pub(crate) models_dir: PathBuf,

    /// How the weights are stored: fp32, fp16, bf16, int8, q4, or all of these
    #[arg(
        long, value_name = "PRECISION", value_parser = formats, default_value = "fp32",
        help_heading = HOW
    )]
    pub(crate) precision: Formats,

    /// Inputs at once
    #[arg(
        long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 20),
        default_value_t = 1, help_heading = HOW
    )]
    pub(crate) batch: u32,

    /// Tokens of a sequence, prompt and answer together, where the input is one
    #[arg(
        long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 26),
        default_value_t = 512, help_heading = HOW
    )]
    pub(crate) context: u32,

    /// Memory that is there, such as 8GiB or 500MB; says the largest batch that fits
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = HOW)]
    pub(crate) memory: Option<u64>,

    /// Run the model once in a process of its own, and compare with its peak memory (Linux)
    #[arg(long, help_heading = VERIFY)]
    pub(crate) verify: bool,

    /// Where it runs
    #[arg(
        long, value_name = "PLATFORM", value_parser = Platform::parse, default_value = "cpu",
        requires = "verify", help_heading = VERIFY
    )]
    pub(crate) platform: Platform,

    /// An option of the session, such as `engine=ort`; can be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "verify", help_heading = VERIFY)]
    pub(crate) option: Vec<String>,

    /// Add what was measured to the list in this file
    #[arg(long, value_name = "FILE.json", requires = "verify", help_heading = VERIFY)]
    pub(crate) store: Option<PathBuf>,

    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// One format or all.
#[derive(Clone, Debug)]
pub(crate) struct Formats(pub(crate) Vec<WeightFormat>);

fn formats(text: &str) -> Result<Formats, String> {
    let text = text.trim();
    if text == "all" {
        return Ok(Formats(WeightFormat::ALL.to_vec()));
    }
    let names = || WeightFormat::ALL.iter().map(|it| it.name());
    if let Some(found) = WeightFormat::ALL.iter().find(|it| it.name() == text) {
        return Ok(Formats(vec![*found]));
    }
    let hint = accel_core::nearest(text, names())
        .map_or_else(String::new, |it| format!(" (did you mean `{it}`?)"));
    let known: Vec<_> = names().collect();
    Err(format!("no such precision{hint}; known are {} and all", known.join(", ")))
}

/// The memory of a machine, in bytes.
fn size(text: &str) -> Result<u64, String> {
    let bytes = crate::size::bytes(text)?;
    if bytes == 0 { Err("no machine has a memory of that size".to_owned()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_memory_of_nothing_is_refused() {
        assert_eq!(size("8GiB"), Ok(8 << 30));
        assert!(size("0").is_err());
        assert!(size("0.0GB").is_err());
    }
}
