//! Making coupons and switching them off.

use async_graphql::{Context, Object};
use daraa_domain::promotion;

use super::types::{
    CouponCreateInput, CouponCreatePayload, CouponDisableInput, CouponDisablePayload, CouponObject,
};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Making coupons and switching them off.
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

    /// Switches a coupon off for good: ops any, a manager their own store's. Purchases under way keep the use they were
    /// promised. Audited.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Operations, Role::Finance]))]
    async fn coupon_disable(
        &self,
        ctx: &Context<'_>,
        input: CouponDisableInput,
    ) -> Result<CouponDisablePayload, ApiError> {
        let outcome =
            async { promotion::disable(ctx.app(), ctx.actor(), input.coupon_id.parse()?).await }.await;
        CouponDisablePayload::answer(ctx, outcome.map(CouponObject::from))
    }
}
