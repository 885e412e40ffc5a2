//! Spelling folded away, so that people find what they mean: Arabic (hamza seats, final ya, ta marbuta, vowel
//! signs, tatweel, digits, the article) and Latin (case, accents).
//!
//! A leaf: `store` and `catalog` fold what they save, `search` folds what is asked for.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Words are matched by their first letters up to this length; longer words are cut on both sides.
pub const MAX_PREFIX_CHARS: usize = 12;
/// A single letter finds everything and nothing; it is not indexed.
pub const MIN_PREFIX_CHARS: usize = 2;
/// An object is not found by more prefixes than this: bounds the index entries of one document.
pub const MAX_PREFIXES: usize = 400;
/// Words of a question beyond this are ignored.
pub const MAX_QUERY_WORDS: usize = 6;
/// The shortest word that is left when the Arabic article is taken off.
const MIN_STEM_CHARS: usize = 3;

/// Folds spelling: two texts that people take for the same fold to the same. Folding twice changes nothing.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        // Lower-casing may bring accents back (İ becomes i with a dot above).
        if is_combining_mark(c) {
            continue;
        }
        let folded = fold_char(c);
        if folded == Some("") {
            continue;
        }
        if folded.is_none() && !c.is_alphanumeric() {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
        }
        gap = false;
        match folded {
            Some(replacement) => out.push_str(replacement),
            None => out.push(c),
        }
    }
    out
}

/// What a letter folds to beyond what decomposition does; an empty text drops it.
fn fold_char(c: char) -> Option<&'static str> {
    Some(match c {
        // Tatweel, a lone hamza, apostrophes within words, zero-width joiners.
        '\u{0640}' | 'ء' | '\'' | '’' | '`' | '\u{200c}' | '\u{200d}' => "",
        'ٱ' => "ا",
        'ى' | 'ی' => "ي",
        'ة' | 'ہ' | 'ه' => "ه",
        'ک' | 'گ' => "ك",
        'ڤ' => "ف",
        'پ' => "ب",
        'چ' => "ج",
        '٠' | '۰' => "0",
        '١' | '۱' => "1",
        '٢' | '۲' => "2",
        '٣' | '۳' => "3",
        '٤' | '۴' => "4",
        '٥' | '۵' => "5",
        '٦' | '۶' => "6",
        '٧' | '۷' => "7",
        '٨' | '۸' => "8",
        '٩' | '۹' => "9",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ı' => "i",
        'þ' => "th",
        _ => return None,
    })
}

/// A folded word without the Arabic article.
fn stem(word: &str) -> &str {
    match word.strip_prefix("ال") {
        Some(rest) if rest.chars().count() >= MIN_STEM_CHARS => rest,
        _ => word,
    }
}

fn cut(word: &str) -> String {
    word.chars().take(MAX_PREFIX_CHARS).collect()
}

/// Every prefix an object with these texts is found by; sorted, bounded, stored in a multikey index.
#[must_use]
pub fn prefixes<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    let mut out = BTreeSet::new();
    for text in texts {
        for word in fold(text).split(' ') {
            // With the article, too: who types "الش" has not finished the word yet.
            for form in [word, stem(word)] {
                let mut prefix = String::new();
                for (i, c) in form.chars().take(MAX_PREFIX_CHARS).enumerate() {
                    prefix.push(c);
                    if i + 1 >= MIN_PREFIX_CHARS && out.len() < MAX_PREFIXES {
                        out.insert(prefix.clone());
                    }
                }
            }
        }
    }
    out.into_iter().collect()
}

/// The prefixes a question asks for, all of which must match: longest (rarest) first. Empty when nothing is left
/// to look for.
#[must_use]
pub fn query_prefixes(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut words: Vec<String> = folded
        .split(' ')
        .map(|word| cut(stem(word)))
        .filter(|word| word.chars().count() >= MIN_PREFIX_CHARS)
        .take(MAX_QUERY_WORDS)
        .collect();
    words.sort_by(|a, b| b.chars().count().cmp(&a.chars().count()).then(a.cmp(b)));
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spelling_of_one_word_folds_to_one() {
        for (a, b) in [
            ("شاورما", "شاوِرمـــا"),
            ("أكلات", "اكلات"),
            ("إفطار", "افطار"),
            ("آيس كريم", "ايس كريم"),
            ("قهوة", "قهوه"),
            ("حلوى", "حلوي"),
            ("مؤمن", "مومن"),
            ("طازج ٣", "طازج 3"),
            ("Café Crème", "cafe creme"),
            ("SHAWARMA", "shawarma"),
            ("Falafel's", "falafels"),
            ("İstanbul", "istanbul"),
            ("Straße", "strasse"),
            ("ﻻ", "لا"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} and {b}");
        }
    }

    #[test]
    fn the_article_does_not_matter() {
        let object = prefixes(["مطعم الشاورما"]);
        for asked in ["شاورما", "الشاورما", "شاو", "الشاو", "الش", "مطعم شاورما"]
        {
            assert!(query_prefixes(asked).iter().all(|p| object.contains(p)), "{asked}");
        }
        let bare = prefixes(["شاورما"]);
        assert!(query_prefixes("الشاورما").iter().all(|p| bare.contains(p)));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,60}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn folding_arabic_twice_changes_nothing(text in "[\u{0600}-\u{06ff}\u{fb50}-\u{fdff}\u{fe70}-\u{feff} ]{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn case_does_not_matter(text in "[a-zA-Z0-9 ]{0,40}") {
            prop_assert_eq!(fold(&text.to_uppercase()), fold(&text.to_lowercase()));
        }

        #[test]
        fn every_beginning_of_every_word_finds(
            words in proptest::collection::vec("[a-z\u{0621}-\u{063a}\u{0641}-\u{064a}]{2,14}", 1..4),
            pick in any::<proptest::sample::Index>(),
            len in 2_usize..14,
        ) {
            let object = prefixes([words.join(" ").as_str()]);
            let word = pick.get(&words);
            let asked: String = word.chars().take(len).collect();
            for prefix in query_prefixes(&asked) {
                prop_assert!(object.contains(&prefix), "{asked} in {words:?}");
            }
        }

        #[test]
        fn prefixes_are_bounded(text in "\\PC{0,4000}") {
            prop_assert!(prefixes([text.as_str()]).len() <= MAX_PREFIXES);
        }
    }
}
