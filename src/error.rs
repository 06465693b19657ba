//! Everything that can go wrong between a valid registry and files on disk.

use std::path::PathBuf;

/// Why nothing, or not everything, was generated. No error leaves a half-written file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry could not be read or is not valid.
    #[error(transparent)]
    Registry(#[from] crate::registry::LoadError),

    /// A model was asked for that the registry does not have.
    #[error("no model `{given}` in the registry{}; known: {known}", .suggestion.as_ref().map_or_else(String::new, |it| format!(" (did you mean `{it}`?)")))]
    UnknownModel {
        /// The name as given.
        given: String,
        /// The closest key, when one is close.
        suggestion: Option<String>,
        /// Every key, comma-separated.
        known: String,
    },

    /// The filters together leave no cell.
    #[error("nothing to generate: {why}")]
    NothingSelected {
        /// Which filters, and what would match.
        why: String,
    },

    /// A template is broken, or uses a name that its context does not have.
    #[error("template `{template}`{}: {message}", .path.as_ref().map_or_else(String::new, |it| format!(" for `{it}`")))]
    Template {
        /// Its name, such as `skill/vision.rs.tera`.
        template: String,
        /// The file it was rendered for, when it got so far.
        path: Option<String>,
        /// Tera's own report, with line and column.
        message: String,
    },

    /// A rendered file is not Rust. Nothing is written unformatted.
    #[error(
        "`{path}` (model `{model}`, template `{template}`) is not valid Rust at line {line}, column {column}: {message}\n{excerpt}\nFix the template; nothing was written."
    )]
    NotRust {
        /// The generated path.
        path: String,
        /// The registry key, or `-` for an index file.
        model: String,
        /// The template.
        template: String,
        /// What the parser says.
        message: Box<str>,
        /// Line in the unformatted text, from 1.
        line: usize,
        /// Column in that line, from 1.
        column: usize,
        /// The lines around it, numbered.
        excerpt: Box<str>,
    },

    /// Files stand where generated ones belong, and they are not ours.
    #[error(
        "these files were not written by accelgen, so it leaves them alone; move them away, or overwrite those at generated paths with --force:\n{}",
        .paths.iter().map(|it| format!("  {}", it.display())).collect::<Vec<_>>().join("\n")
    )]
    NotOurs {
        /// The files.
        paths: Vec<PathBuf>,
    },

    /// A part of an output path is a symbolic link, through which a write could leave the output directory.
    #[error(
        "`{}` is a symbolic link; accelgen does not write through links below its output directory: replace it by a folder", .path.display()
    )]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },

    /// A folder stands where a file belongs, or the other way about.
    #[error("`{}` is a {is}, and accelgen needs a {wanted} there; move it away", .path.display())]
    InTheWay {
        /// What stands there.
        path: PathBuf,
        /// `file` or `folder`.
        is: &'static str,
        /// The other one.
        wanted: &'static str,
    },

    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
