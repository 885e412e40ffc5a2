//! The stored quote and what it is made of.

use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cart::CartProblem;
use crate::ids::{
    AccountId, AddressId, CartLineId, CouponId, ModifierId, OrderGroupId, OrderId, ProductId, QuoteId,
    StoreId, VariantId,
};
pub use crate::ledger::{CostBearer as DiscountBearer, PaymentMethod};
use crate::place::Point;
use crate::text::LocalText;

pub(super) const COLLECTION: &str = "quotes";

/// The declared indexes. No TTL index: the platform's clock may run apart from the machine's (simulation), so the
/// cleanup job removes old quotes.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COLLECTION,
    about: "A priced promise: what a cart costs until when.",
    kept: Kept::ByJob { job: "cleanup", after: "a day after it ended" },
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "always asked for by `_id`, together with the person",
        beside: &[],
    },
    shape: Shape::of::<Quote>(),
    indexes: &[
        IndexSpec::new("quotes_expires", &[Key::Asc("expires_at")], "the cleanup job removes old quotes"),
        IndexSpec::new(
            "quotes_account",
            &[Key::Asc("account_id"), Key::Desc("expires_at")],
            "a person's quotes, for export and erasure of personal data",
        ),
    ],
};

/// How the goods reach the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FulfillmentMethod {
    /// A courier brings them.
    Delivery,
    /// The customer collects them at the store (takeaway).
    Pickup,
}

/// What a line of a quote is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuoteLineKind {
    /// Goods.
    Item,
    /// The base of the delivery fee.
    DeliveryBase,
    /// The part of the delivery fee for the distance.
    DeliveryDistance,
    /// Taken off: the delivery fee has a maximum.
    DeliveryCap,
    /// Taken off: delivery is free for large orders.
    DeliveryFree,
    /// For paying cash at the door.
    CashFee,
    /// Taken off by a coupon.
    Discount,
    /// For the courier.
    CourierTip,
    /// For the store's people.
    StoreTip,
    /// Tax contained in the items; told, not added.
    TaxIncluded,
}

impl QuoteLineKind {
    /// Whether the line counts towards the total; the contained tax does not.
    #[must_use]
    pub const fn counts(self) -> bool {
        !matches!(self, Self::TaxIncluded)
    }
}

/// A number a rule used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleInput {
    /// Its name with its unit, e.g. `distance_m`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// One amount of a quote with the rule that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteLine {
    /// What it is for.
    pub kind: QuoteLineKind,
    /// For people.
    pub label: LocalText,
    /// The amount; negative when something is taken off.
    pub amount: Money,
    /// The rule.
    pub rule_id: String,
    /// What the rule used.
    pub inputs: Vec<RuleInput>,
}

/// A chosen modifier with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PricedModifier {
    /// The modifier.
    pub id: ModifierId,
    /// Its name.
    pub name: LocalText,
    /// Its price per unit of the line.
    pub price: Money,
}

/// A line of the cart with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PricedItem {
    /// The line of the cart.
    pub line_id: CartLineId,
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// The product's name.
    pub name: LocalText,
    /// The variant's name.
    pub variant_name: LocalText,
    /// How many.
    pub quantity: i64,
    /// The chosen modifiers.
    pub modifiers: Vec<PricedModifier>,
    /// Price of one with its modifiers, tax included.
    pub unit_price: Money,
    /// `unit_price × quantity`.
    pub total: Money,
    /// The rate of the tax contained, basis points.
    pub tax_bps: i64,
    /// This line's share of the discount.
    pub discount: Money,
    /// The tax contained in `total − discount`.
    pub tax: Money,
    /// What the customer asked for.
    pub note: Option<String>,
}

/// The money of one store's part. `total = items − discount + delivery_fee + cash_fee + courier_tip + store_tip`;
/// the tax is contained in the items, not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderMoney {
    /// Sum of the lines.
    pub items: Money,
    /// What is taken off, not negative.
    pub discount: Money,
    /// Who pays for the discount.
    pub discount_bearer: Option<DiscountBearer>,
    /// For bringing it.
    pub delivery_fee: Money,
    /// For paying cash.
    pub cash_fee: Money,
    /// For the courier.
    pub courier_tip: Money,
    /// For the store's people.
    pub store_tip: Money,
    /// Contained tax.
    pub tax: Money,
    /// What the customer pays for this part.
    pub total: Money,
}

/// Where to bring it, as it was then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AddressSnapshot {
    /// The place.
    pub point: Point,
    /// The customer's word for it, e.g. "home".
    pub label: String,
    /// How to find the door.
    pub notes: Option<String>,
}

/// One store's part of a quote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuotedStore {
    /// The store.
    pub store_id: StoreId,
    /// Metres to the address as the crow flies; `None` for takeaway.
    pub distance_m: Option<i64>,
    /// The goods.
    pub items: Vec<PricedItem>,
    /// Every amount with its rule.
    pub lines: Vec<QuoteLine>,
    /// The sums.
    pub money: OrderMoney,
}

/// The coupon a quote counts on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuotedCoupon {
    /// The coupon.
    pub id: CouponId,
    /// Its code as it was given.
    pub code: String,
}

/// Whether a quote was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuoteState {
    /// Can be placed.
    Open,
    /// A checkout is at work on it.
    Placing,
    /// Was placed.
    Placed,
}

/// The checkout that works on a quote. Only its holder can commit, so two checkouts of one quote never both do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// The idempotency key of the checkout.
    pub key: String,
    /// Counts the tries.
    pub attempt: i64,
    /// The group it is about to write.
    pub group_id: OrderGroupId,
    /// The orders it reserves stock for, in the order of the quote's stores.
    pub order_ids: Vec<OrderId>,
    /// Since when; an abandoned claim is taken over.
    pub since: Timestamp,
}

/// A priced promise with an expiry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quote {
    /// The id.
    #[serde(rename = "_id")]
    pub id: QuoteId,
    /// Whose it is.
    pub account_id: AccountId,
    /// How the goods reach the customer.
    pub fulfillment: FulfillmentMethod,
    /// How it will be paid.
    pub payment_method: PaymentMethod,
    /// The one currency of all its amounts.
    pub currency: Currency,
    /// The chosen address; `None` for takeaway.
    pub address_id: Option<AddressId>,
    /// The address as it was then.
    pub address: Option<AddressSnapshot>,
    /// The coupon it counts on.
    pub coupon: Option<QuotedCoupon>,
    /// For the couriers, all orders together.
    pub courier_tip: Money,
    /// For the stores, all orders together.
    pub store_tip: Money,
    /// One part per store.
    pub stores: Vec<QuotedStore>,
    /// The sum of the parts.
    pub total: Money,
    /// What keeps it from being placed.
    pub problems: Vec<CartProblem>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it holds.
    pub expires_at: Timestamp,
    /// Whether it was placed.
    pub state: QuoteState,
    /// The checkout that works on it, or did.
    pub claim: Option<Claim>,
}
