//! Deliveries and offers as clients see them.

use std::sync::Arc;

use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, ID, Object, SimpleObject};
use daraa_domain::courier::Position;
use daraa_domain::delivery::offer::{self, CourierOffer, DeclineReason, OfferStatus};
use daraa_domain::delivery::{
    self, Delivery, DeliveryAction, DeliveryEta, DeliveryStatus, DeliveryStep, EscalationReason,
    FailureReason, Proof, ProofKind, Stop, StopKind,
};
use daraa_domain::order::{self, Order};
use daraa_platform::time::Timestamp;

use crate::graphql::access::{Role, requires};
use crate::graphql::context::Ctx as _;
use crate::graphql::courier::{CourierLoader, DeliveryCourierObject};
use crate::graphql::error::ApiError;
use crate::graphql::order::{OrderLoader, OrderObject};
use crate::graphql::scalars::{BigInt, GeoPoint, MoneyObject};

/// A delivery: what one courier brings.
#[derive(Debug, Clone)]
pub struct DeliveryObject(pub Arc<Delivery>);

impl From<Delivery> for DeliveryObject {
    fn from(delivery: Delivery) -> Self {
        Self(Arc::new(delivery))
    }
}

/// A delivery: what one courier brings.
#[Object(name = "Delivery")]
impl DeliveryObject {
    /// The id, `dlv_…`.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The ids of its orders, `ord_…`.
    async fn order_ids(&self) -> Vec<ID> {
        self.0.order_ids.iter().map(|id| id.to_string().into()).collect()
    }

    /// Those of its orders that you may see: the courier all, a customer and a store their own.
    async fn orders(&self, ctx: &Context<'_>) -> Result<Vec<OrderObject>, ApiError> {
        let ids = self.0.order_ids.iter().copied();
        let found = ctx.data_unchecked::<DataLoader<OrderLoader>>().load_many(ids).await?;
        let visible = |order: &&Arc<Order>| !order::parties(ctx.actor(), order).is_empty();
        let in_order = self.0.order_ids.iter().filter_map(|id| found.get(id));
        Ok(in_order.filter(visible).map(|order| OrderObject(Arc::clone(order))).collect())
    }

    /// Where it stands.
    async fn status(&self) -> DeliveryStatus {
        self.0.status
    }

    /// Where the courier goes, in order.
    async fn stops(&self) -> Vec<StopObject> {
        self.0.stops.iter().map(StopObject::from).collect()
    }

    /// Who brings it; null while nobody does.
    async fn courier(&self, ctx: &Context<'_>) -> Result<Option<DeliveryCourierObject>, ApiError> {
        let Some(id) = self.0.courier_id else { return Ok(None) };
        Ok(ctx.loader::<CourierLoader, _>().load_one(id).await?.map(DeliveryCourierObject))
    }

    /// Where the courier is, while he has it.
    async fn courier_position(&self, ctx: &Context<'_>) -> Result<Option<PositionObject>, ApiError> {
        Ok(delivery::position_for(ctx.app(), ctx.actor(), &self.0).await?.map(PositionObject::from))
    }

    /// When pickup and drop-off are expected; null until dispatch has looked at it.
    async fn eta(&self) -> Option<EtaObject> {
        self.0.eta.as_ref().map(EtaObject::from)
    }

    /// When the store promised it.
    async fn ready_expected_at(&self) -> Timestamp {
        self.0.ready_expected_at
    }

    /// When the store said it is ready.
    async fn ready_at(&self) -> Option<Timestamp> {
        self.0.ready_at
    }

    /// Cash to collect at the door; zero when paid otherwise.
    async fn cash_due(&self) -> MoneyObject {
        self.0.cash_due.into()
    }

    /// Cash that was collected.
    async fn cash_collected(&self) -> Option<MoneyObject> {
        self.0.cash_collected.map(MoneyObject)
    }

    /// The courier waits at the door until then before he may give up.
    async fn wait_until(&self) -> Option<Timestamp> {
        self.0.wait_until
    }

    /// How the handing over was proven.
    async fn proof(&self) -> Option<ProofObject> {
        self.0.proof.map(ProofObject::from)
    }

    /// Why it could not be handed over.
    async fn failure(&self) -> Option<FailureReason> {
        self.0.failure
    }

    /// What you may do with it now.
    async fn available_actions(&self, ctx: &Context<'_>) -> Vec<DeliveryAction> {
        delivery::available_actions(ctx.app(), ctx.actor(), &self.0)
    }

    /// What happened, oldest first.
    async fn history(&self) -> Vec<DeliveryStepObject> {
        self.0.history.iter().cloned().map(Into::into).collect()
    }

    /// Who was asked, in order; at most 100.
    #[graphql(directive = requires::apply(vec![Role::Operations, Role::Support]))]
    async fn offers(&self, ctx: &Context<'_>) -> Result<Vec<OfferObject>, ApiError> {
        let offers = offer::of_delivery(ctx.app(), ctx.actor(), self.0.id).await?;
        Ok(offers.into_iter().map(OfferObject::from).collect())
    }

    /// Why dispatch asked ops to look at it.
    #[graphql(directive = requires::apply(vec![Role::Operations, Role::Support]))]
    async fn escalations(&self) -> &[EscalationReason] {
        &self.0.escalated
    }

    /// When the customer ordered.
    async fn placed_at(&self) -> Timestamp {
        self.0.placed_at
    }

    /// When the store accepted.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// Counts its changes.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }
}

