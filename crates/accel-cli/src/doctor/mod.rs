//! `accel doctor`: what is wrong with this machine, its engines and models, and what helps.
//!
//! ```text
//! machine ─▶ hardware, engines, platforms ─▶ a tiny graph on each (child processes)
//!                                          ╲
//! --model, --all ─▶ files, kind, need ─▶ loads (child processes) ─▶ Report ─▶ formats
//! ```

mod args;
mod child;
mod graph;
mod machine;
mod matrix;
mod models;
mod needs;
mod platforms;
mod probe;
mod registry;
mod render;

use std::path::Path;
use std::time::Duration;

use accel_core::diagnosis::{Code, Component, Finding, Report, Verdict};
use accel_core::{Platform, Vocabulary as _};

use crate::console::Console;
use crate::failure::Failure;
use models::Subject;
use platforms::Usable;
use probe::Probed;
use registry::Registry;

pub(crate) use args::{DoctorArgs, DoctorFormat, EXAMPLES};

/// Looks at everything that `arguments` ask for, and prints what was found.
pub(crate) fn run(arguments: &DoctorArgs, console: Console) -> Result<(), Failure> {
    if let Some(platform) = arguments.probe {
        answer(platform, arguments.model.first().map(|it| &**it), console);
        return Ok(());
    }
    let registry = arguments.registry.as_deref().map(Registry::read).transpose()?;
    let (models, found) = subjects(arguments, registry.as_ref())?;
    let report = examine(arguments, models, found, registry.as_ref(), console);
    let files = registry.as_ref().map(|it| it.location("").file);
    let shown = render::Shown { report: &report, registry: files.as_deref() };
    if let Some(folder) = &arguments.output_dir {
        render::write(&shown, folder)?;
    }
    console.print(&render::text(&shown, arguments.format, console.paint));
    match accel_core::diagnosis::exit_code(&report.findings) {
        0 => Ok(()),
        _ => Err(Failure::told()),
    }
}

/// The models that are asked for, and what is wrong with the asking.
fn subjects(
    arguments: &DoctorArgs,
    registry: Option<&Registry>,
) -> Result<(Vec<Subject>, Vec<Finding>), Failure> {
    if arguments.all {
        return models::all(&arguments.models, registry);
    }
    Ok(models::named(&arguments.model, &arguments.models, registry))
}

/// Does one probe in this process, and says what came of it: the child's side.
fn answer(platform: Platform, folder: Option<&Path>, console: Console) {
    let probed = probe::probe(platform, folder);
    // Our own types have string keys; there is nothing that JSON cannot hold.
    let text = serde_json::to_string(&probed).unwrap_or_default();
    // First a line end: a library may have printed half a line.
    console.print(&format!("\n{}{text}\n", child::MARK));
}

/// Looks at the machine and the models.
fn examine(
    arguments: &DoctorArgs,
    mut models: Vec<Subject>,
    found: Vec<Finding>,
    registry: Option<&Registry>,
    console: Console,
) -> Report {
    let timeout = Duration::from_secs(arguments.timeout.into());
    let wanted: Vec<_> = Platform::ALL
        .iter()
        .copied()
        .filter(|it| arguments.platform.is_empty() || arguments.platform.contains(it))
        .collect();
    let mut all = Probed { findings: found, checks: Vec::new() };
    let mut add = |probed: Probed| {
        all.findings.extend(probed.findings);
        all.checks.extend(probed.checks);
    };
    let spinner = console.spinner("looking at the machine".to_owned());
    let inventory = machine::inventory();
    add(platforms::hardware(&inventory));
    add(platforms::engines());
    let (usable, probed) = platforms::platforms(&wanted, &arguments.platform, &inventory);
    add(probed);
    drop(spinner);
    if arguments.test_hardware {
        for Usable { platform, .. } in usable.iter().filter(|it| it.obstacle.is_none()) {
            let _spinner = console.spinner(format!("running a tiny graph on {}", platform.label()));
            add(child::probe(*platform, None, timeout));
        }
    }
    let loaded_on: Vec<_> = usable
        .iter()
        .filter(|it| it.obstacle.is_none())
        .filter(|it| {
            arguments.test_hardware
                || !arguments.platform.is_empty()
                || it.platform == Platform::Cpu
        })
        .map(|it| it.platform)
        .collect();
    for model in &mut models {
        add(models::look_at(model, &inventory));
        add(load(model, &loaded_on, timeout, registry, console));
    }
    add(Probed {
        findings: needs::together(&models, &inventory).into_iter().collect(),
        checks: Vec::new(),
    });
    let matrix = arguments.matrix.then(|| matrix::matrix(&models, &usable, &all.checks));
    let program = concat!("accel ", env!("CARGO_PKG_VERSION"));
    Report { matrix, ..Report::new(program, all.findings, all.checks) }
}

/// Loads a model on each of `platforms`.
fn load(
    model: &Subject,
    platforms: &[Platform],
    timeout: Duration,
    registry: Option<&Registry>,
    console: Console,
) -> Probed {
    let mut all = Probed::default();
    let Some(folder) = &model.folder else { return all };
    for platform in platforms {
        let subject = probe::Subject { platform: *platform, model: Some(&model.name) };
        if let Some(obstacle) = &model.obstacle {
            all.checks.push(subject.check(Verdict::Skipped, obstacle.clone()));
            continue;
        }
        let _spinner = console.spinner(format!("loading {} on {}", model.name, platform.label()));
        let probed = child::probe(*platform, Some((&model.name, folder)), timeout);
        all.findings.extend(probed.findings.into_iter().map(|it| it.at(model.location.clone())));
        all.checks.extend(probed.checks);
    }
    let loads = all.checks.iter().any(|it| it.verdict == Verdict::Passed);
    let tried = all.checks.iter().any(|it| it.verdict == Verdict::Failed);
    if tried && !loads {
        let message = format!("{} loads on no platform that was tried", model.name);
        let finding = Finding::new(Code::NoCandidate, message).of(model.name.as_str());
        let finding = all.checks.iter().fold(finding, |it, check| {
            it.seen(check.platform.map_or("", Platform::label), check.detail.as_str())
        });
        let location = registry.and(model.location.clone());
        all.findings.push(finding.at(location));
        all.checks.push(accel_core::diagnosis::Check {
            component: Component::Selection,
            what: "find a platform".to_owned(),
            platform: None,
            model: Some(model.name.clone()),
            verdict: Verdict::Failed,
            detail: "none of those that were tried".to_owned(),
        });
    }
    all
}
