//! The inventory for people, in lines of at most a hundred columns.

use std::fmt::{Display, Write as _};

use accel_core::Platform;
use accel_runtime::hardware::{
    Cpu, CpuLimit, Device, DeviceKind, Fact, Inventory, Memory, MemoryLimit, Obstacle,
};

use crate::console::{Paint, TableCell, heading, plain, table};

/// The widest line.
const WIDTH: usize = 100;

/// All of it.
pub(super) fn text(inventory: &Inventory, paint: Paint) -> String {
    let mut text = String::new();
    section(&mut text, paint, "System", &system(inventory));
    section(&mut text, paint, "Processor", &cpu(&inventory.cpu));
    section(&mut text, paint, "Memory", &memory(&inventory.memory));
    let _ = writeln!(text, "{}", paint.bold("Devices"));
    if inventory.devices.is_empty() {
        text.push_str("  no GPU and no neural processor was found\n");
    }
    for device in &inventory.devices {
        text.push_str(&self::device(device, paint));
    }
    let _ = writeln!(text, "\n{}", paint.bold("Engines"));
    text.push_str(&engines(inventory, paint));
    let _ = writeln!(text, "\n{}", paint.bold("Platforms"));
    text.push_str(&platforms(inventory, paint));
    for remark in &inventory.remarks {
        if let Some(it) = &remark.value {
            text.push_str(&wrapped(it, "note: ", "      "));
        }
    }
    text
}

/// A name and a value.
type Row = (&'static str, String);

fn section(text: &mut String, paint: Paint, title: &str, rows: &[Row]) {
    let _ = writeln!(text, "{}", paint.bold(title));
    for (name, value) in rows {
        let start = format!("  {name:<11} ");
        text.push_str(&wrapped(value, &start, &" ".repeat(14)));
    }
    text.push('\n');
}

/// Lines of at most [`WIDTH`], broken between words; a word that is longer stays whole.
fn wrapped(value: &str, start: &str, indent: &str) -> String {
    let mut text = String::new();
    let mut line = start.to_owned();
    let mut width = start.chars().count();
    let mut empty = true;
    for word in value.split_whitespace() {
        let length = word.chars().count();
        if !empty && width + 1 + length > WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            indent.clone_into(&mut line);
            width = indent.chars().count();
            empty = true;
        }
        if !empty {
            line.push(' ');
            width += 1;
        }
        line.push_str(word);
        width += length;
        empty = false;
    }
    text.push_str(line.trim_end());
    text.push('\n');
    text
}

fn shown<T: Display>(fact: &Fact<T>) -> String {
    fact.value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
}

fn system(inventory: &Inventory) -> Vec<Row> {
    let system = &inventory.system;
    let inside = match system.inside.value.as_deref() {
        None => "-".to_owned(),
        Some([]) => "no container".to_owned(),
        Some(names) => names.join(", "),
    };
    let mut rows = vec![
        (
            "system",
            format!(
                "{} on {}, kernel {}",
                shown(&system.os_version),
                shown(&system.arch),
                shown(&system.kernel)
            ),
        ),
        ("inside", inside),
    ];
    if let Some(machine) = &system.machine.value {
        rows.insert(0, ("machine", machine.clone()));
    }
    rows
}

