//! Small readers of the kernel's text formats, and facts made of them.

use accel_core::hardware::Fact;

use crate::hardware::Bundle;

/// A fact from a file whose text `parse` understands.
pub(crate) fn fact<T>(
    bundle: &Bundle,
    path: &str,
    what: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Fact<T> {
    let source = if what.is_empty() { path.to_owned() } else { format!("{path} {what}") };
    match bundle.text(path) {
        Ok(text) => match parse(text) {
            Some(value) => Fact::known(value, source),
            None => Fact::unknown(source, "it does not say, or not in a form that is known"),
        },
        Err(reason) => Fact::unknown(source, reason),
    }
}

/// The first of several ways that gave a value; without one, the first way's reason.
pub(crate) fn first<T>(ways: impl IntoIterator<Item = Fact<T>>) -> Option<Fact<T>> {
    let mut none = None;
    for way in ways {
        if way.value.is_some() {
            return Some(way);
        }
        none.get_or_insert(way);
    }
    none
}

/// A fact of another type from the value, where there is one.
pub(crate) fn map<T, U>(fact: Fact<T>, to: impl FnOnce(T) -> U) -> Fact<U> {
    Fact { value: fact.value.map(to), source: fact.source, reason: fact.reason }
}

/// The value of `key` in lines such as `MemTotal:  16 kB` and `model name : X`.
pub(crate) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then_some(value.trim())
    })
}

/// The value of `key` in lines of two words, such as `inactive_file 4096`.
pub(crate) fn word<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.trim().split_once(char::is_whitespace)?;
        (name == key).then_some(value.trim())
    })
}

/// A number in kB, as `/proc/meminfo` has them, in bytes.
pub(crate) fn kilobytes(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    (unit.trim() == "kB").then_some(())?;
    number.parse::<u64>().ok()?.checked_mul(1024)
}

/// A size as sysfs writes caches, such as `512K`, in bytes.
pub(crate) fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|it: char| !it.is_ascii_digit());
    let shift = match text.get(digits.len()..)? {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A number with or without `0x`.
pub(crate) fn hexadecimal(text: &str) -> Option<u64> {
    let text = text.trim();
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// How many processors a list such as `0-3,8` names. No machine has more than a million, so a
/// list that says so says nothing.
pub(crate) fn count_list(list: &str) -> Option<u32> {
    let mut count = 0_u64;
    for range in list.trim().split(',').filter(|it| !it.trim().is_empty()) {
        let (start, end) = bounds(range)?;
        count = count.checked_add(end.checked_sub(start)?.checked_add(1)?)?;
    }
    u32::try_from(count).ok().filter(|it| (1..=1_000_000).contains(it))
}

/// Whether a list such as `0-3,8` names a processor.
pub(crate) fn in_list(list: &str, number: u64) -> bool {
    list.trim().split(',').filter_map(bounds).any(|(start, end)| (start..=end).contains(&number))
}

/// The processors of a list, at most as many as any machine has.
pub(crate) fn numbers(list: &str) -> impl Iterator<Item = u64> {
    list.trim().split(',').filter_map(bounds).flat_map(|(start, end)| start..=end).take(65_536)
}

fn bounds(range: &str) -> Option<(u64, u64)> {
    let range = range.trim();
    match range.split_once('-') {
        Some((start, end)) => Some((start.parse().ok()?, end.parse().ok()?)),
        None => range.parse().ok().map(|it| (it, it)),
    }
}

#[cfg(test)]
mod tests {
    use super::{count_list, field, hexadecimal, in_list, kilobytes, size, word};

    #[test]
    fn the_kernels_formats_are_read_and_absurd_ones_are_not() {
        assert_eq!(count_list("0-3,8,10-11\n"), Some(7));
        assert_eq!(count_list("0"), Some(1));
        for absurd in ["", "3-1", "0-18446744073709551615", "a", "0-", "-1"] {
            assert_eq!(count_list(absurd), None, "{absurd}");
        }
        assert!(in_list("0-3,8", 8) && !in_list("0-3,8", 4));
        assert_eq!(size("32768K"), Some(32 << 20));
        assert_eq!(size("99999999999999999999K"), None);
        assert_eq!(kilobytes("16 kB"), Some(16384));
        assert_eq!(kilobytes("16"), None);
        assert_eq!(hexadecimal("0x10de\n"), Some(0x10de));
        assert_eq!(field("model name\t: A: B\n", "model name"), Some("A: B"));
        assert_eq!(word("a 1\nab 2\n", "ab"), Some("2"));
    }
}
