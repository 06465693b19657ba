//! No input makes it panic, and none takes it long.

use accel_core::classify::{ModelFacts, classify};

/// A generator of numbers, the same on every machine (Knuth's MMIX constants).
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let step = |it: &u64| {
        Some(it.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    std::iter::successors(Some(seed), step).skip(1).map(|it| it >> 33)
}

/// Text of random bytes, of letters that rules are made of, and of whatever comes.
fn text(seed: u64) -> String {
    const PARTS: &[&str] = &[
        "bert", "clip", "llava", "v1", "6", "-", "_", "/", ".", "#", "*", "qwen", "For",
        "CausalLM", "Model", "é", "\u{0}", "\u{202e}", "🤗", " ", "7b", "gguf", "\u{feff}", "İ",
        "ß",
    ];
    let mut from = numbers(seed);
    let length = from.next().unwrap_or(0) % 40;
    (0..length)
        .map(|_| {
            let it = from.next().unwrap_or(0);
            if it.is_multiple_of(3) {
                let bytes: Vec<u8> = from.next().unwrap_or(0).to_le_bytes().to_vec();
                String::from_utf8_lossy(&bytes).into_owned()
            } else {
                PARTS[usize::try_from(it).unwrap() % PARTS.len()].to_owned()
            }
        })
        .collect()
}

#[test]
fn random_input_never_panics_and_confidence_stays_a_share() {
    for seed in 0..5_000 {
        let texts: Vec<String> = (0..5).map(|it| text(seed * 5 + it)).collect();
        let facts = ModelFacts {
            has_modules: seed % 17 == 0,
            architectures: &texts[..1],
            model_type: Some(&texts[1]),
            tasks: &[],
            tags: &texts[2..3],
            class: Some(&texts[3]),
            methods: &texts[2..4],
            processor: Some(&texts[0]),
            base_model: (seed % 5 == 0).then_some(texts[3].as_str()),
            name: Some(&texts[4]),
        };
        let confidence = classify(&facts).map_or_else(|it| it.confidence, |it| it.confidence);
        assert!((0.0..1.0).contains(&confidence), "{facts:?}");
    }
}

#[test]
fn a_name_of_a_megabyte_is_read_like_any_other() {
    let name = format!("{}/whisper-tiny", "bert-".repeat(200_000));
    let start = std::time::Instant::now();
    let answer = classify(&ModelFacts { name: Some(&name), ..ModelFacts::default() }).unwrap();
    assert_eq!(answer.subfamily, accel_core::Subfamily::SpeechRecognition);
    assert!(start.elapsed().as_secs() < 5);
    let class = "A".repeat(1 << 20);
    let long =
        ModelFacts { class: Some(&class), model_type: Some(&class), ..ModelFacts::default() };
    assert!(classify(&long).is_err());
}
