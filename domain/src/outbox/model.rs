//! The stored event.

use std::fmt;

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Key, PartialValue};
use daraa_platform::time::Timestamp;
use mongodb::bson::Document;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CourierId, EventId, StoreId};

pub(super) const COLLECTION: &str = "outbox";

/// The declared indexes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    indexes: &[
        IndexSpec::new(
            "outbox_due",
            &[Key::Asc("state"), Key::Asc("next_at"), Key::Asc("_id")],
            "the relay takes due events in order",
        )
        .partial(&[("state", PartialValue::Text("PENDING"))]),
        IndexSpec::new("outbox_subject", &[Key::Asc("subject"), Key::Asc("_id")], "the events of one object"),
        IndexSpec::new(
            "outbox_done_at",
            &[Key::Asc("done_at")],
            "the cleanup job removes delivered events after their retention",
        )
        .partial(&[("state", PartialValue::Text("DONE"))]),
    ],
};

/// Whose live feed an event appears in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A person as a customer.
    Account(AccountId),
    /// The staff of a store.
    Store(StoreId),
    /// A courier.
    Courier(CourierId),
    /// The ops people.
    Ops,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Store(id) => write!(f, "store:{id}"),
            Self::Courier(id) => write!(f, "courier:{id}"),
            Self::Ops => f.write_str("ops"),
        }
    }
}

/// An event to be written.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// `room.verb`, e.g. `order.accepted`; listed in the room's `event.rs`.
    pub kind: &'static str,
    /// The prefixed id of what it is about, e.g. `ord_…`; events of one subject are delivered in order.
    pub subject: String,
    /// Whose live feeds show it.
    pub topics: Vec<Topic>,
    /// What consumers need beyond the subject; never personal data.
    pub data: Document,
}

/// How far the relay is with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventState {
    /// To be delivered.
    Pending,
    /// Every consumer has done its part.
    Done,
    /// A consumer kept failing; a person has to look.
    Dead,
}

/// A stored event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventRow {
    /// The id; sorts by time.
    #[serde(rename = "_id")]
    pub id: EventId,
    /// `room.verb`.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// Whose live feeds show it, as text.
    pub topics: Vec<String>,
    /// What consumers need.
    pub data: Document,
    /// When it happened.
    pub at: Timestamp,
    /// How far the relay is.
    pub state: EventState,
    /// Consumers that have done their part.
    pub done: Vec<String>,
    /// Failed tries so far.
    pub attempts: i64,
    /// Not before this.
    pub next_at: Timestamp,
    /// When the last consumer was done.
    pub done_at: Option<Timestamp>,
}

impl EventRow {
    pub(super) fn new(id: EventId, now: Timestamp, event: NewEvent) -> Self {
        Self {
            id,
            kind: event.kind.to_owned(),
            subject: event.subject,
            topics: event.topics.iter().map(ToString::to_string).collect(),
            data: event.data,
            at: now,
            state: EventState::Pending,
            done: Vec::new(),
            attempts: 0,
            next_at: now,
            done_at: None,
        }
    }
}
