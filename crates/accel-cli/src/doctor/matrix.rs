//! Models × platforms: what is known of each pair after a look.

use accel_core::diagnosis::{Check, Matrix, MatrixCell, MatrixRow, Verdict, Worth};

use super::models::Subject;
use super::platforms::Usable;

/// The matrix: what was loaded just now, what nothing speaks against, and what something does.
/// The one place to ask a compatibility matrix that knows more.
pub(super) fn matrix(models: &[Subject], platforms: &[Usable], checks: &[Check]) -> Matrix {
    let rows = models.iter().map(|model| MatrixRow {
        model: model.name.clone(),
        cells: platforms.iter().map(|it| cell(model, it, checks)).collect(),
    });
    Matrix { platforms: platforms.iter().map(|it| it.platform).collect(), rows: rows.collect() }
}

fn cell(model: &Subject, platform: &Usable, checks: &[Check]) -> MatrixCell {
    let loaded = checks.iter().find(|it| {
        it.model.as_deref() == Some(model.name.as_str()) && it.platform == Some(platform.platform)
    });
    let (worth, reason) = match (&platform.obstacle, &model.obstacle, loaded) {
        (Some(reason), _, _) | (None, Some(reason), _) => (Worth::Impossible, reason.clone()),
        (None, None, Some(check)) => match check.verdict {
            Verdict::Passed => (Worth::Loads, check.detail.clone()),
            Verdict::Failed => (Worth::Impossible, check.detail.clone()),
            Verdict::Skipped => (Worth::Possible, check.detail.clone()),
        },
        (None, None, None) => {
            let reason = "the platform is there; loading was not tried (--test-hardware)";
            (Worth::Possible, reason.to_owned())
        }
    };
    MatrixCell { worth, reason }
}
