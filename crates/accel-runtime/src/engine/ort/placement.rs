//! Where ONNX Runtime put a graph's nodes, as it says itself while it makes a session.
//!
//! Its lines, at the level `VERBOSE` (`session_state.cc`, `VerifyEachNodeIsAssignedToAnEp`):
//!
//! ```text
//! Node placements
//!  All nodes placed on [CPUExecutionProvider]. Number of nodes: 109
//! ```
//!
//! or, with several providers, for each of them a line and its nodes:
//!
//! ```text
//!  Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 2
//!   MatMul (node_MatMul_1)
//!   Add (node_Add_2)
//! ```
//!
//! Nodes that it keeps on the processor by design, because moving their few numbers to the device
//! would take longer, it names when it decides so (`fallback_cpu_capability.cc`).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ort::logging::LoggerFunction;

pub(super) const CPU: &str = "CPUExecutionProvider";

/// What a session says while it is made.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<(AtomicBool, Mutex<Vec<String>>)>);

impl Log {
    /// A log that takes lines.
    pub(super) fn recording() -> Self {
        Self(Arc::new((AtomicBool::new(true), Mutex::default())))
    }

    /// What a session is to call. It keeps the lines on placement and drops the others.
    pub(super) fn logger(&self) -> LoggerFunction {
        let log = self.clone();
        Arc::new(move |_, _, _, _, message| log.take(message))
    }

    fn take(&self, message: &str) {
        let (recording, lines) = &*self.0;
        let wanted = message.starts_with(' ')
            || message.starts_with("Node placements")
            || message.contains(BY_DESIGN);
        if wanted && recording.load(Ordering::Relaxed) {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
        }
    }

    /// Ends the recording and gives the lines.
    pub(super) fn finish(&self) -> Vec<String> {
        let (recording, lines) = &*self.0;
        recording.store(false, Ordering::Relaxed);
        std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

const BY_DESIGN: &str = "Force fallback to CPU execution for node: ";

/// Where the nodes are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Assigned {
    /// How many nodes each provider computes.
    pub(super) nodes: Vec<(String, usize)>,
    /// Operators kept on the processor by design, and how many of each; not among `nodes`.
    pub(super) host_nodes: Vec<(String, usize)>,
    /// Operator and name of the first node on the processor that is not there by design, when
    /// others are elsewhere.
    pub(super) left_behind: Option<(String, String)>,
}

/// Reads the lines; the reason when they do not say where every node is.
pub(super) fn read(lines: &[String]) -> Result<Assigned, String> {
    let by_design: BTreeSet<&str> = lines.iter().filter_map(|it| kept_by_design(it)).collect();
    let mut assigned = Assigned::default();
    // Where all is constant, nothing is left to place when it comes to that.
    let mut stated = lines.last().is_some_and(|it| it.starts_with("Node placements"));
    let mut lines = lines.iter().map(String::as_str).peekable();
    while let Some(line) = lines.next() {
        if let Some((provider, count)) = placed(line, "All nodes placed on [") {
            stated = true;
            add(&mut assigned.nodes, provider, count);
        } else if let Some((provider, count)) = placed(line, "Node(s) placed on [") {
            stated = true;
            let mut listed = 0;
            let mut computed = 0;
            while let Some((operator, name)) = lines.peek().and_then(|it| node(it)) {
                lines.next();
                listed += 1;
                if provider == CPU && (reads_sizes_only(operator) || by_design.contains(name)) {
                    add(&mut assigned.host_nodes, operator, 1);
                    continue;
                }
                computed += 1;
                if provider == CPU && assigned.left_behind.is_none() {
                    assigned.left_behind = Some((operator.to_owned(), name.to_owned()));
                }
            }
            if listed != count {
                return Err(format!("{provider} has {count} nodes, and {listed} are listed"));
            }
            add(&mut assigned.nodes, provider, computed);
        }
    }
    if stated { Ok(assigned) } else { Err("it said nothing of node placements".to_owned()) }
}

/// Operators that look at a tensor's sizes and not at its elements.
fn reads_sizes_only(operator: &str) -> bool {
    matches!(operator, "Shape" | "Size")
}

/// The provider and count of a line such as `All nodes placed on [P]. Number of nodes: 3`.
fn placed<'a>(line: &'a str, start: &str) -> Option<(&'a str, usize)> {
    let (provider, rest) = line.trim_start().strip_prefix(start)?.split_once(']')?;
    let count = rest.strip_prefix(". Number of nodes: ")?;
    Some((provider, count.trim().parse().ok()?))
}

