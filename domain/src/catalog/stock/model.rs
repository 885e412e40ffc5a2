//! The stored stock of a variant.

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{OrderId, ProductId, StoreId, VariantId};

pub(super) const COLLECTION: &str = "stock_items";
pub(super) const ADJUSTMENTS: &str = "stock_adjustments";

/// The largest quantity of one movement.
pub const MAX_QUANTITY: i64 = 1_000_000;

/// The declared indexes of the stock.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "The stock of a variant with the reservations of orders under way; written by conditional \
        updates only.",
    kept: Kept::ForGood("as long as its variant"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "every sale names the variant, and hot variants spread evenly. Only the job that looks \
            for expired reservations asks every shard",
        beside: &[],
    },
    shape: Shape::of::<StockItem>(),
    indexes: &[IndexSpec::new(
        "stock_items_reservation_expiry",
        &[Key::Asc("reservations.expires_at")],
        "reservations whose order was never placed",
    )
    .sparse()],
};

/// The declared indexes of the adjustments.
pub const ADJUSTMENT_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: ADJUSTMENTS,
    about: "A change of stock by hand: by how much, by whom, why.",
    kept: Kept::ForGood("says why stock is what it is, when the integrity check finds it wrong"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("variant_id")],
        why: "it is looked up by variant; a busy store does not fill a shard",
        beside: &[],
    },
    shape: Shape::of::<StockAdjustment>(),
    indexes: &[IndexSpec::new(
        "stock_adjustments_variant",
        &[Key::Asc("variant_id"), Key::Desc("at")],
        "why the stock of a variant is what it is",
    )],
};

/// What an order holds of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reservation {
    /// The order.
    pub id: OrderId,
    /// How many.
    pub quantity: i64,
    /// Given back after this unless the order is placed; none once it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
}

/// The stock of one variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockItem {
    /// The variant.
    #[serde(rename = "_id")]
    pub id: VariantId,
    /// Its store.
    pub store_id: StoreId,
    /// Its product.
    pub product_id: ProductId,
    /// Counted; otherwise only the variant's switch matters.
    pub tracked: bool,
    /// Can be sold.
    pub on_hand: i64,
    /// Held by orders that are under way.
    pub reserved: i64,
    /// Gone with completed orders.
    pub sold: i64,
    /// Taken out by hand, net: negative after goods came in.
    pub adjusted: i64,
    /// What it began with.
    pub initial: i64,
    /// Who holds what.
    pub reservations: Vec<Reservation>,
    /// Grows with every change.
    pub version: i64,
}

/// A change by hand, kept for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StockAdjustment {
    /// The id.
    #[serde(rename = "_id")]
    #[schemars(schema_with = "daraa_platform::mongo::shape::id_field")]
    pub id: ObjectId,
    /// The variant.
    pub variant_id: VariantId,
    /// Its store.
    pub store_id: StoreId,
    /// What came in (positive) or was taken out.
    pub delta: i64,
    /// Why.
    pub reason: String,
    /// Who, as [`Actor::label`](crate::actor::Actor::label).
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// A reservation past its time; the caller knows whether its order lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueReservation {
    /// The order.
    pub order_id: OrderId,
    /// The variant.
    pub variant_id: VariantId,
    /// How many.
    pub quantity: i64,
}
