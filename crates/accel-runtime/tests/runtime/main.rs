//! The runtime over the committed fixtures and over graphs made here, with no Python and no network.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]
#![expect(clippy::print_stdout, reason = "measured differences, shown with --nocapture")]

mod audio;
mod cache;
mod choice;
mod corruption;
mod counting;
mod damage;
mod detection_tasks;
mod dual_encoders;
mod external_data;
mod fallback;
mod generation;
mod graphs;
mod image_tasks;
mod image_text_tasks;
mod inputs;
mod models;
mod mutations;
#[path = "../support/onnx_bytes.rs"]
mod onnx_bytes;
mod operators;
mod pool;
mod precisions;
#[path = "../support/reference.rs"]
mod reference;
mod rewritten;
mod simulator;
mod speech_tasks;
mod text_tasks;
mod text_to_text;
mod tokenizer;
mod truth;
mod weights;
