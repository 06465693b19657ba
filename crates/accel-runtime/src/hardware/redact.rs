//! Taking out of a record what is nobody else's business.

use std::collections::BTreeMap;
use std::env;

use serde_json::Value;

use super::Bundle;

/// Variables of which only matters that they are set.
const ONLY_SET: [&str; 2] = ["KUBERNETES_SERVICE_HOST", "WSL_DISTRO_NAME"];

/// Words in the names of control groups that say who made them, and nothing of whom they are.
const GROUP_WORDS: [&str; 15] = [
    "besteffort",
    "buildkit",
    "burstable",
    "containerd",
    "crio",
    "docker",
    "ecs",
    "guaranteed",
    "init",
    "kubepods",
    "libpod",
    "lxc",
    "scope",
    "service",
    "slice",
];

/// Names of users and machines that are also words of what is recorded, and nobody's own.
const EVERYBODYS: [&str; 15] = [
    "accel",
    "amdgpu",
    "container",
    "cpu",
    "debian",
    "docker",
    "driver",
    "gpu",
    "intel",
    "linux",
    "localhost",
    "nvidia",
    "root",
    "ubuntu",
    "user",
];

/// What is private on this machine, besides numbers that are private on each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Private {
    /// Names of the machine and of its user.
    pub names: Vec<String>,
    /// The user's folder.
    pub home: Option<String>,
}

impl Private {
    /// Of this machine and this process's user.
    pub fn here() -> Self {
        let mut names: Vec<String> = ["HOSTNAME", "COMPUTERNAME", "USER", "LOGNAME", "USERNAME"]
            .iter()
            .filter_map(|it| env::var(it).ok())
            .collect();
        for path in ["/proc/sys/kernel/hostname", "/etc/hostname"] {
            names.extend(std::fs::read_to_string(path).ok());
        }
        let home = env::var("HOME").or_else(|_| env::var("USERPROFILE")).ok();
        // A user's folder is named after its user.
        names.extend(
            home.as_deref().and_then(|it| it.rsplit(['/', '\\']).next()).map(str::to_owned),
        );
        Self { names, home }
    }

    /// The names that can be taken out without harm to other words.
    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for name in &self.names {
            let name = name.trim();
            let short = name.split('.').next().unwrap_or_default();
            words.extend([name, short].map(str::to_owned));
        }
        // Shorter names than this are parts of other words.
        words.retain(|it| it.len() > 2 && !EVERYBODYS.contains(&it.as_str()));
        words.sort_by_key(|it| std::cmp::Reverse(it.len()));
        words.dedup();
        words
    }
}

/// The record without names of machines and users, paths into somebody's folder, serial numbers,
/// and identifiers of devices and containers. Each identifier becomes another one, the same
/// everywhere, so that a list of visible devices still names the same ones.
///
/// ```
/// use accel_runtime::hardware::{Private, RecordOptions, inventory, record, redact};
///
/// let bundle = record(RecordOptions::default());
/// let shown = redact(&bundle, &Private::here());
/// assert_eq!(inventory(&shown).platforms.len(), 7);
/// ```
pub fn redact(bundle: &Bundle, private: &Private) -> Bundle {
    let mut bundle = bundle.clone();
    for name in ONLY_SET {
        if let Some(value) = bundle.environment.get_mut(name) {
            "set".clone_into(value);
        }
    }
    groups(&mut bundle);
    let Ok(mut value) = serde_json::to_value(&bundle) else {
        // Its types hold nothing that JSON cannot.
        return Bundle::default();
    };
    let mut known = Identifiers::default();
    strings(&value, &mut |text| known.collect(text));
    let words = private.words();
    let home = private.home.as_deref().filter(|it| it.len() > 1);
    replace(&mut value, &mut |text| {
        let text = known.replaced(text);
        let text = without_home(&text, home);
        without_words(&text, &words)
    });
    let mut redacted: Bundle = serde_json::from_value(value).unwrap_or_default();
    for (name, value) in &mut redacted.environment {
        if name.ends_with("VISIBLE_DEVICES") {
            let original = bundle.environment.get(name).map_or("", String::as_str);
            *value = known.list(original);
        }
    }
    redacted
}