/// Operator and name of a line such as `  MatMul (node_MatMul_1)`.
fn node(line: &str) -> Option<(&str, &str)> {
    let (operator, name) = line.strip_prefix("  ")?.split_once(" (")?;
    Some((operator, name.strip_suffix(')')?))
}

/// The node that a line says is kept on the processor by design.
fn kept_by_design(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(BY_DESIGN)?;
    let (name, _) = rest.split_once(" because the CPU execution path")?;
    Some(name).filter(|it| !it.is_empty())
}

fn add(counts: &mut Vec<(String, usize)>, name: &str, more: usize) {
    if more == 0 {
        return;
    }
    match counts.iter_mut().find(|(it, _)| it == name) {
        Some((_, count)) => *count += more,
        None => counts.push((name.to_owned(), more)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Assigned, Log, read};

    fn lines(text: &[&str]) -> Vec<String> {
        text.iter().map(|it| (*it).to_owned()).collect()
    }

    fn counts(given: &[(&str, usize)]) -> Vec<(String, usize)> {
        given.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn one_provider_has_all_nodes() {
        let log = Log::recording();
        for message in [
            "Graph transformer step 1 of 10 for level 1 started.",
            "Node placements",
            " All nodes placed on [CPUExecutionProvider]. Number of nodes: 109",
            "SaveMLValueNameIndexMapping",
        ] {
            log.take(message);
        }
        let lines = log.finish();
        log.take(" said during a run");
        assert!(log.finish().is_empty());
        let nodes = counts(&[("CPUExecutionProvider", 109)]);
        assert_eq!(read(&lines), Ok(Assigned { nodes, ..Assigned::default() }));
    }

    /// Form of the lines: public logs of 1.14 to 1.31.
    #[test]
    fn what_stays_on_the_host_by_design_is_told_apart() {
        let mut said = lines(&[
            "ORT optimization- Force fallback to CPU execution for node: node_Gather_7 because \
             the CPU execution path is deemed faster than overhead involved with execution on \
             other EPs  capable of executing this node",
            "Node placements",
            " Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 2",
            "  MatMul (node_MatMul_1)",
            "  Reshape (a name (with brackets))",
            " Node(s) placed on [CPUExecutionProvider]. Number of nodes: 2",
            "  Shape (node_Shape_5)",
            "  Gather (node_Gather_7)",
        ]);
        let cuda = ("CUDAExecutionProvider", 2);
        assert_eq!(
            read(&said),
            Ok(Assigned {
                nodes: counts(&[cuda]),
                host_nodes: counts(&[("Shape", 1), ("Gather", 1)]),
                left_behind: None,
            })
        );
        said.extend(lines(&["  NonMaxSuppression (nms)"]));
        said[5] = " Node(s) placed on [CPUExecutionProvider]. Number of nodes: 3".to_owned();
        let left_behind = Some(("NonMaxSuppression".to_owned(), "nms".to_owned()));
        let assigned = read(&said).unwrap();
        assert_eq!(assigned.nodes, counts(&[cuda, ("CPUExecutionProvider", 1)]));
        assert_eq!(assigned.left_behind, left_behind);
    }

    #[test]
    fn a_graph_of_constants_leaves_nothing_to_place() {
        assert_eq!(read(&lines(&["Node placements"])), Ok(Assigned::default()));
        let unknown = lines(&["Node placements", " Somewhere else"]);
        assert!(read(&unknown).is_err());
    }

    #[test]
    fn silence_and_half_a_list_are_no_evidence() {
        assert!(read(&[]).is_err());
        let half = lines(&[
            " Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 2",
            "  MatMul (a)",
        ]);
        assert!(read(&half).unwrap_err().contains("1 are listed"));
    }
}
