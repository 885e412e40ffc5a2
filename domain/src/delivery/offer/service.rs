//! Offers are made, answered and ended.

use daraa_platform::mongo::Tx;
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::{Bson, doc};

use super::super::assign::service::check_cash_in_tx;
use super::super::error::DeliveryError;
use super::super::model::{
    CommandRef, Delivery, DeliveryAction, DeliveryStatus, LiveOffer, Passed, StopKind,
};
use super::super::rules::{Facts, Party};
use super::super::service::{Moved, Step, bson, end_offer_in_tx, step_in_tx};
use super::super::{event, store as deliveries};
use super::model::{CourierOffer, DeclineReason, OfferAction, OfferStatus};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::courier;
use crate::ids::{CourierId, DeliveryId, OfferId};
use crate::{order, outbox};

/// One batch of the expiry job.
const BATCH: i64 = 100;

/// A question to one courier, as dispatch puts it.
#[derive(Debug, Clone, Copy)]
pub(in crate::delivery) struct Ask {
    pub(in crate::delivery) delivery_id: DeliveryId,
    pub(in crate::delivery) courier_id: CourierId,
    pub(in crate::delivery) command: CommandRef,
    pub(in crate::delivery) expires_at: Timestamp,
    pub(in crate::delivery) depart_at: Timestamp,
    pub(in crate::delivery) travel_to_pickup_s: i64,
}

/// Asks one courier. `false` when the delivery needs nobody any more.
pub(in crate::delivery) async fn make_in_tx(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    ask: Ask,
) -> Result<bool, DeliveryError> {
    let delivery =
        deliveries::get_in_tx(app, tx, ask.delivery_id).await?.ok_or(DeliveryError::DeliveryNotFound)?;
    if delivery.status != DeliveryStatus::Pending {
        return Ok(false);
    }
    let now = app.clock.now();
    let point = |kind| delivery.stop(kind).map(|stop| stop.point).ok_or(DeliveryError::DeliveryNotFound);
    let offer = CourierOffer {
        id: app.ids.next(),
        delivery_id: delivery.id,
        order_ids: delivery.order_ids.clone(),
        store_id: delivery.store_id,
        account_id: delivery.account_id,
        courier_id: ask.courier_id,
        status: OfferStatus::Offered,
        expires_at: ask.expires_at,
        depart_at: ask.depart_at,
        travel_to_pickup_s: ask.travel_to_pickup_s,
        pickup: point(StopKind::Pickup)?,
        dropoff: point(StopKind::Dropoff)?,
        cash_due: delivery.cash_due,
        command: ask.command,
        decline_reason: None,
        made_at: now,
        ended_at: None,
    };
    let live = LiveOffer {
        offer_id: offer.id,
        courier_id: offer.courier_id,
        expires_at: offer.expires_at,
        command: offer.command,
    };
    let mut step = Step::new(DeliveryAction::Offer, actor, &[Party::System], Facts::at(now));
    step.set = doc! { "offer": bson(&live)? };
    step.data = doc! { "offer_id": offer.id.to_string() };
    step_in_tx(app, tx, delivery, step).await?;
    store::insert_in_tx(app, tx, &offer).await?;
    outbox::emit_in_tx(app, tx, event::of_offer(&offer, "offer.made")).await?;
    Ok(true)
}

