//! `accel pool-config`.

use std::fmt::Write as _;

use accel_core::compatibility::MemoryPool;
use accel_core::select::{Distribution, PoolConfig, Request, Unplaced, resource_pool_config};

use super::args::PoolConfigArgs;
use super::models::Catalogue;
use super::{level, machine, priority, size, told};
use crate::console::{Console, Paint, bytes, heading, plain, table};
use crate::failure::Failure;
use crate::json;

/// Prints what a pool should be told.
pub(super) fn run(args: &PoolConfigArgs, console: Console) -> Result<(), Failure> {
    let catalogue = Catalogue::open(&args.common)?;
    let models = catalogue.find_all(&args.model)?;
    let inventory = machine::inventory(&args.common, console)?;
    let request = Request {
        priority: priority(args.priority.as_deref())?,
        precision: args.common.precision,
        overrides: args.common.overrides()?,
        ..Request::default()
    };
    let config = resource_pool_config(&models, &inventory, &request);
    if console.json() {
        console.print(&json::document(&config));
    } else {
        console.print(&human(&config, console.paint));
    }
    if config.impossible.is_empty() { Ok(()) } else { Err(Failure::told()) }
}

fn pool(pool: &MemoryPool) -> &str {
    match pool {
        MemoryPool::Main => "main memory",
        MemoryPool::Device(id) => id,
    }
}

fn human(config: &PoolConfig, paint: Paint) -> String {
    let on = if config.low_memory_mode { "on" } else { "off" };
    let needs = &config.requirements;
    let mut text = table(
        paint,
        &[
            vec![plain("low-memory mode"), plain(format!("{on}: {}", config.low_memory_reason))],
            vec![plain("idle timeout"), plain(format!("{} minutes", config.idle_timeout_minutes))],
            vec![plain("loads at once"), plain(config.max_concurrent_loads.to_string())],
            vec![
                plain("memory"),
                plain(format!(
                    "{} for all models, {} for the largest",
                    bytes(needs.total_memory_bytes),
                    bytes(needs.max_memory_bytes)
                )),
            ],
            vec![plain("disk"), plain(bytes(needs.disk_bytes))],
            vec![
                plain("preferred device"),
                plain(config.hardware.preferred_device.as_deref().unwrap_or("none")),
            ],
        ],
    );
    text.push('\n');
    let mut rows = vec![["memory", "total", "free", "budget", "devices"].map(heading).into()];
    for it in &config.budgets {
        rows.push(vec![
            plain(pool(&it.pool)),
            plain(size(it.total_bytes)),
            plain(size(it.free_bytes)),
            plain(size(it.budget_bytes)),
            plain(it.devices.join(", ")),
        ]);
    }
    text.push_str(&table(paint, &rows));
    let several = config.resident_groups.len() > 1;
    for (i, group) in config.resident_groups.iter().enumerate() {
        let heading = if several {
            format!("resident together, group {}", i + 1)
        } else {
            "resident together".to_owned()
        };
        let _ = writeln!(text, "\n{}", paint.bold(&heading));
        text.push_str(&placed(group, paint));
    }
    if !config.impossible.is_empty() {
        let _ = writeln!(text, "\n{}", paint.bold("no room anywhere"));
        for it in &config.impossible {
            text.push_str(&no_room(it));
        }
    }
    text
}

fn placed(group: &Distribution, paint: Paint) -> String {
    let mut rows =
        vec![["device", "model", "level", "precision", "reserved", "left"].map(heading).into()];
    for share in group.devices.iter().filter(|it| !it.models.is_empty()) {
        for (i, it) in share.models.iter().enumerate() {
            let tight = if it.at_ease { "" } else { " (tight)" };
            rows.push(vec![
                plain(if i == 0 { share.device.as_str() } else { "" }),
                plain(it.model.as_str()),
                level(it.level),
                plain(it.precision.name()),
                plain(format!("{}{tight}", bytes(it.reserved_bytes))),
                plain(if i == 0 { size(share.left_bytes) } else { String::new() }),
            ]);
        }
    }
    table(paint, &rows)
}

fn no_room(model: &Unplaced) -> String {
    let mut text = format!("{}:\n", model.model);
    for reason in &model.reasons {
        let _ = writeln!(text, "  {}", told(reason));
    }
    text
}
