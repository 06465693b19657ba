//! The registry of this project.

use std::path::Path;

use accel_core::{Evidence, Platform, Support, Vocabulary};

use super::support::{REAL, valid};

#[test]
fn it_is_valid_and_without_warnings() {
    let warnings = valid(REAL).warnings;
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn it_has_the_fourteen_entries_of_the_thirteen_key_classes() {
    let registry = valid(REAL);
    let ids: Vec<(&str, &str)> =
        registry.models.iter().map(|it| (it.key.as_str(), it.hub_id.as_str())).collect();
    let expected = [
        ("bert", "google-bert/bert-base-uncased"),
        ("clap", "laion/clap-htsat-unfused"),
        ("clip", "openai/clip-vit-base-patch32"),
        ("detr", "facebook/detr-resnet-50"),
        ("llama", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
        ("llava", "llava-hf/llava-1.5-7b-hf"),
        ("llava_next", "llava-hf/llava-v1.6-mistral-7b-hf"),
        ("qwen2", "Qwen/Qwen2-0.5B-Instruct"),
        ("qwen3", "Qwen/Qwen3-0.6B"),
        ("t5", "google-t5/t5-small"),
        ("vit", "google/vit-base-patch16-224"),
        ("wav2vec2", "facebook/wav2vec2-base-960h"),
        ("whisper", "openai/whisper-tiny"),
        ("xclip", "microsoft/xclip-base-patch32"),
    ];
    assert_eq!(ids, expected);
    let mut classes: Vec<&str> = registry.models.iter().map(|it| it.class.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    assert_eq!(classes.len(), 13);
    assert!(registry.models.iter().all(|it| it.key_model));
}

#[test]
fn nothing_is_claimed_as_executed_that_has_no_model_here() {
    for model in valid(REAL).models {
        for (platform, cell) in &model.cells {
            let at = format!("{} on {platform}", model.key);
            match cell.evidence {
                Evidence::None | Evidence::Compiled => {}
                Evidence::Ci | Evidence::CiSoftware => assert!(!model.model_dir.is_empty(), "{at}"),
                Evidence::Device { .. } => assert_eq!(cell.support, Support::Real, "{at}"),
            }
            // Their code compiles here and no machine has run it.
            if matches!(platform, Platform::Rocm | Platform::Mps) {
                assert_eq!(cell.evidence, Evidence::Compiled, "{at}");
            }
        }
        if !model.model_dir.is_empty() {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(&model.model_dir);
            assert!(dir.join("config.json").is_file(), "{} is not there", dir.display());
        }
    }
}

#[test]
fn every_platform_has_a_place_in_every_familys_order_and_the_cpu_is_last() {
    for (family, defaults) in valid(REAL).families {
        let mut platforms = defaults.platform_priority.clone();
        assert_eq!(platforms.last(), Some(&Platform::Cpu), "{family}");
        platforms.sort_unstable();
        assert_eq!(platforms, Platform::ALL, "{family}");
    }
}
