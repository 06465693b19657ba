//! Where nodes are, as onnxruntime-web logs it while it makes a session.

use std::collections::BTreeMap;

use super::kinds::Kinds;

/// The provider of nodes that no other takes.
const CPU: &str = "CPUExecutionProvider";

/// A provider's nodes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Placed {
    count: usize,
    /// Operators and names; not listed when all nodes are on one provider.
    listed: Vec<(String, String)>,
}

/// What a log says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    providers: BTreeMap<String, Placed>,
    /// WebNN's count of the graph's nodes, of those it takes, and of the parts that they make:
    /// each part then counts as one node.
    webnn: Option<(usize, usize, usize)>,
    /// Nodes that WebNN does not take: operators and names.
    pub(super) refused: Vec<(String, String)>,
}

/// Nodes by place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// The provider asked for and its number of nodes.
    pub(super) device: (String, usize),
    /// Arithmetic of shapes, indexes and masks on the host, by operator.
    pub(super) host: BTreeMap<String, usize>,
    /// Any other nodes on the host.
    pub(super) fallen_back: Vec<(String, String)>,
    /// The log's statement in short.
    pub(super) statement: String,
}

impl Evidence {
    /// Reads the lines of one session's making.
    pub(super) fn read(log: &[&str]) -> Self {
        let mut evidence = Self::default();
        let mut current = None;
        for line in log {
            if let Some((_, rest)) = line.split_once("laced on [")
                && let Some((provider, count)) = rest.split_once(']')
            {
                let placed = evidence.providers.entry(provider.to_owned()).or_default();
                placed.count += number_after(count, "Number of nodes:").unwrap_or(0);
                current = Some(provider.to_owned());
            } else if let Some((_, rest)) = line.split_once("partitions supported by WebNN:") {
                let parts = number_after(rest, "");
                let all = number_after(rest, "nodes in the graph:");
                let taken = number_after(rest, "nodes supported by WebNN:");
                // Asked again after each rewriting of the graph; the last answer holds.
                evidence.webnn = all.zip(taken).zip(parts).map(|((a, t), p)| (a, t, p));
            } else if line.contains("supported: [0]") {
                let refused = between(line, "Operator type: [").zip(between(line, "name: ["));
                if let Some(node) = refused
                    && !evidence.refused.contains(&node)
                {
                    evidence.refused.push(node);
                }
            } else if let Some((_, rest)) = line.split_once("VerifyEachNodeIsAssignedToAnEp]")
                && let Some((operator, name)) = rest.trim().split_once(" (")
                && let Some(provider) = &current
            {
                let name = name.strip_suffix(')').unwrap_or(name);
                let placed = evidence.providers.entry(provider.clone()).or_default();
                placed.listed.push((operator.to_owned(), name.to_owned()));
            }
        }
        evidence
    }

    /// Where the nodes are, if the log proves that they are somewhere.
    ///
    /// # Errors
    /// What the log lacks.
    pub(super) fn places(self, provider: &str, kinds: &Kinds) -> Result<Places, String> {
        let mut providers = self.providers;
        if providers.is_empty() {
            return Err("its log does not say where nodes were placed".to_owned());
        }
        let mut on_device = providers.remove(provider).map_or(0, |it| it.count);
        let Placed { count, listed } = providers.remove(CPU).unwrap_or_default();
        if let Some((other, _)) = providers.first_key_value() {
            return Err(format!("it placed nodes on {other}"));
        }
        // All on the CPU is the one case in which they are not listed.
        if listed.len() != count && !(listed.is_empty() && on_device == 0) {
            return Err(format!(
                "its log counts {count} nodes on the CPU and lists {}",
                listed.len()
            ));
        }
        if on_device == 0 {
            return Err("it placed every node on the CPU".to_owned());
        }
        let mut statement =
            format!("onnxruntime-web's log: {on_device} nodes placed on [{provider}]");
        if provider.starts_with("WebNN") {
            let Some((all, taken, parts)) = self.webnn else {
                return Err("its log does not say which nodes WebNN took".to_owned());
            };
            on_device = taken;
            statement = format!(
                "onnxruntime-web's log: {taken} of {all} nodes supported by WebNN, in {parts} parts"
            );
        }
        if count > 0 {
            statement = format!("{statement}, {count} on [{CPU}]");
        }
        let mut host = BTreeMap::new();
        let mut fallen_back = Vec::new();
        for (operator, name) in listed {
            if kinds.is_whole(&operator, &name) {
                *host.entry(operator).or_default() += 1;
            } else {
                fallen_back.push((operator, name));
            }
        }
        Ok(Places { device: (provider.to_owned(), on_device), host, fallen_back, statement })
    }
}

