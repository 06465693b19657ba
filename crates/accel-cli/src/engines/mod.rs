//! What each engine can do here, and installing them.

mod component;
mod install;
mod list;
mod place;
mod report;
mod tools;
mod unpack;

pub(crate) use install::install;
pub(crate) use list::list;
