//! The stored address.

use std::fmt;

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{AddressLabel, AddressNotes};
use crate::ids::{AccountId, AddressId};
use crate::place::Point;

pub(super) const COLLECTION: &str = "addresses";

/// The declared indexes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A place a customer has saved.",
    kept: Kept::ByUse("the customer deletes it; orders keep a copy of theirs"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("account_id")],
        why: "every query names the person, and a person's addresses lie together",
        beside: &[],
    },
    shape: Shape::of::<Address>(),
    indexes: &[
        IndexSpec::new(
            "addresses_account",
            &[Key::Asc("account_id"), Key::Desc("_id")],
            "the addresses of a person, newest first",
        ),
        IndexSpec::new("addresses_point", &[Key::Geo("point")], "who lives in a service area"),
    ],
};

/// A saved address. Its `Debug` shows neither place nor text.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// The id.
    #[serde(rename = "_id")]
    pub id: AddressId,
    /// Whose.
    pub account_id: AccountId,
    /// What the person calls it.
    pub label: String,
    /// Where it is.
    pub point: Point,
    /// How the courier finds the door.
    pub notes: Option<String>,
    /// When it was saved.
    pub created_at: Timestamp,
    /// Counts the changes.
    pub version: i64,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Saves an address.
#[derive(Debug, Clone)]
pub struct CreateAddress {
    /// What the person calls it.
    pub label: AddressLabel,
    /// Where it is.
    pub point: Point,
    /// How the courier finds the door.
    pub notes: Option<AddressNotes>,
}

/// Changes an address; what is `None` stays.
#[derive(Debug, Clone)]
pub struct UpdateAddress {
    /// Which.
    pub id: AddressId,
    /// The new label.
    pub label: Option<AddressLabel>,
    /// The new place.
    pub point: Option<Point>,
    /// The new notes; `Some(None)` removes them.
    pub notes: Option<Option<AddressNotes>>,
    /// The version the change was made from; `None` overwrites whatever there is.
    pub expected_version: Option<i64>,
}
