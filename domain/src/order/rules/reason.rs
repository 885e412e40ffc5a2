//! Reasons people give.

use crate::order::error::OrderError;

/// The longest reason.
const MAX_CHARS: usize = 200;

/// A trimmed reason that is neither empty nor too long.
pub(in crate::order) fn checked(text: &str) -> Result<String, OrderError> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.chars().count() > MAX_CHARS {
        return Err(OrderError::BadReason);
    }
    Ok(trimmed.to_owned())
}
