//! Generation from the outside: what comes out, that it is always the same, and how it gets to disk.

mod build_script;
mod dependency_rules;
mod determinism;
mod pulled_plug;
mod snapshots;
mod synthetic;
mod templates;
mod up_to_date;
