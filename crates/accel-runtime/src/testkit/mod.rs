//! The harness that generated tests call: a generated test is data (a [`Cell`]) and one call.
//!
//! ```text
//! Suite ──decide──> run | skip | refuse ──run_case──> Outcome ──> report line, summary, exit code
//! ```
//!
//! **What a test may end in** is [`Outcome`](accel_core::Outcome), nothing else. Whether a case is
//! skipped is decided before anything runs, and only for two causes: the platform has no engine
//! here, nothing was recorded to compare with (or `ACCEL_MODEL_DIR` holds other models). Once a case runs, every error is a failure. A skipped case is an *ignored* test: never green, and asked to run all the
//! same (`--ignored`, `--include-ignored`) it fails with its reason.
//!
//! **What keeps a pass honest.** Every load checks the placement that the engine reports; a case
//! that passed without loading anything is a failure, as is a case whose reference lacks what the
//! case compares with. A simulated case never passes, it ends in `simulated`: outputs are compared as
//! everywhere, figures that it takes are called `host.…`, since the host took them, and predicted
//! ones `predicted_…`. Cases that take measurements run alone.
//!
//! **What a crash costs.** A vendor's library can take its process down. Cases on such an engine
//! run in a child process, the same executable again, one case after the other; if it dies, the
//! case at hand is `failed` at `crash` with the signal, and the rest go on in a fresh one.
//!
//! | variable | meaning |
//! |---|---|
//! | `ACCEL_REPORT=path` | one JSON line ([`CaseReport`](accel_core::CaseReport)) for every selected case; see [`report`] |
//! | `ACCEL_REQUIRE=cpu,bert::openvino` | cells of these platforms (or of this model on it) may not be skipped: a skip becomes a failure |
//! | `ACCEL_MODEL_DIR=/models` | tests `/models/bert` and so on instead of the registry's folders; models that have none there are skipped |
//! | `ACCEL_CPU_ENGINE=ort` | what runs the cells of the CPU, instead of what the registry says |
//! | `ACCEL_SIMULATE_MISSING=1` | cells whose platform is absent here run on the simulator and end in `simulated`; never those of `ACCEL_REQUIRE` |
//! | `ACCEL_TIMEOUT_SECONDS=120` | how long one case may take; more is a failure of stage `timeout` |
//! | `ACCEL_ISOLATE=nothing` | which cases run in a process of their own: `libraries` (the default) where the engine is a vendor's library, `everything`, `nothing` |
//!
//! Exit codes: 0 fine, 101 a test failed or left no trace (libtest's own code), 2 wrong use.

mod cases;
mod cell;
mod compare;
mod decide;
mod execute;
mod placement;
mod probe;
pub mod reference;
pub mod report;
mod settings;
mod skill;
mod suite;
mod summary;
mod worker;

pub use cases::{
    bad_input_is_typed, batch_equals_singles, classifies_images, classifies_zero_shot,
    concurrent_callers_agree, describes_images, detects_objects, dynamic_shapes, embeds,
    fills_masks, fp16_matches_reference, generates_text, int8_matches_reference, loads,
    matches_reference, measures, q4_matches_reference, records_device_memory, records_first_run,
    refuses_over_memory_limit, reuses_compiled_model, switching_agrees, transcribes_speech,
};
pub use cell::{Case, Cell, Failure, Suite, Verdict};
pub use compare::{Difference, coordinates, score_tolerance};
pub use decide::{Decision, SkipCause, decide};
pub use execute::{run_case, run_case_within};
pub use libtest_mimic::{Arguments, FormatSetting};
pub use placement::check as check_placement;
pub use probe::Probe;
pub use reference::Reference;
pub use settings::{Isolate, Requirement, Settings, UsageError};
pub use skill::{Load, Skill};
pub use suite::{Run, main, run};
pub use summary::Counts;
pub use worker::serve_if_worker;
