//! A report in every format. Text of strangers (names of models, words of engines) is made
//! harmless in each.

mod html;
mod human;
mod markdown;
mod sarif;

use std::fs;
use std::path::Path;

use accel_core::diagnosis::{Finding, Report};

use super::DoctorFormat;
use crate::console::Paint;
use crate::failure::Failure;

/// A report that is to be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    /// The report.
    pub(super) report: &'a Report,
    /// The registry's file, where one was given.
    pub(super) registry: Option<&'a str>,
}

/// The report as text in that format.
pub(super) fn text(shown: &Shown<'_>, format: DoctorFormat, paint: Paint) -> String {
    match format {
        DoctorFormat::Human => human::text(shown.report, paint),
        DoctorFormat::Md => markdown::text(shown.report),
        // Our own types have string keys; there is nothing that JSON cannot hold.
        DoctorFormat::Json => serde_json::to_string_pretty(shown.report).unwrap_or_default() + "\n",
        DoctorFormat::Sarif => sarif::text(shown),
        DoctorFormat::Html => html::text(shown.report),
    }
}

/// Writes the report in every format into `folder`: each file appears whole or not at all.
///
/// # Errors
/// The system refuses the folder or a file.
pub(super) fn write(shown: &Shown<'_>, folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(Failure::io("make the folder", folder))?;
    for (format, name) in DoctorFormat::FILES {
        let file = folder.join(name);
        let beside = folder.join(format!(".{name}.{}", std::process::id()));
        let text = text(shown, format, Paint::NONE);
        let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &file));
        written.map_err(|error| {
            // What is left of it is of no use; that it cannot be removed either is no news.
            let _ = fs::remove_file(&beside);
            Failure::io("write", &file)(error)
        })?;
    }
    Ok(())
}

/// What a finding is about, for people, as far as its message does not say: `CUDA · bert`.
fn about(finding: &Finding) -> String {
    let platform = finding.platform.map(accel_core::Platform::label);
    let parts = [platform, finding.model.as_deref()];
    let parts = parts.into_iter().flatten().filter(|it| !finding.message.contains(it));
    parts.collect::<Vec<_>>().join(" · ")
}

/// How many findings there are, for people.
fn summary(report: &Report) -> String {
    use accel_core::Vocabulary as _;
    use accel_core::diagnosis::Severity;

    let each: Vec<_> = Severity::ALL
        .iter()
        .map(|it| (report.counts.get(*it), it))
        .filter(|(count, _)| *count > 0)
        .map(|(count, it)| format!("{count} {it}"))
        .collect();
    if each.is_empty() { "nothing is wrong".to_owned() } else { each.join(", ") }
}

#[cfg(test)]
mod tests;
