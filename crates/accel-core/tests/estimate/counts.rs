//! Counts of parameters from configs, against those of transformers 5.23 on PyTorch's meta device.

use accel_core::Config;
use accel_core::estimate::{parameters, supported_model_types};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    config: Config,
    parameters: u64,
}

/// Compares every configuration of a file that `tools/parameter_counts.py` wrote.
fn compare(text: &str) {
    let cases: Vec<Case> = serde_json::from_str(text).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let found = parameters(&case.config);
        if found.as_ref().map(|it| it.parameters) != Ok(case.parameters) {
            let difference = match found {
                Ok(it) => format!("{:+}", i128::from(it.parameters) - i128::from(case.parameters)),
                Err(error) => error.to_string().chars().take(150).collect(),
            };
            wrong.push(format!(
                "{:?} {} ({}): {difference}",
                case.config.architectures(),
                case.name,
                case.parameters,
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} are exact, these are not:\n{}",
        cases.len() - wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn counts_equal_those_of_transformers() {
    compare(include_str!("counts.json"));
}

#[test]
fn counts_of_held_out_dimensions_equal_those_of_transformers() {
    compare(include_str!("counts_held_out.json"));
}

#[test]
fn every_model_type_is_counted_several_times_in_both_files() {
    for text in [include_str!("counts.json"), include_str!("counts_held_out.json")] {
        let cases: Vec<Case> = serde_json::from_str(text).unwrap();
        for model_type in supported_model_types() {
            let of_it = cases.iter().filter(|it| it.config.model_type() == Some(model_type));
            assert!(of_it.count() >= 4, "{model_type}");
        }
    }
}
