//! What each engine can do here, and installing them.

mod args;
mod component;
mod install;
mod list;
mod place;
mod report;
mod tools;
mod unpack;

pub(crate) use args::{EnginesCommand, ListFormat};
pub(crate) use install::install;
pub(crate) use list::list;
