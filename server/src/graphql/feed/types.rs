//! The event as clients see it.

use async_graphql::{Context, ID, Object};
use daraa_domain::ids::{DeliveryId, OfferId, OrderId};
use daraa_domain::{delivery, order};
use daraa_platform::ids::TypedId;
use daraa_platform::time::Timestamp;
use mongodb::bson::Bson;

use super::Delivered;
use crate::graphql::context::Ctx as _;
use crate::graphql::delivery::{DeliveryObject, OfferObject};
use crate::graphql::error::{ApiError, found};
use crate::graphql::order::OrderObject;
use crate::graphql::scalars::BigInt;

/// Something that happened and concerns the subscriber.
#[derive(Debug, Clone)]
pub struct FeedEventObject(pub Delivered);

impl FeedEventObject {
    /// The id of this kind the event is about: its subject, or a field of its data.
    fn id_of<I: TypedId + std::str::FromStr>(&self, field: &str) -> Option<I> {
        let event = &self.0.event;
        event.subject_id.parse().ok().or_else(|| match event.data.get(field)? {
            Bson::String(text) => text.parse().ok(),
            Bson::ObjectId(oid) => Some(I::from(*oid)),
            Bson::Array(many) => match many.first()? {
                Bson::String(text) => text.parse().ok(),
                Bson::ObjectId(oid) => Some(I::from(*oid)),
                _ => None,
            },
            _ => None,
        })
    }

    /// The order the event is about.
    fn order_ref(&self) -> Option<OrderId> {
        self.id_of("order_id").or_else(|| self.id_of("order_ids"))
    }
}

/// Something that happened and concerns the subscriber. Delivered at least once; `sequence` tells repeats.
#[Object(name = "FeedEvent")]
impl FeedEventObject {
    /// The event's place in this feed: 1, 2, 3, … without a gap. Pass the last one as `after` to resume.
    async fn sequence(&self) -> BigInt {
        BigInt(self.0.event.sequence)
    }

    /// What happened, e.g. `order.accepted`.
    async fn kind(&self) -> &str {
        &self.0.event.kind
    }

    /// The id of what it is about.
    async fn subject_id(&self) -> ID {
        ID(self.0.event.subject_id.clone())
    }

    /// When it happened.
    async fn at(&self) -> Timestamp {
        self.0.event.at
    }

    /// True when earlier events are no longer kept (the client was away for more than a day): read the
    /// objects anew.
    async fn missed(&self) -> bool {
        self.0.missed
    }

    /// The state the subject came to.
    async fn status(&self) -> Option<&str> {
        self.0.event.data.get_str("status").ok()
    }

    /// The order it is about, or one of them.
    async fn order_id(&self) -> Option<ID> {
        self.order_ref().map(|id: OrderId| ID(id.to_string()))
    }

    /// The delivery it is about.
    async fn delivery_id(&self) -> Option<ID> {
        self.id_of::<DeliveryId>("delivery_id").map(|id| ID(id.to_string()))
    }

    /// The offer it is about.
    async fn offer_id(&self) -> Option<ID> {
        self.id_of::<OfferId>("offer_id").map(|id| ID(id.to_string()))
    }

    /// The order it is about as it is now; null when it is about none, or it is no longer yours to see.
    async fn order(&self, ctx: &Context<'_>) -> Result<Option<OrderObject>, ApiError> {
        let Some(id) = self.order_ref() else { return Ok(None) };
        Ok(found(order::get_for(ctx.app(), ctx.actor(), id).await)?.map(OrderObject::from))
    }

    /// The delivery it is about as it is now; null when it is about none, or it is no longer yours to see.
    async fn delivery(&self, ctx: &Context<'_>) -> Result<Option<DeliveryObject>, ApiError> {
        let Some(id) = self.id_of("delivery_id") else { return Ok(None) };
        Ok(found(delivery::get_for(ctx.app(), ctx.actor(), id).await)?.map(DeliveryObject::from))
    }

    /// The offer it is about as it is now; null when it is about none, or not made to you.
    async fn offer(&self, ctx: &Context<'_>) -> Result<Option<OfferObject>, ApiError> {
        let Some(id) = self.id_of("offer_id") else { return Ok(None) };
        Ok(found(delivery::offer::get_for(ctx.app(), ctx.actor(), id).await)?.map(OfferObject::from))
    }

    /// Whatever else the event carries, as JSON.
    async fn data(&self) -> String {
        serde_json::to_string(&self.0.event.data).unwrap_or_default()
    }
}
