//! Amounts of memory on the command line.

/// A number of bytes with a unit: `2GB` are 2·10⁹, `2GiB` are 2·2³⁰. A bare number is bytes.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err("write bytes with a unit, such as 500MB, 2GB or 1.5GiB".to_owned()),
    };
    let wrong = || "expected a number of bytes, such as 500MB, 2GB or 1.5GiB".to_owned();
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    // A thousandth of the smallest unit does not matter.
    if whole.is_empty() || part.len() > 9 {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let bytes = whole.checked_mul(unit).ok_or_else(wrong)?;
    if part.is_empty() {
        return Ok(bytes);
    }
    let digits = u32::try_from(part.len()).map_err(|_| wrong())?;
    let part: u128 = part.parse().map_err(|_| wrong())?;
    let part = part * u128::from(unit) / 10_u128.pow(digits);
    bytes.checked_add(u64::try_from(part).map_err(|_| wrong())?).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_have_units_that_are_not_mixed_up() {
        assert_eq!(bytes("2GB"), Ok(2_000_000_000));
        assert_eq!(bytes(" 2 GiB "), Ok(2 << 30));
        assert_eq!(bytes("1.5gib"), Ok(3 << 29));
        assert_eq!(bytes("4096"), Ok(4096));
        for wrong in ["", "GB", ".5GB", "-1GB", "2G", "1e9", "NaN", "1.2.3GB", "99999999999TB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
