//! Promotions: coupons with limits in all and a customer, and who pays for them.
//!
//! Owns `coupons` and `coupon_uses`. A purchase reserves a use before its transaction, confirms it when it is placed
//! and gives it back when it came to nothing; the amount is computed by the pricing room from the coupon's terms.
//!
//! Calls: audit, ledger (the bearer's name). Called by: pricing, order.

mod error;
mod model;
pub mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::{PromotionError, PromotionErrorCode};
pub use model::{
    CostBearer, Coupon, CouponKind, CouponReservation, CouponStatus, CouponUse, CustomerUses, INDEXES,
    NewCoupon, USE_INDEXES, UseState,
};
pub use service::{confirm, confirm_without_promise, create, disable, list, preview, release, reserve};
