//! Measurements in a file: a JSON list that grows.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::failure::Failure;

/// The longest list that is added to.
const MOST_BYTES: u64 = 64 << 20;

/// Adds entries to the list in a file, which is made if it is not there. What stands there is always
/// a whole list: the new one is written beside it and renamed.
pub(super) fn append(file: &Path, entries: Vec<Value>) -> Result<(), Failure> {
    let broken = |why: &str| {
        Failure::input(
            "invalid-input",
            format!("{} {why}; give another file with --store", file.display()),
        )
    };
    let mut list = match fs::metadata(file) {
        Ok(metadata) if !metadata.is_file() => return Err(broken("is not a file")),
        Ok(metadata) if metadata.len() > MOST_BYTES => {
            return Err(broken("is too large to add to"));
        }
        Ok(_) => {
            let bytes = fs::read(file).map_err(Failure::io("read", file))?;
            match serde_json::from_slice(&bytes) {
                Ok(Value::Array(list)) => list,
                _ => return Err(broken("does not hold a JSON list of measurements")),
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Failure::io("read", file)(error)),
    };
    list.extend(entries);
    let mut text = serde_json::to_string_pretty(&list).unwrap_or_default();
    text.push('\n');
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = Path::new(&beside);
    let written = fs::File::create(beside)
        .and_then(|mut it| it.write_all(text.as_bytes()).and_then(|()| it.sync_all()))
        .and_then(|()| fs::rename(beside, file));
    written.map_err(|error| {
        // The rest of a try that failed is of no use.
        let _ = fs::remove_file(beside);
        Failure::io("write", file)(error)
    })
}

/// Today in UTC, such as `2026-11-21`.
pub(super) fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    date(seconds / 86_400)
}

/// The date of a day since 1970 (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn date(days: u64) -> String {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// What the CPU is called; `None` where the system does not say.
pub(super) fn cpu() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|it| it.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_are_dates() {
        let cases = [(0, "1970-01-01"), (19_782, "2024-02-29"), (20_778, "2026-11-21")];
        for (days, expected) in cases {
            assert_eq!(date(days), expected);
        }
    }
}
