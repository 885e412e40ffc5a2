//! Giving a delivery to a courier by hand and taking it away; the cash a courier may take with it.

use std::collections::BTreeMap;
use std::time::Duration;

use daraa_platform::fault::Fault as _;
use daraa_platform::mongo::Tx;
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::{Bson, doc};
use tracing::{info, warn};

use super::super::error::DeliveryError;
use super::super::model::{Delivery, DeliveryAction, StopKind};
use super::super::offer::OfferAction;
use super::super::rules::{self, Facts, Party};
use super::super::service::{
    Moved, Step, acting_in_tx, at_least_real, bson, done, end_offer_in_tx, marked, record_in_tx,
    release_in_tx, step_in_tx,
};
use super::super::store;
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::courier;
use crate::ids::{CourierId, DeliveryId};
use crate::{ledger, order};

/// A reason is a sentence, not a story.
const MAX_REASON_CHARS: usize = 200;
/// The deliveries of so many couriers are read at once: with the largest capacity these are fewer than one read takes.
const COURIERS_AT_ONCE: usize = 100;
/// Nobody is given up for silence shorter than this in real time: a fail-over must not look like a vanished courier.
const LEAST_REAL_SILENCE: Duration = Duration::from_secs(30);
/// What is written into the history of a delivery that was taken back.
const FORGOTTEN: &str = "no sign from the courier";

/// Ops give it to a courier by hand; a live offer to somebody else is taken back. The courier need not be online.
///
/// # Errors
/// Not ops, the status forbids it (somebody else may have it), the courier has no room, may not work or would hold too
/// much cash, or database failure.
pub async fn assign(
    app: &App,
    actor: &Actor,
    id: DeliveryId,
    courier_id: CourierId,
) -> Result<Delivery, DeliveryError> {
    actor.ops(&[OpsRole::Operations])?;
    courier::get(app, courier_id).await?;
    transact!(&app.mongo, "delivery.assign", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        let now = app.clock.now();
        let live = delivery.offer;
        let mut step = Step::new(DeliveryAction::Assign, actor, &parties, Facts::at(now));
        step.set = doc! { "courier_id": courier_id, "assigned_at": now, "offer": Bson::Null };
        let after = match step_in_tx(app, tx, delivery, step).await? {
            Moved::To(after) => after,
            // Said twice is success; said of somebody else it was not done.
            Moved::Already(as_it_is) if as_it_is.courier_id == Some(courier_id) => return Ok(as_it_is),
            Moved::Already(_) => return Err(DeliveryError::InvalidTransition),
        };
        if let Some(live) = live {
            end_offer_in_tx(app, tx, live.offer_id, OfferAction::Revoke, now).await?;
        }
        if !courier::take_in_tx(app, tx, courier_id, false).await? {
            return Err(DeliveryError::CapacityReached);
        }
        check_cash_in_tx(app, tx, courier_id, &after).await?;
        for order_id in &after.order_ids {
            order::set_courier_in_tx(app, tx, *order_id, Some(courier_id)).await?;
        }
        let details = doc! { "courier_id": courier_id.to_string() };
        record_in_tx(app, tx, actor, "delivery.assign", &after, details).await?;
        Ok(after)
    })
}

/// What he holds and what he is about to collect, `taken` among it, must stay within his limit. Asked after a place of
/// his capacity was taken: that writes to the courier, so two deliveries taken at once meet there, and so does one
/// that he hands over meanwhile.
pub(in crate::delivery) async fn check_cash_in_tx(
    app: &App,
    tx: &mut Tx,
    courier_id: CourierId,
    taken: &Delivery,
) -> Result<(), DeliveryError> {
    if taken.cash_due.is_zero() {
        return Ok(());
    }
    let currency = taken.cash_due.currency;
    let limit = courier::get_in_tx(app, tx, courier_id).await?.cash_limit;
    let mut held = ledger::float_of(app, courier_id, currency).await?.owed;
    for delivery in store::with_courier_in_tx(app, tx, courier_id).await? {
        if delivery.cash_due.currency == currency {
            held = held.add(delivery.cash_due)?;
        }
    }
    if !rules::within_cash_limit(held, limit) {
        return Err(DeliveryError::CashLimitReached);
    }
    Ok(())
}

/// Takes it away from its courier before pickup; he is not asked again for this delivery.
///
/// # Errors
/// Not theirs, the status forbids it, or database failure.
pub async fn unassign(
    app: &App,
    actor: &Actor,
    id: DeliveryId,
    reason: &str,
) -> Result<Delivery, DeliveryError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
        return Err(DeliveryError::BadReason);
    }
    transact!(&app.mongo, "delivery.unassign", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        unassign_in_tx(app, tx, actor, &parties, delivery, reason).await
    })
}

