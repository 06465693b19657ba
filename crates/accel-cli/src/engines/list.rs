//! `accel engines list`.

use std::fmt::Write as _;

use accel_runtime::engine::locate;
use serde_json::json;

use super::report::{EngineReport, reports};
use crate::console::{Console, Paint, TableCell, heading, plain, table};
use crate::failure::Failure;
use crate::json;

/// Prints what each engine can do here.
#[expect(clippy::unnecessary_wraps, reason = "as every command")]
pub(crate) fn list(console: Console) -> Result<(), Failure> {
    let spinner = console.spinner("looking for engines".to_owned());
    let reports = reports();
    drop(spinner);
    if console.json() {
        let folders: Vec<_> = locate::engines_folders()
            .iter()
            .map(|it| json!({ "path": it.display().to_string(), "exists": it.is_dir() }))
            .collect();
        let body = json!({ "engines_folders": folders, "engines": reports });
        console.print(&json::document(body));
    } else {
        console.print(&human(&reports, console.paint));
    }
    Ok(())
}

fn human(reports: &[EngineReport], paint: Paint) -> String {
    let mut rows = vec![["engine", "version", "platform", "here", "found in"].map(heading).into()];
    for report in reports {
        for (i, it) in report.platforms.iter().enumerate() {
            let once = |text: &str| if i == 0 { text.to_owned() } else { String::new() };
            let platform = match it.device {
                Some(device) => format!("{} ({device})", it.platform),
                None => it.platform.to_string(),
            };
            let (text, colour): (_, fn(Paint, &str) -> String) =
                if it.available { ("yes", Paint::good) } else { ("no", Paint::warn) };
            rows.push(vec![
                plain(once(report.engine.name())),
                plain(once(report.version.as_deref().unwrap_or("-"))),
                plain(platform),
                TableCell { text: text.into(), paint: colour },
                plain(once(report.path.as_deref().unwrap_or_default())),
            ]);
        }
    }
    let mut text = table(paint, &rows);
    for report in reports.iter().filter(|it| !it.capabilities.is_empty()) {
        let _ = writeln!(text, "{}: {}", report.engine, report.capabilities.join("; "));
    }
    // One reason often stands behind several platforms.
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for report in reports {
        for it in report.platforms.iter().filter(|it| !it.available) {
            let device = it.device.map_or_else(String::new, |it| format!(" ({it})"));
            let name = if it.platform.name() == report.engine.name() {
                format!("{}{device}", it.platform)
            } else {
                format!("{}{device} with {}", it.platform, report.engine)
            };
            let why = format!(
                "{}; {}",
                it.reason.as_deref().unwrap_or("not available"),
                it.remedy.as_deref().unwrap_or("nothing is known to help")
            );
            match told.iter_mut().find(|(known, _)| *known == why) {
                Some((_, names)) => names.push(name),
                None => told.push((why, vec![name])),
            }
        }
    }
    if !told.is_empty() {
        text.push('\n');
    }
    for (why, names) in told {
        let _ = writeln!(text, "{}: {why}", paint.bold(&names.join(", ")));
    }
    text
}
