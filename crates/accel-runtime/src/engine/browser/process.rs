//! A browser process and the page in it.

use std::collections::hash_map::RandomState;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::files::BrowserFiles;
use super::message::{self, Message};
use super::server::{Content, Server};

/// How long a browser may take to show the page: seconds on two busy cores.
const START: Duration = Duration::from_mins(1);

/// How long the page may be silent. Its heart beats every second, on a thread of its own.
const SILENCE: Duration = Duration::from_secs(30);

/// How often the process is looked at while an answer is awaited.
const GLANCE: Duration = Duration::from_millis(50);

/// What the folders of profiles are called, before the number of the process that made them.
const PROFILE: &str = "accel-browser-";

/// A running browser.
#[derive(Debug)]
pub(super) struct Browser {
    server: Server,
    child: Mutex<Child>,
    profile: PathBuf,
    /// Set when the page must not be used again.
    spent: AtomicBool,
    jobs: AtomicU64,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("the browser's process ended ({0})")]
    Ended(String),
    #[error("the page has not been heard of for {} s", SILENCE.as_secs())]
    Silent,
    #[error("it did not answer within {} s", .0.as_secs_f32())]
    Late(Duration),
    #[error("the browser was given up because of another's job")]
    Bystander,
}

impl Browser {
    /// Starts a browser and waits until its page asks for work.
    ///
    /// # Errors
    /// What the system said, or that the page never came.
    pub(super) fn start(files: &BrowserFiles, start: Option<Duration>) -> io::Result<Self> {
        remove_stale_profiles(&env::temp_dir());
        let server = Server::start(files.web.clone())?;
        let unique = RandomState::new().build_hasher().finish();
        let name = format!("{PROFILE}{}-{unique:016x}", std::process::id());
        let profile = env::temp_dir().join(name);
        fs::create_dir(&profile)?;
        let mut command = tied(&files.browser);
        command
            .args(arguments(&profile, &server.address()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(path) = library_path(&files.browser) {
            command.env("LD_LIBRARY_PATH", path);
        }
        let child = command.spawn().inspect_err(|_| _ = fs::remove_dir_all(&profile))?;
        let browser = Self {
            server,
            child: Mutex::new(child),
            profile,
            spent: AtomicBool::new(false),
            jobs: AtomicU64::new(0),
        };
        let begun = Instant::now();
        let limit = start.unwrap_or(START);
        while browser.server.heard().is_none() {
            if let Some(status) = browser.ended() {
                return Err(io::Error::other(format!("it ended at once ({status})")));
            }
            if begun.elapsed() > limit {
                let reason = format!("it did not open the page within {} s", limit.as_secs_f32());
                return Err(io::Error::other(reason));
            }
            thread::sleep(GLANCE);
        }
        Ok(browser)
    }

    /// Gives the page a job and waits for its answer, at most `limit` after the page took it.
    ///
    /// # Errors
    /// That no answer will come; then the browser is spent.
    pub(super) fn call(
        &self,
        mut job: Value,
        bytes: &[u8],
        limit: Duration,
    ) -> Result<Message, Lost> {
        let id = self.jobs.fetch_add(1, Ordering::Relaxed);
        job["id"] = id.into();
        let answer = self.server.submit(id, message::encode(&job, bytes));
        loop {
            match answer.recv_timeout(GLANCE) {
                Ok((head, bytes)) => {
                    if head["broken"] == true {
                        self.spend();
                    }
                    return Ok((head, bytes));
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    if let Some(lost) = self.lost(id, limit) {
                        self.spend();
                        return Err(lost);
                    }
                }
            }
        }
    }

    fn lost(&self, id: u64, limit: Duration) -> Option<Lost> {
        // Whoever gives a browser up has its answer or its error. The page works at one job at a
        // time, so what it has not begun did it no harm either.
        if self.spent.load(Ordering::Relaxed) {
            return Some(Lost::Bystander);
        }
        if let Some(status) = self.ended() {
            let begun = self.server.running_since(id).is_some();
            return Some(if begun { Lost::Ended(status) } else { Lost::Bystander });
        }
        if self.server.heard().is_some_and(|it| it.elapsed() > SILENCE) {
            return Some(Lost::Silent);
        }
        let late = self.server.running_since(id).is_some_and(|it| it.elapsed() > limit);
        late.then_some(Lost::Late(limit))
    }

    /// Lets the page fetch `content` at `content/NAME`.
    pub(super) fn offer(&self, name: &str, content: Content) {
        self.server.offer(name, content);
    }

    /// Forgets what was offered at `content/NAME`.
    pub(super) fn withdraw(&self, name: &str) {
        self.server.withdraw(name);
    }

    /// Whether a new browser has to take this one's place.
    pub(super) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Relaxed) || self.ended().is_some()
    }

