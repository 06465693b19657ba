//! `accel engines install`.
//!
//! Each component is fetched into a folder of its own beside its place and then renamed, so that
//! what stands in its place is always whole. One process at a time works on a folder of engines;
//! what a dead one left is removed by the next.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use serde_json::json;

use super::args::{InstallArgs, Installable};
use super::component::{Component, MARK, Source, State, Take, chosen, proof};
use super::tools::{self, Tool};
use super::{place, unpack};
use crate::console::{Console, bytes};
use crate::failure::Failure;
use crate::json;

/// What is to be done with a component, or was.
#[derive(Debug, Serialize)]
struct Step {
    component: &'static str,
    version: &'static str,
    folder: String,
    /// `would-install`, `would-replace`, `installed`, `replaced`, `complete` or `by-hand`.
    action: &'static str,
    download_bytes: u64,
    disk_bytes: u64,
    /// How long it took; `None` when nothing was done.
    seconds: Option<f64>,
}

impl Step {
    fn new(component: &Component, engines: &Path, action: &'static str) -> Self {
        Self {
            component: component.name,
            version: component.version,
            folder: engines.join(component.folder).display().to_string(),
            action,
            download_bytes: component.download_bytes,
            disk_bytes: component.disk_bytes,
            seconds: None,
        }
    }
}

/// Installs what `arguments` name.
pub(crate) fn install(arguments: &InstallArgs, console: Console) -> Result<(), Failure> {
    let web = |it: &Installable| matches!(it, Installable::Web | Installable::All);
    if arguments.with_browser && !arguments.engines.iter().any(web) {
        return Err(Failure::usage(
            "--with-browser goes with `web` or `all`: accel engines install web --with-browser",
        ));
    }
    let (components, left_out) = chosen(&arguments.engines, arguments.with_browser);
    for it in &components {
        check_system(it)?;
    }
    let engines = place::engines_folder(arguments)?;
    for it in &left_out {
        console.note(it);
    }
    let mut steps = plan(&components, &engines, console)?;
    if !arguments.dry_run && steps.iter().any(|it| it.action.starts_with("would")) {
        let mut tools: Vec<_> = components.iter().map(|it| Tool::of(it)).collect();
        tools.dedup();
        tools.into_iter().try_for_each(Tool::check)?;
        let _lock = lock(&engines, console)?;
        steps = components
            .iter()
            .map(|it| settle(it, &engines, console))
            .collect::<Result<_, Failure>>()?;
    }
    if console.json() {
        console.print(&json::document(json!({
            "engines_folder": engines.display().to_string(),
            "dry_run": arguments.dry_run,
            "left_out": left_out,
            "steps": steps,
        })));
    }
    Ok(())
}

/// The packed browser is a program for one system.
fn check_system(component: &Component) -> Result<(), Failure> {
    let browser = matches!(component.source, Source::Npm { take: Take::Chromium, .. });
    if browser && !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Failure::input(
            "no-package",
            "the packaged Chromium is for Linux on x86-64 alone; install Chrome or Edge, name its \
             program in ACCEL_BROWSER, and leave --with-browser out",
        ));
    }
    Ok(())
}

/// What would be done, which is said before anything is.
fn plan(
    components: &[&'static Component],
    engines: &Path,
    console: Console,
) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    for component in components {
        let folder = engines.join(component.folder);
        let what = format!("{} {}", component.name, component.version);
        let tool = if Tool::of(component) == Tool::Pip { "pip" } else { "npm" };
        let sizes = format!(
            "about {} to fetch, {} on disk",
            bytes(component.download_bytes),
            bytes(component.disk_bytes)
        );
        let (action, line) = match component.state(engines) {
            State::Complete => ("complete", format!("{what} is complete in {}", folder.display())),
            State::ByHand => {
                let line = format!(
                    "{what}: {} holds one that accel did not install; it is left as it is",
                    folder.display()
                );
                ("by-hand", line)
            }
            State::Absent => (
                "would-install",
                format!("{what}: {tool} installs it into {} ({sizes})", folder.display()),
            ),
            State::Outdated => (
                "would-replace",
                format!("{what}: {tool} replaces what is in {} ({sizes})", folder.display()),
            ),
            State::Foreign => return Err(foreign(component, &folder)),
        };
        console.say(&line);
        steps.push(Step::new(component, engines, action));
    }
    Ok(steps)
}

fn foreign(component: &Component, folder: &Path) -> Failure {
    Failure::input(
        "not-ours",
        format!(
            "{} holds something that accel did not put there, and {} belongs there; move it away, \
             or name another folder in ACCEL_ENGINES_DIR",
            folder.display(),
            component.name
        ),
    )
}

