//! What stores announce.

use mongodb::bson::doc;

use super::model::{Store, StoreAction};
use crate::outbox::{NewEvent, Topic};

/// A store was set up.
pub const CREATED: &str = "store.created";
/// A store asks for approval.
pub const SUBMITTED: &str = "store.submitted";
/// Ops let a store sell.
pub const APPROVED: &str = "store.approved";
/// Ops want something changed first.
pub const SENT_BACK: &str = "store.sent_back";
/// Ops stopped a store.
pub const SUSPENDED: &str = "store.suspended";
/// Ops let a store go on.
pub const REOPENED: &str = "store.reopened";
/// A store is gone.
pub const CLOSED: &str = "store.closed";
/// A store takes no orders for a while.
pub const PAUSED: &str = "store.paused";
/// A store takes orders again.
pub const RESUMED: &str = "store.resumed";

impl StoreAction {
    pub(super) fn event(self) -> &'static str {
        match self {
            Self::Submit => SUBMITTED,
            Self::Approve => APPROVED,
            Self::SendBack => SENT_BACK,
            Self::Suspend => SUSPENDED,
            Self::Reopen => REOPENED,
            Self::Close => CLOSED,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "SUBMIT",
            Self::Approve => "APPROVE",
            Self::SendBack => "SEND_BACK",
            Self::Suspend => "SUSPEND",
            Self::Reopen => "REOPEN",
            Self::Close => "CLOSE",
        }
    }
}

/// An event about a store for its staff; life-cycle events reach ops, too. Ids in the data are API texts (`sto_…`).
pub(super) fn about(store: &Store, kind: &'static str) -> NewEvent {
    let mut topics = vec![Topic::Store(store.id)];
    if kind != PAUSED && kind != RESUMED {
        topics.push(Topic::Ops);
    }
    let subject = store.id.to_string();
    let data = doc! { "store_id": &subject, "status": store.status.as_str(), "version": store.version };
    NewEvent { kind, subject, topics, data }
}
