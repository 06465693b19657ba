//! 16-bit floats, which tensors here do not have, from and to 32-bit ones.

/// The value of an IEEE 754 binary16.
pub(super) fn from_f16(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let mantissa = u32::from(bits) & 0x3ff;
    let magnitude = match (exponent, mantissa) {
        (0, _) => {
            // Subnormal: so many 2^-24, which f32 has exactly.
            #[expect(clippy::cast_precision_loss, reason = "ten bits")]
            let value = mantissa as f32 * f32::from_bits(0x3380_0000);
            value.to_bits()
        }
        (31, _) => 0x7f80_0000 | mantissa << 13,
        _ => (exponent + 112) << 23 | mantissa << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// The nearest IEEE 754 binary16, of two equally near ones the even one; beyond the range it is
/// infinite.
pub(super) fn to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let magnitude = bits & 0x7fff_ffff;
    let rounded = |kept: u32, dropped: u32, shift: u32| {
        let half = 1 << (shift - 1);
        kept + u32::from(dropped > half || (dropped == half && kept & 1 == 1))
    };
    let result = match magnitude {
        0x7f80_0001.. => 0x7e00,
        0x4780_0000..=0x7f80_0000 => 0x7c00,
        // From 2^-14 on: drop 13 bits. Rounding up may carry into the exponent, as it should.
        0x3880_0000..=0x477f_ffff => {
            rounded((magnitude - 0x3800_0000) >> 13, magnitude & 0x1fff, 13)
        }
        // From 2^-25 on: a count of 2^-24.
        0x3300_0000..=0x387f_ffff => {
            let shift = 126 - (magnitude >> 23);
            let mantissa = magnitude & 0x7f_ffff | 0x80_0000;
            rounded(mantissa >> shift, mantissa & ((1 << shift) - 1), shift)
        }
        _ => 0,
    };
    #[expect(clippy::cast_possible_truncation, reason = "15 bits")]
    let result = result as u16;
    sign | result
}

/// The value of a bfloat16.
pub(super) fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest bfloat16, of two equally near ones the even one.
pub(super) fn to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::{from_bf16, from_f16, to_bf16, to_f16};

    #[test]
    fn every_half_comes_back_as_it_was() {
        for bits in 0..=u16::MAX {
            for (there, back) in
                [(from_f16(bits), to_f16 as fn(f32) -> u16), (from_bf16(bits), to_bf16)]
            {
                let again = back(there);
                assert!(again == bits || there.is_nan() && again & 0x7fff > 0x7c00, "{bits:#x}");
            }
        }
    }

    /// Values of the definition: IEEE 754-2019, table 3.5 and section 4.3.1.
    #[test]
    fn values_and_rounding_are_those_of_the_standard() {
        for (bits, value) in [
            (0x3c00, 1.0_f32),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 2.0_f32.powi(-14)),
            (0x0001, 2.0_f32.powi(-24)),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(from_f16(bits).to_bits(), value.to_bits());
        }
        assert_eq!(to_f16(65519.9), 0x7bff);
        assert_eq!(to_f16(65520.0), 0x7c00);
        // Ties go to the even neighbour.
        assert_eq!(to_f16(1.0 + 2.0_f32.powi(-11)), 0x3c00);
        assert_eq!(to_f16(1.0 + 3.0 * 2.0_f32.powi(-11)), 0x3c02);
        assert_eq!(to_f16(2.0_f32.powi(-25)), 0);
        assert_eq!(to_f16(1.5 * 2.0_f32.powi(-25)), 1);
        assert_eq!(to_f16(-1e-9), 0x8000);
        assert_eq!(to_bf16(1.0 + 2.0_f32.powi(-8)), 0x3f80);
        assert_eq!(to_bf16(1.0 + 3.0 * 2.0_f32.powi(-8)), 0x3f82);
        assert_eq!(to_bf16(f32::MAX), 0x7f80);
    }
}
