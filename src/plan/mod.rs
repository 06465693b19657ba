//! What will be written where, from which template, with which values: decided here, once.
//!
//! After this phase nothing reads the registry and templates take no decision.

mod needs;
mod pages;
mod pipeline;

use std::collections::{BTreeMap, BTreeSet};

use accel_core::{Platform, Variant};

use crate::cases;
use crate::error::Error;
use crate::files::{CellFile, Kind, Origin};
use crate::registry::{Model, Registry};
use crate::request::{Layout, Request, variant};

use needs::{Estimates, needs};

#[cfg(feature = "cli")]
pub(crate) use needs::{estimate_of, shown_bytes};
pub(crate) use pages::{Page, SkillPage};

/// The frozen plan: files in the order of their paths.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) files: Vec<PlannedFile>,
}

/// One file to be rendered.
#[derive(Debug)]
pub(crate) struct PlannedFile {
    pub(crate) path: String,
    pub(crate) origin: Origin,
    /// The command that writes this file again, for its header.
    pub(crate) command: String,
    pub(crate) page: Page,
}

/// Plans a request.
pub(crate) fn plan(registry: &Registry, request: &Request) -> Result<Plan, Error> {
    let chosen = chosen_cells(registry, request)?;
    let mut files = Vec::new();
    let mut estimates = Estimates::default();
    for (model, file) in &chosen {
        files.push(plan_cell(request, model, file, &mut estimates)?);
    }
    let written: BTreeSet<&CellFile> = chosen.iter().map(|(_, file)| file).collect();
    let present = request.present.iter().filter(|it| plannable(registry, it));
    let indexed: BTreeSet<&CellFile> = written.into_iter().chain(present).collect();
    files.extend(plan_indexes(registry, request, &indexed));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Plan { files })
}

/// Every cell file that the registry can give: what may lie in an output directory.
pub fn every_cell_file(registry: &Registry) -> BTreeSet<CellFile> {
    let mut files = BTreeSet::new();
    for model in &registry.models {
        for (platform, cell) in &model.cells {
            if variant(cell).is_none() {
                continue;
            }
            for kind in [Kind::Skill, Kind::Test, Kind::Extra] {
                let file = CellFile { model: model.key.to_string(), platform: *platform, kind };
                if plannable(registry, &file) {
                    files.insert(file);
                }
            }
        }
    }
    files
}

/// Whether the registry has such a cell.
fn plannable(registry: &Registry, file: &CellFile) -> bool {
    let model = registry.model(&file.model);
    let cell = model.and_then(|it| it.cells.get(&file.platform));
    cell.is_some_and(|it| variant(it).is_some())
        && (file.kind != Kind::Extra || !cases::extra(file.platform).is_empty())
}

fn chosen_cells<'a>(
    registry: &'a Registry,
    request: &Request,
) -> Result<Vec<(&'a Model, CellFile)>, Error> {
    let mut chosen = Vec::new();
    let mut unsupported = Vec::new();
    for model in request.chosen_models(registry)? {
        for (platform, cell) in &model.cells {
            if !request.chooses(model, *platform, cell) {
                if request.platforms.contains(platform) && variant(cell).is_none() {
                    unsupported.push(format!("{} on {platform}: {}", model.key, cell.reason));
                }
                continue;
            }
            for kind in &request.kinds {
                let file =
                    CellFile { model: model.key.to_string(), platform: *platform, kind: *kind };
                if wants(request, &file) {
                    chosen.push((model, file));
                }
            }
        }
    }
    if chosen.is_empty() {
        let why = if unsupported.is_empty() {
            "no cell passes the platform, hardware, variant and kind filters; see `accelgen --list models`"
                .to_owned()
        } else {
            format!("every chosen cell is unsupported: {}", unsupported.join("; "))
        };
        return Err(Error::NothingSelected { why });
    }
    if request.missing_only {
        chosen.retain(|(_, file)| !request.present.contains(file));
    }
    Ok(chosen)
}

/// Whether a file of a chosen cell is wanted. Extra tests are on request, and stay once they are there.
fn wants(request: &Request, file: &CellFile) -> bool {
    match file.kind {
        Kind::Skill | Kind::Test => true,
        Kind::Extra => {
            !cases::extra(file.platform).is_empty()
                && (request.extras.contains(&file.platform) || request.present.contains(file))
        }
        Kind::Index => false,
    }
}

