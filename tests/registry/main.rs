//! The registry from its text to its values, and everything that can be wrong with it.

mod adding;
mod fuzz;
mod hostile;
mod loading;
mod many;
mod problems;
mod real;
mod schema;
mod support;
mod values;