    /// The page's address.
    pub(super) fn address(&self) -> String {
        self.server.address()
    }

    /// The number of the browser's process.
    pub(super) fn process(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    /// Ends the process; whoever waits for an answer gets none.
    fn spend(&self) {
        self.spent.store(true, Ordering::Relaxed);
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }

    /// How the process ended, if it did.
    fn ended(&self) -> Option<String> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        match child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.spend();
        // The browser's other processes may write into the folder for a moment longer. What is
        // left is removed by the next start.
        for _ in 0..10 {
            if fs::remove_dir_all(&self.profile).is_ok() || !self.profile.exists() {
                return;
            }
            thread::sleep(GLANCE);
        }
    }
}

/// The browser's command, tied to this process: with `--remote-debugging-pipe` a browser ends
/// when its third descriptor closes, and this one is the pipe whose other end only this process
/// has. Nothing is ever written to it.
#[cfg(unix)]
fn tied(browser: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    let script = r#"exec "$0" --remote-debugging-pipe "$@" 3<&0 4>&1 </dev/null"#;
    command.arg("-c").arg(script).arg(browser);
    command
}

/// The browser's command. Elsewhere the page closes itself when nobody serves it.
#[cfg(not(unix))]
fn tied(browser: &Path) -> Command {
    Command::new(browser)
}

/// The command line. One set of flags serves WebGPU and WebNN.
fn arguments(profile: &Path, address: &str) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = [
        "--headless=new",
        "--disable-quic",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-extensions",
        // Containers give it 64 MiB, which tensors overflow.
        "--disable-dev-shm-usage",
        // Nobody looks at the page, and it must work at full speed all the same.
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
        // Linux has WebGPU behind it, and software adapters everywhere.
        "--enable-unsafe-webgpu",
        "--enable-features=WebMachineLearningNeuralNetwork",
    ]
    .map(OsString::from)
    .into();
    if sandbox_impossible() {
        arguments.push("--no-sandbox".into());
    }
    let mut folder = OsString::from("--user-data-dir=");
    folder.push(profile);
    arguments.extend([folder, address.into()]);
    arguments
}

/// Chromium refuses to start its sandbox as root, and containers forbid what it is made of.
fn sandbox_impossible() -> bool {
    let root = fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .filter_map(|it| it.strip_prefix("Uid:"))
            .any(|it| it.split_whitespace().nth(1) == Some("0"))
    });
    let container = ["/.dockerenv", "/run/.containerenv"].iter().any(|it| Path::new(it).exists());
    root || container
}

/// The search path of libraries for a browser that brings its own.
fn library_path(browser: &Path) -> Option<OsString> {
    let own = browser.parent()?.join("lib");
    if !own.is_dir() {
        return None;
    }
    let rest = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    env::join_paths(std::iter::once(own).chain(env::split_paths(&rest))).ok()
}

/// Removes profiles whose makers are gone: a process that ends without dropping its browser
/// leaves its folder behind. Only where the system tells which processes there are.
fn remove_stale_profiles(folder: &Path) {
    if !Path::new("/proc/self").exists() {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let maker = name
            .to_str()
            .and_then(|it| it.strip_prefix(PROFILE))
            .and_then(|it| it.split('-').next())
            .and_then(|it| it.parse::<u32>().ok());
        if maker.is_some_and(|it| !Path::new(&format!("/proc/{it}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{PROFILE, remove_stale_profiles};

    #[test]
    fn only_profiles_of_processes_that_are_gone_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            format!("{PROFILE}{}-1", std::process::id()),
            // Beyond the largest number of a process.
            format!("{PROFILE}4194999-2"),
            "other-4194999-3".to_owned(),
        ];
        for name in &names {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        remove_stale_profiles(folder.path());
        let left = names.map(|it| folder.path().join(it).exists());
        assert_eq!(left, [true, !cfg!(target_os = "linux"), true]);
    }
}
