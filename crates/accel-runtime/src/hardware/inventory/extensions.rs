//! The processor's extensions that matter to arithmetic, by one name each on every system.

use std::collections::BTreeSet;

use accel_core::hardware::Fact;

use super::cpu::CPUINFO;
use super::read::field;
use crate::hardware::Bundle;

/// x86: what Linux calls them; those that begin with `avx512`, `amx` and `avx10` come besides.
const X86: [&str; 14] = [
    "avx",
    "avx2",
    "avx_ifma",
    "avx_ne_convert",
    "avx_vnni",
    "avx_vnni_int16",
    "avx_vnni_int8",
    "f16c",
    "fma",
    "sse3",
    "sse4_1",
    "sse4_2",
    "ssse3",
    "vaes",
];

/// Arm: Linux's names and the names here. Those that begin with `sve` and `sme` keep theirs.
const ARM: [(&str, &str); 7] = [
    ("asimd", "neon"),
    ("neon", "neon"),
    ("asimddp", "dotprod"),
    ("asimdhp", "fp16"),
    ("bf16", "bf16"),
    ("i8mm", "i8mm"),
    ("asimdfhm", "fhm"),
];

/// Intel's Macs: sysctl's names and Linux's.
const INTEL_MAC: [(&str, &str); 17] = [
    ("SSE3", "sse3"),
    ("SSSE3", "ssse3"),
    ("SSE4.1", "sse4_1"),
    ("SSE4.2", "sse4_2"),
    ("AVX1.0", "avx"),
    ("AVX2", "avx2"),
    ("FMA", "fma"),
    ("F16C", "f16c"),
    ("AVX512F", "avx512f"),
    ("AVX512CD", "avx512cd"),
    ("AVX512DQ", "avx512dq"),
    ("AVX512BW", "avx512bw"),
    ("AVX512VL", "avx512vl"),
    ("AVX512IFMA", "avx512ifma"),
    ("AVX512VBMI", "avx512vbmi"),
    ("AVX512VNNI", "avx512_vnni"),
    ("AVX512BITALG", "avx512_bitalg"),
];

/// Apple's processors: sysctl's `hw.optional.arm.…` and the names here.
const APPLE: [(&str, &str); 7] = [
    ("AdvSIMD", "neon"),
    ("FEAT_DotProd", "dotprod"),
    ("FEAT_FP16", "fp16"),
    ("FEAT_FHM", "fhm"),
    ("FEAT_BF16", "bf16"),
    ("FEAT_I8MM", "i8mm"),
    ("FEAT_SME", "sme"),
];

/// The extensions, sorted.
pub(super) fn extensions(bundle: &Bundle) -> Fact<Vec<String>> {
    let (found, source) = match bundle.os.as_str() {
        "macos" => (apple(bundle.printed("sysctl").unwrap_or_default()), "sysctl".to_owned()),
        "windows" => (None, "the processor".to_owned()),
        _ => linux(bundle),
    };
    match found {
        Some(it) => Fact::known(it.into_iter().collect(), source),
        None if !bundle.extensions.is_empty() => {
            Fact::known(bundle.extensions.clone(), "the processor, asked by the standard library")
        }
        None => Fact::unknown(source, "it does not tell of extensions"),
    }
}

fn linux(bundle: &Bundle) -> (Option<BTreeSet<String>>, String) {
    let text = bundle.text(CPUINFO).unwrap_or_default();
    let key = if field(text, "flags").is_some() { "flags" } else { "Features" };
    // Where cores differ, what all have: a thread may move to any of them.
    let mut common: Option<BTreeSet<String>> = None;
    let lines = text.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then_some(value)
    });
    let name = if key == "flags" { x86 } else { arm };
    for line in lines {
        let names = line.split_whitespace().filter_map(name).map(str::to_owned).collect();
        common = Some(match common {
            Some(known) => known.intersection(&names).cloned().collect(),
            None => names,
        });
    }
    (common, format!("{CPUINFO} {key}"))
}

/// The name here of one of Linux's flags; `None` for what does not matter to arithmetic.
fn x86(flag: &str) -> Option<&str> {
    // `pni` is how Linux has always called SSE3.
    if flag == "pni" {
        return Some("sse3");
    }
    let wide = ["avx512", "amx_", "avx10"].iter().any(|it| flag.starts_with(it));
    (X86.contains(&flag) || wide).then_some(flag)
}

fn arm(feature: &str) -> Option<&str> {
    if let Some((_, name)) = ARM.iter().find(|(linux, _)| *linux == feature) {
        return Some(name);
    }
    (feature.starts_with("sve") || feature.starts_with("sme")).then_some(feature)
}

fn apple(sysctl: &str) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for (key, name) in APPLE {
        if field(sysctl, &format!("hw.optional.arm.{key}")) == Some("1") {
            found.insert(name.to_owned());
        }
    }
    // Before macOS 12 it was called so.
    if field(sysctl, "hw.optional.neon") == Some("1") {
        found.insert("neon".to_owned());
    }
    let features = ["machdep.cpu.features", "machdep.cpu.leaf7_features"];
    for word in features.iter().filter_map(|it| field(sysctl, it)).flat_map(str::split_whitespace) {
        if let Some((_, name)) = INTEL_MAC.iter().find(|(apple, _)| *apple == word) {
            found.insert((*name).to_owned());
        }
    }
    (!found.is_empty()).then_some(found)
}
