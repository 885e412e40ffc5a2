//! The stored order and its group.

use daraa_platform::money::Money;
use daraa_platform::mongo::index::{
    CollectionIndexes, IndexSpec, Kept, KeptBeside, Key, PartialValue, ShardField, ShardKey,
};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{OrderAction, OrderStatus};
use crate::ids::{
    AccountId, CouponId, CourierId, DeliveryId, OrderGroupId, OrderId, OrderLineId, PaymentId, ProductId,
    QuoteId, StoreId, VariantId,
};
use crate::place::Point;
use crate::pricing::{AddressSnapshot, FulfillmentMethod, OrderMoney, PaymentMethod, PricedModifier};
use crate::text::LocalText;

pub(super) const COLLECTION: &str = "orders";
pub(super) const GROUPS: &str = "order_groups";

/// A cart may span this many stores at most, so a group holds no more orders.
pub const MAX_ORDERS_PER_GROUP: i64 = 5;

/// The declared indexes of `orders`.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "The order of one store: lines, money, state and its history.",
    kept: Kept::ForGood("what was sold; the books name it"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "every step names the order, and writes spread evenly. The lists of customers, stores \
            and ops, each a page, ask every shard",
        beside: &[KeptBeside {
            index: "orders_number",
            by: "the group's unique number, to which the order adds its place; written in the \
                group's transaction",
        }],
    },
    shape: Shape::of::<Order>(),
    indexes: &[
        IndexSpec::new("orders_number", &[Key::Asc("number")], "one order per human number").unique(),
        IndexSpec::new("orders_group", &[Key::Asc("group_id"), Key::Asc("_id")], "the orders of a group"),
        IndexSpec::new(
            "orders_account",
            &[Key::Asc("account_id"), Key::Desc("placed_at"), Key::Desc("_id")],
            "a customer's orders, newest first",
        ),
        IndexSpec::new(
            "orders_store",
            &[Key::Asc("store_id"), Key::Desc("placed_at"), Key::Desc("_id"), Key::Asc("status")],
            "a store's orders of most states, newest first",
        ),
        IndexSpec::new(
            "orders_store_status",
            &[Key::Asc("store_id"), Key::Asc("status"), Key::Desc("placed_at"), Key::Desc("_id")],
            "a store's queue by state, newest first",
        ),
        IndexSpec::new(
            "orders_status",
            &[Key::Asc("status"), Key::Desc("placed_at"), Key::Desc("_id")],
            "ops: orders by state, newest first",
        ),
        IndexSpec::new(
            "orders_placed",
            &[Key::Desc("placed_at"), Key::Desc("_id")],
            "ops: all orders, newest first",
        ),
        IndexSpec::new(
            "orders_unpaid_due",
            &[Key::Asc("deadlines.unpaid_at"), Key::Asc("_id")],
            "the deadline job expires unpaid orders",
        )
        .partial(&[("status", PartialValue::Text("PENDING_PAYMENT"))]),
        IndexSpec::new(
            "orders_store_response_due",
            &[Key::Asc("deadlines.store_response_at"), Key::Asc("_id")],
            "the deadline job rejects orders no store answered",
        )
        .partial(&[("status", PartialValue::Text("PLACED"))]),
        IndexSpec::new(
            "orders_ready_due",
            &[Key::Asc("deadlines.ready_at"), Key::Asc("_id")],
            "the deadline job tells of orders that are not ready in time",
        )
        .partial(&[("status", PartialValue::OneOf(&["ACCEPTED", "PREPARING"]))]),
    ],
};

/// The declared indexes of `order_groups`.
pub const GROUP_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: GROUPS,
    about: "A purchase: the orders of one checkout, paid together.",
    kept: Kept::ForGood("what a customer bought"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("number")],
        why: "the number people say is unique so, and with it those of the orders. A purchase by its \
            `_id` asks every shard, a few times in its life",
        beside: &[KeptBeside {
            index: "order_groups_quote",
            by: "the quote itself: `quotes.state` goes from `PLACING` to `PLACED` by one \
                conditional write in the transaction of the purchase",
        }],
    },
    shape: Shape::of::<OrderGroup>(),
    indexes: &[
        IndexSpec::new("order_groups_number", &[Key::Asc("number")], "one group per human number").unique(),
        IndexSpec::new("order_groups_quote", &[Key::Asc("quote_id")], "a quote is placed once").unique(),
    ],
};

/// One purchase: the orders of several stores, paid together. Its status is always derived from its orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderGroup {
    /// The id.
    #[serde(rename = "_id")]
    pub id: OrderGroupId,
    /// For people, e.g. `K7QM-2X9A`.
    pub number: String,
    /// The customer.
    pub account_id: AccountId,
    /// The quote it was placed from.
    pub quote_id: QuoteId,
    /// Its orders, one per store.
    pub order_ids: Vec<OrderId>,
    /// The payment that covers them all.
    pub payment_id: PaymentId,
    /// How it is paid.
    pub payment_method: PaymentMethod,
    /// The sum of its orders' totals.
    pub total: Money,
    /// The coupon that was used.
    pub coupon_id: Option<CouponId>,
    /// When it was placed.
    pub placed_at: Timestamp,
}

