//! How long a classification takes, warm: `cargo bench -p accel-core`.

use accel_core::classify::{ModelFacts, classify};
use divan::{Bencher, black_box};

#[expect(clippy::print_stdout, reason = "a figure, like those that follow")]
fn main() {
    // The tables are read on first use; that is timed apart.
    let start = std::time::Instant::now();
    let _ = classify(&ModelFacts {
        name: Some("bert"),
        model_type: Some("bert"),
        ..ModelFacts::default()
    });
    println!("first classification, tables included: {:.2?}", start.elapsed());
    divan::main();
}

const NAMES: &[&str] = &[
    "openai/clip-vit-base-patch32",
    "llava-hf/llava-v1.6-mistral-7b-hf",
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
    "someone/frobnicator",
];

#[divan::bench(args = NAMES)]
fn name(bencher: Bencher<'_, '_>, name: &str) {
    let facts = ModelFacts { name: Some(name), ..ModelFacts::default() };
    bencher.bench(|| classify(black_box(&facts)));
}

#[divan::bench]
fn config(bencher: Bencher<'_, '_>) {
    let architectures = ["BertForMaskedLM".to_owned()];
    let facts = ModelFacts {
        architectures: &architectures,
        model_type: Some("bert"),
        ..ModelFacts::default()
    };
    bencher.bench(|| classify(black_box(&facts)));
}

#[divan::bench]
fn config_tags_and_name(bencher: Bencher<'_, '_>) {
    let (architectures, tags) = (["BertModel".to_owned()], ["sentence-similarity".to_owned()]);
    let facts = ModelFacts {
        architectures: &architectures,
        model_type: Some("bert"),
        tags: &tags,
        name: Some("sentence-transformers/all-MiniLM-L6-v2"),
        ..ModelFacts::default()
    };
    bencher.bench(|| classify(black_box(&facts)));
}
