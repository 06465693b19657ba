//! Models for a task, models for a platform.

use accel_core::compatibility::{Level, Model, Overrides, targets};
use accel_core::select::{Constraints, compatible_models, recommend_model_for_task};
use accel_core::{Evidence, Platform, Subfamily, Task};

use crate::machines::{self, GIB};
use crate::models::{bert, model, real, registry};

fn candidates() -> Vec<Model> {
    let mut proved = model("proved", Subfamily::CausalLm, 2 * GIB);
    let small = model("small", Subfamily::CausalLm, GIB);
    let mut unproved = model("unproved", Subfamily::CausalLm, GIB / 2);
    for cell in unproved.cells.values_mut() {
        *cell = real(Evidence::Compiled);
    }
    "large".clone_into(&mut proved.key);
    vec![unproved, proved, small, model("giant", Subfamily::CausalLm, 900 * GIB), bert()]
}

#[test]
fn what_is_surest_comes_first_and_then_what_needs_least() {
    let targets = targets(&machines::rtx_laptop());
    let rank = |constraints: &Constraints| {
        recommend_model_for_task(Task::TextGeneration, constraints, &candidates(), &targets)
    };
    let ranking = rank(&Constraints::default());
    let names: Vec<_> = ranking.recommendations.iter().map(|it| it.model.as_str()).collect();
    assert_eq!(names, ["small", "large", "unproved"]);
    assert!(ranking.recommendations.iter().all(|it| it.given.device == "cuda:0"));
    assert!(ranking.recommendations[2].why.contains("compiled only"));
    assert_eq!(ranking.excluded.len(), 1);
    assert_eq!(ranking.excluded[0].model, "giant");
    assert!(ranking.excluded[0].reasons[0].contains("needs"), "{:?}", ranking.excluded[0]);

    let constraints = Constraints {
        platforms: vec![Platform::Cpu, Platform::Mps],
        max_memory_bytes: Some(2 * GIB),
        min_level: Level::High,
        ..Constraints::default()
    };
    let ranking = rank(&constraints);
    let names: Vec<_> = ranking.recommendations.iter().map(|it| it.model.as_str()).collect();
    assert_eq!(names, ["small"]);
    assert_eq!(ranking.recommendations[0].given.device, "cpu");
    let excluded: Vec<_> = ranking.excluded.iter().map(|it| it.model.as_str()).collect();
    assert_eq!(excluded, ["giant", "large", "unproved"]);
    assert!(ranking.excluded.iter().all(|it| !it.reasons.is_empty()));
}

#[test]
fn a_task_that_nothing_does_has_no_answers() {
    let targets = targets(&machines::plain());
    let ranking = recommend_model_for_task(
        Task::ObjectDetection,
        &Constraints::default(),
        &candidates(),
        &targets,
    );
    assert!(ranking.recommendations.is_empty() && ranking.excluded.is_empty());
}

#[test]
fn models_of_a_platform_are_told_with_those_that_do_not_run() {
    let models = registry();
    let targets = targets(&machines::m1());
    let verdicts = compatible_models(&models, Platform::Mps, &targets, None, &Overrides::new());
    assert_eq!(verdicts.len(), 14);
    assert!(verdicts.windows(2).all(|it| it[0].level >= it[1].level));
    let absent = compatible_models(&models, Platform::Cuda, &targets, None, &Overrides::new());
    assert!(absent.iter().all(|it| it.level == Level::None && it.decisive().count() > 0));
}