fn cpu(cpu: &Cpu) -> Vec<Row> {
    let mut cores = format!(
        "{} on {} sockets, {} threads",
        shown(&cpu.physical_cores),
        shown(&cpu.sockets),
        shown(&cpu.logical_cores)
    );
    if cpu.sockets.value == Some(1) {
        cores = format!("{}, {} threads", shown(&cpu.physical_cores), shown(&cpu.logical_cores));
    }
    if let Some(weaker) = cpu.efficiency_cores.value.filter(|it| *it > 0) {
        let _ = write!(cores, ", {weaker} of them of the weaker kind");
    }
    let mut usable = shown(&cpu.usable_cores);
    if let Some(affinity) = &cpu.affinity.value {
        let _ = write!(usable, " (may run on {affinity}");
        if let Some(CpuLimit::Millicores(it)) = cpu.limit.value {
            let _ = write!(usable, ", limited to {}.{:03} cores", it / 1000, it % 1000);
        }
        usable.push(')');
    }
    let cache = |fact: &Fact<u64>| fact.value.map_or_else(|| "-".to_owned(), binary);
    let clock =
        |fact: &Fact<u32>| fact.value.map_or_else(|| "-".to_owned(), |it| format!("{it} MHz"));
    vec![
        ("name", format!("{} ({})", shown(&cpu.name), shown(&cpu.vendor))),
        ("cores", cores),
        ("usable", usable),
        (
            "extensions",
            cpu.extensions.value.as_ref().map_or_else(|| "-".to_owned(), |it| it.join(" ")),
        ),
        (
            "caches",
            format!(
                "L1d {} and L2 {} a core, L3 {} a socket",
                cache(&cpu.l1d_bytes),
                cache(&cpu.l2_bytes),
                cache(&cpu.l3_bytes)
            ),
        ),
        ("clock", format!("{} now, {} at most", clock(&cpu.mhz), clock(&cpu.max_mhz))),
    ]
}

fn memory(memory: &Memory) -> Vec<Row> {
    let size = |fact: &Fact<u64>| fact.value.map_or_else(|| "-".to_owned(), binary);
    let limit = match memory.limit.value {
        None => "-".to_owned(),
        Some(MemoryLimit::Unlimited) => "none".to_owned(),
        Some(MemoryLimit::Bytes(it)) => {
            format!("{}, of which {} is used", binary(it), size(&memory.limit_used_bytes))
        }
    };
    let pressure = memory.pressure_percent.value.map_or_else(
        || "-".to_owned(),
        |it| format!("{it} % of the last ten seconds waited for memory"),
    );
    vec![
        ("total", size(&memory.total_bytes)),
        ("available", size(&memory.available_bytes)),
        ("limit", limit),
        ("swap", size(&memory.swap_total_bytes)),
        ("pressure", pressure),
    ]
}

fn device(device: &Device, paint: Paint) -> String {
    let kind = match device.kind {
        DeviceKind::DiscreteGpu => "GPU",
        DeviceKind::IntegratedGpu => "GPU, integrated",
        DeviceKind::MigSlice => "slice of a GPU",
        DeviceKind::Npu => "neural processor",
    };
    let mut first = format!("{} ({kind})", shown(&device.name));
    if device.name.value.is_none() {
        kind.clone_into(&mut first);
    }
    // Painted after wrapping, so that colours do not count as columns.
    let start = format!("  {}  ", device.id);
    let mut text = wrapped(&first, &start, "    ").replacen(&device.id, &paint.bold(&device.id), 1);
    let more = |key: &str| device.more.get(key).and_then(|it| it.value.as_deref());
    let mut facts = Vec::new();
    if let Some(total) = device.memory_total_bytes.value {
        facts.push(match device.memory_free_bytes.value {
            Some(free) => format!("{} of memory, {} free", binary(total), binary(free)),
            None => format!("{} of memory", binary(total)),
        });
    }
    facts.extend(device.architecture.value.as_ref().map(|it| {
        if device.platforms.contains(&Platform::Cuda) {
            format!("compute capability {it}")
        } else {
            it.clone()
        }
    }));
    facts.extend(device.driver.value.as_ref().map(|it| format!("driver {it}")));
    facts.extend(more("cuda_version").map(|it| format!("CUDA {it}")));
    facts.extend(more("gpu_cores").map(|it| format!("{it} cores")));
    if let Some((generation, width)) = more("pcie_generation").zip(more("pcie_width")) {
        facts.push(format!("PCIe {generation} ×{width}"));
    }
    facts.extend(more("clock_mhz").map(|it| format!("{it} MHz")));
    facts.extend(more("power_limit_watts").map(|it| format!("limit {} W", whole(it))));
    facts.extend(more("processes").map(|it| match it {
        "1" => "1 process".to_owned(),
        it => format!("{it} processes"),
    }));
    if !facts.is_empty() {
        text.push_str(&wrapped(&facts.join(", "), "    ", "    "));
    }
    if let Some(obstacle) = &device.obstacle {
        text.push_str(&why(obstacle, "    "));
    }
    text
}

