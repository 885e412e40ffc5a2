//! Coupons as their makers see them.

use async_graphql::{ID, InputObject, Object};
use daraa_domain::promotion::{
    CostBearer, Coupon, CouponKind, CouponStatus, NewCoupon, PromotionError, PromotionErrorCode,
};
use daraa_platform::money::Currency;
use daraa_platform::time::Timestamp;

use crate::graphql::scalars::{BigInt, MoneyObject};

/// A coupon as its makers see it.
#[derive(Debug, Clone)]
pub struct CouponObject(pub Coupon);

impl From<Coupon> for CouponObject {
    fn from(coupon: Coupon) -> Self {
        Self(coupon)
    }
}

/// A coupon as its makers see it.
#[Object(name = "Coupon")]
impl CouponObject {
    /// The id, `cpn_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What people type.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// What it takes off.
    async fn kind(&self) -> CouponKind {
        self.0.kind
    }

    /// Basis points (`PERCENT`) or minor units (`FIXED`).
    async fn value(&self) -> BigInt {
        BigInt(self.0.value)
    }

    /// It takes off no more than this; null without a cap.
    async fn max_discount(&self) -> Option<MoneyObject> {
        self.0.max_discount().map(MoneyObject::from)
    }

    /// The items must be worth this much.
    async fn min_order(&self) -> MoneyObject {
        self.0.min_order().into()
    }

    /// Only for this store, `sto_…`; null for all.
    async fn store_id(&self) -> Option<ID> {
        self.0.store_id.map(|id| id.to_string().into())
    }

    /// Valid from.
    async fn valid_from(&self) -> Timestamp {
        self.0.valid_from
    }

    /// Valid before.
    async fn valid_to(&self) -> Timestamp {
        self.0.valid_to
    }

    /// Uses in all; null without limit.
    async fn limit_total(&self) -> Option<BigInt> {
        self.0.limit_total.map(BigInt)
    }

    /// Uses a customer.
    async fn limit_per_customer(&self) -> BigInt {
        BigInt(self.0.limit_per_customer)
    }

    /// Who pays for it.
    async fn bearer(&self) -> CostBearer {
        self.0.bearer
    }

    /// Whether it can be used.
    async fn status(&self) -> CouponStatus {
        self.0.status
    }

    /// Confirmed uses.
    async fn used(&self) -> BigInt {
        BigInt(self.0.used)
    }
}

/// A new coupon.
#[derive(Debug, InputObject)]
pub struct CouponCreateInput {
    /// What people will type: 3 to 32 letters, digits or dashes; case and spaces do not matter.
    pub code: String,
    /// What it takes off.
    pub kind: CouponKind,
    /// Basis points (`PERCENT`, 1 to 10000) or minor units (`FIXED`); ignored for `FREE_DELIVERY`.
    pub value: BigInt,
    /// The currency of all amounts.
    pub currency: Currency,
    /// It takes off no more than this, minor units.
    pub max_discount_minor: Option<BigInt>,
    /// The items must be worth this much, minor units.
    pub min_order_minor: Option<BigInt>,
    /// Only for this store, `sto_…`; a store's managers must name theirs.
    pub store_id: Option<ID>,
    /// Valid from; now when left out.
    pub valid_from: Option<Timestamp>,
    /// Valid before.
    pub valid_to: Timestamp,
    /// Uses in all; without limit when left out.
    pub limit_total: Option<BigInt>,
    /// Uses a customer, 1 to 100; 1 when left out.
    pub limit_per_customer: Option<BigInt>,
    /// Who pays for it; a store's own coupon is always paid by the store.
    pub bearer: Option<CostBearer>,
}

impl CouponCreateInput {
    pub(super) fn parse(self, now: Timestamp) -> Result<NewCoupon, PromotionError> {
        Ok(NewCoupon {
            code: self.code,
            kind: self.kind,
            value: self.value.0,
            currency: self.currency,
            max_discount_minor: self.max_discount_minor.map(|n| n.0),
            min_order_minor: self.min_order_minor.map_or(0, |n| n.0),
            store_id: self.store_id.map(|id| id.parse()).transpose()?,
            valid_from: self.valid_from.unwrap_or(now),
            valid_to: self.valid_to,
            limit_total: self.limit_total.map(|n| n.0),
            limit_per_customer: self.limit_per_customer.map_or(1, |n| n.0),
            bearer: self.bearer.unwrap_or(CostBearer::Platform),
        })
    }
}

/// Switches a coupon off.
#[derive(Debug, InputObject)]
pub struct CouponDisableInput {
    /// Which, `cpn_…`.
    pub coupon_id: ID,
}

crate::user_errors!(
    /// What was wrong with a request about a coupon.
    CouponUserError, PromotionError, PromotionErrorCode
);
crate::payload!(
    /// What `couponCreate` answers.
    CouponCreatePayload, PromotionError, {
        /// The new coupon; null when there are `userErrors`.
        coupon: CouponObject
    }
);
crate::payload!(
    /// What `couponDisable` answers.
    CouponDisablePayload, PromotionError, {
        /// The coupon as it is now; null when there are `userErrors`.
        coupon: CouponObject
    }
);
