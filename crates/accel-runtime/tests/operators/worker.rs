//! Cases run in processes of their own, so that an engine that takes its process down, or never
//! comes back, costs one case.

use std::collections::VecDeque;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use accel_runtime::engine;

use crate::cases::{self, Case};
use crate::outcome::{self, Line, Outcome};

/// Set in the processes started here: the engine, the first case and the one after the last.
pub(crate) const RANGE: &str = "ACCEL_OPERATOR_RANGE";

/// What a line of a worker's begins with; engines print too.
const MARK: &str = "operator case: ";

/// No case computes for as long as this.
const PATIENCE: Duration = Duration::from_mins(1);

/// Cases of one process: starting one is paid for that often.
const CHUNK: usize = 64;

/// Runs a range of cases in this process, a line for each.
pub(crate) fn work(range: &str, folder: &Path) {
    let [name, start, end] = range.split(':').collect::<Vec<_>>()[..] else {
        panic!("{RANGE} is not NAME:START:END: {range}")
    };
    let options = crate::options(name);
    let engine = engine::for_options(&options).unwrap();
    let cases = cases::open(folder).unwrap();
    for case in &cases[start.parse().unwrap()..end.parse().unwrap()] {
        let line = outcome::run(case, folder, name, &*engine, &options);
        let line = serde_json::to_string(&line).unwrap();
        let mut out = std::io::stdout().lock();
        // On a line of its own, whatever the engine printed before.
        writeln!(out, "\n{MARK}{line}").and_then(|()| out.flush()).unwrap();
    }
}

/// Runs all cases on an engine, in as many processes at once as there are processors.
pub(crate) fn run_all(engine: &str, cases: &[Case]) -> Vec<Line> {
    let chunks: VecDeque<_> = (0..cases.len())
        .step_by(CHUNK)
        .map(|start| (start, (start + CHUNK).min(cases.len())))
        .collect();
    let chunks = Mutex::new(chunks);
    let next = || chunks.lock().unwrap().pop_front();
    let count = thread::available_parallelism().map_or(1, usize::from);
    let mut lines: Vec<_> = thread::scope(|scope| {
        let one = || {
            let mut lines = Vec::new();
            while let Some((start, end)) = next() {
                run_chunk(engine, cases, start, end, &mut lines);
            }
            lines
        };
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(one)).collect();
        workers.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    lines.sort_by(|a, b| a.case.cmp(&b.case));
    lines
}

fn run_chunk(engine: &str, cases: &[Case], start: usize, end: usize, lines: &mut Vec<Line>) {
    let mut next = start;
    while next < end {
        let mut child = Command::new(env::current_exe().unwrap())
            .env(RANGE, format!("{engine}:{next}:{end}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, receiver) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        let reader = thread::spawn(move || {
            for line in out.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                if let Some(json) = line.strip_prefix(MARK)
                    && sender.send(serde_json::from_str::<Line>(json).unwrap()).is_err()
                {
                    return;
                }
            }
        });
        let reason = loop {
            match receiver.recv_timeout(PATIENCE) {
                Ok(line) => {
                    assert_eq!(line.case, cases[next].name);
                    lines.push(line);
                    next += 1;
                }
                Err(RecvTimeoutError::Timeout) => {
                    child.kill().unwrap();
                    break format!("no result in {} s", PATIENCE.as_secs());
                }
                Err(RecvTimeoutError::Disconnected) => break "the process ended".to_owned(),
            }
        };
        let status = child.wait().unwrap();
        reader.join().unwrap();
        // An engine may well crash when it is done; that is not a case's result.
        if next < end {
            lines.push(Line {
                engine: engine.to_owned(),
                case: cases[next].name.clone(),
                outcome: Outcome::Crashed,
                about: String::new(),
                reason: format!("{reason} ({status})"),
            });
            next += 1;
        }
    }
}
