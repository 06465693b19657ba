//! A probe in a child process, so that a vendor's library that crashes or hangs is a finding.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use accel_core::Platform;
use accel_core::diagnosis::{Code, Finding, visible};

use super::probe::{Probed, Subject};

/// What a probe's answer begins with on its stdout, where libraries may print, too.
pub(super) const MARK: &str = "accel-probe ";

/// How often a child is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// How long the last words of a child that has ended may take to arrive: a grandchild may hold
/// the pipe.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most that is kept of what a child prints.
const MAX_BYTES: u64 = 4 << 20;

/// Bytes of a dead child's errors that are shown.
const LAST_WORDS: usize = 600;

/// Runs the tiny graph on `platform`, or loads the model in `folder` there, in a child process.
pub(super) fn probe(platform: Platform, model: Option<(&str, &Path)>, timeout: Duration) -> Probed {
    let subject = Subject { platform, model: model.map(|(name, _)| name) };
    let answer = std::env::current_exe()
        .map_err(|error| Ended::Unstarted(error.to_string()))
        .and_then(|program| {
            let mut command = Command::new(program);
            command.args(["doctor", "--probe", platform.name()]);
            if let Some((_, folder)) = model {
                command.arg("--model").arg(folder);
            }
            ask(command, timeout)
        });
    // Findings of the child know the model by its folder; people know it by its name.
    match answer {
        Ok(mut probed) => {
            for it in &mut probed.findings {
                it.model = subject.model.map(str::to_owned);
            }
            for it in &mut probed.checks {
                it.model = subject.model.map(str::to_owned);
            }
            probed
        }
        Err(ended) => Probed::one(&subject, Err(Box::new(ended.finding(&subject, timeout)))),
    }
}

/// How a child ended that gave no answer.
#[derive(Debug)]
pub(super) enum Ended {
    /// It never began.
    Unstarted(String),
    /// It took too long and was killed.
    Late,
    /// It died.
    Dead {
        /// What the system says of its end.
        status: String,
        /// What it printed last on stderr.
        last_words: String,
    },
}

impl Ended {
    /// The finding that it is.
    pub(super) fn finding(&self, subject: &Subject<'_>, timeout: Duration) -> Finding {
        let what = subject.what();
        let on = subject.platform.label();
        match self {
            Self::Unstarted(error) => Finding::new(
                Code::Crash,
                format!("cannot start a process to {what} on {on}: {error}"),
            ),
            Self::Late => {
                let seconds = timeout.as_secs();
                let message =
                    format!("to {what} on {on} took more than {seconds} s, and was stopped");
                Finding::new(Code::Timeout, message).seen("time limit", format!("{seconds} s"))
            }
            Self::Dead { status, last_words } => {
                let message = format!("the process that was to {what} on {on} died: {status}");
                let finding = Finding::new(Code::Crash, message).seen("end", status.as_str());
                if last_words.is_empty() {
                    finding
                } else {
                    finding.seen("stderr", last_words.as_str())
                }
            }
        }
    }
}

/// Runs `command` until it has answered, has died, or is late.
pub(super) fn ask(mut command: Command, timeout: Duration) -> Result<Probed, Ended> {
    let unstarted = |error: std::io::Error| Ended::Unstarted(error.to_string());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(unstarted)?;
    let stdout = child.stdout.take().map(kept);
    let stderr = child.stderr.take().map(kept);
    let deadline = Instant::now() + timeout;
    let status = loop {
        match child.try_wait().map_err(unstarted)? {
            Some(status) => break status,
            None if Instant::now() >= deadline => {
                // It may just have ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                return Err(Ended::Late);
            }
            None => thread::sleep(PAUSE),
        }
    };
    let said = |from: Option<Receiver<String>>| {
        from.and_then(|it| it.recv_timeout(PATIENCE).ok()).unwrap_or_default()
    };
    let answer = said(stdout)
        .lines()
        .find_map(|it| serde_json::from_str::<Probed>(it.strip_prefix(MARK)?).ok());
    // A library that takes the process down on its way out has given its answer before.
    if let (Some(probed), true) = (answer, status.success()) {
        return Ok(probed);
    }
    let words = said(stderr);
    let from = words.len().saturating_sub(LAST_WORDS);
    let from = (from..words.len()).find(|it| words.is_char_boundary(*it)).unwrap_or(words.len());
    Err(Ended::Dead {
        status: status.to_string(),
        last_words: visible(words[from..].trim()).into_owned(),
    })
}

/// Reads a pipe to its end in a thread, and keeps its beginning.
fn kept(mut from: impl Read + Send + 'static) -> Receiver<String> {
    let (to, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.by_ref().take(MAX_BYTES).read_to_end(&mut bytes);
        // The rest is read so that the child does not wait.
        let _ = std::io::copy(&mut from, &mut std::io::sink());
        let _ = to.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use accel_core::Platform;
    use accel_core::diagnosis::{Code, Severity};

    use super::{Ended, ask};
    use crate::doctor::probe::{Probed, Subject};

    const SUBJECT: Subject<'_> = Subject { platform: Platform::Cuda, model: None };

    fn shell(script: &str) -> Result<Probed, Ended> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        ask(command, Duration::from_secs(20))
    }

    #[test]
    fn an_answer_is_found_among_what_libraries_print() {
        let script = r#"echo "loading CUDA…"; echo 'accel-probe {"findings":[],"checks":[]}'"#;
        assert_eq!(shell(script).unwrap(), Probed::default());
    }

    #[test]
    fn a_crash_is_a_critical_finding_with_its_signal_and_last_words() {
        let ended = shell("echo 'driver \u{1b}[31mgone' >&2; kill -SEGV $$").unwrap_err();
        let finding = ended.finding(&SUBJECT, Duration::from_secs(1));
        assert_eq!((finding.code, finding.severity), (Code::Crash, Severity::Critical));
        assert!(finding.message.contains("signal: 11"), "{finding:?}");
        assert!(finding.evidence[1].value.contains("driver \\u{1b}[31mgone"), "{finding:?}");
    }

    #[test]
    fn one_that_answers_and_then_fails_did_not_answer() {
        let script = r#"echo 'accel-probe {"findings":[],"checks":[]}'; exit 3"#;
        assert!(matches!(shell(script), Err(Ended::Dead { .. })));
        assert!(matches!(shell("echo accel-probe nonsense"), Err(Ended::Dead { .. })));
    }

    #[test]
    fn one_that_hangs_is_stopped() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 600"]);
        let ended = ask(command, Duration::from_millis(50)).unwrap_err();
        assert!(matches!(ended, Ended::Late));
        assert_eq!(ended.finding(&SUBJECT, Duration::from_secs(1)).code, Code::Timeout);
    }

    #[test]
    fn one_that_cannot_start_says_so() {
        let ended = ask(Command::new("/no/such/program"), Duration::from_secs(1)).unwrap_err();
        assert!(matches!(ended, Ended::Unstarted(_)), "{ended:?}");
    }
}
