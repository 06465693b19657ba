//! Pictures in memory.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use crate::{Error, Result};

/// A picture with three channels of 8 bits, turned upright.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Image {
    /// Reads a PNG or JPEG file.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::Image`] when it is not an image.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        decode(&bytes, &path.display().to_string())
    }

    /// Reads the bytes of a PNG or JPEG file. The picture is turned as its EXIF data says,
    /// or else its XMP data; grey is spread over three channels and transparency is dropped, as by
    /// Pillow's `exif_transpose` and `convert("RGB")`.
    ///
    /// # Errors
    /// [`Error::Image`], also for a file that ends too early, for a picture of more than 512 MiB
    /// and for 16 bits of grey, which Pillow does not turn into 8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        decode(bytes, "the given bytes")
    }

    /// A picture of its pixels, three bytes each, row by row from the top.
    ///
    /// # Errors
    /// [`Error::Image`] when there are no pixels, or not `width * height` of them.
    pub fn from_rgb8(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self> {
        let expected = u128::from(width) * u128::from(height) * 3;
        if expected == 0 || u128::try_from(rgb.len()) != Ok(expected) {
            return Err(Error::Image {
                what: "the given pixels".to_owned(),
                reason: format!(
                    "{width} x {height} pixels take {expected} bytes and at least one pixel, \
                     given {}",
                    rgb.len()
                ),
            });
        }
        Ok(Self { width, height, rgb })
    }

    /// Pixels in a row.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// The pixels, three bytes each, row by row from the top.
    pub fn rgb8(&self) -> &[u8] {
        &self.rgb
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({} x {})", self.width, self.height)
    }
}

fn decode(bytes: &[u8], what: &str) -> Result<Image> {
    let failed = |reason: String| Error::Image { what: what.to_owned(), reason };
    let bad = |error: image::ImageError| failed(error.to_string());
    if is_cut_jpeg(bytes) {
        return Err(failed("the JPEG ends before its picture does".to_owned()));
    }
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| failed(error.to_string()))?;
    let mut decoder = reader.into_decoder().map_err(bad)?;
    // A few bytes can claim to be a picture that fills the memory.
    Limits::default().reserve(decoder.total_bytes()).map_err(bad)?;
    let exif = decoder.exif_metadata().map_err(bad)?;
    let orientation = match exif.and_then(|it| Orientation::from_exif_chunk(&it)) {
        Some(it) => it,
        None => decoder.xmp_metadata().map_err(bad)?.map_or(UPRIGHT, |it| xmp_orientation(&it)),
    };
    let mut picture = DynamicImage::from_decoder(decoder).map_err(bad)?;
    picture.apply_orientation(orientation);
    let (width, height) = (picture.width(), picture.height());
    let rgb = match picture {
        DynamicImage::ImageLuma16(_) | DynamicImage::ImageLumaA16(_) => {
            return Err(failed("it has 16 bits of grey; convert it to 8 bits first".to_owned()));
        }
        // Pillow keeps the high byte of each channel, where `to_rgb8` rounds.
        DynamicImage::ImageRgb16(it) => it.as_raw().iter().map(|it| high_byte(*it)).collect(),
        DynamicImage::ImageRgba16(it) => it
            .as_raw()
            .chunks_exact(4)
            .flat_map(|pixel| pixel[..3].iter().map(|it| high_byte(*it)))
            .collect(),
        other => other.into_rgb8().into_raw(),
    };
    Image::from_rgb8(width, height, rgb)
}

const UPRIGHT: Orientation = Orientation::NoTransforms;

/// The orientation in XMP data, an attribute or an element, found in its text as by Pillow.
fn xmp_orientation(xmp: &[u8]) -> Orientation {
    const NAME: &[u8] = b"tiff:Orientation";
    let digit = xmp.windows(NAME.len() + 3).find_map(|it| match it.strip_prefix(NAME) {
        Some([b'=', b'"', digit @ b'0'..=b'9'] | [b'>', digit @ b'0'..=b'9', _]) => {
            Some(digit - b'0')
        }
        _ => None,
    });
    digit.and_then(Orientation::from_exif).unwrap_or(UPRIGHT)
}

