//! Where the next window of a long sound begins (transformers 5.23, `generation_whisper.py`,
//! `_retrieve_segment`).

use super::FRAMES_A_POSITION;

/// What of a window is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// Tokens from the beginning that stay.
    pub(super) tokens: usize,
    /// Frames that need not be heard again.
    pub(super) frames: usize,
}

/// Where a segment has ended and another begun, what was written after the last such place may
/// be cut by the window's end: it is thrown away and heard again from there. A single time at the
/// end says that nothing follows it.
pub(super) fn heard(written: &[i64], first_timestamp: i64, frames: usize) -> Heard {
    let is_time = |token: &i64| *token >= first_timestamp;
    let whole = Heard { tokens: written.len(), frames };
    let Some(last) = written.windows(2).rposition(|it| it.iter().all(is_time)) else {
        return whole;
    };
    if matches!(written, [.., before, end] if !is_time(before) && is_time(end)) {
        return whole;
    }
    let ended = usize::try_from(written[last].saturating_sub(first_timestamp)).unwrap_or(0);
    Heard { tokens: last + 2, frames: ended.saturating_mul(FRAMES_A_POSITION) }
}

#[cfg(test)]
mod tests {
    use super::{Heard, heard};

    #[test]
    fn a_window_goes_on_from_the_last_pair_of_times() {
        let heard = |written: &[i64]| heard(written, 100, 3000);
        let whole = |tokens| Heard { tokens, frames: 3000 };
        assert_eq!(heard(&[]), whole(0));
        assert_eq!(heard(&[1, 2, 3]), whole(3));
        assert_eq!(heard(&[100, 1, 2, 150]), whole(4));
        assert_eq!(heard(&[100, 1, 150, 150, 2, 170]), whole(6));
        assert_eq!(heard(&[100, 1, 150, 151]), Heard { tokens: 4, frames: 100 });
        assert_eq!(heard(&[100, 1, 150, 151, 2, 3]), Heard { tokens: 4, frames: 100 });
        assert_eq!(heard(&[100, 1, 150, 151, 2, 160, 160, 3]), Heard { tokens: 7, frames: 120 });
    }
}
