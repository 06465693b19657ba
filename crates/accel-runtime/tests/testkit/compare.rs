//! Metrics against values computed by hand.

use accel_runtime::Tolerance;
use accel_runtime::testkit::{Difference, coordinates, score_tolerance};

fn between(got: &[f32], want: &[f32]) -> Difference {
    Difference::between(got, want).expect("equal lengths")
}

#[track_caller]
fn close(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-9, "got {got}, want {want}");
}

const LOOSE: Tolerance = Tolerance { max_abs: 1e30, min_cosine: -1.0, min_sqnr_db: -1e30 };

/// Without a bound on the ratio of signal to noise.
const fn bounds(max_abs: f64, min_cosine: f64) -> Tolerance {
    Tolerance { max_abs, min_cosine, min_sqnr_db: f64::NEG_INFINITY }
}

#[test]
fn metrics_are_those_of_the_book() {
    // Off by 1 in one of the elements of (3, 4): |want|² = 25, |got|² = 34, dot = 29.
    let it = between(&[3.0, 5.0], &[3.0, 4.0]);
    close(it.max_abs, 1.0);
    close(it.cosine, 29.0 / (5.0 * 34.0_f64.sqrt()));
    close(it.sqnr_db, 10.0 * 25.0_f64.log10());
    assert_eq!(
        (it.worst, it.got.to_bits(), it.want.to_bits()),
        (1, 5.0_f64.to_bits(), 4.0_f64.to_bits())
    );
}

#[test]
fn equal_tensors_have_no_noise() {
    let it = between(&[1.5, -2.0], &[1.5, -2.0]);
    close(it.max_abs, 0.0);
    close(it.cosine, 1.0);
    assert!(it.sqnr_db.is_infinite() && it.sqnr_db > 0.0);
    assert!(it.within(bounds(0.0, 0.999_999)));
}

/// A hundredth of the amplitude is 40 dB whatever the scale.
#[test]
fn noise_is_measured_against_the_signal() {
    for scale in [1e-6, 1.0, 1e6_f32] {
        let it = between(&[scale * 1.01, 0.0], &[scale, 0.0]);
        assert!((it.sqnr_db - 40.0).abs() < 1e-2, "{scale}: {it:?}");
        let bound = |min_sqnr_db| Tolerance { min_sqnr_db, ..LOOSE };
        assert!(it.within(bound(39.9)) && !it.within(bound(40.1)), "{scale}: {it:?}");
    }
}

#[test]
fn zeros_have_no_signal() {
    assert!(between(&[0.0; 3], &[0.0; 3]).sqnr_db > 1e300);
    assert!(between(&[], &[]).sqnr_db > 1e300);
    let it = between(&[1e-9; 3], &[0.0; 3]);
    assert!(it.sqnr_db < -1e300);
    assert!(!it.within(Tolerance { min_sqnr_db: 0.0, ..LOOSE }));
}

#[test]
fn a_turned_tensor_has_a_low_cosine_however_close() {
    let it = between(&[1e-6, -1e-6], &[1e-6, 1e-6]);
    close(it.cosine, 0.0);
    assert!(!it.within(bounds(1e-3, 0.99)));
}

#[test]
fn what_is_not_a_number_is_within_nothing() {
    for (got, want) in [
        (f32::NAN, 1.0),
        (f32::NAN, f32::NAN),
        (1.0, f32::NAN),
        (f32::INFINITY, f32::INFINITY),
        (f32::NEG_INFINITY, 1.0),
    ] {
        let it = between(&[2.0, got], &[2.0, want]);
        assert!(it.max_abs.is_infinite(), "{got} {want}");
        assert_eq!(it.worst, 1);
        assert!(!it.within(LOOSE), "{got} {want}");
    }
}

#[test]
fn zeros_agree_with_zeros_only() {
    assert!(between(&[0.0; 3], &[0.0; 3]).within(bounds(0.0, 1.0)));
    let some = bounds(1.0, 0.5);
    assert!(!between(&[0.0; 3], &[1e-9; 3]).within(some));
    assert!(!between(&[1e-9; 3], &[0.0; 3]).within(some));
    assert!(between(&[], &[]).within(some));
}

#[test]
fn lengths_must_be_equal() {
    assert_eq!(Difference::between(&[1.0], &[1.0, 1.0]), None);
    assert_eq!(Difference::between(&[1.0], &[]), None);
}

#[test]
fn an_index_becomes_coordinates() {
    assert_eq!(coordinates(23, &[2, 3, 4]), [1, 2, 3]);
    assert_eq!(coordinates(0, &[]), [0_usize; 0]);
    assert_eq!(coordinates(0, &[0, 3]), [0, 0]);
}

#[test]
fn a_score_is_as_sure_as_its_logits() {
    // A change of a thousandth of the score must be seen when logits are good to 1e-4.
    for score in [1.0, 0.3, 0.02, 0.001] {
        let tolerance = score_tolerance(score, 1e-4);
        assert!(tolerance < score * 1e-3, "{score}: {tolerance}");
        // All logits off by 1e-4 against this one change the score by less.
        let odds = score / (1.0 - score + 1e-12) * 2e-4_f64.exp();
        assert!((odds / (1.0 + odds) - score).abs() <= tolerance, "{score}");
    }
}
