//! The stored place.

use daraa_platform::mongo::changes::Token;
use daraa_platform::mongo::index::{CollectionIndexes, Kept, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const COLLECTION: &str = "change_positions";

/// The declared indexes: `_id` (the follower's name) is enough.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "Up to where a follower has dealt with what the database tells of changes.",
    kept: Kept::ForGood("one document a follower; it only moves on"),
    shard_key: ShardKey::Whole("a handful of documents"),
    shape: Shape::of::<Position>(),
    indexes: &[],
};

/// Up to where a follower has dealt with everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// The follower.
    #[serde(rename = "_id")]
    pub name: String,
    /// The place.
    pub token: Token,
    /// The fencing number of who noted it; a smaller one is refused.
    pub fence: i64,
    /// When.
    pub at: Timestamp,
}
