//! Languages that Whisper knows, by code and by English name (transformers 5.23,
//! `tokenization_whisper.py`, `LANGUAGES` and `TO_LANGUAGE_CODE`).

use std::collections::BTreeMap;

use crate::Result;
use crate::tasks::speech::refuse;

/// Codes, each with the language's name and its other names.
#[rustfmt::skip]
const LANGUAGES: &[(&str, &[&str])] = &[
    ("en", &["english"]),
    ("zh", &["chinese", "mandarin"]),
    ("de", &["german"]),
    ("es", &["spanish", "castilian"]),
    ("ru", &["russian"]),
    ("ko", &["korean"]),
    ("fr", &["french"]),
    ("ja", &["japanese"]),
    ("pt", &["portuguese"]),
    ("tr", &["turkish"]),
    ("pl", &["polish"]),
    ("ca", &["catalan", "valencian"]),
    ("nl", &["dutch", "flemish"]),
    ("ar", &["arabic"]),
    ("sv", &["swedish"]),
    ("it", &["italian"]),
    ("id", &["indonesian"]),
    ("hi", &["hindi"]),
    ("fi", &["finnish"]),
    ("vi", &["vietnamese"]),
    ("he", &["hebrew"]),
    ("uk", &["ukrainian"]),
    ("el", &["greek"]),
    ("ms", &["malay"]),
    ("cs", &["czech"]),
    ("ro", &["romanian", "moldavian", "moldovan"]),
    ("da", &["danish"]),
    ("hu", &["hungarian"]),
    ("ta", &["tamil"]),
    ("no", &["norwegian"]),
    ("th", &["thai"]),
    ("ur", &["urdu"]),
    ("hr", &["croatian"]),
    ("bg", &["bulgarian"]),
    ("lt", &["lithuanian"]),
    ("la", &["latin"]),
    ("mi", &["maori"]),
    ("ml", &["malayalam"]),
    ("cy", &["welsh"]),
    ("sk", &["slovak"]),
    ("te", &["telugu"]),
    ("fa", &["persian"]),
    ("lv", &["latvian"]),
    ("bn", &["bengali"]),
    ("sr", &["serbian"]),
    ("az", &["azerbaijani"]),
    ("sl", &["slovenian"]),
    ("kn", &["kannada"]),
    ("et", &["estonian"]),
    ("mk", &["macedonian"]),
    ("br", &["breton"]),
    ("eu", &["basque"]),
    ("is", &["icelandic"]),
    ("hy", &["armenian"]),
    ("ne", &["nepali"]),
    ("mn", &["mongolian"]),
    ("bs", &["bosnian"]),
    ("kk", &["kazakh"]),
    ("sq", &["albanian"]),
    ("sw", &["swahili"]),
    ("gl", &["galician"]),
    ("mr", &["marathi"]),
    ("pa", &["punjabi", "panjabi"]),
    ("si", &["sinhala", "sinhalese"]),
    ("km", &["khmer"]),
    ("sn", &["shona"]),
    ("yo", &["yoruba"]),
    ("so", &["somali"]),
    ("af", &["afrikaans"]),
    ("oc", &["occitan"]),
    ("ka", &["georgian"]),
    ("be", &["belarusian"]),
    ("tg", &["tajik"]),
    ("sd", &["sindhi"]),
    ("gu", &["gujarati"]),
    ("am", &["amharic"]),
    ("yi", &["yiddish"]),
    ("lo", &["lao"]),
    ("uz", &["uzbek"]),
    ("fo", &["faroese"]),
    ("ht", &["haitian creole", "haitian"]),
    ("ps", &["pashto", "pushto"]),
    ("tk", &["turkmen"]),
    ("nn", &["nynorsk"]),
    ("mt", &["maltese"]),
    ("sa", &["sanskrit"]),
    ("lb", &["luxembourgish", "letzeburgesch"]),
    ("my", &["myanmar", "burmese"]),
    ("bo", &["tibetan"]),
    ("tl", &["tagalog"]),
    ("mg", &["malagasy"]),
    ("as", &["assamese"]),
    ("tt", &["tatar"]),
    ("haw", &["hawaiian"]),
    ("ln", &["lingala"]),
    ("ha", &["hausa"]),
    ("ba", &["bashkir"]),
    ("jw", &["javanese"]),
    ("su", &["sundanese"]),
    ("yue", &["cantonese"]),
];

