//! What the texts of an address may be.

use std::fmt;

use super::error::AddressError;

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
    /// Reads a label: 1 to [`MAX_LABEL_CHARS`] characters, trimmed, no control characters.
    ///
    /// # Errors
    /// [`AddressError::InvalidLabel`] for anything else.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let label = text.trim();
        let fits = (1..=MAX_LABEL_CHARS).contains(&label.chars().count());
        if fits && !label.chars().any(char::is_control) {
            Ok(Self(label.to_owned()))
        } else {
            Err(AddressError::InvalidLabel { max: MAX_LABEL_CHARS })
        }
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
    /// [`AddressError::InvalidNotes`] when too long or with other control characters.
    pub fn parse(text: &str) -> Result<Option<Self>, AddressError> {
        let notes = text.trim();
        let fits = notes.chars().count() <= MAX_NOTES_CHARS;
        if !fits || notes.chars().any(|c| c.is_control() && c != '\n') {
            return Err(AddressError::InvalidNotes { max: MAX_NOTES_CHARS });
        }
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
