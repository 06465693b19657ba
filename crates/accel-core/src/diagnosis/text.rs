//! Text of strangers, made safe to show.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` on one line with nothing in it that a terminal or a reader would not see: line ends and
/// tabs become blanks; other control characters, and those that hide or turn text around, become
/// `\u{…}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|it| is_blank(it) || is_hidden(it)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_blank(character) {
            shown.push(' ');
        } else if is_hidden(character) {
            // Writing to a string does not fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

const fn is_blank(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}')
}

/// Control characters; marks and overrides of direction (Unicode annex 9); characters without
/// width; tags.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}
