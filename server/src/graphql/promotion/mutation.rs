//! Making coupons.

use async_graphql::{Context, Object};
use daraa_domain::promotion;

use super::types::{CouponCreateInput, CouponCreatePayload, CouponObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Making coupons.
#[derive(Debug, Default)]
pub struct PromotionMutation;

#[Object]
impl PromotionMutation {
    /// Creates a coupon: ops for the platform or any store, a manager for their own store. Audited.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations, Role::Finance]))]
    async fn coupon_create(
        &self,
        ctx: &Context<'_>,
        input: CouponCreateInput,
    ) -> Result<CouponCreatePayload, ApiError> {
        let now = ctx.app().clock.now();
        let outcome = async { promotion::create(ctx.app(), ctx.actor(), input.parse(now)?).await }.await;
        CouponCreatePayload::answer(ctx, outcome.map(CouponObject::from))
    }
}
