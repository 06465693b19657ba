//! A set of models, several devices.

use accel_core::compatibility::{Level, MemoryPool, Model, targets};
use accel_core::hardware::Inventory;
use accel_core::select::{Distribution, Request, distribute, parse_priority};
use accel_core::{Precision, Subfamily};

use crate::machines::{self, GIB};
use crate::models::{bert, model};

fn spread(models: &[&Model], machine: &Inventory, list: &str) -> Distribution {
    let priority = match list {
        "" => Vec::new(),
        list => parse_priority(list.split(',')).unwrap(),
    };
    let request = Request { priority, precision: Some(Precision::Fp32), ..Request::default() };
    let distribution = distribute(models, &targets(machine), &request);
    let placed: usize = distribution.devices.iter().map(|it| it.models.len()).sum();
    assert_eq!(placed + distribution.unplaced.len(), models.len());
    for share in &distribution.devices {
        if let (Some(budget), Some(left)) = (share.budget_bytes, share.left_bytes) {
            let taken: u64 = share.models.iter().map(|it| it.reserved_bytes).sum();
            assert!(left + taken <= budget, "{share:#?}");
        }
    }
    for it in &distribution.unplaced {
        assert!(!it.reasons.is_empty());
        assert!(it.reasons.iter().all(|it| it.remedy.is_some()), "{it:#?}");
    }
    distribution
}

fn on<'a>(distribution: &'a Distribution, device: &str) -> Vec<&'a str> {
    let share = distribution.devices.iter().find(|it| it.device == device).unwrap();
    share.models.iter().map(|it| it.model.as_str()).collect()
}

/// A model that needs 5/4 and is recommended 3/2 of so many GiB.
fn of(name: &str, gib: u64) -> Model {
    model(name, Subfamily::CausalLm, gib * GIB)
}

#[test]
fn the_largest_are_placed_first_and_fill_up_with_the_small() {
    let (twelve, eleven, six, two) = (of("l12", 12), of("l11", 11), of("m6", 4), of("s2", 2));
    let models = [&two, &six, &eleven, &twelve];
    let result = spread(&models, &machines::two_equal_gpus(), "cuda");
    // 18 and 16.5 GiB do not share a GPU of 23.6; 6 GiB do not fit beside 18, but beside 16.5.
    assert_eq!(on(&result, "cuda:0"), ["l12", "s2"]);
    assert_eq!(on(&result, "cuda:1"), ["l11", "m6"]);
    assert!(result.unplaced.is_empty());
    assert!(on(&result, "cpu").is_empty());
    // The order in which models are given does not matter.
    let turned = spread(&[&twelve, &eleven, &six, &two], &machines::two_equal_gpus(), "cuda");
    assert_eq!(turned, result);
}

#[test]
fn what_has_no_room_at_ease_is_placed_tightly_or_told() {
    // 24 GiB are recommended, 20 needed; 23.6 are free.
    let (one, two, three) = (of("one", 16), of("two", 16), of("three", 16));
    let result = spread(&[&one, &two, &three], &machines::two_equal_gpus(), "cuda");
    let placed = &result.devices.iter().find(|it| it.device == "cuda:0").unwrap().models[0];
    assert_eq!((placed.at_ease, placed.reserved_bytes), (false, 20 * GIB));
    assert_eq!(on(&result, "cuda:1"), ["three"]);
    assert_eq!(result.unplaced.len(), 1);
    assert_eq!(result.unplaced[0].model, "two");
    assert!(result.unplaced[0].fits_alone);
    let message = &result.unplaced[0].reasons[0].message;
    assert_eq!(message, "the other models leave no 21.5 GB on any device");

    let giant = of("giant", 400);
    let result = spread(&[&giant], &machines::two_equal_gpus(), "");
    assert!(!result.unplaced[0].fits_alone);
    let cpu = result.unplaced[0].reasons.iter().find(|it| it.message.starts_with("cpu: "));
    assert_eq!(cpu.unwrap().allows, Level::None);
}

#[test]
fn devices_that_share_main_memory_take_from_one_budget() {
    // 9 GiB are available, 8.1 of them the budget; 3, 3 and 3 are recommended, 2.5 needed.
    let (one, two, three) = (of("a", 2), of("b", 2), of("c", 2));
    let result = spread(&[&one, &two, &three], &machines::m1(), "mps,cpu");
    assert_eq!(on(&result, "mps"), ["a", "b"]);
    assert!(on(&result, "cpu").is_empty());
    assert_eq!(result.unplaced[0].model, "c");
    let left: Vec<_> = result.devices.iter().map(|it| (&it.pool, it.left_bytes)).collect();
    assert!(left.iter().all(|it| *it == (&MemoryPool::Main, left[0].1)), "{left:?}");
}

#[test]
fn devices_that_are_not_there_are_told_and_no_models_are_no_problem() {
    let bert = bert();
    let result = spread(&[&bert], &machines::plain(), "cuda:3");
    assert_eq!(result.unplaced[0].reasons[0].message, "no device that was named is here");
    let result = spread(&[&bert], &machines::plain(), "cuda");
    let message = &result.unplaced[0].reasons[0].message;
    assert_eq!(message, "cuda: there is no cuda device");
    let nothing = spread(&[], &machines::plain(), "");
    assert_eq!((nothing.devices.len(), nothing.unplaced.len()), (1, 0));
}
