//! Where the registry and the output are.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::console::Console;
use super::failure::Failure;
use crate::error::Error;
use crate::registry::Registry;
use crate::templates::Templates;

/// The text of a file of at most `most` bytes. It is counted while it is read: a device says no
/// size and has no end.
pub(super) fn read_text(path: &Path, most: u64) -> Result<String, Error> {
    let mut text = String::new();
    let read = File::open(path).and_then(|it| it.take(most + 1).read_to_string(&mut text));
    match read {
        Ok(count) if count as u64 > most => {
            let error = io::Error::other(format!("it has more than {most} bytes"));
            Err(Error::io("read", path)(error))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// The registry's name where none is given.
const REGISTRY: &str = "model_registry.yaml";
/// The output directory beside the registry where none is given.
const OUTPUT: &str = "generated";

/// The registry given, else the one here, else the nearest one above, which is then named on
/// stderr.
pub(super) fn registry_path(given: Option<&Path>, console: Console) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    if Path::new(REGISTRY).is_file() {
        return Ok(PathBuf::from(REGISTRY));
    }
    let here = std::env::current_dir().map_err(Error::io("find", Path::new(".")))?;
    let found = here.ancestors().skip(1).map(|it| it.join(REGISTRY)).find(|it| it.is_file());
    let Some(found) = found else {
        return Err(Failure::usage(format!(
            "there is no {REGISTRY} in {} nor in a folder above; go to the registry's folder, or name it with --registry FILE",
            here.display()
        )));
    };
    console.note(&format!("using the registry {}", found.display()));
    Ok(found)
}

/// The registry, read and checked.
pub(super) fn load(path: &Path, console: Console) -> Result<Registry, Failure> {
    let start = Instant::now();
    let registry = crate::registry::load(path)?;
    let cells: usize = registry.models.iter().map(|it| it.cells.len()).sum();
    console.timed(
        start,
        &format!("read {}: {} models, {cells} cells", path.display(), registry.models.len()),
    );
    Ok(registry)
}

/// The output directory: as given, else beside the registry.
pub(super) fn output_dir(given: Option<&Path>, registry: &Path) -> PathBuf {
    given.map_or_else(|| folder_of(registry).join(OUTPUT), Path::to_owned)
}

/// The embedded templates, overlaid by those in `folder`.
pub(super) fn templates(folder: Option<&Path>) -> Result<Templates, Failure> {
    let mut templates = Templates::default();
    if let Some(folder) = folder {
        templates.overlay_folder(folder).map_err(|it| {
            Failure::new("template", format!("--templates {}: {it}", folder.display()))
        })?;
    }
    Ok(templates)
}

/// The folder of a file; empty for a bare name, which joins to relative paths.
pub(super) fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or_else(|| Path::new(""))
}

/// Puts text in a file's place at once, keeping its permissions.
pub(super) fn replace_file(path: &Path, text: &str) -> Result<(), Error> {
    // A link stays a link: what it points to is replaced.
    let path = std::fs::canonicalize(path).map_err(Error::io("find", path))?;
    let folder = folder_of(&path);
    let write = || -> io::Result<()> {
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        io::Write::write_all(&mut temporary, text.as_bytes())?;
        temporary.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
        temporary.persist(&path).map_err(|it| it.error)?;
        Ok(())
    };
    write().map_err(Error::io("write", &path))
}
