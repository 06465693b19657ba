//! Weights that lie in files of their own, used where they are on disk.

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::Mmap;
use rten::Model;

/// A file mapped into memory.
#[derive(Debug)]
pub(super) struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a file for reading.
    pub(super) fn open(file: &File) -> io::Result<Self> {
        #[expect(unsafe_code, reason = "copying gigabytes of weights is the alternative")]
        // SAFETY: the map is undefined behaviour once another process changes the file, and the
        // system ends this one when it reads beyond a file that was truncated. Weights are
        // written once, by a download or an export, and whoever can change them can change what
        // the model computes as well; every engine that maps models relies on it.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Self(map))
    }

    /// A part of the file, if it lies within it.
    pub(super) fn bytes(&self, offset: u64, length: u64) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        self.0.get(start..end)
    }
}

/// A model and the files that its weights lie in.
#[derive(Debug)]
pub(super) struct MappedModel {
    /// Fields are dropped in their order: the model goes before what it refers to.
    model: Model,
    _files: Vec<MappedFile>,
}

impl MappedModel {
    /// Lends files to `load` and keeps them for as long as the model that it makes.
    ///
    /// `load` must hand the slices to nothing but the model.
    pub(super) fn load<E>(
        files: Vec<MappedFile>,
        load: impl FnOnce(&[&'static [u8]]) -> Result<Model, E>,
    ) -> Result<Self, E> {
        let lent: Vec<_> = files.iter().map(lend).collect();
        let model = load(&lent)?;
        Ok(Self { model, _files: files })
    }
}

impl Deref for MappedModel {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.model
    }
}

/// The file's bytes, for longer than the borrow checker can see.
fn lend(file: &MappedFile) -> &'static [u8] {
    #[expect(unsafe_code, reason = "rten takes borrowed weights only if they live forever")]
    // SAFETY: the bytes stay where they are when the `Mmap` is moved, and it is dropped after the
    // model, which alone is given them. rten keeps such slices as constants of the graph; what it
    // returns from runs it has copied.
    unsafe {
        std::slice::from_raw_parts(file.0.as_ptr(), file.0.len())
    }
}
