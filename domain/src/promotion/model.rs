//! The stored coupon, and how often each customer has used it.

use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, ShardField, ShardKey};
use daraa_platform::mongo::shape::Shape;
use daraa_platform::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CouponId, OrderGroupId, StoreId};
pub use crate::ledger::CostBearer;

pub(super) const COUPONS: &str = "coupons";
pub(super) const USES: &str = "coupon_uses";
pub(super) const CODE_INDEX: &str = "coupons_code";

/// The indexes of the coupons.
pub const INDEXES: CollectionIndexes = CollectionIndexes {
    collection: COUPONS,
    about: "A coupon: its terms, how often it was used, what is reserved.",
    kept: Kept::ForGood("orders name it; it is switched off instead"),
    shard_key: ShardKey::Whole(
        "a few thousand rows found by their code; a hot coupon is one \
        document under any key",
    ),
    shape: Shape::of::<Coupon>(),
    indexes: &[
        IndexSpec::new(CODE_INDEX, &[Key::Asc("code")], "a customer types a code").unique(),
        IndexSpec::new(
            "coupons_store_created",
            &[Key::Asc("store_id"), Key::Desc("created_at"), Key::Desc("_id")],
            "the coupons of a store, or of the platform, newest first",
        ),
    ],
};

/// The indexes of the uses.
pub const USE_INDEXES: CollectionIndexes = CollectionIndexes {
    collection: USES,
    about: "What one customer used of one coupon.",
    kept: Kept::ForGood("a limit a person would begin anew"),
    shard_key: ShardKey::By {
        keys: &[ShardField::Hashed("_id")],
        why: "always asked for by coupon and person, which are its `_id`",
        beside: &[],
    },
    shape: Shape::of::<CustomerUses>(),
    indexes: &[IndexSpec::new(
        "coupon_uses_account",
        &[Key::Asc("account_id")],
        "the coupons a person has used (export and erasure of personal data)",
    )],
};

/// What a coupon takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CouponKind {
    /// A share of the items; `value` in basis points.
    Percent,
    /// A fixed amount, at most the items; `value` in minor units.
    Fixed,
    /// The delivery fee; `value` is ignored.
    FreeDelivery,
}

/// Whether a coupon can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "graphql", derive(async_graphql::Enum))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CouponStatus {
    /// Within its period and limits.
    Active,
    /// Switched off.
    Disabled,
}

/// A use that is promised to a purchase until it is confirmed, released or expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CouponReservation {
    /// The purchase.
    pub group_id: OrderGroupId,
    /// Who buys.
    pub account_id: AccountId,
    /// Free again after this.
    pub expires_at: Timestamp,
}

/// A coupon. `used + reservations ≤ limit_total`: each reservation states that in the filter of its one update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coupon {
    /// The id.
    #[serde(rename = "_id")]
    pub id: CouponId,
    /// What people type, upper case without spaces.
    pub code: String,
    /// What it takes off.
    pub kind: CouponKind,
    /// Basis points or minor units, by `kind`.
    pub value: i64,
    /// The currency of all amounts.
    pub currency: Currency,
    /// It takes off no more than this.
    pub max_discount_minor: Option<i64>,
    /// The items must be worth this much.
    pub min_order_minor: i64,
    /// Only for this store; for all without.
    pub store_id: Option<StoreId>,
    /// Valid from.
    pub valid_from: Timestamp,
    /// Valid before.
    pub valid_to: Timestamp,
    /// Uses in all; without limit when absent.
    pub limit_total: Option<i64>,
    /// Uses a customer.
    pub limit_per_customer: i64,
    /// Who pays for it.
    pub bearer: CostBearer,
    /// Whether it can be used.
    pub status: CouponStatus,
    /// Confirmed uses.
    pub used: i64,
    /// Uses promised to purchases under way.
    pub reservations: Vec<CouponReservation>,
    /// The last purchases that were counted and not given back, so that a confirmation cut short is finished and not
    /// counted twice.
    pub confirmed: Vec<OrderGroupId>,
    /// The last purchases whose counted use was given back, so that giving back twice counts once.
    pub returned: Vec<OrderGroupId>,
    /// Counts the changes of its terms.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Coupon {
    /// The least worth of items it applies to.
    #[must_use]
    pub fn min_order(&self) -> Money {
        Money::new(self.min_order_minor, self.currency)
    }

    /// The most it takes off.
    #[must_use]
    pub fn max_discount(&self) -> Option<Money> {
        self.max_discount_minor.map(|minor| Money::new(minor, self.currency))
    }
}

/// Where a customer's use stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UseState {
    /// Promised.
    Reserved,
    /// Used.
    Confirmed,
    /// Being given back.
    Returning,
}

/// One use by a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CouponUse {
    /// The purchase.
    pub group_id: OrderGroupId,
    /// Where it stands.
    pub state: UseState,
    /// A promise is void after this.
    pub expires_at: Timestamp,
}

/// A customer's uses of one coupon; no more are promised than the coupon's limit a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerUses {
    /// `coupon:account`.
    #[serde(rename = "_id")]
    pub id: String,
    /// The coupon.
    pub coupon_id: CouponId,
    /// The customer.
    pub account_id: AccountId,
    /// The uses.
    pub uses: Vec<CouponUse>,
}

/// A coupon to be created.
#[derive(Debug, Clone)]
pub struct NewCoupon {
    /// What people will type.
    pub code: String,
    /// What it takes off.
    pub kind: CouponKind,
    /// Basis points or minor units, by `kind`.
    pub value: i64,
    /// The currency of all amounts.
    pub currency: Currency,
    /// It takes off no more than this.
    pub max_discount_minor: Option<i64>,
    /// The items must be worth this much.
    pub min_order_minor: i64,
    /// Only for this store.
    pub store_id: Option<StoreId>,
    /// Valid from.
    pub valid_from: Timestamp,
    /// Valid before.
    pub valid_to: Timestamp,
    /// Uses in all.
    pub limit_total: Option<i64>,
    /// Uses a customer.
    pub limit_per_customer: i64,
    /// Who pays for it; a store's own coupon is always paid by the store.
    pub bearer: CostBearer,
}
