//! What the programs of this folder share: where their arguments come from, and how they fail.
//!
//! Every program takes a model directory and its input, as in `cargo run -p tasks --bin classify --
//! path/to/vit photo.jpg`. What is left out comes from this repository's fixtures: tiny models with
//! random weights, which show how a skill is called and not what a trained model would say.

use std::fmt;

use accel_runtime::Error;

/// The program's argument number `index` from 0, or the fixture `fallback`, such as `bert`.
pub fn argument(index: usize, fallback: &str) -> String {
    let given = std::env::args().nth(index + 1);
    given.unwrap_or_else(|| format!("{}/../../fixtures/{fallback}", env!("CARGO_MANIFEST_DIR")))
}

/// What `main` returns, so that an error is printed in words.
pub struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
