//! Coupons.

mod mutation;
mod query;
mod types;

pub use mutation::PromotionMutation;
pub use query::PromotionQuery;
pub use types::CouponObject;