/// Identifiers and what stands for each, numbered in the order in which they come.
#[derive(Default)]
struct Identifiers {
    /// UUIDs in lower case.
    uuids: BTreeMap<String, usize>,
    /// Long hexadecimal numbers, as containers have.
    hexadecimals: BTreeMap<String, usize>,
    /// `unique_id` of AMD's GPUs.
    unique: BTreeMap<u64, usize>,
}

impl Identifiers {
    fn collect(&mut self, text: &str) {
        for token in tokens(text) {
            if is_uuid(token) {
                let next = self.uuids.len() + 1;
                self.uuids.entry(token.to_ascii_lowercase()).or_insert(next);
            } else if is_long(token) {
                let next = self.hexadecimals.len() + 1;
                self.hexadecimals.entry(token.to_owned()).or_insert(next);
            }
        }
        for line in text.lines() {
            let id = line.strip_prefix("unique_id ").and_then(|it| it.trim().parse().ok());
            if let Some(id) = id.filter(|it| *it != 0) {
                let next = self.unique.len() + 1;
                self.unique.entry(id).or_insert(next);
            }
        }
    }

    /// A UUID that stands for the one with that number; the first digits tell them apart.
    fn uuid(number: usize) -> String {
        format!("{number:08x}-0000-4000-8000-{number:012x}")
    }

    fn unique(number: usize) -> u64 {
        0xacce_0000_0000_0000 | number as u64
    }

    fn replaced(&self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let start = rest.find(is_part).unwrap_or(rest.len());
            replaced.push_str(&rest[..start]);
            rest = &rest[start..];
            let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = after;
            // Tokens are the parts of a word that are identifiers, such as a UUID after `GPU-`.
            let token = tokens(word).find(|it| is_uuid(it) || is_long(it));
            match token {
                Some(token) => {
                    let own = if is_uuid(token) {
                        Self::uuid(
                            self.uuids.get(&token.to_ascii_lowercase()).copied().unwrap_or(0),
                        )
                    } else {
                        format!("{:032x}", self.hexadecimals.get(token).copied().unwrap_or(0))
                    };
                    replaced.push_str(&word.replacen(token, &own, 1));
                }
                None => replaced.push_str(word),
            }
        }
        let lines = replaced.split('\n').map(|line| {
            let id = line.strip_prefix("unique_id ").and_then(|it| it.trim().parse::<u64>().ok());
            match id.and_then(|it| self.unique.get(&it)) {
                Some(number) => format!("unique_id {}", Self::unique(*number)),
                None => line.to_owned(),
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// A list of visible devices in which each identifier, or its beginning, names what it named.
    fn list(&self, list: &str) -> String {
        let entries = list.split(',').map(|entry| {
            let trimmed = entry.trim();
            let Some((kind, rest)) = trimmed.split_once('-') else { return entry.to_owned() };
            if !matches!(kind, "GPU" | "MIG") {
                return entry.to_owned();
            }
            if let Some(rest) = rest.strip_prefix("GPU-") {
                let (uuid, instance) = rest.split_once('/').unwrap_or((rest, ""));
                return format!("{kind}-GPU-{}/{instance}", self.beginning(uuid));
            }
            let unique = u64::from_str_radix(rest, 16).ok().and_then(|it| self.unique.get(&it));
            match unique {
                Some(number) => format!("{kind}-{:016x}", Self::unique(*number)),
                None => format!("{kind}-{}", self.beginning(rest)),
            }
        });
        entries.collect::<Vec<_>>().join(",")
    }

    fn beginning(&self, start: &str) -> String {
        let start = start.to_ascii_lowercase();
        let mut named = self.uuids.iter().filter(|(uuid, _)| uuid.starts_with(&start));
        match (named.next(), named.next()) {
            (Some((uuid, number)), None) => {
                let own = Self::uuid(*number);
                // Eight digits tell them apart, however few did before.
                own[..start.len().max(8).min(uuid.len())].to_owned()
            }
            // What several begin with, all of these begin with.
            (Some(_), Some(_)) => "0".to_owned(),
            (None, _) => "ffffffff".to_owned(),
        }
    }
}

/// Whether a character may stand in an identifier.
fn is_part(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '-' || it == '_'
}

/// The parts of a text that may be identifiers.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it| !is_part(it)).filter_map(|word| {
        // In `GPU-…` and `pod…` it comes after the letters.
        let uuid = (0..word.len().saturating_sub(35))
            .filter_map(|at| word.get(at..at + 36))
            .find(|it| is_uuid(it));
        let long = word.split(['-', '_']).find(|it| is_long(it));
        uuid.or(long)
    })
}

