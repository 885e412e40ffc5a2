//! What couriers do, and what ops do about them.

use async_graphql::{Context, Object};
use daraa_domain::{courier, settings};

use super::types::{
    CourierApplyInput, CourierApplyPayload, CourierApproveInput, CourierApprovePayload, CourierMoveInput,
    CourierMovePayload, CourierObject, CourierOfflineInput, CourierOfflinePayload, CourierOnlineInput,
    CourierOnlinePayload, CourierSuspendInput, CourierSuspendPayload, MovedCourier,
};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// What couriers do, and what ops do about them.
#[derive(Debug, Default)]
pub struct CourierMutation;

#[Object]
impl CourierMutation {
    /// Applies as a courier; ops have to approve. Applying again changes nothing.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn courier_apply(
        &self,
        ctx: &Context<'_>,
        input: CourierApplyInput,
    ) -> Result<CourierApplyPayload, ApiError> {
        let outcome = courier::apply(ctx.app(), ctx.actor(), input.parse()).await;
        CourierApplyPayload::answer(ctx, outcome.map(CourierObject::from))
    }

    /// Lets a courier work, for the first time or again.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn courier_approve(
        &self,
        ctx: &Context<'_>,
        input: CourierApproveInput,
    ) -> Result<CourierApprovePayload, ApiError> {
        let currency = settings::get(ctx.app()).await?.currency;
        let outcome = async { courier::approve(ctx.app(), ctx.actor(), input.parse(currency)?).await }.await;
        CourierApprovePayload::answer(ctx, outcome.map(CourierObject::from))
    }

    /// Stops a courier: no more offers. What he carries he still brings.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn courier_suspend(
        &self,
        ctx: &Context<'_>,
        input: CourierSuspendInput,
    ) -> Result<CourierSuspendPayload, ApiError> {
        let outcome =
            async { courier::suspend(ctx.app(), ctx.actor(), input.courier_id.parse()?).await }.await;
        CourierSuspendPayload::answer(ctx, outcome.map(CourierObject::from))
    }

    /// Begins a shift, or moves its end.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn courier_online(
        &self,
        ctx: &Context<'_>,
        input: CourierOnlineInput,
    ) -> Result<CourierOnlinePayload, ApiError> {
        let outcome = async { courier::go_online(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        CourierOnlinePayload::answer(ctx, outcome.map(CourierObject::from))
    }

    /// Ends a shift: no more offers, a live one is taken back. What you carry you still bring.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn courier_offline(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "input")] _input: Option<CourierOfflineInput>,
    ) -> Result<CourierOfflinePayload, ApiError> {
        let outcome = courier::go_offline(ctx.app(), ctx.actor()).await;
        CourierOfflinePayload::answer(ctx, outcome.map(CourierObject::from))
    }

    /// Tells where you are; about every four seconds while you ride.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn courier_move(
        &self,
        ctx: &Context<'_>,
        input: CourierMoveInput,
    ) -> Result<CourierMovePayload, ApiError> {
        let outcome = async { courier::move_to(ctx.app(), ctx.actor(), input.point.parse()?).await }.await;
        CourierMovePayload::answer(ctx, outcome.map(|id| MovedCourier { id: id.to_string().into() }))
    }
}
