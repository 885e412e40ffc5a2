//! Reasons, of the system and of people.

use crate::order::error::OrderError;
use crate::text::{Lines, clean_within};

/// An order its store did not answer.
pub const STORE_TIMEOUT: &str = "STORE_TIMEOUT";
/// An order that was not paid in time.
pub const UNPAID: &str = "UNPAID";
/// An order whose payment was refused.
pub const PAYMENT_FAILED: &str = "PAYMENT_FAILED";
/// An order whose goods were gone when its payment came.
pub const SOLD_OUT: &str = "SOLD_OUT";

/// The longest reason.
const MAX_CHARS: usize = 200;

/// A trimmed reason that people can read and that is not too long.
pub(in crate::order) fn checked(text: &str) -> Result<String, OrderError> {
    clean_within(text, Lines::Many, 1..=MAX_CHARS).map(str::to_owned).ok_or(OrderError::BadReason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something() {
        assert_eq!(checked("  نفد الخبز ").ok().as_deref(), Some("نفد الخبز"));
        for bad in ["", "  ", "\u{0}\u{202e}", "late\u{7}", "\u{202e}etal", "\u{200b}", &"x".repeat(201)] {
            assert!(matches!(checked(bad), Err(OrderError::BadReason)), "{bad:?}");
        }
    }
}
