//! The machine of an offer.

use super::model::{OfferAction, OfferStatus};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct OfferTransition {
    /// The status before.
    pub from: OfferStatus,
    /// What is done.
    pub action: OfferAction,
    /// The status afterwards.
    pub to: OfferStatus,
    /// Who may do it: K courier, O ops, Y system.
    pub who: &'static str,
}

/// An offer is answered or ended once.
pub const OFFER_TRANSITIONS: &[OfferTransition] = &[
    row(OfferAction::Accept, OfferStatus::Accepted, "K"),
    row(OfferAction::Decline, OfferStatus::Declined, "K"),
    row(OfferAction::Expire, OfferStatus::Expired, "Y"),
    row(OfferAction::Revoke, OfferStatus::Revoked, "O Y"),
];

const fn row(action: OfferAction, to: OfferStatus, who: &'static str) -> OfferTransition {
    OfferTransition { from: OfferStatus::Offered, action, to, who }
}

/// Where the action leads from a live offer.
#[must_use]
pub fn outcome(action: OfferAction) -> OfferStatus {
    match action {
        OfferAction::Accept => OfferStatus::Accepted,
        OfferAction::Decline => OfferStatus::Declined,
        OfferAction::Expire => OfferStatus::Expired,
        OfferAction::Revoke => OfferStatus::Revoked,
    }
}
