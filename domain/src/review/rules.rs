//! What may be said, and when.

use daraa_platform::fault::FieldPath;

use super::error::ReviewError;
use super::model::{CreateReview, ItemStars, MAX_TEXT_CHARS, ReviewStatus, ReviewText, Score, Stars};
use crate::ids::AccountId;
use crate::order::{Order, OrderStatus};
use crate::text::{Lines, clean_within};

impl Stars {
    /// One to five, given in the field `path`.
    ///
    /// # Errors
    /// [`ReviewError::StarsOutOfRange`].
    pub fn new(stars: i64, path: FieldPath) -> Result<Self, ReviewError> {
        if (1..=5).contains(&stars) { Ok(Self(stars)) } else { Err(ReviewError::StarsOutOfRange { path }) }
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }
}

impl ReviewText {
    /// Reads a text given in the field `path`.
    ///
    /// # Errors
    /// [`ReviewError::InvalidText`].
    pub fn parse(text: &str, path: FieldPath) -> Result<Self, ReviewError> {
        clean_within(text, Lines::Many, 1..=MAX_TEXT_CHARS)
            .map(|text| Self(text.to_owned()))
            .ok_or(ReviewError::InvalidText { path, max: MAX_TEXT_CHARS })
    }

    /// The text.
    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

impl Score {
    /// The mean in thousandths of a star; 0 without ratings.
    #[must_use]
    pub fn average_milli(&self) -> i64 {
        self.sum.saturating_mul(1_000).checked_div(self.count).unwrap_or(0)
    }
}

/// Whether this person may review this order in this way; answers the items with their products.
///
/// # Errors
/// Not their order, not completed, no courier to rate, an unknown or repeated line.
pub(super) fn check(
    order: &Order,
    author: AccountId,
    command: &CreateReview,
) -> Result<Vec<ItemStars>, ReviewError> {
    if order.account_id != author {
        return Err(ReviewError::OrderNotFound);
    }
    if order.status != OrderStatus::Completed {
        return Err(ReviewError::NotCompleted);
    }
    if command.courier_stars.is_some() && order.courier_id.is_none() {
        return Err(ReviewError::NoCourier);
    }
    let mut items: Vec<ItemStars> = Vec::with_capacity(command.items.len());
    for (line_id, stars) in &command.items {
        let line = order.lines.iter().find(|line| line.id == *line_id).ok_or(ReviewError::UnknownLine)?;
        if items.iter().any(|item| item.line_id == *line_id) {
            return Err(ReviewError::UnknownLine);
        }
        items.push(ItemStars { line_id: *line_id, product_id: line.product_id, stars: *stars });
    }
    Ok(items)
}

/// Whether moderation changes anything: the same state again is a success without effect.
#[must_use]
pub(super) fn moderates(from: ReviewStatus, to: ReviewStatus) -> bool {
    from != to
}
