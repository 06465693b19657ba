//! Every case on the real engine and the committed fixtures.

use accel_runtime::testkit as tk;
use accel_runtime::{ModelSource, Outcome};

use crate::cells;

#[track_caller]
fn every_case_passes(cell: &tk::Cell) {
    for case in cell.cases {
        let dir = format!("{}/{}", cells::ROOT, cell.spec.model_dir);
        let report = tk::run_case(cell, case, ModelSource::dir(dir));
        assert!(
            matches!(report.outcome, Outcome::Passed { .. }),
            "{}: {:?}",
            case.name,
            report.outcome
        );
    }
}

#[test]
fn a_text_encoder_passes_every_case() {
    every_case_passes(&cells::BERT);
}

#[test]
fn an_image_classifier_passes_every_case() {
    every_case_passes(&cells::VIT);
}

#[test]
fn a_text_generator_passes_every_case() {
    every_case_passes(&cells::QWEN3);
}

#[test]
fn an_object_detector_passes_every_case() {
    every_case_passes(&cells::DETR);
}

#[test]
fn text_generators_that_see_an_image_pass_every_case() {
    every_case_passes(&cells::LLAVA);
    every_case_passes(&cells::LLAVA_NEXT);
}

#[test]
fn an_encoder_of_images_and_texts_passes_every_case() {
    every_case_passes(&cells::IMAGE_TEXT);
}

#[test]
fn an_encoder_of_sounds_and_texts_passes_every_case() {
    every_case_passes(&cells::AUDIO_TEXT);
}

#[test]
fn an_encoder_of_videos_and_texts_passes_every_case() {
    every_case_passes(&cells::VIDEO_TEXT);
}

#[test]
fn a_text_to_text_model_passes_every_case() {
    every_case_passes(&cells::T5);
}

#[test]
fn a_ctc_model_passes_every_case() {
    every_case_passes(&cells::WAV2VEC2);
}

#[test]
fn whisper_passes_every_case() {
    every_case_passes(&cells::WHISPER);
}

#[test]
fn a_model_without_typed_tasks_passes_every_case() {
    every_case_passes(&cells::GRAPH);
}