/// The courier takes the offer: compare-and-set on its state and expiry, and on his capacity.
///
/// # Errors
/// Not his, over, no room or cash limit left, or database failure.
pub async fn accept(app: &App, actor: &Actor, id: OfferId) -> Result<Delivery, DeliveryError> {
    let courier_id = actor.courier()?;
    let offer = store::of_courier(app, courier_id, id).await?.ok_or(DeliveryError::OfferNotFound)?;
    if offer.status == OfferStatus::Accepted {
        return said_before(app, courier_id, id).await;
    }
    transact!(&app.mongo, "offer.accept", DeliveryError, |tx| {
        let now = app.clock.now();
        let Some(ended) = store::end_in_tx(app, tx, id, OfferStatus::Accepted, None, now).await? else {
            // The same answer, given twice at once. Read in the transaction: a plain read may not show yet what the
            // other one has just committed.
            return said_before_in_tx(app, tx, courier_id, id).await;
        };
        outbox::emit_in_tx(app, tx, event::of_offer(&ended, event::offer_kind(OfferAction::Accept))).await?;
        let delivery = deliveries::get_in_tx(app, tx, offer.delivery_id)
            .await?
            .filter(|d| d.offer.is_some_and(|live| live.offer_id == id))
            .ok_or(DeliveryError::OfferNotLive)?;
        let mut step = Step::new(DeliveryAction::Accept, actor, &[Party::Courier], Facts::at(now));
        step.set = doc! { "courier_id": courier_id, "assigned_at": now, "offer": Bson::Null };
        let Moved::To(after) = step_in_tx(app, tx, delivery, step).await? else {
            return Err(DeliveryError::OfferNotLive);
        };
        if !courier::take_in_tx(app, tx, courier_id, true).await? {
            return Err(DeliveryError::CapacityReached);
        }
        check_cash_in_tx(app, tx, courier_id, &after).await?;
        for order_id in &after.order_ids {
            order::set_courier_in_tx(app, tx, *order_id, Some(courier_id)).await?;
        }
        Ok(after)
    })
}

/// An accepted offer accepted again, for its answer may have been lost: the same success while the delivery is still
/// his.
async fn said_before(app: &App, courier_id: CourierId, id: OfferId) -> Result<Delivery, DeliveryError> {
    let offer = store::of_courier(app, courier_id, id).await?.ok_or(DeliveryError::OfferNotFound)?;
    if offer.status != OfferStatus::Accepted {
        return Err(DeliveryError::OfferNotLive);
    }
    let delivery = deliveries::get(app, offer.delivery_id).await?;
    delivery.filter(|d| d.courier_id == Some(courier_id)).ok_or(DeliveryError::OfferNotLive)
}

/// [`said_before`] as the transaction sees it.
async fn said_before_in_tx(
    app: &App,
    tx: &mut Tx,
    courier_id: CourierId,
    id: OfferId,
) -> Result<Delivery, DeliveryError> {
    let offer =
        store::of_courier_in_tx(app, tx, courier_id, id).await?.ok_or(DeliveryError::OfferNotFound)?;
    if offer.status != OfferStatus::Accepted {
        return Err(DeliveryError::OfferNotLive);
    }
    let delivery = deliveries::get_in_tx(app, tx, offer.delivery_id).await?;
    delivery.filter(|d| d.courier_id == Some(courier_id)).ok_or(DeliveryError::OfferNotLive)
}

/// The courier does not want the offer; he is not asked again for this delivery.
///
/// # Errors
/// Not his, over, or database failure.
pub async fn decline(
    app: &App,
    actor: &Actor,
    id: OfferId,
    reason: DeclineReason,
) -> Result<CourierOffer, DeliveryError> {
    let courier_id = actor.courier()?;
    let offer = store::of_courier(app, courier_id, id).await?.ok_or(DeliveryError::OfferNotFound)?;
    if offer.status == OfferStatus::Declined {
        return Ok(offer);
    }
    transact!(&app.mongo, "offer.decline", DeliveryError, |tx| {
        let now = app.clock.now();
        let ended = store::end_in_tx(app, tx, id, OfferStatus::Declined, Some(reason), now)
            .await?
            .ok_or(DeliveryError::OfferNotLive)?;
        outbox::emit_in_tx(app, tx, event::of_offer(&ended, event::offer_kind(OfferAction::Decline))).await?;
        reopen_in_tx(app, tx, actor, &ended, DeliveryAction::Decline, now).await?;
        Ok(ended)
    })
}

/// Ends a live offer that was not answered or must be taken back; the delivery is open again at once. Nothing
/// happens when the offer has ended otherwise, or when its time is not over.
///
/// # Errors
/// Database failure.
pub(in crate::delivery) async fn withdraw(
    app: &App,
    actor: &Actor,
    offer: &CourierOffer,
    action: OfferAction,
) -> Result<bool, DeliveryError> {
    transact!(&app.mongo, "offer.withdraw", DeliveryError, |tx| {
        withdraw_in_tx(app, tx, actor, offer, action).await
    })
}