/// A place the courier goes to.
#[derive(Debug, SimpleObject)]
#[graphql(name = "Stop")]
pub struct StopObject {
    /// What happens there.
    pub kind: StopKind,
    /// For which order, `ord_…`.
    pub order_id: ID,
    /// Where.
    pub point: GeoPoint,
    /// When the courier came.
    pub arrived_at: Option<Timestamp>,
    /// When he was done there.
    pub done_at: Option<Timestamp>,
}

impl From<&Stop> for StopObject {
    fn from(stop: &Stop) -> Self {
        Self {
            kind: stop.kind,
            order_id: stop.order_id.to_string().into(),
            point: stop.point.into(),
            arrived_at: stop.arrived_at,
            done_at: stop.done_at,
        }
    }
}

/// When pickup and drop-off are expected: in half of the cases (p50) and in nine of ten (p90).
#[derive(Debug, SimpleObject)]
#[graphql(name = "DeliveryEta")]
pub struct EtaObject {
    /// Pickup, in half of the cases.
    pub pickup_p50: Timestamp,
    /// Pickup, in nine of ten cases.
    pub pickup_p90: Timestamp,
    /// Drop-off, in half of the cases.
    pub dropoff_p50: Timestamp,
    /// Drop-off, in nine of ten cases.
    pub dropoff_p90: Timestamp,
}

impl From<&DeliveryEta> for EtaObject {
    fn from(eta: &DeliveryEta) -> Self {
        Self {
            pickup_p50: eta.pickup_p50,
            pickup_p90: eta.pickup_p90,
            dropoff_p50: eta.dropoff_p50,
            dropoff_p90: eta.dropoff_p90,
        }
    }
}

/// A position as it was heard.
#[derive(Debug, Clone, Copy, SimpleObject)]
#[graphql(name = "CourierPosition")]
pub struct PositionObject {
    /// Where.
    pub point: GeoPoint,
    /// When.
    pub at: Timestamp,
}

impl From<Position> for PositionObject {
    fn from(position: Position) -> Self {
        Self { point: position.point.into(), at: position.at }
    }
}

/// How the handing over was proven.
#[derive(Debug, SimpleObject)]
#[graphql(name = "ProofOfDelivery")]
pub struct ProofObject {
    /// By what.
    pub kind: ProofKind,
    /// When.
    pub at: Timestamp,
}

impl From<Proof> for ProofObject {
    fn from(proof: Proof) -> Self {
        Self { kind: proof.kind, at: proof.at }
    }
}

/// A step in a delivery's history.
#[derive(Debug, SimpleObject)]
#[graphql(name = "DeliveryStep")]
pub struct DeliveryStepObject {
    /// When.
    pub at: Timestamp,
    /// Who: an account, or a part of the system.
    pub actor: String,
    /// What was done.
    pub action: DeliveryAction,
    /// The status before.
    pub from: DeliveryStatus,
    /// The status afterwards.
    pub to: DeliveryStatus,
    /// Why, where a reason was given.
    pub reason: Option<String>,
}

impl From<DeliveryStep> for DeliveryStepObject {
    fn from(step: DeliveryStep) -> Self {
        Self {
            at: step.at,
            actor: step.actor,
            action: step.action,
            from: step.from,
            to: step.to,
            reason: step.reason,
        }
    }
}

/// The question to one courier whether he brings a delivery.
#[derive(Debug, Clone)]
pub struct OfferObject(pub Arc<CourierOffer>);

impl From<CourierOffer> for OfferObject {
    fn from(offer: CourierOffer) -> Self {
        Self(Arc::new(offer))
    }
}

/// The question to one courier whether he brings a delivery.
#[Object(name = "CourierOffer")]
impl OfferObject {
    /// The id, `ofr_…`.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// What is offered, `dlv_…`; to be seen once the offer is accepted.
    async fn delivery_id(&self) -> ID {
        self.0.delivery_id.to_string().into()
    }

    /// Who is asked, `cou_…`.
    async fn courier_id(&self) -> ID {
        self.0.courier_id.to_string().into()
    }

    /// Where it stands.
    async fn status(&self) -> OfferStatus {
        self.0.status
    }

    /// Until when to answer.
    async fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// When to set off, at the earliest.
    async fn depart_at(&self) -> Timestamp {
        self.0.depart_at
    }

    /// How long the way to the store takes, seconds.
    async fn travel_to_pickup_seconds(&self) -> BigInt {
        BigInt(self.0.travel_to_pickup_s)
    }

    /// Where to pick up.
    async fn pickup(&self) -> GeoPoint {
        self.0.pickup.into()
    }

    /// Where to drop off.
    async fn dropoff(&self) -> GeoPoint {
        self.0.dropoff.into()
    }

    /// How many orders it holds.
    async fn order_count(&self) -> BigInt {
        BigInt(i64::try_from(self.0.order_ids.len()).unwrap_or(i64::MAX))
    }

    /// Cash to collect at the door.
    async fn cash_due(&self) -> MoneyObject {
        self.0.cash_due.into()
    }

    /// Why it was declined.
    async fn decline_reason(&self) -> Option<DeclineReason> {
        self.0.decline_reason
    }

    /// When it was made.
    async fn made_at(&self) -> Timestamp {
        self.0.made_at
    }

    /// When it was answered, or ended.
    async fn ended_at(&self) -> Option<Timestamp> {
        self.0.ended_at
    }
}
