//! The runtime over the committed fixtures and over graphs made here, with no Python and no network.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]
#![expect(clippy::print_stdout, reason = "measured differences, shown with --nocapture")]

mod audio;
mod browser;
mod cache;
mod choice;
mod corruption;
mod counting;
mod damage;
mod detection_tasks;
mod dual_encoders;
mod engines;
mod external_data;
mod generation;
mod graphs;
mod image_tasks;
mod image_text_tasks;
mod inputs;
mod models;
mod mutations;
mod onnx_bytes;
mod openvino;
mod operators;
#[cfg(feature = "ort")]
mod ort;
#[cfg(feature = "ort")]
mod ort_devices;
#[cfg(feature = "ort")]
mod ort_library;
mod pool;
mod precisions;
mod reference;
mod rewritten;
mod simulator;
mod speech_tasks;
mod text_tasks;
mod text_to_text;
mod tokenizer;
mod truth;
mod weights;
