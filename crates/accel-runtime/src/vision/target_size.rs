//! The size that an image is brought to, where it depends on the image in more than one way.

/// What a height and a width are to become.
#[derive(Clone, Copy, Debug)]
pub(super) enum TargetSize {
    /// Whatever they were.
    Exact { height: u32, width: u32 },
    /// In their proportion: the shorter one so long, unless the longer one came out too long.
    Edges { shortest: u32, longest: u32 },
    /// In their proportion: as large as fits.
    Within { height: u32, width: u32 },
}

impl TargetSize {
    /// Height and width for an image of `height` x `width`, either of which can come out as 0.
    pub(super) fn size(self, height: u32, width: u32) -> (u32, u32) {
        match self {
            Self::Exact { height, width } => (height, width),
            Self::Edges { shortest, longest } => edges((height, width), shortest, longest),
            Self::Within { height: most_height, width: most_width } => {
                let scale = (f64::from(most_height) / f64::from(height))
                    .min(f64::from(most_width) / f64::from(width));
                (cut(f64::from(height) * scale), cut(f64::from(width) * scale))
            }
        }
    }
}

/// `get_size_with_aspect_ratio` of transformers' `image_transforms.py`: the shorter edge becomes
/// `shortest`, unless the longer one would be longer than `longest`.
fn edges((height, width): (u32, u32), shortest: u32, longest: u32) -> (u32, u32) {
    let (short, long) = (f64::from(height.min(width)), f64::from(height.max(width)));
    let mut edge = f64::from(shortest);
    // What the other edge is computed from keeps its fraction, this one is rounded.
    let mut exact = edge;
    if long / short * edge > f64::from(longest) {
        exact = f64::from(longest) * short / long;
        edge = exact.round_ties_even();
    }
    let edge = cut(edge);
    let other = |along: u32, across: u32| cut(exact * f64::from(along) / f64::from(across));
    if height.min(width) == edge {
        (height, width)
    } else if width < height {
        (other(height, width), edge)
    } else {
        (edge, other(width, height))
    }
}

/// Python's `int` of a positive number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positive, and a value beyond u32 saturates and is refused"
)]
fn cut(value: f64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::TargetSize;

    /// Expectations are those of transformers' `get_size_with_aspect_ratio`.
    #[test]
    fn the_longest_edge_limits_the_shortest() {
        for ((height, width), (shortest, longest), expected) in [
            ((480, 640), (800, 1333), (800, 1066)),
            ((640, 480), (800, 1333), (1066, 800)),
            ((800, 600), (800, 1333), (1066, 800)),
            ((1, 1), (800, 1333), (800, 800)),
            ((1000, 3000), (800, 1333), (444, 1333)),
            ((427, 640), (800, 1333), (800, 1199)),
            ((5, 640), (800, 1333), (10, 1333)),
            ((1, 3000), (800, 1333), (0, 1333)),
            // Halves go to the even number, and the other edge forgets what was rounded away.
            ((3, 40), (20, 30), (2, 30)),
            ((2, 5), (10, 21), (8, 21)),
            ((21, 20), (16, 16), (16, 15)),
            // As it is where an edge is right already, though the computed one would differ.
            ((30, 9), (20, 30), (30, 9)),
            ((24, 20), (20, 33), (24, 20)),
        ] {
            let target = TargetSize::Edges { shortest, longest };
            assert_eq!(target.size(height, width), expected, "{height} x {width}, {target:?}");
        }
    }

    /// Expectations are those of transformers' `get_image_size_for_max_height_width`.
    #[test]
    fn an_image_can_be_fitted_into_a_rectangle() {
        for ((height, width), (most_height, most_width), expected) in [
            ((100, 200), (50, 50), (25, 50)),
            ((100, 200), (200, 500), (200, 400)),
            ((33, 77), (20, 40), (17, 39)),
            ((1, 1), (5, 7), (5, 5)),
            ((3, 1000), (20, 20), (0, 20)),
        ] {
            let target = TargetSize::Within { height: most_height, width: most_width };
            assert_eq!(target.size(height, width), expected, "{height} x {width}, {target:?}");
        }
    }
}
