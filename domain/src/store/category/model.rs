//! The stored category.

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardKey};
use daraa_platform::mongo::shape::Shape;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::StoreCategoryId;
use crate::text::LocalText;

pub(super) const COLLECTION: &str = "store_categories";
pub(super) const SLUG_INDEX: &str = "store_categories_slug";

/// The whole tree is read and cached as one, so it stays small.
pub const MAX_CATEGORIES: i64 = 500;

/// The declared indexes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A kind of store, in a tree.",
    kept: Kept::ForGood("stores name it"),
    shard_key: ShardKey::Whole("a hundred rows, and cached as one"),
    shape: Shape::of::<StoreCategory>(),
    indexes: &[
        IndexSpec::new(SLUG_INDEX, &[Key::Asc("slug")], "one category per slug").unique(),
        IndexSpec::new(
            "store_categories_position",
            &[Key::Asc("position"), Key::Asc("_id")],
            "the tree in the order it is shown",
        ),
    ],
};

/// A node of the category tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreCategory {
    /// The id.
    #[serde(rename = "_id")]
    pub id: StoreCategoryId,
    /// The node above; none for a root.
    pub parent_id: Option<StoreCategoryId>,
    /// A stable short name for links, e.g. `sweets`.
    pub slug: String,
    /// What people read.
    pub name: LocalText,
    /// Shown in this order among its siblings.
    pub position: i64,
    /// Counts the changes; rows of before it was kept have none.
    #[serde(default)]
    pub version: i64,
}

/// A category and everything below it. Cycles in the stored tree end the walk instead of running for ever.
#[must_use]
pub fn with_descendants(all: &[StoreCategory], root: StoreCategoryId) -> Vec<StoreCategoryId> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        for child in all.iter().filter(|c| c.parent_id == Some(parent)) {
            if !found.contains(&child.id) {
                found.push(child.id);
            }
        }
    }
    found
}