/// The token of `language`, a code or a name, among those that the model knows (`lang_to_id`,
/// from `<|en|>` to its token).
pub(super) fn token(language: &str, known: &BTreeMap<String, i64>) -> Result<i64> {
    let wanted = language.to_lowercase();
    let code = LANGUAGES
        .iter()
        .find(|(code, names)| *code == wanted || names.contains(&wanted.as_str()))
        .map_or(wanted.as_str(), |(code, _)| code);
    // A model's own spelling goes first, as `<|en|>` itself.
    let token = known.get(&wanted).or_else(|| known.get(&format!("<|{code}|>")));
    token.copied().ok_or_else(|| {
        let codes = known.keys().filter_map(|it| it.strip_prefix("<|")?.strip_suffix("|>"));
        let codes: Vec<_> = codes.collect();
        let near = near(&wanted, &codes);
        let meant = match near.join(", ") {
            it if it.is_empty() => it,
            it => format!("; did you mean {it}?"),
        };
        let expected = format!("a language of this model: {}{meant}", codes.join(", "));
        refuse("language", &language, &expected)
    })
}

/// The code of the language that a token such as `<|en|>` stands for.
pub(super) fn of_token(token: &str) -> Option<&'static str> {
    let code = token.strip_prefix("<|")?.strip_suffix("|>")?;
    LANGUAGES.iter().map(|(known, _)| *known).find(|known| *known == code)
}

/// Languages of the model whose code or name is written much like `wanted`, at most three.
fn near(wanted: &str, codes: &[&str]) -> Vec<String> {
    let known = LANGUAGES.iter().filter(|(code, _)| codes.contains(code));
    let mut near: Vec<_> = known
        .filter_map(|(code, names)| {
            let spellings = names.iter().copied().chain([*code]);
            let (distance, spelling) =
                spellings.map(|it| (distance(wanted, it), it)).min_by_key(|it| it.0)?;
            // A third of a word may be wrong; of a code of two letters, one.
            let close = distance <= (spelling.len() / 3).max(1);
            let prefix = wanted.len() > 2 && names[0].starts_with(wanted);
            (close || prefix).then(|| (distance, format!("{code} ({})", names[0])))
        })
        .collect();
    near.sort();
    near.truncate(3);
    near.into_iter().map(|(_, it)| it).collect()
}

/// Letters to insert, delete or replace until `a` is `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<_> = b.chars().collect();
    let mut row: Vec<_> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{of_token, token};

    #[test]
    fn languages_are_found_by_code_and_name_and_others_suggest_some() {
        let known = [("<|en|>", 7), ("<|fr|>", 8), ("<|es|>", 9), ("<|haw|>", 10)];
        let known: BTreeMap<_, _> = known.map(|(name, id)| (name.to_owned(), id)).into();
        for (name, id) in
            [("en", 7), ("French", 8), ("castilian", 9), ("<|haw|>", 10), ("HAWAIIAN", 10)]
        {
            assert_eq!(token(name, &known).unwrap(), id);
        }
        let error = |name: &str| token(name, &known).unwrap_err().to_string();
        assert!(error("frensh").contains("did you mean fr (french)?"), "{}", error("frensh"));
        assert!(error("klingon").ends_with("en, es, fr, haw"), "{}", error("klingon"));
        // German is a language, and not of this model.
        assert!(error("german").contains("`language` = german"), "{}", error("german"));
        assert!(error(&"x".repeat(10_000)).len() < 20_000);
        assert_eq!(of_token("<|haw|>"), Some("haw"));
        assert_eq!(of_token("<|nospeech|>"), None);
    }
}
