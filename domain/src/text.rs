//! Text in the two languages of the market, and what people may type.

use std::ops::RangeInclusive;

use daraa_platform::fault::Lang;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text in Arabic and English.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalText {
    /// Arabic.
    pub ar: String,
    /// English.
    pub en: String,
}

impl LocalText {
    /// Both languages.
    pub fn new(ar: impl Into<String>, en: impl Into<String>) -> Self {
        Self { ar: ar.into(), en: en.into() }
    }

    /// The text in `lang`, or in the other language when that one is empty.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        let (wanted, other) = match lang {
            Lang::Ar => (&self.ar, &self.en),
            Lang::En => (&self.en, &self.ar),
        };
        if wanted.is_empty() { other } else { wanted }
    }
}

/// A digit as people type it, Western or Eastern Arabic (`٤`, `۴`), as the ASCII digit it means; `None` when it is none.
#[must_use]
pub fn ascii_digit(c: char) -> Option<char> {
    let value = match c {
        '0'..='9' => return Some(c),
        '\u{660}'..='\u{669}' => u32::from(c) - 0x660,
        '\u{6f0}'..='\u{6f9}' => u32::from(c) - 0x6f0,
        _ => return None,
    };
    char::from_digit(value, 10)
}

/// Whether a text may have more than one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// A name, a label: what is shown within a line.
    One,
    /// A note, a reason, a description.
    Many,
}

/// A text people typed as it may be stored and shown to others: trimmed, perhaps empty. `None` when it holds control
/// characters (line breaks apart, where it may have some), turns the direction of what is shown around it, or is not
/// empty and yet shows nothing.
#[must_use]
pub fn clean(text: &str, lines: Lines) -> Option<&str> {
    let text = text.trim();
    let harmful = |c: char| match c {
        '\n' => lines == Lines::One,
        _ => c.is_control() || breaks_out(c),
    };
    let shows = text.is_empty() || text.chars().any(is_visible);
    (shows && !text.chars().any(harmful)).then_some(text)
}

/// [`clean`] with as many characters as allowed.
#[must_use]
pub fn clean_within(text: &str, lines: Lines, chars: RangeInclusive<usize>) -> Option<&str> {
    clean(text, lines).filter(|text| chars.contains(&text.chars().count()))
}

/// Characters whose effect goes beyond the text: overrides, embeddings and isolates of direction, and the separators
/// that break lines like `\n`. The marks U+200E, U+200F and U+061C are ordinary in Arabic.
fn breaks_out(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character alone can be seen: no blank, no joiner, mark of direction, selector or filler.
fn is_visible(c: char) -> bool {
    let hidden = matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    !(hidden || c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Lines::{Many, One};
    use super::*;

    #[test]
    fn what_people_write_passes_trimmed() {
        for (typed, stored) in [
            ("  ليلى ", "ليلى"),
            ("", ""),
            (" \t\n", ""),
            ("Café №7 — 50%", "Café №7 — 50%"),
            // Marks of direction, joiners of Persian and of emoji.
            ("\u{200f}شارع 7\u{200e} A\u{61c}", "\u{200f}شارع 7\u{200e} A\u{61c}"),
            ("می\u{200c}روم", "می\u{200c}روم"),
            ("👩\u{200d}🍳", "👩\u{200d}🍳"),
        ] {
            assert_eq!(clean(typed, One), Some(stored), "{typed:?}");
        }
        assert_eq!(clean("two\nlines\n", Many), Some("two\nlines"));
        assert_eq!(clean("two\nlines", One), None);
    }

    #[test]
    fn what_nobody_writes_is_refused() {
        for typed in [
            "a\u{0}b",
            "\u{7}bell",
            "tab\tstop",
            "re\rturn",
            "del\u{7f}",
            "\u{85}next\u{9d}",
            "pay \u{202e}001\u{202c} now",
            "\u{202a}x",
            "\u{2066}x\u{2069}",
            "a\u{2028}b",
            "a\u{2029}b",
            "\u{0}\u{202e}",
            // Nothing to see.
            "\u{200f}",
            "\u{200b} \u{2060}",
            "\u{3164}",
            "\u{feff}\u{ad}",
        ] {
            assert_eq!((clean(typed, One), clean(typed, Many)), (None, None), "{typed:?}");
        }
    }

    #[test]
    fn characters_are_counted_after_trimming() {
        assert_eq!(clean_within("  قهوة  ", One, 1..=4), Some("قهوة"));
        assert_eq!(clean_within(" ", One, 1..=4), None);
        assert_eq!(clean_within("", One, 0..=4), Some(""));
        assert_eq!(clean_within("12345", One, 1..=4), None);
    }

    proptest! {
        #[test]
        fn what_is_clean_stays_so(typed in ".{0,40}") {
            if let Some(stored) = clean(&typed, One) {
                prop_assert_eq!(clean(stored, One), Some(stored));
                prop_assert_eq!(clean(stored, Many), Some(stored));
                prop_assert!(!stored.chars().any(char::is_control));
            }
        }
    }
}
