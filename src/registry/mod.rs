//! The registry: every model, every platform, and what is claimed of each pair.
//!
//! `model_registry.yaml` is read strictly, and all of its problems are reported at once:
//!
//! 1. [`load`] reads the file, within limits. It alone touches the disk.
//! 2. `yaml` turns the text into a tree of nodes with places; no anchors, no tags.
//! 3. `decode` and `raw` turn nodes into records. One declaration gives a record, the keys that it
//!    accepts and its JSON Schema.
//! 4. `validate` checks what only makes sense together, asks the classifier, applies defaults, and
//!    gives the [`Registry`].

mod config;
mod context;
mod decode;
mod ident;
mod load;
mod model;
mod options;
mod problem;
mod raw;
mod text;
mod validate;
mod yaml;

#[cfg(feature = "cli")]
mod add;
#[cfg(feature = "cli")]
mod schema;

#[cfg(feature = "cli")]
pub use add::{AddError, NewEntry, add_entry};
pub use ident::{IdentError, RustIdent};
pub use load::{LoadError, load};
pub use model::{
    Cell, FamilyDefaults, Model, OptionValues, PlatformDefaults, Registry, Tolerances,
};
pub use problem::{Code, Location, Problem, Problems, Severity};
#[cfg(feature = "cli")]
pub use schema::schema;

/// The version of the registry's layout that this program reads.
pub const VERSION: u64 = 1;

/// The most bytes a registry may have.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Reads and checks a registry. `file_name` is what problems call it; nothing is read from it.
///
/// # Errors
/// [`Problems`] lists everything that is wrong. Warnings alone do not fail: they are in
/// [`Registry::warnings`].
pub fn parse(text: &str, file_name: &str) -> Result<Registry, Problems> {
    let mut cx = context::Context::new(text, file_name);
    let registry = yaml::read(&mut cx)
        .and_then(|root| raw::RawRegistry::read(&root, &mut cx))
        .and_then(|raw| validate::registry(&raw, &mut cx));
    cx.finish(registry)
}
