//! Changes of orders and refunds.

use async_graphql::{Context, Object};
use daraa_domain::order::{self, refund};

use super::inputs::{
    OrderAcceptInput, OrderAcceptPayload, OrderCancelInput, OrderCancelPayload, OrderDelayInput,
    OrderDelayPayload, OrderHandOverInput, OrderHandOverPayload, OrderPlaceInput, OrderPlacePayload,
    OrderPrepareInput, OrderPreparePayload, OrderReadyInput, OrderReadyPayload, OrderRejectInput,
    OrderRejectPayload, RefundApproveInput, RefundApprovePayload, RefundRejectInput, RefundRejectPayload,
    RefundRequestInput, RefundRequestPayload, touch,
};
use super::refund::RefundObject;
use super::types::{OrderGroupObject, OrderObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// Changes of orders and refunds.
#[derive(Debug, Default)]
pub struct OrderMutation;

#[Object]
impl OrderMutation {
    /// Places a quote: one purchase with an order per store, exactly once per key.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn order_place(
        &self,
        ctx: &Context<'_>,
        input: OrderPlaceInput,
    ) -> Result<OrderPlacePayload, ApiError> {
        let outcome = async { order::place(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        OrderPlacePayload::answer(ctx, outcome.map(OrderGroupObject::from))
    }

    /// The store takes an order and promises when it will be ready.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Support, Role::Operations]))]
    async fn order_accept(
        &self,
        ctx: &Context<'_>,
        input: OrderAcceptInput,
    ) -> Result<OrderAcceptPayload, ApiError> {
        let outcome = async { order::accept(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        OrderAcceptPayload::answer(ctx, outcome.map(OrderObject::from))
    }

    /// The store turns an order down; what was held for it is given back.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Support, Role::Operations]))]
    async fn order_reject(
        &self,
        ctx: &Context<'_>,
        input: OrderRejectInput,
    ) -> Result<OrderRejectPayload, ApiError> {
        let outcome = async { order::reject(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        OrderRejectPayload::answer(ctx, outcome.map(OrderObject::from))
    }

    /// The store begins.
    #[graphql(directive = requires::apply(vec![Role::Staff]))]
    async fn order_prepare(
        &self,
        ctx: &Context<'_>,
        input: OrderPrepareInput,
    ) -> Result<OrderPreparePayload, ApiError> {
        let outcome =
            async { order::start_preparing(ctx.app(), ctx.actor(), touch(&input.order_id)?).await }.await;
        OrderPreparePayload::answer(ctx, outcome.map(OrderObject::from))
    }

    /// The goods can be collected.
    #[graphql(directive = requires::apply(vec![Role::Staff]))]
    async fn order_ready(
        &self,
        ctx: &Context<'_>,
        input: OrderReadyInput,
    ) -> Result<OrderReadyPayload, ApiError> {
        let outcome =
            async { order::mark_ready(ctx.app(), ctx.actor(), touch(&input.order_id)?).await }.await;
        OrderReadyPayload::answer(ctx, outcome.map(OrderObject::from))
    }

    /// It takes longer than promised.
    #[graphql(directive = requires::apply(vec![Role::Staff, Role::Support, Role::Operations]))]
    async fn order_delay(
        &self,
        ctx: &Context<'_>,
        input: OrderDelayInput,
    ) -> Result<OrderDelayPayload, ApiError> {
        let outcome = async { order::delay(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        OrderDelayPayload::answer(ctx, outcome.map(OrderObject::from))
    }

    /// Calls an order off; what it costs, `orderCancelPreview` says before.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn order_cancel(
        &self,
        ctx: &Context<'_>,
        input: OrderCancelInput,
    ) -> Result<OrderCancelPayload, ApiError> {
        let outcome = async { order::cancel(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        OrderCancelPayload::answer(ctx, outcome.map(OrderObject::from))
    }

    /// Hands takeaway over at the counter, by the other side's code.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn order_hand_over(
        &self,
        ctx: &Context<'_>,
        input: OrderHandOverInput,
    ) -> Result<OrderHandOverPayload, ApiError> {
        let outcome = async { order::hand_over_pickup(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        OrderHandOverPayload::answer(ctx, outcome.map(OrderObject::from))
    }

    /// Asks for money back after completion.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn refund_request(
        &self,
        ctx: &Context<'_>,
        input: RefundRequestInput,
    ) -> Result<RefundRequestPayload, ApiError> {
        let outcome = async { refund::request(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        RefundRequestPayload::answer(ctx, outcome.map(RefundObject::from))
    }

    /// Decides for a refund and who pays for it; the money follows.
    #[graphql(directive = requires::apply(vec![Role::Support, Role::Finance]))]
    async fn refund_approve(
        &self,
        ctx: &Context<'_>,
        input: RefundApproveInput,
    ) -> Result<RefundApprovePayload, ApiError> {
        let outcome = async { refund::approve(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        RefundApprovePayload::answer(ctx, outcome.map(RefundObject::from))
    }

    /// Decides against a refund.
    #[graphql(directive = requires::apply(vec![Role::Support, Role::Finance]))]
    async fn refund_reject(
        &self,
        ctx: &Context<'_>,
        input: RefundRejectInput,
    ) -> Result<RefundRejectPayload, ApiError> {
        let outcome = async { refund::reject(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        RefundRejectPayload::answer(ctx, outcome.map(RefundObject::from))
    }
}
