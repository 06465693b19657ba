//! What a model needs of memory, and whether there is as much.

use accel_core::Config;
use accel_core::diagnosis::{Code, Finding};
use accel_core::estimate::{ParametersSource, Request, Workload, estimate};
use accel_core::hardware::Inventory;
use accel_runtime::{ModelDir, weights};

use super::models::{Subject, precision};
use crate::console;

/// Tokens of the longest sequence that a model is to take, as `accel estimate` has it by default.
const CONTEXT: u32 = 512;

/// Memory that a model needs.
#[derive(Clone, Debug)]
pub(super) struct Needs {
    /// Bytes without which it does not run.
    least: u64,
    /// Bytes with which it runs at ease.
    at_ease: u64,
    /// What the figures rest on.
    rests_on: String,
}

/// What a model needs for one input: estimated from its config and the headers of its weights,
/// else the bytes of its graphs, which it takes in any case.
pub(super) fn needs(dir: &ModelDir, graph_bytes: u64) -> Needs {
    let weights_alone = || Needs {
        least: graph_bytes,
        at_ease: graph_bytes.saturating_add(graph_bytes / 2),
        rests_on: "the size of its graphs, and half of it on top".to_owned(),
    };
    let config = dir.required_json::<Config>("config.json", "the model's configuration");
    let precision = precision(dir).ok().flatten();
    // What is wrong with them was found where they were read.
    let (Ok(config), Some(precision)) = (config, precision) else { return weights_alone() };
    let Ok(Some(count)) = weights::count(dir.path(), Some(precision)) else {
        return weights_alone();
    };
    let workload = Workload { precision, batch: 1, context: CONTEXT };
    let request = Request {
        counted: Some((count.parameters, ParametersSource::WeightFiles)),
        file_bytes: Some(graph_bytes),
        ..Request::new(workload)
    };
    match estimate(&config, &request) {
        Ok(it) => Needs {
            least: it.requirements.min_memory_bytes,
            at_ease: it.requirements.recommended_memory_bytes,
            rests_on: format!(
                "{} weights in {precision}, one input of {CONTEXT} tokens at most",
                count.parameters
            ),
        },
        Err(_) => weights_alone(),
    }
}

/// Whether a model fits into the `usable` bytes; tight when it would not run at ease.
pub(super) fn fits(
    needs: &Needs,
    usable: u64,
    inventory: &Inventory,
) -> Result<String, Box<Finding>> {
    let shown = format!(
        "it needs {} at least and {} to run at ease, and {} of memory can be taken",
        console::bytes(needs.least),
        console::bytes(needs.at_ease),
        console::bytes(usable)
    );
    let code = if needs.least > usable {
        Code::ModelTooLarge
    } else if needs.at_ease > usable {
        Code::MemoryTight
    } else {
        return Ok(shown);
    };
    let finding = Finding::new(code, shown)
        .seen("bytes needed at least", needs.least.to_string())
        .seen("bytes to run at ease", needs.at_ease.to_string())
        .seen("estimated from", needs.rests_on.as_str())
        .seen(inventory.memory.available_bytes.source.as_str(), format!("{usable} bytes"));
    Err(Box::new(finding))
}

/// Whether all models fit together, where they are several.
pub(super) fn together(models: &[Subject], inventory: &Inventory) -> Option<Finding> {
    let usable = inventory.memory.usable_bytes()?;
    let each: Vec<_> = models.iter().filter_map(|it| Some(it.needs.as_ref()?.least)).collect();
    let sum = each.iter().fold(0_u64, |sum, it| sum.saturating_add(*it));
    if each.len() < 2 || sum <= usable || each.iter().any(|it| *it > usable) {
        return None;
    }
    let message = format!(
        "{} models take {} together, and {} of memory can be taken",
        each.len(),
        console::bytes(sum),
        console::bytes(usable)
    );
    Some(
        Finding::new(Code::PoolTooLarge, message)
            .seen("bytes needed at least", sum.to_string())
            .seen(inventory.memory.available_bytes.source.as_str(), format!("{usable} bytes")),
    )
}

#[cfg(test)]
mod tests {
    use accel_core::diagnosis::Code;
    use accel_core::hardware::Fact;
    use accel_runtime::ModelDir;

    use super::{Needs, fits, needs, together};
    use crate::doctor::machine;
    use crate::doctor::models::Subject;

    const GIB: u64 = 1 << 30;

    fn of(least: u64, at_ease: u64) -> Needs {
        Needs { least, at_ease, rests_on: "a double".to_owned() }
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_what_barely_does_a_warning() {
        let inventory = machine::inventory();
        let code = |needs: &Needs| fits(needs, 8 * GIB, &inventory).err().map(|it| it.code);
        assert_eq!(code(&of(4 * GIB, 8 * GIB)), None);
        assert_eq!(code(&of(4 * GIB, 9 * GIB)), Some(Code::MemoryTight));
        assert_eq!(code(&of(9 * GIB, 9 * GIB)), Some(Code::ModelTooLarge));
    }

    #[test]
    fn models_that_fit_alone_may_not_fit_together() {
        let mut inventory = machine::inventory();
        inventory.memory.available_bytes = Fact::known(8 * GIB, "a double");
        inventory.memory.limit = Fact::unknown("a double", "none");
        let model = |least| Subject {
            name: "m".to_owned(),
            folder: None,
            location: None,
            needs: Some(of(least, least)),
            obstacle: None,
        };
        let code = |models: &[Subject]| together(models, &inventory).map(|it| it.code);
        assert_eq!(code(&[model(5 * GIB), model(5 * GIB)]), Some(Code::PoolTooLarge));
        assert_eq!(code(&[model(3 * GIB), model(3 * GIB)]), None);
        assert_eq!(code(&[model(7 * GIB)]), None);
    }

    #[test]
    fn needs_are_estimated_from_the_weights_headers() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bert");
        let needs = needs(&ModelDir::open(folder).unwrap(), 135_000);
        assert!(needs.rests_on.contains("weights in fp32"), "{needs:?}");
        assert!(needs.least >= 135_000 && needs.at_ease >= needs.least, "{needs:?}");
    }
}
