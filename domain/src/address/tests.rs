#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::rules::{AddressLabel, AddressNotes};

#[test]
fn labels_are_trimmed_and_bounded() {
    assert_eq!(AddressLabel::parse(" البيت ").unwrap().as_str(), "البيت");
    for text in ["", "   ", "a\tb", "home\u{202e}", "\u{200f}", &"x".repeat(61)] {
        assert!(AddressLabel::parse(text).is_err());
    }
}

#[test]
fn empty_notes_are_no_notes() {
    assert_eq!(AddressNotes::parse("  ").unwrap(), None);
    assert_eq!(
        AddressNotes::parse("2nd floor\nblue door").unwrap().unwrap().as_str(),
        "2nd floor\nblue door"
    );
    assert!(AddressNotes::parse("a\u{7}").is_err());
    assert!(AddressNotes::parse("a\u{2066}b").is_err());
    assert!(AddressNotes::parse(&"x".repeat(501)).is_err());
}
