//! Which folder engines are installed into.

use std::path::PathBuf;

use accel_runtime::engine::locate;

use super::args::InstallArgs;
use crate::failure::Failure;

/// The folder that `arguments` choose; it need not exist.
///
/// # Errors
/// When the choice would never be looked into, or this user has no folder of their own.
pub(super) fn engines_folder(arguments: &InstallArgs) -> Result<PathBuf, Failure> {
    if let Some(folder) = locate::variable(locate::ENGINES_DIR) {
        if arguments.project || arguments.user {
            let flag = if arguments.project { "--project" } else { "--user" };
            return Err(Failure::usage(format!(
                "{flag} cannot be used while {} is set ({}): engines are looked for there and \
                 nowhere else; unset it, or leave {flag} out",
                locate::ENGINES_DIR,
                folder.display()
            )));
        }
        // What is installed has to be found from other folders too.
        return std::path::absolute(&folder).map_err(Failure::io("make absolute", &folder));
    }
    let here = std::env::current_dir()
        .map_err(|error| Failure::failed("io", format!("this folder cannot be read: {error}")))?;
    let project = here.ancestors().map(|it| it.join(".accel/engines")).find(|it| it.is_dir());
    match (arguments.project, arguments.user, project) {
        (true, _, None) => Ok(here.join(".accel/engines")),
        (true, _, Some(project)) | (false, false, Some(project)) => Ok(project),
        (false, ..) => locate::user_engines_folder().ok_or_else(|| {
            Failure::input(
                "no-user-folder",
                "this user has no folder of their own (neither XDG_DATA_HOME nor HOME is set); \
                 give --project, or name a folder in ACCEL_ENGINES_DIR",
            )
        }),
    }
}
