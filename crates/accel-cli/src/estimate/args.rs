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

/// Bytes of `8GiB`, `500 MB` or `1000000`.
fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        _ => return Err("expected a size such as 8GiB, 500MB or 1000000".to_owned()),
    };
    let wrong = || "expected a size such as 8GiB, 500MB or 1000000".to_owned();
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part: u64 = match part {
        "" => 0,
        it if it.len() <= 3 => format!("{it:0<3}").parse().map_err(|_| wrong())?,
        _ => return Err(wrong()),
    };
    let bytes = whole.checked_mul(unit).and_then(|it| it.checked_add(unit / 1000 * part));
    bytes.filter(|it| *it > 0).ok_or_else(|| "no machine has a memory of that size".to_owned())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_decimal_or_binary_as_they_say() {
        assert_eq!(size("8GiB"), Ok(8 << 30));
        assert_eq!(size("500 MB"), Ok(500_000_000));
        assert_eq!(size("1.5GB"), Ok(1_500_000_000));
        assert_eq!(size("1000000"), Ok(1_000_000));
        for wrong in ["", "GiB", "-1", "1 parsec", "99999999999TiB", "0", "1.2.3", "1.23456GB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
