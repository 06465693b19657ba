//! The values that templates lay out. Every field is there and resolved: Tera takes an undefined
//! name in a condition for false without a word, so no page has an optional field.

use std::collections::BTreeMap;

use accel_core::{
    OptionField, OptionValue, Platform, Precision, Variant, Vocabulary, common_option_fields,
    device_option_fields, group_digits,
};
use serde::Serialize;

use super::needs::Needs;
use super::pipeline::pipeline;
use crate::cases;
use crate::files::{CellFile, Kind};
use crate::registry::{Cell, Model, Registry};
use crate::request::{Layout, Request};

/// The context of one file.
#[derive(Debug)]
pub(crate) enum Page {
    Skill(Box<SkillPage>),
    Test(Box<TestPage>),
    ModelSkills(ModelSkillsPage),
    Modules(ModulesPage),
    Tests(TestsPage),
}

/// A skill: one model on one platform.
#[derive(Debug, Serialize)]
pub(crate) struct SkillPage {
    pub(crate) model: String,
    pub(crate) class: String,
    pub(crate) hub_id: String,
    pub(crate) revision: String,
    pub(crate) platform: &'static str,
    pub(crate) platform_variant: String,
    pub(crate) platform_label: &'static str,
    pub(crate) family_variant: String,
    pub(crate) subfamily: &'static str,
    pub(crate) subfamily_doc: &'static str,
    pub(crate) subfamily_variant: String,
    pub(crate) task_variants: Vec<String>,
    pub(crate) task_names: Vec<&'static str>,
    pub(crate) variant: &'static str,
    pub(crate) variant_variant: String,
    pub(crate) is_simulation: bool,
    pub(crate) reason: String,
    /// The reason as a sentence, for documentation.
    pub(crate) why: String,
    pub(crate) evidence: String,
    pub(crate) parameters: String,
    pub(crate) model_dir: String,
    pub(crate) needs: Needs,
    pub(crate) precision: &'static str,
    pub(crate) tolerances: Vec<ToleranceRow>,
    pub(crate) skill_type: &'static str,
    /// Path of the module, such as `generated::skills::bert::cuda`.
    pub(crate) module_path: String,
    /// Attributes of the example's code block.
    pub(crate) fence: &'static str,
    pub(crate) common_options: Vec<OptionRow>,
    pub(crate) device_options: Vec<OptionRow>,
    pub(crate) device_struct: String,
    /// Sections rendered before the page, each from the template of its name.
    pub(crate) example_template: &'static str,
    pub(crate) platform_template: String,
    pub(crate) variant_template: String,
}

/// One session option, spelt out.
#[derive(Debug, Serialize)]
pub(crate) struct OptionRow {
    pub(crate) name: &'static str,
    pub(crate) literal: String,
    pub(crate) shown: String,
    pub(crate) doc: &'static str,
}

/// One tolerance.
#[derive(Debug, Serialize)]
pub(crate) struct ToleranceRow {
    pub(crate) precision: &'static str,
    pub(crate) precision_variant: String,
    pub(crate) max_abs: String,
    pub(crate) min_cosine: String,
    pub(crate) min_sqnr_db: String,
}

/// The tests of one cell.
#[derive(Debug, Serialize)]
pub(crate) struct TestPage {
    pub(crate) model: String,
    pub(crate) class: String,
    pub(crate) platform: &'static str,
    pub(crate) platform_label: &'static str,
    /// `Tests`, or `Extra tests` for an extra file.
    pub(crate) heading: &'static str,
    pub(crate) is_simulation: bool,
    /// Why it is a simulation, as a sentence.
    pub(crate) why: String,
    pub(crate) skill_type: &'static str,
    pub(crate) skill_path: String,
    pub(crate) tolerances: Vec<ToleranceRow>,
    pub(crate) expected_failures: Vec<ExpectedFailureRow>,
    pub(crate) cases: Vec<CaseRow>,
}

/// One case of a test.
#[derive(Debug, Serialize)]
pub(crate) struct CaseRow {
    pub(crate) name: &'static str,
    pub(crate) name_variant: String,
    pub(crate) doc: &'static str,
}

