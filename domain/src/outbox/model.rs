//! The stored event.

use std::fmt;
use std::str::FromStr;

use daraa_platform::ids::MalformedId;
use daraa_platform::mongo::index::{
    CollectionIndexes, IndexSpec, Kept, Key, PartialValue, ShardField, ShardKey,
};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use mongodb::bson::Document;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CourierId, EventId, StoreId};

pub(super) const COLLECTION: &str = "outbox";

/// The declared indexes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "An event on its way to its consumers, written in the transaction of its cause.",
    kept: Kept::ByJob {
        job: "cleanup",
        after: "7 days after all consumers had it; what is not delivered stays",
    },
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("subject")],
        why: "events are delivered in order by subject, so those of a subject lie together. What is \
            due, and noting one delivered, asks every shard",
        beside: &[],
    },
    shape: Shape::of::<EventRow>(),
    indexes: &[
        IndexSpec::new(
            "outbox_due",
            &[Key::Asc("state"), Key::Asc("next_at"), Key::Asc("_id")],
            "the relay takes due events in order; a new one is due from the beginning of time",
        )
        .partial(&[("state", PartialValue::Text("PENDING"))]),
        IndexSpec::new(
            "outbox_subject",
            &[Key::Asc("subject"), Key::Asc("at"), Key::Asc("_id")],
            "the relay delivers the undelivered events of one object in the order they happened",
        )
        .partial(&[("state", PartialValue::Text("PENDING"))]),
        IndexSpec::new("outbox_dead", &[Key::Desc("at")], "ops look at events that could not be delivered")
            .partial(&[("state", PartialValue::Text("DEAD"))]),
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

impl FromStr for Topic {
    type Err = MalformedId;
    fn from_str(text: &str) -> Result<Self, MalformedId> {
        match text.split_once(':') {
            None if text == "ops" => Ok(Self::Ops),
            Some(("account", id)) => id.parse().map(Self::Account),
            Some(("store", id)) => id.parse().map(Self::Store),
            Some(("courier", id)) => id.parse().map(Self::Courier),
            _ => Err(MalformedId { kind: "topic" }),
        }
    }
}

/// Due whatever any clock says.
pub(super) fn at_once() -> Timestamp {
    Timestamp::from_millis(0)
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct EventRow {
    /// The id; sorts by time within one process. Across processes `at` comes first.
    #[serde(rename = "_id")]
    pub id: EventId,
    /// `room.verb`.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// Whose live feeds show it, as text.
    pub topics: Vec<String>,
    /// What consumers need.
    #[schemars(schema_with = "daraa_platform::mongo::shape::document_field")]
    pub data: Document,
    /// When it happened.
    pub at: Timestamp,
    /// How far the relay is.
    pub state: EventState,
    /// Consumers that have done their part.
    pub done: Vec<String>,
    /// Failed tries so far.
    pub attempts: i64,
    /// Not before this: [`at_once`] until a try has failed, so that no machine's clock puts a first delivery off.
    pub next_at: Timestamp,
    /// When the last consumer was done.
    pub done_at: Option<Timestamp>,
    /// The fencing number of the relay that wrote last; an older relay may not write any more.
    #[serde(default)]
    pub fence: i64,
    /// What the last failed consumer said, for ops; never personal data.
    #[serde(default)]
    pub last_error: Option<String>,
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
            next_at: at_once(),
            done_at: None,
            fence: 0,
            last_error: None,
        }
    }
}

impl EventRow {
    /// A text field of the data, e.g. `status`.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.data.get_str(field).ok()
    }

    /// A typed id of the data, e.g. `store_id`; events carry ids as API texts.
    #[must_use]
    pub fn id_of<I: FromStr>(&self, field: &str) -> Option<I> {
        self.text(field)?.parse().ok()
    }

    /// What the event is about, when its subject is an `I`.
    #[must_use]
    pub fn subject_as<I: FromStr>(&self) -> Option<I> {
        self.subject.parse().ok()
    }

    /// Whose feeds show it; unknown topics of an older version are left out.
    #[must_use]
    pub fn topics(&self) -> Vec<Topic> {
        self.topics.iter().filter_map(|topic| topic.parse().ok()).collect()
    }
}
