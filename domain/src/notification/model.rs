//! The stored notification.

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, EventId, NotificationId};
use crate::text::LocalText;

pub(super) const COLLECTION: &str = "notifications";
/// A person is told of an event once as each of what he is: a customer who works in the store is told twice.
pub(super) const RECIPIENT_EVENT: &str = "notifications_recipient_event_audience";

/// Notifications are kept this long, in seconds: 90 days.
pub const KEEP_SECS: i64 = 90 * 86_400;

/// The declared indexes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "Something a person is told in the app.",
    kept: Kept::ByTtl(
        "90 days; the cleanup job removes them by the platform's clock as well; one \
        that goes early was not read for weeks",
    ),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("recipient_id")],
        why: "every query but the cleanup's names the person, and an event is told once a person",
        beside: &[],
    },
    shape: Shape::of::<Notification>(),
    indexes: &[
        IndexSpec::new(
            "notifications_recipient_read",
            &[Key::Asc("recipient_id"), Key::Asc("is_read"), Key::Desc("created_at"), Key::Desc("_id")],
            "a person's unread notifications, newest first; how many are unread",
        ),
        IndexSpec::new(
            "notifications_recipient",
            &[Key::Asc("recipient_id"), Key::Desc("created_at"), Key::Desc("_id")],
            "all notifications of a person, newest first",
        ),
        IndexSpec::new(
            "notifications_recipient_type",
            &[Key::Asc("recipient_id"), Key::Asc("type"), Key::Desc("created_at")],
            "a person's notifications of one type, newest first",
        ),
        IndexSpec::new(
            "notifications_type_priority",
            &[Key::Asc("type"), Key::Asc("priority")],
            "ops count notifications by type and priority",
        ),
        IndexSpec::new("notifications_ttl", &[Key::Asc("created_at")], "notifications expire after 90 days")
            .ttl(KEEP_SECS),
        IndexSpec::new(
            RECIPIENT_EVENT,
            &[Key::Asc("recipient_id"), Key::Asc("event_id"), Key::Asc("audience")],
            "an event delivered twice tells a person once as each audience",
        )
        .unique(),
    ],
};

/// How much it matters that it is read soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[cfg_attr(feature = "graphql", graphql(name = "NotificationPriority"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Priority {
    /// For the record.
    Low,
    /// Worth a look.
    Normal,
    /// Something has to be done now.
    High,
}

/// As what a person is told: the same event reads differently for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Audience {
    /// As a customer.
    Customer,
    /// As staff of a store.
    Store,
    /// As a courier.
    Courier,
    /// As an ops person.
    Ops,
}

/// Something a person was told, in the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// The id.
    #[serde(rename = "_id")]
    pub id: NotificationId,
    /// Who was told.
    pub recipient_id: AccountId,
    /// As what.
    pub audience: Audience,
    /// The event kind it came from, e.g. `order.accepted`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How much it matters.
    pub priority: Priority,
    /// The headline in both languages.
    pub title: LocalText,
    /// The sentence in both languages.
    pub body: LocalText,
    /// The prefixed id of what it is about.
    pub subject_id: String,
    /// The event it came from.
    pub event_id: EventId,
    /// Whether the person has read it.
    pub is_read: bool,
    /// When they marked it read.
    pub read_at: Option<Timestamp>,
    /// When it was written; it expires [`KEEP_SECS`] later.
    pub created_at: Timestamp,
}

/// Somebody to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Recipient {
    /// Who.
    pub account_id: AccountId,
    /// As what.
    pub audience: Audience,
}