fn plan_cell<'a>(
    request: &Request,
    model: &'a Model,
    file: &CellFile,
    estimates: &mut Estimates<'a>,
) -> Result<PlannedFile, Error> {
    let cell = &model.cells[&file.platform];
    let variant = variant(cell).unwrap_or(Variant::Simulation);
    let kind_folder = if file.kind == Kind::Skill { "skill" } else { "test" };
    let template =
        request.templates.resolve(kind_folder, model.family(), file.platform, variant)?.chosen;
    let page = match file.kind {
        Kind::Skill => {
            let needs = needs(estimates.of(model, cell), model.subfamily, file.platform);
            let page = pages::skill_page(request, model, file.platform, cell, variant, needs);
            Page::Skill(Box::new(page))
        }
        _ => Page::Test(Box::new(pages::test_page(request, model, file, cell, variant))),
    };
    let enhance = match (file.kind, file.platform) {
        (Kind::Extra, Platform::Openvino) => " --enhance-openvino",
        (Kind::Extra, _) => " --enhance-web-platforms",
        _ => "",
    };
    Ok(PlannedFile {
        path: file.path(),
        origin: Origin {
            kind: file.kind,
            model: Some(file.model.clone()),
            platform: Some(file.platform),
            variant: Some(variant),
            family: Some(model.family()),
            template,
        },
        command: format!(
            "accelgen --generate {} --platform {}{enhance}",
            file.model, file.platform
        ),
        page,
    })
}

/// The module files that name exactly `cells`.
fn plan_indexes(
    registry: &Registry,
    request: &Request,
    cells: &BTreeSet<&CellFile>,
) -> Vec<PlannedFile> {
    let mut skills: BTreeMap<&str, Vec<&CellFile>> = BTreeMap::new();
    let mut tests: BTreeMap<&str, Vec<&CellFile>> = BTreeMap::new();
    for cell in cells {
        let group = if cell.kind == Kind::Skill { &mut skills } else { &mut tests };
        group.entry(&cell.model).or_default().push(cell);
    }
    let index = |path: String, template: &str, model: Option<&str>, page: Page| PlannedFile {
        path,
        origin: Origin {
            kind: Kind::Index,
            model: model.map(ToOwned::to_owned),
            platform: None,
            variant: None,
            family: None,
            template: template.to_owned(),
        },
        command: "accelgen --all".to_owned(),
        page,
    };
    let mut files = Vec::new();
    for model in &registry.models {
        let key = model.key.as_str();
        if let Some(cells) = skills.get(key) {
            files.push(index(
                format!("src/skills/{key}/mod.rs"),
                "index/model_skills.rs.tera",
                Some(key),
                Page::ModelSkills(pages::model_skills_page(registry, model, cells)),
            ));
        }
        if let Some(cells) = tests.get(key) {
            files.push(index(
                format!("tests/models/{key}/mod.rs"),
                "index/model_tests.rs.tera",
                Some(key),
                Page::Modules(pages::modules_page(cells.iter().map(|it| module_name(it)))),
            ));
        }
    }
    let crate_layout = matches!(request.layout, Layout::Crate(_));
    if !skills.is_empty() {
        let page = Page::Modules(pages::modules_page(skills.keys().map(|it| (*it).to_owned())));
        files.push(index("src/skills/mod.rs".to_owned(), "index/skills.rs.tera", None, page));
        if crate_layout {
            let page = Page::Modules(pages::modules_page(["skills".to_owned()]));
            files.push(index("src/lib.rs".to_owned(), "index/lib.rs.tera", None, page));
        }
    }
    if !tests.is_empty() {
        let page = Page::Tests(pages::tests_page(&tests));
        files.push(index("tests/models/mod.rs".to_owned(), "index/tests.rs.tera", None, page));
        if crate_layout {
            let page = Page::Modules(pages::modules_page(["models".to_owned()]));
            files.push(index("tests/main.rs".to_owned(), "index/tests_main.rs.tera", None, page));
        }
    }
    files
}

/// The name of a cell file's module in its parent.
fn module_name(file: &CellFile) -> String {
    match file.kind {
        Kind::Extra => format!("{}_extra", file.platform),
        _ => file.platform.to_string(),
    }
}
