//! The cases: one function for every [`CaseName`](accel_core::CaseName), of the same name.

mod agree;
mod detection;
mod device;
mod dual;
mod errors;
mod generator;
mod graph;
mod hidden;
mod image;
mod image_text;
mod measures;
mod memory;
mod rows;
mod shapes;
mod sharing;
mod speech;
mod tasks;
mod text_encoder;
mod tokenizer;

pub use detection::detects_objects;
pub use device::{records_device_memory, records_first_run, reuses_compiled_model};
pub use dual::classifies_zero_shot;
pub use errors::{bad_input_is_typed, refuses_over_memory_limit};
pub use generator::generates_text;
pub use graph::{
    fp16_matches_reference, int8_matches_reference, loads, matches_reference, q4_matches_reference,
};
pub use image::classifies_images;
pub use image_text::describes_images;
pub use measures::measures;
pub use shapes::{batch_equals_singles, dynamic_shapes};
pub use sharing::{concurrent_callers_agree, switching_agrees};
pub use speech::transcribes_speech;
pub use text_encoder::{embeds, fills_masks};
