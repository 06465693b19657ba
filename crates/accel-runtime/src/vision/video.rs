//! Moving pictures as their frames.

use std::fs;
use std::path::Path;

use super::Image;
use crate::{Error, Result};

/// Ends of the names of files that are frames.
const FRAME_FILES: &[&str] = &["png", "jpg", "jpeg"];

/// The frames of a video in their order; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Video {
    frames: Vec<Image>,
}

impl Video {
    /// A video of its frames, which may differ in size.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no frames.
    pub fn from_frames(frames: Vec<Image>) -> Result<Self> {
        if frames.is_empty() {
            return Err(Error::InvalidArgument {
                argument: "frames",
                given: "none".to_owned(),
                expected: "at least one".to_owned(),
            });
        }
        Ok(Self { frames })
    }

    /// Reads the PNG and JPEG files of a folder as frames, sorted by name: numbers in names need
    /// as many digits each, as `frame_0007.png` has. Other files are left out.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder or a frame cannot be read, [`Error::Image`] when a frame is
    /// not an image, [`Error::MissingFile`] when there are no frames.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let io = |source| Error::Io { path: folder.to_owned(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let end = path.extension().and_then(|it| it.to_str()).map(str::to_ascii_lowercase);
            if end.is_some_and(|it| FRAME_FILES.contains(&it.as_str())) && path.is_file() {
                files.push(path);
            }
        }
        if files.is_empty() {
            return Err(Error::MissingFile {
                path: folder.join("*.png"),
                what: "a video's frames".to_owned(),
                remedy: "save the video's frames as PNG or JPEG files in that folder".to_owned(),
            });
        }
        files.sort_unstable();
        Self::from_frames(files.iter().map(Image::open).collect::<Result<_>>()?)
    }

    /// The frames.
    pub fn frames(&self) -> &[Image] {
        &self.frames
    }

    /// `count` frames spread evenly from the first to the last, as transformers' video
    /// classification takes them (5.23, `video_classification.py`: `numpy.linspace` from 0 to the
    /// last index, cut to integers). Frames repeat when there are fewer than `count`; none is
    /// taken before it is asked for.
    pub fn sample(&self, count: usize) -> impl ExactSizeIterator<Item = &Image> {
        indexes(self.frames.len(), count).map(|it| &self.frames[it])
    }
}

/// `numpy.linspace(0, length - 1, count, dtype=int64)` with its roundings: the step is rounded
/// before it is multiplied, and the last index is set.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts of frames fit a double, and no index is negative"
)]
fn indexes(length: usize, count: usize) -> impl ExactSizeIterator<Item = usize> {
    let last = length.saturating_sub(1);
    let step = last as f64 / count.saturating_sub(1).max(1) as f64;
    (0..count).map(move |it| {
        if it > 0 && it == count - 1 { last } else { ((it as f64 * step) as usize).min(last) }
    })
}

#[cfg(test)]
mod tests {
    use super::Video;
    use crate::{Error, Image};

    /// Expectations are numpy's.
    #[test]
    fn frames_are_spread_as_by_numpy() {
        let indexes = |length, count| super::indexes(length, count).collect::<Vec<_>>();
        assert_eq!(indexes(10, 4), [0, 3, 6, 9]);
        assert_eq!(indexes(8, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(indexes(3, 8), [0, 0, 0, 0, 1, 1, 1, 2]);
        assert_eq!(indexes(1, 3), [0, 0, 0]);
        assert_eq!(indexes(7, 1), [0]);
        assert_eq!(indexes(5, 0), [0_usize; 0]);
        // 2 / 98 is rounded down, so the middle one of 99 is not frame 1.
        assert_eq!(indexes(3, 99)[48..51], [0, 0, 1]);
    }

    #[test]
    fn a_video_has_frames() {
        let error = Video::from_frames(Vec::new()).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { argument: "frames", .. }), "{error}");
        let frame = |level| Image::from_rgb8(1, 1, vec![level; 3]).unwrap();
        let video = Video::from_frames(vec![frame(1), frame(2)]).unwrap();
        assert_eq!(video.sample(3).collect::<Vec<_>>(), [&frame(1), &frame(1), &frame(2)]);
        // More than any memory holds; each is found when it is asked for.
        let many = video.sample(usize::MAX);
        assert_eq!(many.len(), usize::MAX);
        assert_eq!(many.take(2).collect::<Vec<_>>(), [&frame(1); 2]);
        assert_eq!(video.frames().len(), 2);
    }

    #[test]
    fn folders_are_read_in_the_order_of_names() {
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/vit/inputs");
        let folder = tempfile::tempdir().unwrap();
        let error = Video::open(folder.path()).unwrap_err();
        assert!(matches!(error, Error::MissingFile { .. }), "{error}");
        for (name, source) in [("b.PNG", "small.png"), ("a.jpg", "photo.jpg"), ("c.png", "rgb.png")]
        {
            std::fs::copy(format!("{fixture}/{source}"), folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("notes.txt"), "no frame").unwrap();
        let video = Video::open(folder.path()).unwrap();
        let widths: Vec<_> = video.frames().iter().map(Image::width).collect();
        assert_eq!(widths, [90, 20, 75]);
        std::fs::write(folder.path().join("d.png"), "no picture").unwrap();
        assert!(matches!(Video::open(folder.path()), Err(Error::Image { .. })));
        assert!(matches!(Video::open(folder.path().join("none")), Err(Error::Io { .. })));
    }
}
