//! `--watch`: writes again whenever what it was written from changes.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecursiveMode, Watcher as _};

use super::args::Cli;
use super::console::Console;
use super::failure::Failure;
use super::generate::Job;
use super::{Done, human, places};
use crate::error::Error;

/// Editors write a file in several steps; this much silence ends them.
const QUIET: Duration = Duration::from_millis(150);

/// Writes now and after every change, until the process is ended. An error ends a run, not the
/// watch.
pub(super) fn run(cli: &Cli, console: Console) -> Result<Done, Failure> {
    let job = Job::new(cli, console)?;
    let sources = Watched::new(&job.registry, cli.templates.as_deref())?;
    let (send, changes) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // The receiver lives as long as this function.
        let _ = send.send(event);
    })
    .map_err(|it| cannot_watch(&it))?;
    // The folder, not the file: an editor that replaces the file would end the watch of it.
    let folder = sources.registry.parent().unwrap_or_else(|| Path::new("."));
    watcher.watch(folder, RecursiveMode::NonRecursive).map_err(|it| cannot_watch(&it))?;
    if let Some(templates) = &sources.templates {
        watcher.watch(templates, RecursiveMode::Recursive).map_err(|it| cannot_watch(&it))?;
    }
    console.note("watching the registry and templates; end with Ctrl-C");
    loop {
        let start = Instant::now();
        match job.run() {
            Ok(report) => {
                human::warnings(&report, console);
                if !console.quiet() {
                    let line =
                        format!("{} ms: {}", start.elapsed().as_millis(), human::line(&report));
                    let mut out = io::stdout().lock();
                    if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
                        // Nobody reads any more.
                        return Ok(Done::default());
                    }
                }
            }
            Err(failure) => console.failure(&failure),
        }
        if !wait(&changes, &sources) {
            return Err(Failure::new("io", "the system stopped reporting changes".to_owned()));
        }
    }
}

/// Waits for a change that matters and for the end of the ones that follow it; `false` when there
/// can be none any more.
fn wait(changes: &mpsc::Receiver<notify::Result<Event>>, watched: &Watched) -> bool {
    loop {
        match changes.recv() {
            Ok(event) if watched.concerns(&event) => break,
            Ok(_) => {}
            Err(mpsc::RecvError) => return false,
        }
    }
    // Other files of the folder may change all the time; they must not put it off.
    let mut end = Instant::now() + QUIET;
    loop {
        match changes.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(event) if watched.concerns(&event) => end = Instant::now() + QUIET,
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// What is watched, as the system names it.
struct Watched {
    registry: PathBuf,
    templates: Option<PathBuf>,
}

impl Watched {
    fn new(registry: &Path, templates: Option<&Path>) -> Result<Self, Failure> {
        let absolute = |path: &Path| path.canonicalize().map_err(Error::io("find", path));
        // The folder may be a link; the file is looked for by name, so a link as such is fine.
        let folder = places::folder_of(registry);
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let name = registry.file_name().unwrap_or_default();
        Ok(Self {
            registry: absolute(folder)?.join(name),
            templates: templates.map(absolute).transpose()?,
        })
    }

    /// Whether an event is a change of what is watched. Reading it is none; events that were lost
    /// might be.
    fn concerns(&self, event: &notify::Result<Event>) -> bool {
        let Ok(event) = event else { return true };
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        event.need_rescan()
            || event.paths.iter().any(|path| {
                *path == self.registry
                    || self.templates.as_ref().is_some_and(|it| path.starts_with(it))
            })
    }
}

fn cannot_watch(error: &notify::Error) -> Failure {
    Failure::new("io", format!("cannot watch for changes: {error}"))
}
