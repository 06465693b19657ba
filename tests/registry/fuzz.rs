//! Random damage to the real registry: an answer, and soon, whatever it is.

use std::time::{Duration, Instant};

use accelgen::registry::parse;

use super::support::{BASE, REAL};

/// A small deterministic generator (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(mixed).unwrap_or_default() % end
    }
}

const WORDS: &[&str] = &[
    "[", "]", "{", "}", ": ", "- ", "\n", "\t", "\r", "&a ", "*a", "!!str ", "|", ">-", "\"", "'",
    "#", "%", "? ", "---\n", "...\n", "\0", "\u{feff}", "\u{202e}", "é", "💥", "<<: ", "~", ".nan",
    "1e400", "  ", "\\", ",",
];

fn damaged(text: &str, random: &mut Random) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => drop(bytes.remove(at)),
            1 => {
                let end = (at + 1 + random.below(200)).min(bytes.len());
                bytes.drain(at..end);
            }
            2 => {
                let word = WORDS[random.below(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
            _ => bytes[at] = u8::try_from(random.below(128)).unwrap_or_default(),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[track_caller]
fn survives(text: &str, rounds: usize, seed: u64) {
    let mut random = Random(seed);
    for round in 0..rounds {
        let text = damaged(text, &mut random);
        let start = Instant::now();
        if let Err(problems) = parse(&text, "registry.yaml") {
            let page = problems.to_string();
            assert!(!problems.list.is_empty(), "round {round}");
            assert!(!page.contains(|c: char| c.is_control() && c != '\n'), "round {round}");
            for problem in &problems.list {
                assert!(problem.location.line <= text.split(['\n', '\r']).count(), "{problem}");
                assert!(problem.snippet_offset <= problem.snippet.chars().count() + 1, "{problem}");
            }
        }
        assert!(start.elapsed() < Duration::from_secs(5), "round {round}");
    }
}

#[test]
fn damage_to_the_real_registry_never_panics() {
    survives(REAL, 1_000, 0x9E37_79B9_7F4A_7C15);
}

#[test]
fn damage_to_a_small_registry_never_panics() {
    survives(BASE, 2_000, 0xD1B5_4A32_D192_ED03);
}
