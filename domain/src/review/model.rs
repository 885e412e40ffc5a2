//! The stored review and the scores gathered from reviews.

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CourierId, OrderId, OrderLineId, ProductId, ReviewId, StoreId};

pub(super) const COLLECTION: &str = "reviews";
pub(super) const SCORES: &str = "review_scores";
/// An order is reviewed once.
pub(super) const ORDER: &str = "reviews_order";

/// The longest comment or reply.
pub const MAX_TEXT_CHARS: usize = 1_000;

/// The declared indexes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "What a customer says about an order.",
    kept: Kept::ForGood("the score of store and courier is the sum of them; a bad one is hidden"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("order_id")],
        why: "an order is reviewed once. A store's page of reviews asks every shard",
        beside: &[],
    },
    shape: Shape::of::<Review>(),
    indexes: &[
        IndexSpec::new(ORDER, &[Key::Asc("order_id")], "an order is reviewed once; the review of an order")
            .unique(),
        IndexSpec::new(
            "reviews_store",
            &[Key::Asc("store_id"), Key::Asc("status"), Key::Desc("created_at"), Key::Desc("_id")],
            "the published reviews of a store, newest first",
        ),
        IndexSpec::new(
            "reviews_store_all",
            &[Key::Asc("store_id"), Key::Desc("created_at"), Key::Desc("_id")],
            "all reviews of a store, newest first, for its staff and ops",
        ),
        IndexSpec::new(
            "reviews_account",
            &[Key::Asc("account_id"), Key::Desc("created_at")],
            "what one person wrote, for export and erasure",
        ),
    ],
};

/// The declared indexes of the scores: `_id` (what is scored) is enough.
pub const SCORE_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: SCORES,
    about: "How many stars a courier has had.",
    kept: Kept::ForGood("it is the sum of what was reviewed"),
    shard_key: ShardKey::Whole("one small row a courier"),
    shape: Shape::of::<Score>(),
    indexes: &[],
};

/// One to five stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Stars(pub(super) i64);

/// Whether others see a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewStatus {
    /// Everybody sees it and it counts.
    Published,
    /// Only its author, the store and ops see it; it does not count.
    Hidden,
}

impl ReviewStatus {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "PUBLISHED",
            Self::Hidden => "HIDDEN",
        }
    }
}

/// Stars for one thing that was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemStars {
    /// The line of the order.
    pub line_id: OrderLineId,
    /// The product.
    pub product_id: ProductId,
    /// How good it was.
    pub stars: Stars,
}

/// What the store answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// The answer.
    pub text: String,
    /// When it was given or changed.
    pub at: Timestamp,
    /// Who answered, as a label.
    pub by: String,
}

/// What a customer says about an order, once, after it was completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// The id.
    #[serde(rename = "_id")]
    pub id: ReviewId,
    /// The order.
    pub order_id: OrderId,
    /// Its number, for people.
    pub order_number: String,
    /// Who wrote it.
    pub account_id: AccountId,
    /// The store.
    pub store_id: StoreId,
    /// The courier who brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub courier_id: Option<CourierId>,
    /// How good the store was.
    pub store_stars: Stars,
    /// How good the courier was.
    pub courier_stars: Option<Stars>,
    /// How good single things were.
    pub items: Vec<ItemStars>,
    /// In words.
    pub comment: Option<String>,
    /// The store's answer.
    pub reply: Option<Reply>,
    /// Whether others see it.
    pub status: ReviewStatus,
    /// Why it was hidden.
    pub hidden_reason: Option<String>,
    /// Counts the changes.
    pub version: i64,
    /// When it was written.
    pub created_at: Timestamp,
}

/// The score of a courier, gathered from published reviews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// What is scored: `cou_…`.
    #[serde(rename = "_id")]
    pub subject: String,
    /// How many ratings.
    pub count: i64,
    /// The sum of their stars.
    pub sum: i64,
}

/// A review to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateReview {
    /// The order.
    pub order_id: OrderId,
    /// How good the store was.
    pub store_stars: Stars,
    /// How good the courier was.
    pub courier_stars: Option<Stars>,
    /// How good single things were.
    pub items: Vec<(OrderLineId, Stars)>,
    /// In words.
    pub comment: Option<ReviewText>,
}

/// A comment or a reply: trimmed, not empty, at most [`MAX_TEXT_CHARS`], no control characters but line breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewText(pub(super) String);
