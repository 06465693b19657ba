//! LLaVA-NeXT's image features: the tiles put together again, without what padding became, each
//! row ended by a vector of its own. After transformers 5.23, `pack_image_features` and
//! `unpad_image` of `modeling_llava_next.py`.

use std::ops::Range;

/// Features of an image's tiles, a vector for every patch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// Tiles in a column and in a row, without that of the whole image.
    pub(crate) tiles: (usize, usize),
    /// Patches in a column and in a row of one tile.
    pub(crate) patches: (usize, usize),
}

impl Grid {
    /// Patches in a column and in a row of all tiles together.
    const fn size(self) -> (usize, usize) {
        (self.tiles.0 * self.patches.0, self.tiles.1 * self.patches.1)
    }

    /// Vectors that [`pack`](Self::pack) gives for an image of `height` x `width` pixels.
    pub(crate) fn packed_len(self, image: (u32, u32)) -> usize {
        let (rows, columns) = unpadded(image, self.size());
        self.patches.0 * self.patches.1 + rows.len() * (columns.len() + 1)
    }

    /// The vectors of the whole image's tile, then those of the other tiles row by row of the
    /// picture, each row followed by `newline`.
    ///
    /// `features` are those of every tile, the whole image first; `newline` is one vector. `None`
    /// when they are not as many as the grid needs.
    pub(crate) fn pack(
        self,
        features: &[f32],
        newline: &[f32],
        image: (u32, u32),
    ) -> Option<Vec<f32>> {
        let width = newline.len();
        let of_tile = self.patches.0 * self.patches.1 * width;
        let tiles = self.tiles.0 * self.tiles.1;
        if of_tile == 0 || features.len() != (1 + tiles) * of_tile {
            return None;
        }
        let (whole, tiles) = features.split_at(of_tile);
        let mut packed = whole.to_vec();
        let (rows, columns) = unpadded(image, self.size());
        for row in rows {
            for column in columns.clone() {
                let tile = row / self.patches.0 * self.tiles.1 + column / self.patches.1;
                let patch = row % self.patches.0 * self.patches.1 + column % self.patches.1;
                packed.extend_from_slice(&tiles[tile * of_tile + patch * width..][..width]);
            }
            packed.extend_from_slice(newline);
        }
        Some(packed)
    }
}

/// Rows and columns of a grid of `rows` x `columns` patches that an image of `height` x `width`
/// pixels covers; the others are padding.
pub(crate) fn unpadded(
    (height, width): (u32, u32),
    (rows, columns): (usize, usize),
) -> (Range<usize>, Range<usize>) {
    let (height, width) = (f64::from(height), f64::from(width));
    let (grid_height, grid_width) = (as_float(rows), as_float(columns));
    if width / height > grid_width / grid_height {
        (covered(height * (grid_width / width), rows), 0..columns)
    } else {
        (0..rows, covered(width * (grid_height / height), columns))
    }
}

/// The middle of `all` that `exact` of them cover, rounded as Python's `int(round(exact, 7))`.
/// What cannot be halved stays.
fn covered(exact: f64, all: usize) -> Range<usize> {
    // Python rounds the decimal digits, as formatting does.
    let rounded = format!("{exact:.7}").parse().unwrap_or(exact);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and at most the number of patches"
    )]
    let count = rounded as usize;
    let padding = all.saturating_sub(count) / 2;
    padding..all - padding
}

#[expect(clippy::cast_precision_loss, reason = "a count of patches is small")]
const fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::Grid;

    /// Expectations are those of `LlavaNextProcessor._get_number_of_features` with the usual tiles
    /// of 336 pixels and patches of 14.
    #[test]
    fn as_many_vectors_as_the_processor_counts() {
        for (image, resolution, expected) in [
            ((336, 336), (336, 672), 1176),
            ((480, 640), (672, 672), 2340),
            ((640, 480), (672, 672), 2352),
            ((1, 1), (336, 672), 1176),
            ((100, 3000), (336, 1008), 722),
            ((3000, 100), (1008, 336), 792),
            ((333, 667), (336, 672), 1752),
            ((1000, 1000), (672, 672), 2928),
            ((337, 336), (672, 336), 1176),
            ((4000, 1), (336, 672), 600),
            ((427, 640), (672, 672), 2144),
            ((375, 500), (672, 672), 2340),
            ((240, 1999), (336, 1008), 1160),
            ((1080, 1920), (672, 672), 1948),
        ] {
            let grid = Grid { tiles: (resolution.0 / 336, resolution.1 / 336), patches: (24, 24) };
            assert_eq!(grid.packed_len(image), expected, "{image:?}");
        }
    }

    /// Expectations are those of `LlavaNextModel.pack_image_features`: features 0 to 3 are the
    /// whole image's, 4 to 7 the first tile's, 8 to 11 the second one's, and -1 ends a row.
    #[test]
    fn tiles_are_put_together_without_their_padding() {
        let features: Vec<_> = (0_u8..12).map(f32::from).collect();
        for (tiles, image, expected) in [
            ((1, 2), (14, 28), &[0, 1, 2, 3, 4, 5, 8, 9, -1, 6, 7, 10, 11, -1][..]),
            ((1, 2), (10, 14), &[0, 1, 2, 3, 5, 8, -1, 7, 10, -1]),
            ((1, 2), (10, 15), &[0, 1, 2, 3, 4, 5, 8, 9, -1, 6, 7, 10, 11, -1]),
            ((1, 2), (3, 14), &[0, 1, 2, 3]),
            ((2, 1), (28, 14), &[0, 1, 2, 3, 4, 5, -1, 6, 7, -1, 8, 9, -1, 10, 11, -1]),
            ((2, 1), (14, 10), &[0, 1, 2, 3, 6, 7, -1, 8, 9, -1]),
            ((2, 1), (9, 1), &[0, 1, 2, 3, -1, -1, -1, -1]),
        ] {
            let grid = Grid { tiles, patches: (2, 2) };
            let expected: Vec<_> = expected.iter().map(|it: &i8| f32::from(*it)).collect();
            assert_eq!(grid.packed_len(image), expected.len(), "{image:?}");
            assert_eq!(grid.pack(&features, &[-1.0], image).unwrap(), expected, "{image:?}");
        }
    }

    #[test]
    fn features_of_other_tiles_are_refused() {
        let grid = Grid { tiles: (1, 2), patches: (2, 2) };
        assert!(grid.pack(&[0.0; 11], &[1.0], (9, 9)).is_none());
        assert!(grid.pack(&[], &[], (9, 9)).is_none());
    }
}