/// A line, as it was when ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLine {
    /// The id.
    pub id: OrderLineId,
    /// The product.
    pub product_id: ProductId,
    /// The variant that was bought.
    pub variant_id: VariantId,
    /// The product's name then.
    pub name: LocalText,
    /// The variant's name then.
    pub variant_name: LocalText,
    /// How many.
    pub quantity: i64,
    /// The chosen modifiers.
    pub modifiers: Vec<PricedModifier>,
    /// Price of one with its modifiers, tax included.
    pub unit_price: Money,
    /// `unit_price × quantity`.
    pub total: Money,
    /// This line's share of the order's discount.
    pub discount: Money,
    /// The tax contained in `total − discount`.
    pub tax: Money,
    /// What the customer asked for.
    pub note: Option<String>,
}

/// The instants jobs look for. Each is `None` when it does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OrderDeadlines {
    /// An unpaid order expires then.
    pub unpaid_at: Option<Timestamp>,
    /// An unanswered order is rejected then.
    pub store_response_at: Option<Timestamp>,
    /// Store and ops are told of an order that is not ready then.
    #[serde(default)]
    pub ready_at: Option<Timestamp>,
}

/// One change of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// Who, as [`crate::actor::Actor::label`] says it.
    pub actor: String,
    /// What was done.
    pub action: OrderAction,
    /// The state before; `None` for the first entry.
    pub from: Option<OrderStatus>,
    /// The state after.
    pub to: OrderStatus,
    /// Why, in the actor's words or as a code.
    pub reason: Option<String>,
    /// The order's version after it.
    pub version: i64,
}

/// What a cancellation cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cancellation {
    /// What the customer still pays, kept from the payment.
    pub fee: Money,
    /// The row of the policy that said so.
    pub rule_id: String,
}

/// What of a line is asked for or paid back by refunds that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineClaim {
    /// The line.
    pub line_id: OrderLineId,
    /// How much, tax included, minor units: never more than was paid for the line.
    pub amount_minor: i64,
}

/// What of an order's items is asked for or paid back, so that no later refund gives the same items back again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemClaims {
    /// Of all items together, tax included, minor units: never more than was paid for them.
    pub items_minor: i64,
    /// How much of that is tax.
    pub tax_minor: i64,
    /// Of single lines.
    pub lines: Vec<LineClaim>,
}

impl ItemClaims {
    /// What is claimed of a line, minor units.
    #[must_use]
    pub fn of_line(&self, line_id: OrderLineId) -> i64 {
        self.lines.iter().find(|claim| claim.line_id == line_id).map_or(0, |claim| claim.amount_minor)
    }
}

/// A store's part of a purchase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The id.
    #[serde(rename = "_id")]
    pub id: OrderId,
    /// For people: the group's number and the order's place in it, e.g. `K7QM-2X9A-1`.
    pub number: String,
    /// The purchase it belongs to.
    pub group_id: OrderGroupId,
    /// The customer.
    pub account_id: AccountId,
    /// The customer's name then; store and courier see it.
    pub customer_name: String,
    /// The store.
    pub store_id: StoreId,
    /// The store's name then.
    pub store_name: LocalText,
    /// Where the courier picks it up.
    pub store_point: Point,
    /// The state.
    pub status: OrderStatus,
    /// Counts the changes.
    pub version: i64,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// What it costs.
    pub money: OrderMoney,
    /// The payment.
    pub payment_id: PaymentId,
    /// How it is paid.
    pub payment_method: PaymentMethod,
    /// How it reaches the customer.
    pub fulfillment: FulfillmentMethod,
    /// Where to bring it; `None` for takeaway.
    pub address: Option<AddressSnapshot>,
    /// Metres from store to address as the fee rule used them; `None` for takeaway.
    pub distance_m: Option<i64>,
    /// Four digits shown to the store: who collects the goods says them.
    pub store_code: String,
    /// Four digits shown to the customer: who hands the goods over asks for them.
    pub dropoff_pin: String,
    /// The platform's share of the items, frozen.
    pub commission_bps: i64,
    /// The courier's share of the delivery fee, frozen.
    pub courier_share_bps: i64,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When the customer was told to expect it.
    pub promised_at: Option<Timestamp>,
    /// When the store said it will be ready, or when it was.
    pub ready_by: Option<Timestamp>,
    /// When it is due for a job.
    pub deadlines: OrderDeadlines,
    /// All changes, oldest first.
    pub history: Vec<HistoryEntry>,
    /// The delivery that carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<DeliveryId>,
    /// The courier who carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub courier_id: Option<CourierId>,
    /// What its cancellation cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<Cancellation>,
    /// Codes tried at the counter.
    #[serde(default)]
    pub wrong_codes: i64,
    /// What is asked for or paid back of it, minor units: never more than the total.
    #[serde(default)]
    pub refund_claimed_minor: i64,
    /// How much of that is for its items.
    #[serde(default)]
    pub claimed_items: ItemClaims,
    /// What was paid back of it after completion.
    pub refunded: Money,
}

impl Order {
    /// Whether the last change gave this reason.
    #[must_use]
    pub fn ended_by(&self, reason: &str) -> bool {
        self.history.last().is_some_and(|entry| entry.reason.as_deref() == Some(reason))
    }

    /// The lines as stock knows them; two lines of one variant are one entry.
    #[must_use]
    pub fn stock_lines(&self) -> Vec<(VariantId, i64)> {
        let mut out: Vec<(VariantId, i64)> = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            match out.iter_mut().find(|(variant, _)| *variant == line.variant_id) {
                Some((_, quantity)) => *quantity = quantity.saturating_add(line.quantity),
                None => out.push((line.variant_id, line.quantity)),
            }
        }
        out
    }
}