/// A case that is known to fail, and why.
#[derive(Debug, Serialize)]
pub(crate) struct ExpectedFailureRow {
    pub(crate) case_variant: String,
    pub(crate) reason: String,
}

/// The modules of one model's skills, and the choice among them.
#[derive(Debug, Serialize)]
pub(crate) struct ModelSkillsPage {
    pub(crate) class: String,
    pub(crate) hub_id: String,
    pub(crate) skill_type: &'static str,
    pub(crate) modules: Vec<String>,
    /// Platforms of the real skills, the preferred one first.
    pub(crate) candidates: Vec<&'static str>,
    /// The candidates for people: `CUDA, OpenVINO, CPU`.
    pub(crate) order: String,
}

/// Plain modules.
#[derive(Debug, Serialize)]
pub(crate) struct ModulesPage {
    pub(crate) modules: Vec<String>,
}

/// The tests of all models.
#[derive(Debug, Serialize)]
pub(crate) struct TestsPage {
    pub(crate) modules: Vec<String>,
    /// Paths such as `bert::cuda`.
    pub(crate) cells: Vec<String>,
}

pub(super) fn skill_page(
    request: &Request,
    model: &Model,
    platform: Platform,
    cell: &Cell,
    variant: Variant,
    needs: Needs,
) -> SkillPage {
    let pipeline = pipeline(model.subfamily);
    let precision = precision_of(cell);
    let (module_path, fence) = match &request.layout {
        Layout::Crate(name) => (format!("{name}::skills::{}::{platform}", model.key), "no_run"),
        // The path depends on where the modules are included, so the example is shown, not compiled.
        Layout::Modules => (format!("skills::{}::{platform}", model.key), "rs"),
    };
    SkillPage {
        model: model.key.to_string(),
        class: model.class.clone(),
        hub_id: model.hub_id.clone(),
        revision: model.revision.clone(),
        platform: platform.name(),
        platform_variant: variant_ident(platform),
        platform_label: platform.label(),
        family_variant: variant_ident(model.family()),
        subfamily: model.subfamily.name(),
        subfamily_doc: Vocabulary::doc(model.subfamily),
        subfamily_variant: variant_ident(model.subfamily),
        task_variants: model.tasks.iter().map(|it| variant_ident(*it)).collect(),
        task_names: model.tasks.iter().map(|it| it.name()).collect(),
        variant: variant.name(),
        variant_variant: variant_ident(variant),
        is_simulation: variant == Variant::Simulation,
        reason: cell.reason.clone(),
        why: sentence(&cell.reason),
        evidence: cell.evidence.to_string(),
        parameters: group_digits(model.parameters),
        model_dir: model.model_dir.clone(),
        needs,
        precision: precision.name(),
        tolerances: tolerance_rows(cell),
        skill_type: pipeline.rust_type,
        module_path,
        fence,
        common_options: option_rows(common_option_fields(), cell),
        device_options: option_rows(device_option_fields(platform), cell),
        device_struct: format!("{}Options", variant_ident(platform)),
        example_template: pipeline.example,
        platform_template: format!("platform/{platform}.tera"),
        variant_template: format!("variant/{variant}.tera"),
    }
}

pub(super) fn test_page(
    request: &Request,
    model: &Model,
    file: &CellFile,
    cell: &Cell,
    variant: Variant,
) -> TestPage {
    let crate_name = match &request.layout {
        Layout::Crate(name) => name.as_str(),
        Layout::Modules => "crate",
    };
    let cases = match file.kind {
        Kind::Extra => cases::extra_beside(file.platform, &model.precisions).collect(),
        _ => cases::base(model.subfamily, file.platform, &model.precisions),
    };
    TestPage {
        model: model.key.to_string(),
        class: model.class.clone(),
        platform: file.platform.name(),
        platform_label: file.platform.label(),
        heading: if file.kind == Kind::Extra { "Extra tests" } else { "Tests" },
        is_simulation: variant == Variant::Simulation,
        why: sentence(&cell.reason),
        skill_type: pipeline(model.subfamily).rust_type,
        skill_path: format!("{crate_name}::skills::{}::{}", model.key, file.platform),
        tolerances: tolerance_rows(cell),
        expected_failures: cell
            .expected_failures
            .iter()
            .filter(|(case, _)| cases.contains(case))
            .map(|(case, reason)| ExpectedFailureRow {
                case_variant: variant_ident(*case),
                reason: reason.clone(),
            })
            .collect(),
        cases: cases
            .iter()
            .map(|it| CaseRow {
                name: it.name(),
                name_variant: variant_ident(*it),
                doc: Vocabulary::doc(*it),
            })
            .collect(),
    }
}

