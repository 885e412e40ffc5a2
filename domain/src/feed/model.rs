//! The stored feed.

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use mongodb::bson::Document;
use mongodb::bson::oid::ObjectId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::EventId;

pub(super) const EVENTS: &str = "feed_events";
pub(super) const HEADS: &str = "feed_heads";
/// Sequence numbers are unique within a topic.
pub(super) const TOPIC_SEQUENCE: &str = "feed_events_topic_sequence";
/// An event appears once in a topic.
pub(super) const TOPIC_EVENT: &str = "feed_events_topic_event";

/// Feed events can be resumed from this long, in seconds: a day.
pub const KEEP_SECS: i64 = 86_400;

/// The declared indexes. No TTL index: the platform's clock may run apart from the machine's (simulation), so the
/// cleanup job removes what is old.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: EVENTS,
    about: "Something that happened, numbered within its topic, for subscriptions that resume.",
    kept: Kept::ByJob { job: "cleanup", after: "after a day" },
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("topic")],
        why: "subscriptions name their topic, and numbers are unique within it",
        beside: &[],
    },
    shape: Shape::of::<FeedEvent>(),
    indexes: &[
        IndexSpec::new(
            TOPIC_SEQUENCE,
            &[Key::Asc("topic"), Key::Asc("sequence")],
            "a subscription resumes after a sequence number; numbers are unique",
        )
        .unique(),
        IndexSpec::new(
            TOPIC_EVENT,
            &[Key::Asc("topic"), Key::Asc("event_id")],
            "an event delivered twice appears once",
        )
        .unique(),
        IndexSpec::new(
            "feed_events_created",
            &[Key::Asc("created_at")],
            "the cleanup job removes events after their day",
        ),
    ],
};

/// The declared indexes of the heads: `_id` (the topic) is enough.
pub const HEAD_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: HEADS,
    about: "The last number of a topic.",
    kept: Kept::ForGood("a number given out twice would hide an event"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "always asked for by its topic",
        beside: &[],
    },
    shape: Shape::of::<Head>(),
    indexes: &[],
};

/// An event as it appears in one topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeedEvent {
    /// Nobody refers to it.
    #[serde(rename = "_id")]
    #[schemars(schema_with = "daraa_platform::mongo::shape::id_field")]
    pub id: ObjectId,
    /// Whose feed: `account:acc_…`, `store:sto_…`, `courier:cou_…`, `ops`.
    pub topic: String,
    /// Its place in the topic: 1, 2, 3, … without a gap.
    pub sequence: i64,
    /// The outbox event it came from.
    pub event_id: EventId,
    /// `room.verb`, e.g. `order.accepted`.
    pub kind: String,
    /// The prefixed id of what it is about.
    pub subject_id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What the event carries beyond its subject.
    #[schemars(schema_with = "daraa_platform::mongo::shape::document_field")]
    pub data: Document,
    /// When it was appended; it may go [`KEEP_SECS`] later.
    pub created_at: Timestamp,
}

/// The last number of a topic. It may lag behind the events by those whose append was cut short, never run ahead.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Head {
    /// The topic.
    #[serde(rename = "_id")]
    pub(super) topic: String,
    /// Its last number.
    pub(super) last: i64,
}
