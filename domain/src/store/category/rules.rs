//! What a category may be called, and where it may be. Pure.

use super::error::CategoryError;
use super::model::StoreCategory;
use crate::ids::StoreCategoryId;
use crate::text::LocalText;

/// Checks a short name: 2 to 40 lower-case letters and digits, single hyphens between them.
///
/// # Errors
/// [`CategoryError::BadSlug`].
pub(super) fn check_slug(slug: &str) -> Result<(), CategoryError> {
    let word =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let good = (2..=40).contains(&slug.len()) && slug.split('-').all(word);
    if good { Ok(()) } else { Err(CategoryError::BadSlug) }
}

/// Checks what people read.
///
/// # Errors
/// [`CategoryError::BadName`].
pub(super) fn check_name(name: &LocalText) -> Result<(), CategoryError> {
    if crate::store::good_name(name) { Ok(()) } else { Err(CategoryError::BadName) }
}

/// A category and everything above it, nearest first; empty when there is no such category. Cycles in the stored tree
/// end the walk instead of running for ever.
#[must_use]
pub(super) fn line_of(all: &[StoreCategory], id: StoreCategoryId) -> Vec<StoreCategoryId> {
    let mut line = Vec::new();
    let mut next = Some(id);
    while let Some(row) = next.and_then(|id| all.iter().find(|c| c.id == id)) {
        if line.contains(&row.id) {
            break;
        }
        line.push(row.id);
        next = row.parent_id;
    }
    line
}
