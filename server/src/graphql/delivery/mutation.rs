//! What couriers, customers, stores and ops do with deliveries.

use async_graphql::{Context, Object};
use daraa_domain::delivery::{self, offer};

use super::inputs::{
    DeliveryArriveInput, DeliveryArrivePayload, DeliveryAssignInput, DeliveryAssignPayload,
    DeliveryCompleteInput, DeliveryCompletePayload, DeliveryDepartInput, DeliveryDepartPayload,
    DeliveryFailInput, DeliveryFailPayload, DeliveryLoseInput, DeliveryLosePayload, DeliveryPickUpInput,
    DeliveryPickUpPayload, DeliveryRetryInput, DeliveryRetryPayload, DeliveryReturnInput,
    DeliveryReturnPayload, DeliveryReturnedInput, DeliveryReturnedPayload, DeliveryUnassignInput,
    DeliveryUnassignPayload, OfferAcceptInput, OfferAcceptPayload, OfferDeclineInput, OfferDeclinePayload,
};
use super::types::{DeliveryObject, OfferObject};
use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::error::ApiError;

/// What couriers, customers, stores and ops do with deliveries.
#[derive(Debug, Default)]
pub struct DeliveryMutation;

#[Object]
impl DeliveryMutation {
    /// Takes an offer: first come, first served, before it expires.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn offer_accept(
        &self,
        ctx: &Context<'_>,
        input: OfferAcceptInput,
    ) -> Result<OfferAcceptPayload, ApiError> {
        let outcome = async { offer::accept(ctx.app(), ctx.actor(), input.offer_id.parse()?).await }.await;
        OfferAcceptPayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Declines an offer; you are not asked again for this delivery.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn offer_decline(
        &self,
        ctx: &Context<'_>,
        input: OfferDeclineInput,
    ) -> Result<OfferDeclinePayload, ApiError> {
        let outcome =
            async { offer::decline(ctx.app(), ctx.actor(), input.offer_id.parse()?, input.reason).await }
                .await;
        OfferDeclinePayload::answer(ctx, outcome.map(OfferObject::from))
    }

    /// Sets off: to the store, or with the goods to the customer.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn delivery_depart(
        &self,
        ctx: &Context<'_>,
        input: DeliveryDepartInput,
    ) -> Result<DeliveryDepartPayload, ApiError> {
        let outcome =
            async { delivery::depart(ctx.app(), ctx.actor(), input.delivery_id.parse()?).await }.await;
        DeliveryDepartPayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Arrives: in the store, or at the door, where the no-show timer starts.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn delivery_arrive(
        &self,
        ctx: &Context<'_>,
        input: DeliveryArriveInput,
    ) -> Result<DeliveryArrivePayload, ApiError> {
        let outcome = async {
            delivery::arrive(ctx.app(), ctx.actor(), input.delivery_id.parse()?, input.point()?).await
        }
        .await;
        DeliveryArrivePayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Takes the goods with the code the store shows; the order must be ready.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn delivery_pick_up(
        &self,
        ctx: &Context<'_>,
        input: DeliveryPickUpInput,
    ) -> Result<DeliveryPickUpPayload, ApiError> {
        let outcome = async { delivery::pick_up(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        DeliveryPickUpPayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Hands it to the customer, who tells the PIN; cash is recorded.
    #[graphql(directive = requires::apply(vec![Role::Courier]))]
    async fn delivery_complete(
        &self,
        ctx: &Context<'_>,
        input: DeliveryCompleteInput,
    ) -> Result<DeliveryCompletePayload, ApiError> {
        let outcome = async { delivery::complete(ctx.app(), ctx.actor(), input.parse()?).await }.await;
        DeliveryCompletePayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Gives up at the door: couriers when the no-show timer has ended, ops at any time.
    #[graphql(directive = requires::apply(vec![Role::Courier, Role::Operations, Role::Support]))]
    async fn delivery_fail(
        &self,
        ctx: &Context<'_>,
        input: DeliveryFailInput,
    ) -> Result<DeliveryFailPayload, ApiError> {
        let outcome =
            async { delivery::fail(ctx.app(), ctx.actor(), input.delivery_id.parse()?, input.reason).await }
                .await;
        DeliveryFailPayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Lets the courier try the door again.
    #[graphql(directive = requires::apply(vec![Role::Customer]))]
    async fn delivery_retry(
        &self,
        ctx: &Context<'_>,
        input: DeliveryRetryInput,
    ) -> Result<DeliveryRetryPayload, ApiError> {
        let outcome =
            async { delivery::retry(ctx.app(), ctx.actor(), input.delivery_id.parse()?).await }.await;
        DeliveryRetryPayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Brings what nobody took back to the store.
    #[graphql(directive = requires::apply(vec![Role::Courier, Role::Operations, Role::Support]))]
    async fn delivery_return(
        &self,
        ctx: &Context<'_>,
        input: DeliveryReturnInput,
    ) -> Result<DeliveryReturnPayload, ApiError> {
        let outcome =
            async { delivery::bring_back(ctx.app(), ctx.actor(), input.delivery_id.parse()?).await }.await;
        DeliveryReturnPayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Says that it is back in the store.
    #[graphql(directive = requires::apply(vec![Role::Courier, Role::Staff, Role::Operations, Role::Support]))]
    async fn delivery_returned(
        &self,
        ctx: &Context<'_>,
        input: DeliveryReturnedInput,
    ) -> Result<DeliveryReturnedPayload, ApiError> {
        let outcome =
            async { delivery::confirm_return(ctx.app(), ctx.actor(), input.delivery_id.parse()?).await }
                .await;
        DeliveryReturnedPayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Says that what nobody took is lost.
    #[graphql(directive = requires::apply(vec![Role::Operations, Role::Support]))]
    async fn delivery_lose(
        &self,
        ctx: &Context<'_>,
        input: DeliveryLoseInput,
    ) -> Result<DeliveryLosePayload, ApiError> {
        let outcome =
            async { delivery::lose(ctx.app(), ctx.actor(), input.delivery_id.parse()?).await }.await;
        DeliveryLosePayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Gives a delivery to a courier by hand; a live offer to somebody else is taken back.
    #[graphql(directive = requires::apply(vec![Role::Operations]))]
    async fn delivery_assign(
        &self,
        ctx: &Context<'_>,
        input: DeliveryAssignInput,
    ) -> Result<DeliveryAssignPayload, ApiError> {
        let outcome = async {
            delivery::assign(ctx.app(), ctx.actor(), input.delivery_id.parse()?, input.courier_id.parse()?)
                .await
        }
        .await;
        DeliveryAssignPayload::answer(ctx, outcome.map(DeliveryObject::from))
    }

    /// Takes a delivery away from its courier before pickup.
    #[graphql(directive = requires::apply(vec![Role::Courier, Role::Operations, Role::Support]))]
    async fn delivery_unassign(
        &self,
        ctx: &Context<'_>,
        input: DeliveryUnassignInput,
    ) -> Result<DeliveryUnassignPayload, ApiError> {
        let outcome = async {
            delivery::unassign(ctx.app(), ctx.actor(), input.delivery_id.parse()?, &input.reason).await
        }
        .await;
        DeliveryUnassignPayload::answer(ctx, outcome.map(DeliveryObject::from))
    }
}