pub(in crate::delivery) async fn withdraw_in_tx(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    offer: &CourierOffer,
    action: OfferAction,
) -> Result<bool, DeliveryError> {
    let now = app.clock.now();
    let live = deliveries::get_in_tx(app, tx, offer.delivery_id)
        .await?
        .is_some_and(|d| d.offer.is_some_and(|live| live.offer_id == offer.id));
    if !live || (action == OfferAction::Expire && now < offer.expires_at) {
        return Ok(false);
    }
    let step = match action {
        OfferAction::Expire => DeliveryAction::Expire,
        _ => DeliveryAction::Revoke,
    };
    end_offer_in_tx(app, tx, offer.id, action, now).await?;
    reopen_in_tx(app, tx, actor, offer, step, now).await?;
    Ok(true)
}

/// OFFERED → PENDING, remembering how the offer failed.
async fn reopen_in_tx(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    offer: &CourierOffer,
    action: DeliveryAction,
    now: Timestamp,
) -> Result<(), DeliveryError> {
    let delivery = deliveries::get_in_tx(app, tx, offer.delivery_id)
        .await?
        .filter(|d| d.offer.is_some_and(|live| live.offer_id == offer.id))
        .ok_or(DeliveryError::OfferNotLive)?;
    let mut refusals = delivery.refusals.clone();
    let id = offer.courier_id;
    match action {
        DeliveryAction::Decline => {
            refusals.failures = refusals.failures.saturating_add(1);
            if !refusals.declined.contains(&id) {
                refusals.declined.push(id);
            }
        }
        DeliveryAction::Expire => {
            refusals.failures = refusals.failures.saturating_add(1);
            match refusals.expired.iter_mut().find(|passed| passed.courier_id == id) {
                Some(passed) => passed.times = passed.times.saturating_add(1),
                None => refusals.expired.push(Passed { courier_id: id, times: 1 }),
            }
        }
        _ => {}
    }
    let parties = if actor.is_system() { [Party::System] } else { [Party::Courier] };
    let mut step = Step::new(action, actor, &parties, Facts::at(now));
    step.set = doc! { "offer": Bson::Null, "refusals": bson(&refusals)? };
    step_in_tx(app, tx, delivery, step).await?;
    Ok(())
}

/// The courier's live offers, newest first.
///
/// # Errors
/// Not a courier, or database failure.
pub async fn live_of(app: &App, actor: &Actor) -> Result<Vec<CourierOffer>, DeliveryError> {
    let courier_id = actor.courier()?;
    Ok(store::live_of_courier(app, courier_id, app.clock.now()).await?)
}

/// An offer as the actor may see it: its courier, ops.
///
/// # Errors
/// Not found or somebody else's, or database failure.
pub async fn get_for(app: &App, actor: &Actor, id: OfferId) -> Result<CourierOffer, DeliveryError> {
    actor.person()?;
    let offer = store::get(app, id).await?.ok_or(DeliveryError::OfferNotFound)?;
    if actor.is_ops() || actor.courier().is_ok_and(|courier| courier == offer.courier_id) {
        return Ok(offer);
    }
    Err(DeliveryError::OfferNotFound)
}

/// Who was asked about a delivery, in order, for ops.
///
/// # Errors
/// Not ops, or database failure.
pub async fn of_delivery(
    app: &App,
    actor: &Actor,
    delivery_id: DeliveryId,
) -> Result<Vec<CourierOffer>, DeliveryError> {
    actor.ops(&[crate::actor::OpsRole::Operations, crate::actor::OpsRole::Support])?;
    Ok(store::of_delivery(app, delivery_id, BATCH).await?)
}

/// Ends offers nobody answered in time, a batch at a time; says how many. Dispatch does it, too; this job keeps
/// orders moving when there is no dispatcher.
///
/// # Errors
/// Database failure.
pub async fn expire_offers(app: &App) -> Result<u64, DeliveryError> {
    let actor = Actor::System("offer-expiry");
    let mut ended = 0;
    for offer in store::overdue(app, app.clock.now(), BATCH).await? {
        if withdraw(app, &actor, &offer, OfferAction::Expire).await? {
            ended += 1;
        }
    }
    Ok(ended)
}
