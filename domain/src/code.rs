//! Short numeric codes that people read to each other: one-time codes, the store's code, the customer's PIN.

use subtle::ConstantTimeEq as _;

use crate::text::ascii_digit;

/// Digits of the codes that change hands with the goods.
pub const HAND_OVER_DIGITS: usize = 4;
/// Longer texts are not looked at.
const MAX_TEXT_BYTES: usize = 64;

/// The `count` digits of a code as somebody typed it, Western or Arabic, blanks between them ignored; `None` when it is
/// no such code, so that a slip of the finger costs no try.
#[must_use]
pub fn read(text: &str, count: usize) -> Option<String> {
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    let digits: Option<String> = text.chars().filter(|c| !c.is_whitespace()).map(ascii_digit).collect();
    digits.filter(|digits| digits.len() == count)
}

/// Compares in a time that does not tell how much is right.
#[must_use]
pub fn same(ours: &str, theirs: &str) -> bool {
    ours.as_bytes().ct_eq(theirs.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        for typed in ["7547", "٧٥٤٧", "۷۵۴۷", " 75 47 "] {
            assert_eq!(read(typed, HAND_OVER_DIGITS).as_deref(), Some("7547"), "{typed}");
        }
        for typed in ["", "754", "75471", "75a7", "7\u{202e}547"] {
            assert_eq!(read(typed, HAND_OVER_DIGITS), None, "{typed}");
        }
        assert_eq!(read(&" ".repeat(5_000), 0), None);
        assert!(same("7547", "7547") && !same("7547", "7548") && !same("7547", ""));
    }
}
