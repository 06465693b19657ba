//! A number of parameters in a model's name: the last resort.

/// The number of parameters that a name tells, such as `7b`, `1.1B`, `8x7B` or `350m`; `None` when
/// it tells none, or two that differ.
///
/// Experts are multiplied (`8x7b` is 56 billion), which counts what they share more than once. What
/// follows an `a`, as in `30B-A3B`, are the parameters that a token meets, not those there are.
pub fn parameters_from_name(name: &str) -> Option<u64> {
    let own = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let words = own.split(|it: char| !it.is_alphanumeric() && it != '.');
    let mut found = words.filter_map(word);
    let first = found.next()?;
    found.all(|it| it == first).then_some(first)
}

/// One word, such as `7b` or `8x7b`.
fn word(word: &str) -> Option<u64> {
    let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let unit: u64 = match unit {
        "b" => 1_000_000_000,
        "m" => 1_000_000,
        _ => return None,
    };
    let (times, number) = match number.split_once('x') {
        Some((times, number)) => (times.parse::<u32>().ok().filter(|it| *it > 0)?, number),
        None => (1, number),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if !digits(whole) || !digits(part) || part.len() > 3 || whole.len() > 6 {
        return None;
    }
    let thousandths: u64 = format!("{part:0<3}").parse().ok()?;
    let single = whole.parse::<u64>().ok()? * unit + thousandths * (unit / 1000);
    single.checked_mul(times.into()).filter(|it| *it > 0)
}

#[cfg(test)]
mod tests {
    use super::parameters_from_name;

    #[test]
    fn names_tell_sizes_and_nothing_else_does() {
        let cases = [
            ("meta-llama/Llama-2-7b-hf", Some(7_000_000_000)),
            ("TinyLlama-1.1B-Chat-v1.0", Some(1_100_000_000)),
            ("Mixtral-8x7B-v0.1", Some(56_000_000_000)),
            ("facebook/opt-350m", Some(350_000_000)),
            ("Qwen3-30B-A3B", Some(30_000_000_000)),
            ("Qwen2.5-0.5B-Instruct", Some(500_000_000)),
            ("bert-base-uncased", None),
            ("vit-base-patch16-224", None),
            ("llama-7b-distilled-to-1b", None),
            ("b", None),
            ("0b", None),
            ("99999999999999999999b", None),
            ("4294967295x999999b", None),
            ("é7b", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(parameters_from_name(name), expected, "{name}");
        }
    }
}