/// The sole right to change the folder of engines, for as long as the file is open.
fn lock(engines: &Path, console: Console) -> Result<File, Failure> {
    fs::create_dir_all(engines).map_err(Failure::io("create", engines))?;
    let path = engines.join(".install.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Failure::io("write", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            console.note("another `accel engines install` is at work there; waiting for its end");
            file.lock().map_err(Failure::io("lock", &path))?;
        }
        Err(TryLockError::Error(error)) => return Err(Failure::io("lock", &path)(error)),
    }
    Ok(file)
}

/// Brings a component to completion, whatever an earlier or other process did.
fn settle(component: &Component, engines: &Path, console: Console) -> Result<Step, Failure> {
    let target = engines.join(component.folder);
    remove_leftovers(&target)?;
    let done = match component.state(engines) {
        State::Complete => return Ok(Step::new(component, engines, "complete")),
        State::ByHand => return Ok(Step::new(component, engines, "by-hand")),
        State::Foreign => return Err(foreign(component, &target)),
        State::Absent => "installed",
        State::Outdated => "replaced",
    };
    let start = Instant::now();
    let partial = beside(&target, "partial");
    let result = fetch_into(component, &partial, console).and_then(|()| swap(&partial, &target));
    if result.is_err() {
        // Whatever stays is removed by the next try.
        let _ = fs::remove_dir_all(&partial);
    }
    result?;
    let seconds = start.elapsed().as_secs_f64();
    let what = format!("{} {}", component.name, component.version);
    console.say(&format!("{what} {done} in {seconds:.1} s: {}", target.display()));
    Ok(Step { seconds: Some(seconds), ..Step::new(component, engines, done) })
}

/// The component, whole and proven, in the new folder `partial`.
fn fetch_into(component: &Component, partial: &Path, console: Console) -> Result<(), Failure> {
    fs::create_dir_all(partial).map_err(Failure::io("create", partial))?;
    match component.source {
        Source::Pip { .. } => tools::fetch(component, partial, console)?,
        Source::Npm { lock, take, .. } => {
            let packages = partial.join("npm");
            fs::create_dir(&packages).map_err(Failure::io("create", &packages))?;
            tools::fetch(component, &packages, console)?;
            let spinner = console.spinner(format!("unpacking {}", component.name));
            unpack::take(take, &packages, partial)?;
            fs::remove_dir_all(&packages).map_err(Failure::io("remove", &packages))?;
            drop(spinner);
            let mark = partial.join(MARK);
            fs::write(&mark, lock).map_err(Failure::io("write", &mark))?;
        }
    }
    match component.proofs.iter().find(|it| !proof(partial, it)) {
        None => Ok(()),
        Some(missing) => Err(Failure::failed(
            "install",
            format!(
                "{} {} was fetched and has no `{missing}…`: the package is not for this system; \
                 nothing was installed",
                component.name, component.version
            ),
        )),
    }
}

/// Puts `partial` in the place of `target`, which is kept until that is done.
fn swap(partial: &Path, target: &Path) -> Result<(), Failure> {
    let old = beside(target, "old");
    let browser = target.join("chromium");
    if browser.join(MARK).exists() {
        let kept = partial.join("chromium");
        fs::rename(&browser, &kept).map_err(Failure::io("move", &browser))?;
    }
    let replaces = fs::symlink_metadata(target).is_ok();
    if replaces {
        fs::rename(target, &old).map_err(Failure::io("move", target))?;
    }
    if let Err(error) = fs::rename(partial, target) {
        if replaces {
            let _ = fs::rename(&old, target);
        }
        return Err(Failure::io("create", target)(error));
    }
    if replaces {
        fs::remove_dir_all(&old).map_err(Failure::io("remove", &old))?;
    }
    Ok(())
}

/// A folder of this process beside `target`.
fn beside(target: &Path, what: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".{what}-{}", std::process::id()));
    name.into()
}

/// Removes what processes that died left beside `target`; no other one lives while the lock is
/// held.
fn remove_leftovers(target: &Path) -> Result<(), Failure> {
    let (Some(folder), Some(name)) =
        (target.parent(), target.file_name().and_then(|it| it.to_str()))
    else {
        return Ok(());
    };
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        let file = entry.file_name();
        let rest = file.to_str().and_then(|it| it.strip_prefix(name));
        let number =
            rest.and_then(|it| it.strip_prefix(".partial-").or_else(|| it.strip_prefix(".old-")));
        if number.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit())) {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(Failure::io("remove", &path))?;
        }
    }
    Ok(())
}