/// Whether it is 8, 4, 4, 4 and 12 hexadecimal digits. Control groups have `_` between them.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, it)| match at {
            8 | 13 | 18 | 23 => it == b'-' || it == b'_',
            _ => it.is_ascii_hexdigit(),
        })
}

/// Whether it is a number as containers and serial numbers have, too long to be anything else
/// that is read here. Addresses in a PCI `resource` begin with `0x`.
fn is_long(text: &str) -> bool {
    text.len() >= 24 && text.bytes().all(|it| it.is_ascii_hexdigit())
}

fn without_home(text: &str, home: Option<&str>) -> String {
    let mut text = match home {
        Some(home) => text.replace(home, "~"),
        None => text.to_owned(),
    };
    for start in ["/home/", "/Users/", "\\Users\\"] {
        while let Some(at) = text.find(start) {
            let name = at + start.len();
            let end =
                text[name..].find(['/', '\\', ':', ' ', '\n']).map_or(text.len(), |it| name + it);
            // In front of Windows' there is the drive.
            let drive = text[..at].strip_suffix(':').map(str::len).filter(|it| {
                start.starts_with('\\')
                    && text[..*it].ends_with(|it: char| it.is_ascii_alphabetic())
            });
            let drive = drive.map_or(at, |it| it - 1);
            text.replace_range(drive..end, "~");
        }
    }
    text
}

/// The text without whole words that are somebody's names.
fn without_words(text: &str, words: &[String]) -> String {
    let mut text = text.to_owned();
    for word in words {
        let mut from = 0;
        while let Some(at) = text[from..].find(word.as_str()).map(|it| from + it) {
            let end = at + word.len();
            let inside = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
            if inside(text[..at].chars().next_back()) || inside(text[end..].chars().next()) {
                from = end;
            } else {
                text.replace_range(at..end, "redacted");
                from = at + "redacted".len();
            }
        }
    }
    text
}

/// Gives groups without a known word in their names other names.
fn groups(bundle: &mut Bundle) {
    let Ok(text) = bundle.text("/proc/self/cgroup") else { return };
    let mut names: Vec<String> = Vec::new();
    for path in text.lines().filter_map(|it| it.splitn(3, ':').nth(2)) {
        for name in path.split('/').filter(|it| !it.is_empty() && *it != "..") {
            let known = GROUP_WORDS.iter().any(|it| name.contains(it));
            if !known && !names.iter().any(|it| it == name) {
                names.push(name.to_owned());
            }
        }
    }
    let renamed = |path: &str| -> String {
        let parts = path.split('/').map(|part| match names.iter().position(|it| it == part) {
            Some(number) => format!("group-{}", number + 1),
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("/")
    };
    // Only where groups are written: elsewhere the same word may be another's.
    for path in ["/proc/self/cgroup", "/proc/self/mountinfo"] {
        if let Some(super::Answer::Given(text)) = bundle.files.get_mut(path) {
            let lines: Vec<_> = text
                .lines()
                .map(|line| line.split(' ').map(renamed).collect::<Vec<_>>().join(" "))
                .collect();
            *text = lines.join("\n") + "\n";
        }
    }
    let files = std::mem::take(&mut bundle.files);
    bundle.files = files
        .into_iter()
        .map(|(path, text)| match path.strip_prefix("/sys/fs/cgroup") {
            Some(rest) => (format!("/sys/fs/cgroup{}", renamed(rest)), text),
            None => (path, text),
        })
        .collect();
}

/// Every text of a value, keys included.
fn strings(value: &Value, each: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(values) => values.iter().for_each(|it| strings(it, each)),
        Value::Object(fields) => {
            for (key, value) in fields {
                each(key);
                strings(value, each);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn replace(value: &mut Value, with: &mut dyn FnMut(&str) -> String) {
    match value {
        Value::String(text) => *text = with(text),
        Value::Array(values) => values.iter_mut().for_each(|it| replace(it, with)),
        Value::Object(fields) => {
            let old = std::mem::take(fields);
            for (key, mut value) in old {
                replace(&mut value, with);
                fields.insert(with(&key), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
