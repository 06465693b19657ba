//! Generates, for every (model, platform) pair of a registry, a **test** that proves the model
//! works there and a **skill**, a typed Rust module that loads and runs it there.
//!
//! Five phases, one module each; data flows one way:
//!
//! ```text
//! model_registry.yaml ─registry::load→ Registry ─plan→ Plan ─emit→ text ─format→ FileSet ─sync→ disk
//! ```
//!
//! 1. [`registry`] reads and validates the YAML, and asks the classifier about every model.
//! 2. `plan` decides what is written where, from which template, with which values.
//! 3. `emit` renders the templates, which decide nothing.
//! 4. `format` parses and prints the result, so that nothing that is not Rust leaves here.
//! 5. [`sync`] is the only module that touches the output directory.
//!
//! [`generate`] is phases 2 to 4, pure: the command line, [`build`] scripts, tests and snapshots
//! all call it.

#![warn(
    clippy::disallowed_methods,
    reason = "only registry::load, templates, sync, build and the command line touch the outside"
)]

pub mod build;
mod cases;
#[cfg(feature = "cli")]
pub mod cli;
mod emit;
mod error;
mod files;
mod format;
pub mod matrix;
mod plan;
pub mod registry;
mod request;
pub mod sync;
mod templates;

pub use error::Error;
pub use files::{CellFile, FileSet, GeneratedFile, Kind, Origin};
pub use plan::every_cell_file;
pub use registry::Registry;
pub use request::{Layout, Request, unknown_model};
pub use templates::{Resolution, TemplateError, Templates};

/// Generates what is asked for, in memory.
///
/// A pure function of its arguments: the same registry and request give the same bytes on every
/// machine, in any thread count and whatever the registry's order.
///
/// # Errors
/// When a model is unknown, nothing is selected, a template is broken or gives something that is
/// not Rust.
pub fn generate(registry: &Registry, request: &Request) -> Result<FileSet, Error> {
    let plan = plan::plan(registry, request)?;
    let renderer = emit::Renderer::new(&request.templates)?;
    let formatter = format::Formatter::default();
    let render = |file: &plan::PlannedFile| -> Result<(String, GeneratedFile), Error> {
        let text = formatter.format(file, &renderer.render(file)?)?;
        Ok((file.path.clone(), GeneratedFile { text, origin: file.origin.clone() }))
    };
    // Collected in the plan's order either way, so the first error is the same too.
    #[cfg(feature = "cli")]
    let results: Vec<_> = {
        use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
        plan.files.par_iter().map(render).collect()
    };
    #[cfg(not(feature = "cli"))]
    let results: Vec<_> = plan.files.iter().map(render).collect();
    let files = results.into_iter().collect::<Result<_, _>>()?;
    Ok(FileSet { files })
}
