//! 16-bit floats as 32-bit ones and back, rounding to nearest, ties to even (IEEE 754-2019, 4.3.1).

/// The value of IEEE's binary16, exactly.
pub(super) fn from_f16(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let mantissa = u32::from(bits & 0x3ff);
    match exponent {
        // Zero, or mantissa * 2^-24.
        0 => {
            #[expect(clippy::cast_precision_loss, reason = "10 bits")]
            let value = mantissa as f32 * 2.0_f32.powi(-24);
            f32::from_bits(value.to_bits() | sign)
        }
        0x1f => f32::from_bits(sign | 0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | mantissa << 13),
    }
}

/// The nearest binary16; infinity beyond 65 504 and what rounds to it.
#[expect(clippy::cast_possible_truncation, reason = "each part is below 16 bits by construction")]
pub(super) fn to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00;
    }
    // Half of the distance to the next number after 65 504.
    if magnitude >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    // Below 2^-14 numbers are 2^-24 apart; adding 0.5, whose last place that is, rounds there.
    if magnitude < 0x3880_0000 {
        let rounded = f32::from_bits(magnitude) + 0.5;
        return sign | (rounded.to_bits() - 0.5_f32.to_bits()) as u16;
    }
    sign | (round(magnitude, 13) - (112 << 10)) as u16
}

/// The value of a brain float, exactly.
pub(super) fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest brain float.
#[expect(clippy::cast_possible_truncation, reason = "shifted by 16 bits")]
pub(super) fn to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        // A mantissa cut to nothing would make it infinite.
        return (bits >> 16) as u16 | 0x40;
    }
    (bits >> 31 << 15) as u16 | round(bits & 0x7fff_ffff, 16) as u16
}

/// `bits` without its last `count` bits, rounded. A carry goes into the exponent, as it should.
const fn round(bits: u32, count: u32) -> u32 {
    let odd = bits >> count & 1;
    (bits + (1 << (count - 1)) - 1 + odd) >> count
}

#[cfg(test)]
mod tests {
    use super::{from_bf16, from_f16, to_bf16, to_f16};

    #[test]
    fn every_number_of_16_bits_comes_back() {
        for bits in 0..=u16::MAX {
            let (half, brain) = (from_f16(bits), from_bf16(bits));
            if half.is_nan() {
                assert!(from_f16(to_f16(half)).is_nan());
            } else {
                assert_eq!(to_f16(half), bits, "{half}");
            }
            if brain.is_nan() {
                assert!(from_bf16(to_bf16(brain)).is_nan());
            } else {
                assert_eq!(to_bf16(brain), bits, "{brain}");
            }
        }
    }

    #[test]
    fn values_are_those_of_the_standard() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(from_f16(bits).to_bits(), f32::to_bits(value));
        }
        assert_eq!(to_f16(0.1), 0x2e66);
        assert_eq!(to_bf16(0.1), 0x3dcd);
        // Ties go to the even one; what is beyond the largest is infinite.
        assert_eq!(to_f16(2049.0), to_f16(2048.0));
        assert_eq!(to_f16(2051.0), to_f16(2052.0));
        assert_eq!(to_f16(65_519.0), 0x7bff);
        assert_eq!(to_f16(65_520.0), 0x7c00);
        assert_eq!(to_f16(-1e30), 0xfc00);
        assert_eq!(to_f16(2.0_f32.powi(-26)), 0);
        assert_eq!(to_bf16(f32::MAX), 0x7f80);
        assert_eq!(to_bf16(1.0 + 2.0_f32.powi(-8)), 0x3f80);
        assert_eq!(to_bf16(1.0 + 3.0 * 2.0_f32.powi(-8)), 0x3f82);
    }
}
