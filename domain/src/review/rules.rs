//! What may be said, and when.

use super::error::ReviewError;
use super::model::{CreateReview, ItemStars, MAX_TEXT_CHARS, ReviewStatus, ReviewText, Score, Stars};
use crate::ids::AccountId;
use crate::order::{Order, OrderStatus};

impl Stars {
    /// One to five.
    ///
    /// # Errors
    /// [`ReviewError::StarsOutOfRange`].
    pub fn new(stars: i64) -> Result<Self, ReviewError> {
        if (1..=5).contains(&stars) { Ok(Self(stars)) } else { Err(ReviewError::StarsOutOfRange) }
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }
}

impl ReviewText {
    /// Reads a text.
    ///
    /// # Errors
    /// [`ReviewError::InvalidText`].
    pub fn parse(text: &str) -> Result<Self, ReviewError> {
        let text = text.trim();
        let good = !text.is_empty()
            && text.chars().count() <= MAX_TEXT_CHARS
            && !text.chars().any(|c| c.is_control() && c != '\n');
        if good { Ok(Self(text.to_owned())) } else { Err(ReviewError::InvalidText { max: MAX_TEXT_CHARS }) }
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