async fn unassign_in_tx(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    parties: &[Party],
    delivery: Delivery,
    reason: &str,
) -> Result<Delivery, DeliveryError> {
    let before = delivery.courier_id;
    let stops = marked(&delivery, StopKind::Pickup, |stop| stop.arrived_at = None);
    let mut refusals = delivery.refusals.clone();
    refusals.declined.extend(before.filter(|id| !refusals.declined.contains(id)));
    let mut step = Step::new(DeliveryAction::Unassign, actor, parties, Facts::at(app.clock.now()));
    step.reason = Some(reason.to_owned());
    step.set = doc! {
        "courier_id": Bson::Null,
        "assigned_at": Bson::Null,
        "stops": bson(&stops)?,
        "refusals": bson(&refusals)?,
    };
    let moved = step_in_tx(app, tx, delivery, step).await?;
    if let Moved::To(after) = &moved {
        for order_id in &after.order_ids {
            order::set_courier_in_tx(app, tx, *order_id, None).await?;
        }
        release_in_tx(app, tx, before, None).await?;
        if actor.is_ops() {
            record_in_tx(app, tx, actor, "delivery.unassign", after, doc! { "reason": reason }).await?;
        }
    }
    Ok(done(moved))
}

/// Takes back what couriers were to fetch who have given no sign for [`rules::FORGOTTEN_AFTER`], so that others are
/// asked; says how much. What was picked up stays with its courier: that is for ops.
///
/// # Errors
/// Database failure, after the others were seen to.
pub async fn free_forgotten(app: &App) -> Result<u64, DeliveryError> {
    let patience = at_least_real(app, rules::FORGOTTEN_AFTER, LEAST_REAL_SILENCE);
    let before = app.clock.now().minus(patience);
    let silent = courier::silent(app, before).await?;
    let (mut freed, mut failed) = (0, None);
    for some in silent.chunks(COURIERS_AT_ONCE) {
        let mut of_each: BTreeMap<CourierId, Vec<Delivery>> = BTreeMap::new();
        for delivery in store::with_couriers(app, some).await? {
            if let Some(id) = delivery.courier_id {
                of_each.entry(id).or_default().push(delivery);
            }
        }
        for (courier_id, deliveries) in of_each {
            for delivery in rules::forgotten(&deliveries, before) {
                match take_back(app, courier_id, delivery, before).await {
                    Ok(true) => freed += 1,
                    Ok(false) => {}
                    // The order is just being cancelled, or the courier is back: the next look sees how it ended.
                    Err(e) if e.kind().is_user_error() => {}
                    Err(e) => {
                        warn!(delivery = %delivery.id, cause = %e, "a forgotten delivery could not be taken back");
                        failed.get_or_insert(e);
                    }
                }
            }
        }
    }
    failed.map_or(Ok(freed), Err)
}

/// Takes a delivery back as it was seen; `false` when its courier has given a sign meanwhile.
async fn take_back(
    app: &App,
    courier_id: CourierId,
    seen: &Delivery,
    before: Timestamp,
) -> Result<bool, DeliveryError> {
    let actor = Actor::System("delivery-forgotten");
    let taken = transact!(&app.mongo, "delivery.take_back", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, &actor, seen.id).await?;
        let courier = courier::get_in_tx(app, tx, courier_id).await?;
        if delivery.version != seen.version || courier.seen_at.is_some_and(|at| at > before) {
            return Ok(false);
        }
        unassign_in_tx(app, tx, &actor, &parties, delivery, FORGOTTEN).await?;
        Ok(true)
    })?;
    if taken {
        info!(delivery = %seen.id, courier = %courier_id, "taken back from a courier who gives no sign");
    }
    Ok(taken)
}

/// The order was cancelled: a live offer is taken back, a courier is freed. Picked up goods are not cancelled.
pub(in crate::delivery) async fn cancel(
    app: &App,
    actor: &Actor,
    id: DeliveryId,
    reason: &str,
) -> Result<Delivery, DeliveryError> {
    transact!(&app.mongo, "delivery.cancel", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        let now = app.clock.now();
        let (live, with) = (delivery.offer, delivery.courier_id);
        let mut step = Step::new(DeliveryAction::Cancel, actor, &parties, Facts::at(now));
        step.reason = Some(reason.to_owned());
        step.set = doc! { "offer": Bson::Null };
        let moved = step_in_tx(app, tx, delivery, step).await?;
        if matches!(moved, Moved::To(_)) {
            if let Some(live) = live {
                end_offer_in_tx(app, tx, live.offer_id, OfferAction::Revoke, now).await?;
            }
            release_in_tx(app, tx, with, None).await?;
        }
        Ok(done(moved))
    })
}
