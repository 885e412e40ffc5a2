//! The stored refund.

use daraa_platform::money::Money;
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{RefundAction, RefundStatus};
use crate::ids::{AccountId, OrderId, OrderLineId, RefundId, StoreId};
use crate::ledger::RefundLiability;

pub(super) const COLLECTION: &str = "refunds";

/// An order has this many refunds at most.
pub const MAX_REFUNDS_PER_ORDER: i64 = 20;

/// The declared indexes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "Money to be given back for an order: why, by whose liability, how far it is.",
    kept: Kept::ForGood("explains the books"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("order_id")],
        why: "asked for with every look at an order, and counted by order. A step of a refund, by \
            `_id`, asks every shard",
        beside: &[],
    },
    shape: Shape::of::<Refund>(),
    indexes: &[
        IndexSpec::new("refunds_order", &[Key::Asc("order_id"), Key::Asc("_id")], "the refunds of an order"),
        IndexSpec::new(
            "refunds_status",
            &[Key::Asc("status"), Key::Desc("created_at"), Key::Desc("_id")],
            "the ops list of refunds in a state, newest first",
        ),
    ],
};

/// A line that is refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundLine {
    /// The order's line.
    pub line_id: OrderLineId,
    /// How much of it.
    pub amount: Money,
}

/// One change of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundHistoryEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: RefundAction,
    /// The state before; `None` for the first entry.
    pub from: Option<RefundStatus>,
    /// The state after.
    pub to: RefundStatus,
    /// Why.
    pub reason: Option<String>,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refund {
    /// The id; the payment provider knows the refund by it.
    #[serde(rename = "_id")]
    pub id: RefundId,
    /// The order.
    pub order_id: OrderId,
    /// The customer, who gets it.
    pub account_id: AccountId,
    /// The store.
    pub store_id: StoreId,
    /// The lines it is for; none when it is an amount of the whole.
    pub lines: Vec<RefundLine>,
    /// How much goes back.
    pub amount: Money,
    /// How much of it is for items, without their tax.
    pub of_items: Money,
    /// How much of it is tax.
    pub of_tax: Money,
    /// Why, in the words of who asked.
    pub reason: String,
    /// The state.
    pub status: RefundStatus,
    /// Who pays for it; decided with the approval.
    pub liability: Option<RefundLiability>,
    /// All changes, oldest first.
    pub history: Vec<RefundHistoryEntry>,
    /// Counts the changes.
    pub version: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
}
