//! Phone numbers, E.164.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::ascii_digit;

/// Country code of the market, put before local numbers.
const SYRIA: &str = "963";
/// E.164 allows 15 digits; shorter than 8 is no subscriber anywhere.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Longer texts are refused before they are looked at.
const MAX_TEXT_CHARS: usize = 40;

/// A phone number, E.164 (`+963944123456`). Its `Debug` does not show it: a phone number never reaches a log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Phone(String);

/// A text that is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number")]
pub struct NotAPhone;

daraa_platform::stored_as!(Phone, daraa_platform::mongo::shape::text());

impl Phone {
    /// Reads `+963 944 123 456`, `00963944123456`, and the Syrian local form `0944 123 456`; spaces, hyphens,
    /// brackets and Arabic-Indic digits are understood.
    ///
    /// # Errors
    /// [`NotAPhone`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAPhone> {
        if text.chars().count() > MAX_TEXT_CHARS {
            return Err(NotAPhone);
        }
        let mut digits = String::with_capacity(16);
        let mut plus = false;
        for c in text.trim().chars() {
            match c {
                '+' if digits.is_empty() && !plus => plus = true,
                ' '
                | '-'
                | '('
                | ')'
                | '.'
                | '\u{a0}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{202a}'..='\u{202e}' => {}
                _ => digits.push(ascii_digit(c).ok_or(NotAPhone)?),
            }
        }
        let international = if plus {
            digits
        } else if let Some(rest) = digits.strip_prefix("00") {
            rest.to_owned()
        } else if let Some(rest) = digits.strip_prefix('0') {
            format!("{SYRIA}{rest}")
        } else {
            return Err(NotAPhone);
        };
        Self::checked(&international)
    }

    fn checked(digits: &str) -> Result<Self, NotAPhone> {
        if !DIGITS.contains(&digits.len()) || digits.starts_with('0') {
            return Err(NotAPhone);
        }
        if let Some(local) = digits.strip_prefix(SYRIA) {
            // Mobile numbers have 9 digits and begin with 9; land lines have 8 or 9 and begin with 1 to 5. A zero
            // after the country code is the local prefix left in by mistake.
            let mobile = local.len() == 9 && local.starts_with('9');
            let land = (8..=9).contains(&local.len()) && local.starts_with(['1', '2', '3', '4', '5']);
            if !mobile && !land {
                return Err(NotAPhone);
            }
        }
        Ok(Self(format!("+{digits}")))
    }

    /// The number in E.164.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl TryFrom<String> for Phone {
    type Error = NotAPhone;
    fn try_from(text: String) -> Result<Self, NotAPhone> {
        text.strip_prefix('+')
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            .ok_or(NotAPhone)
            .and_then(Self::checked)
    }
}

impl From<Phone> for mongodb::bson::Bson {
    fn from(phone: Phone) -> Self {
        Self::String(phone.0)
    }
}