/// A number without its decimals when they are zeros.
fn whole(number: &str) -> &str {
    number.strip_suffix(".000").unwrap_or(number)
}

fn why(obstacle: &Obstacle, indent: &str) -> String {
    wrapped(&obstacle.reason, indent, indent)
        + &wrapped(&obstacle.remedy, &format!("{indent}→ "), &format!("{indent}  "))
}

fn engines(inventory: &Inventory, paint: Paint) -> String {
    let mut rows: Vec<Vec<TableCell<'_>>> =
        vec![["  engine", "version", "here", "brings"].map(heading).into()];
    for engine in &inventory.engines {
        let (here, colour): (_, fn(Paint, &str) -> String) =
            if engine.obstacle.is_none() { ("yes", Paint::good) } else { ("no", Paint::warn) };
        let parts = engine.parts.join(", ");
        let parts = if parts.chars().count() > 60 {
            parts.chars().take(59).collect::<String>() + "…"
        } else {
            parts
        };
        rows.push(vec![
            plain(format!("  {}", engine.engine.name())),
            plain(shown(&engine.version)),
            TableCell { text: here.into(), paint: colour },
            plain(parts),
        ]);
    }
    table(paint, &rows)
}

fn platforms(inventory: &Inventory, paint: Paint) -> String {
    let mut text = String::new();
    for state in &inventory.platforms {
        let mark = if state.available { paint.good("✓") } else { paint.warn("✗") };
        let _ = write!(text, "  {mark} {}", paint.bold(state.platform.name()));
        if !state.devices.is_empty() {
            let padding = 9_usize.saturating_sub(state.platform.name().len());
            let start = " ".repeat(padding + 1);
            let devices = wrapped(&state.devices.join(", "), &" ".repeat(14), &" ".repeat(14));
            let _ = write!(text, "{start}{}", devices.trim_start().trim_end_matches('\n'));
        }
        text.push('\n');
        // What a browser runs it on, which may be the processor.
        let parts = inventory.engines.iter().flat_map(|it| &it.parts);
        for part in parts.filter(|it| state.available && it.starts_with(state.platform.name())) {
            text.push_str(&wrapped(part, "      ", "      "));
        }
        if let Some(obstacle) = &state.obstacle {
            text.push_str(&why(obstacle, "      "));
        }
    }
    text
}

/// Bytes in binary units, as memory is sold: `80.0 GiB`.
fn binary(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let number = count as f64;
    match count {
        0..=1023 => format!("{count} bytes"),
        1024..=0xF_FFFF => format!("{:.0} KiB", number / 1024.0),
        0x10_0000..=0x3FFF_FFFF => format!("{:.0} MiB", number / f64::from(1 << 20)),
        _ => format!("{:.1} GiB", number / f64::from(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::{binary, wrapped};

    #[test]
    fn lines_break_between_words() {
        let text = wrapped(&"word ".repeat(40), "  start ", "    ");
        assert!(text.lines().all(|it| it.chars().count() <= 100 && !it.ends_with(' ')), "{text}");
        assert_eq!(text.matches("word").count(), 40);
        assert_eq!(wrapped("", "  name  ", ""), "  name\n");
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(binary(512), "512 bytes");
        assert_eq!(binary(32 << 10), "32 KiB");
        assert_eq!(binary(32 << 20), "32 MiB");
        assert_eq!(binary(80 << 30), "80.0 GiB");
    }
}