/// The number after `label`.
fn number_after(text: &str, label: &str) -> Option<usize> {
    let (_, rest) = text.split_once(label)?;
    let rest = rest.trim_start();
    let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn between(line: &str, start: &str) -> Option<String> {
    let (_, rest) = line.split_once(start)?;
    rest.split_once(']').map(|(it, _)| it.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Kinds, Places};

    const PLACED: &str =
        "[V:onnxruntime:, session_state.cc:1383 VerifyEachNodeIsAssignedToAnEp]  Node(s) placed on";
    const NODE: &str = "[V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp]  ";

    fn places(provider: &str, log: &[String]) -> Result<Places, String> {
        let log: Vec<_> = log.iter().map(String::as_str).collect();
        Evidence::read(&log).places(provider, &Kinds::default())
    }

    #[test]
    fn every_node_on_the_cpu_is_named() {
        let log = [
            format!("{PLACED} [WebGpuExecutionProvider]. Number of nodes: 2"),
            format!("{NODE} Add (one)"),
            format!("{NODE} Add (two)"),
            format!("{PLACED} [CPUExecutionProvider]. Number of nodes: 2"),
            format!("{NODE} Gather (Gather)"),
            format!("{NODE} MatMul (heavy)"),
        ];
        let found = places("WebGpuExecutionProvider", &log).unwrap();
        assert_eq!(found.device, ("WebGpuExecutionProvider".to_owned(), 2));
        assert_eq!(found.host.get("Gather"), Some(&1));
        assert_eq!(found.fallen_back, [("MatMul".to_owned(), "heavy".to_owned())]);
        // A line is missing: then nothing is proven.
        assert!(places("WebGpuExecutionProvider", &log[..5]).is_err());
    }

    #[test]
    fn silence_or_the_cpu_alone_is_no_evidence() {
        assert!(places("WebGpuExecutionProvider", &[]).is_err());
        let cpu = ["All nodes placed on [CPUExecutionProvider]. Number of nodes: 7".to_owned()];
        assert!(places("WebGpuExecutionProvider", &cpu).unwrap_err().contains("CPU"));
    }

    #[test]
    fn webnn_counts_the_nodes_that_its_parts_hold() {
        let log = [
            "WebNNExecutionProvider::GetCapability, number of partitions supported by WebNN: 2 number of nodes in the graph: 95 number of nodes supported by WebNN: 91".to_owned(),
            "WebNNExecutionProvider::GetCapability, number of partitions supported by WebNN: 1 number of nodes in the graph: 93 number of nodes supported by WebNN: 93\u{1b}[m".to_owned(),
            "Operator type: [Resize] index: [9] name: [Resize_9] supported: [0]".to_owned(),
            "All nodes placed on [WebNNExecutionProvider]. Number of nodes: 1".to_owned(),
        ];
        let found = places("WebNNExecutionProvider", &log).unwrap();
        assert_eq!(found.device, ("WebNNExecutionProvider".to_owned(), 93));
        let log: Vec<_> = log.iter().map(String::as_str).collect();
        assert_eq!(Evidence::read(&log).refused, [("Resize".to_owned(), "Resize_9".to_owned())]);
        assert!(places("WebNNExecutionProvider", &[log[3].to_owned()]).is_err());
    }
}
