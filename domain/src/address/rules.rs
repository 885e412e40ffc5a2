//! What the texts of an address may be.

use std::fmt;

use super::error::AddressError;
use crate::text::{Lines, clean_within};

/// Addresses one person may save.
pub const MAX_ADDRESSES: i64 = 50;
/// The longest label, characters.
pub const MAX_LABEL_CHARS: usize = 60;
/// The longest notes, characters.
pub const MAX_NOTES_CHARS: usize = 500;

/// What a person calls an address, e.g. `Home`.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressLabel(String);

impl AddressLabel {
    /// Reads a label: 1 to [`MAX_LABEL_CHARS`] characters on one line, trimmed.
    ///
    /// # Errors
    /// [`AddressError::InvalidLabel`] for anything else.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        clean_within(text, Lines::One, 1..=MAX_LABEL_CHARS)
            .map(|label| Self(label.to_owned()))
            .ok_or(AddressError::InvalidLabel { max: MAX_LABEL_CHARS })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AddressLabel {
    // Personal data never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressLabel(…)")
    }
}

/// How the courier finds the door.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressNotes(String);

impl AddressNotes {
    /// Reads notes: up to [`MAX_NOTES_CHARS`] characters, trimmed, line breaks allowed; `None` when nothing is left.
    ///
    /// # Errors
    /// [`AddressError::InvalidNotes`] when too long or with characters that cannot be shown.
    pub fn parse(text: &str) -> Result<Option<Self>, AddressError> {
        let notes = clean_within(text, Lines::Many, 0..=MAX_NOTES_CHARS)
            .ok_or(AddressError::InvalidNotes { max: MAX_NOTES_CHARS })?;
        Ok((!notes.is_empty()).then(|| Self(notes.to_owned())))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AddressNotes {
    // Personal data never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressNotes(…)")
    }
}