/// Whether the bytes are those of a JPEG whose end is missing. The decoder would fill in grey.
fn is_cut_jpeg(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(b"\xff\xd8") else { return false };
    // Segments carry their length, up to the first scan; behind it, the marker of the end can
    // only be itself. Before it, it can be a thumbnail's. What is no segment is the decoder's
    // to refuse.
    while let [0xff, marker, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let next = match marker {
            0xda => return !rest.windows(2).any(|it| it == b"\xff\xd9"),
            // Markers may be padded.
            0xff => rest.get(1..),
            _ => rest.get(2 + length..),
        };
        let Some(next) = next else { return false };
        rest = next;
    }
    false
}

const fn high_byte(channel: u16) -> u8 {
    channel.to_be_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::Image;
    use crate::Error;

    #[test]
    fn pixels_must_be_as_many_as_said() {
        assert!(Image::from_rgb8(2, 1, vec![0; 6]).is_ok());
        for (width, height, bytes) in [(2, 1, 5), (0, 1, 0), (u32::MAX, u32::MAX, 6)] {
            let error = Image::from_rgb8(width, height, vec![0; bytes]).unwrap_err();
            assert!(matches!(error, Error::Image { .. }), "{error}");
        }
    }

    #[test]
    fn xmp_data_turns_a_picture_that_exif_data_does_not() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/vit/inputs/photo.jpg");
        let jpeg = std::fs::read(file).unwrap();
        let upright = Image::from_bytes(&jpeg).unwrap();
        for (xmp, turned) in [
            (r#"<a tiff:Orientation="6"/>"#, true),
            ("<tiff:Orientation>8</tiff:Orientation>", true),
            ("<tiff:Orientation>9</tiff:Orientation>", false),
            ("<Orientation>8</Orientation>", false),
        ] {
            let segment = format!("http://ns.adobe.com/xap/1.0/\0{xmp}");
            let length = u16::try_from(segment.len() + 2).unwrap().to_be_bytes();
            let parts = [b"\xff\xd8\xff\xe1", &length[..], segment.as_bytes(), &jpeg[2..]].concat();
            let image = Image::from_bytes(&parts).unwrap();
            let (width, height) = (upright.width(), upright.height());
            let expected = if turned { (height, width) } else { (width, height) };
            assert_eq!((image.width(), image.height()), expected, "{xmp}");
        }
    }

    #[test]
    fn a_file_without_its_end_is_an_error() {
        // A PNG's last chunk holds nothing.
        for (file, needless) in [("rgb.png", 20), ("photo.jpg", 1)] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/vit/inputs");
            let bytes = std::fs::read(format!("{folder}/{file}")).unwrap();
            assert!(Image::from_bytes(&bytes).is_ok());
            for length in (0..bytes.len() - needless).rev().step_by(97) {
                let error = Image::from_bytes(&bytes[..length]).unwrap_err();
                assert!(matches!(error, Error::Image { .. }), "{file}, {length}: {error}");
            }
        }
    }

    /// Pictures of 60 000 x 60 000 pixels would take 10 GB.
    #[test]
    fn a_picture_that_fills_the_memory_is_an_error() {
        let png = b"\x89PNG\r\n\x1a\n\
            \0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0\x0f\xb0\xe2\x15\
            \0\0\0\x01IDAT\0\x28\x38\x7d\xe8";
        let error = Image::from_bytes(png).unwrap_err().to_string();
        assert!(error.contains("emory limit"), "{error}");
    }

    #[test]
    fn what_is_no_image_is_an_error() {
        for bytes in [&b""[..], b"not an image", b"\x89PNG\r\n\x1a\n\0\0\0"] {
            assert!(matches!(Image::from_bytes(bytes), Err(Error::Image { .. })));
        }
    }
}