pub(super) fn model_skills_page(
    registry: &Registry,
    model: &Model,
    cells: &[&CellFile],
) -> ModelSkillsPage {
    let generated: Vec<Platform> = cells.iter().map(|it| it.platform).collect();
    let priority = registry.families.get(&model.family()).map(|it| it.platform_priority.as_slice());
    let rest = Platform::ALL.iter().filter(|it| !priority.unwrap_or_default().contains(it));
    let candidates: Vec<Platform> = priority
        .unwrap_or_default()
        .iter()
        .chain(rest)
        .copied()
        .filter(|it| generated.contains(it))
        .filter(|it| crate::request::variant(&model.cells[it]) == Some(Variant::Real))
        .collect();
    ModelSkillsPage {
        class: model.class.clone(),
        hub_id: model.hub_id.clone(),
        skill_type: pipeline(model.subfamily).rust_type,
        modules: generated.iter().map(ToString::to_string).collect(),
        order: candidates.iter().map(|it| it.label()).collect::<Vec<_>>().join(", "),
        candidates: candidates.iter().map(|it| it.name()).collect(),
    }
}

pub(super) fn modules_page(modules: impl IntoIterator<Item = String>) -> ModulesPage {
    ModulesPage { modules: modules.into_iter().collect() }
}

pub(super) fn tests_page(tests: &BTreeMap<&str, Vec<&CellFile>>) -> TestsPage {
    TestsPage {
        modules: tests.keys().map(|it| (*it).to_owned()).collect(),
        cells: tests
            .values()
            .flatten()
            .map(|it| format!("{}::{}", it.model, super::module_name(it)))
            .collect(),
    }
}

/// A text that ends in one full stop; an empty one stays empty.
fn sentence(text: &str) -> String {
    let text = text.trim_end_matches(['.', ' ']);
    if text.is_empty() { String::new() } else { format!("{text}.") }
}

fn option_rows(fields: &[OptionField], cell: &Cell) -> Vec<OptionRow> {
    fields
        .iter()
        .filter_map(|field| {
            // Validation has checked that every field has a value of its kind.
            let value = *cell.options.get(field.name)?;
            Some(OptionRow {
                name: field.name,
                literal: field.rust_literal(value, "rt::")?,
                shown: match value {
                    OptionValue::Bool(it) => it.to_string(),
                    OptionValue::Integer(it) => it.to_string(),
                    OptionValue::Choice(it) => it.to_owned(),
                },
                doc: field.doc,
            })
        })
        .collect()
}

fn tolerance_rows(cell: &Cell) -> Vec<ToleranceRow> {
    cell.tolerances
        .iter()
        .map(|(precision, it)| ToleranceRow {
            precision: precision.name(),
            precision_variant: variant_ident(*precision),
            max_abs: format!("{:?}", it.max_abs),
            min_cosine: format!("{:?}", it.min_cosine),
            min_sqnr_db: format!("{:?}", it.min_sqnr_db),
        })
        .collect()
}

pub(super) fn precision_of(cell: &Cell) -> Precision {
    match cell.options.get("precision") {
        Some(OptionValue::Choice(name)) => name.parse().unwrap_or(Precision::Fp32),
        _ => Precision::Fp32,
    }
}

/// The Rust variant of a vocabulary's member.
fn variant_ident<V: Vocabulary>(member: V) -> String {
    let name = Vocabulary::name(member);
    V::MEMBERS
        .iter()
        .find(|(it, _)| *it == name)
        .map_or_else(String::new, |(_, it)| (*it).to_owned())
}
