//! What couriers, customers, stores and ops do on the way, and what ends it.

use daraa_platform::fault::Infra;
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::{Bson, Document, doc};

use super::super::error::DeliveryError;
use super::super::model::{
    Attempts, Delivery, DeliveryAction, DeliveryStatus, FailureReason, Proof, ProofKind, Stop, StopKind,
};
use super::super::rules::{self, Decision, Facts};
use super::super::service::{
    Moved, Step, acting_in_tx, bson, done, get_for, marked, parties_of, record_in_tx, release_in_tx, secs,
    step_in_tx, text_of,
};
use super::super::store;
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::code;
use crate::courier::{self, Position};
use crate::ids::{DeliveryId, OrderId};
use crate::order::{self, OrderStatus};
use crate::place::Point;
use crate::{payment, settings};

/// One batch of the no-show job.
const BATCH: i64 = 100;

/// The courier sets off: to the store, or with the goods to the customer.
///
/// # Errors
/// Not his, the status forbids it, or database failure.
pub async fn depart(app: &App, actor: &Actor, id: DeliveryId) -> Result<Delivery, DeliveryError> {
    actor.courier()?;
    transact!(&app.mongo, "delivery.depart", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        let step = Step::new(DeliveryAction::Depart, actor, &parties, Facts::at(app.clock.now()));
        Ok(done(step_in_tx(app, tx, delivery, step).await?))
    })
}

/// The courier is there: in the store, or at the door (then the no-show timer starts). `point` is where he says he
/// is; without it his last position counts.
///
/// # Errors
/// Not his, the status forbids it, too far away, or database failure.
pub async fn arrive(
    app: &App,
    actor: &Actor,
    id: DeliveryId,
    point: Option<Point>,
) -> Result<Delivery, DeliveryError> {
    let courier_id = actor.courier()?;
    let settings = settings::get(app).await?;
    let here = match point {
        Some(point) => Some(point),
        None => courier::position(app, courier_id).await?.map(|p| p.point),
    };
    transact!(&app.mongo, "delivery.arrive", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        let now = app.clock.now();
        let kind = match delivery.status {
            DeliveryStatus::EnRouteToPickup | DeliveryStatus::AtPickup => StopKind::Pickup,
            _ => StopKind::Dropoff,
        };
        let distance_m = here.zip(delivery.stop(kind)).map(|(here, stop)| here.distance_m(stop.point));
        let facts = Facts { now, distance_m, geofence_m: settings.geofence_m };
        let stops = marked(&delivery, kind, |stop| stop.arrived_at = Some(now));
        let mut step = Step::new(DeliveryAction::Arrive, actor, &parties, facts);
        step.set.insert("stops", bson(&stops)?);
        if kind == StopKind::Dropoff {
            step.set.insert("wait_until", now.plus(secs(settings.deadlines.no_show_wait_s)));
        }
        Ok(done(step_in_tx(app, tx, delivery, step).await?))
    })
}

/// How goods are taken from the store.
#[derive(Debug, Clone)]
pub struct PickUp {
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// Which of its orders; checked when said.
    pub order_id: Option<OrderId>,
    /// What the store says.
    pub store_code: String,
}

/// The courier takes the goods: he tells the store's code, the order must be ready.
///
/// # Errors
/// Not his, the status forbids it, not ready, a wrong code or too many of them, or database failure.
pub async fn pick_up(app: &App, actor: &Actor, command: PickUp) -> Result<Delivery, DeliveryError> {
    actor.courier()?;
    let id = command.delivery_id;
    let mut delivery = get_for(app, actor, id).await?;
    if command.order_id.is_some_and(|order_id| !delivery.order_ids.contains(&order_id)) {
        return Err(DeliveryError::OrderNotInDelivery);
    }
    let now = app.clock.now();
    let order = order_of(app, &delivery).await?;
    // The order itself knows best; the event that tells the delivery may still be on its way.
    let ready_at = delivery.ready_at.or((order.status == OrderStatus::Ready).then_some(now));
    delivery.ready_at = ready_at;
    let parties = parties_of(actor, &delivery);
    if rules::decide(&delivery, DeliveryAction::PickUp, &parties, Facts::at(now))? == Decision::Already {
        return Ok(delivery);
    }
    let typed = code::read(&command.store_code, code::HAND_OVER_DIGITS).ok_or(DeliveryError::NotACode)?;
    let left = claim_try(app, &delivery, "store_code_attempts", delivery.store_code_attempts, now).await?;
    if !code::same(&order.store_code, &typed) {
        return Err(DeliveryError::WrongStoreCode { tries_left: left });
    }
    transact!(&app.mongo, "delivery.pick_up", DeliveryError, |tx| {
        let (mut delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        delivery.ready_at = delivery.ready_at.or(ready_at);
        let stops = marked(&delivery, StopKind::Pickup, |stop| stop.done_at = Some(now));
        let order_ids = delivery.order_ids.clone();
        let mut step = Step::new(DeliveryAction::PickUp, actor, &parties, Facts::at(now));
        step.set = doc! {
            "stops": bson(&stops)?,
            "store_code_attempts": bson(&Attempts::default())?,
            "ready_at": delivery.ready_at.map_or(Bson::Null, Bson::from),
        };
        let moved = step_in_tx(app, tx, delivery, step).await?;
        if matches!(moved, Moved::To(_)) {
            for order_id in order_ids {
                order::hand_over_in_tx(app, tx, order_id, actor).await?;
            }
        }
        Ok(done(moved))
    })
}

/// How a delivery is completed.
#[derive(Debug, Clone)]
pub struct Complete {
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// What the customer says.
    pub pin: String,
    /// What the courier took in cash, minor units; not said means exactly what is due.
    pub cash_collected_minor: Option<i64>,
}

/// The customer has it: PIN checked, cash recorded, order completed, all in one transaction.
///
/// # Errors
/// Not his, the status forbids it, a wrong PIN or too many of them, wrong cash, or database failure.
pub async fn complete(app: &App, actor: &Actor, command: Complete) -> Result<Delivery, DeliveryError> {
    let courier_id = actor.courier()?;
    let id = command.delivery_id;
    let delivery = get_for(app, actor, id).await?;
    let now = app.clock.now();
    let parties = parties_of(actor, &delivery);
    if rules::decide(&delivery, DeliveryAction::Complete, &parties, Facts::at(now))? == Decision::Already {
        return Ok(delivery);
    }
    let cash = rules::cash_collected(delivery.cash_due, command.cash_collected_minor)?;
    let order = order_of(app, &delivery).await?;
    let typed = code::read(&command.pin, code::HAND_OVER_DIGITS).ok_or(DeliveryError::NotACode)?;
    let left = claim_try(app, &delivery, "pin_attempts", delivery.pin_attempts, now).await?;
    if !code::same(&order.dropoff_pin, &typed) {
        return Err(DeliveryError::WrongPin { tries_left: left });
    }
    transact!(&app.mongo, "delivery.complete", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        let stops = marked(&delivery, StopKind::Dropoff, |stop| stop.done_at = Some(now));
        let seen = delivery.stop(StopKind::Dropoff).map(|stop| Position { point: stop.point, at: now });
        let order_ids = delivery.order_ids.clone();
        let mut step = Step::new(DeliveryAction::Complete, actor, &parties, Facts::at(now));
        step.set = doc! {
            "stops": bson(&stops)?,
            "proof": bson(&Proof { kind: ProofKind::Pin, at: now })?,
            "cash_collected": bson(&cash)?,
            "pin_attempts": bson(&Attempts::default())?,
        };
        let moved = step_in_tx(app, tx, delivery, step).await?;
        if matches!(moved, Moved::To(_)) {
            for order_id in order_ids {
                order::complete_in_tx(app, tx, order_id, actor).await?;
                if let Some(cash) = cash {
                    payment::collect_cash_in_tx(app, tx, order_id, courier_id, cash).await?;
                }
            }
            courier::free_in_tx(app, tx, courier_id, seen).await?;
        }
        Ok(done(moved))
    })
}

/// Nobody takes it at the door: the courier after the no-show timer, ops at any time, the system when the courier
/// has forgotten it.
///
/// # Errors
/// Not theirs, the status forbids it, the timer still runs, or database failure.
pub async fn fail(
    app: &App,
    actor: &Actor,
    id: DeliveryId,
    reason: FailureReason,
) -> Result<Delivery, DeliveryError> {
    transact!(&app.mongo, "delivery.fail", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        let mut step = Step::new(DeliveryAction::Fail, actor, &parties, Facts::at(app.clock.now()));
        step.reason = Some(text_of(&reason)?);
        step.set = doc! { "failure": bson(&reason)? };
        Ok(done(step_in_tx(app, tx, delivery, step).await?))
    })
}

/// The door is tried again; the no-show timer starts again.
///
/// # Errors
/// Not theirs, the status forbids it, or database failure.
pub async fn retry(app: &App, actor: &Actor, id: DeliveryId) -> Result<Delivery, DeliveryError> {
    let settings = settings::get(app).await?;
    transact!(&app.mongo, "delivery.retry", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        let now = app.clock.now();
        let mut step = Step::new(DeliveryAction::Retry, actor, &parties, Facts::at(now));
        step.set = doc! {
            "failure": Bson::Null,
            "wait_until": now.plus(secs(settings.deadlines.no_show_wait_s)),
        };
        Ok(done(step_in_tx(app, tx, delivery, step).await?))
    })
}

/// The courier brings it back to the store.
///
/// # Errors
/// Not theirs, the status forbids it, or database failure.
pub async fn bring_back(app: &App, actor: &Actor, id: DeliveryId) -> Result<Delivery, DeliveryError> {
    transact!(&app.mongo, "delivery.return", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        let mut stops = delivery.stops.clone();
        let back: Vec<Stop> = delivery
            .stops
            .iter()
            .filter(|stop| stop.kind == StopKind::Pickup)
            .map(|stop| Stop { kind: StopKind::Return, arrived_at: None, done_at: None, ..stop.clone() })
            .collect();
        stops.extend(back);
        let mut step = Step::new(DeliveryAction::Return, actor, &parties, Facts::at(app.clock.now()));
        step.set = doc! { "stops": bson(&stops)? };
        Ok(done(step_in_tx(app, tx, delivery, step).await?))
    })
}

/// It is back in the store: the order is returned, the courier is free.
///
/// # Errors
/// Not theirs, the status forbids it, or database failure.
pub async fn confirm_return(app: &App, actor: &Actor, id: DeliveryId) -> Result<Delivery, DeliveryError> {
    transact!(&app.mongo, "delivery.returned", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        let now = app.clock.now();
        let stops = marked(&delivery, StopKind::Return, |stop| {
            stop.arrived_at = Some(now);
            stop.done_at = Some(now);
        });
        let reason = failure_text(&delivery)?;
        let mut step = Step::new(DeliveryAction::ConfirmReturn, actor, &parties, Facts::at(now));
        step.set = doc! { "stops": bson(&stops)? };
        let moved = step_in_tx(app, tx, delivery, step).await?;
        if let Moved::To(after) = &moved {
            for order_id in &after.order_ids {
                order::return_in_tx(app, tx, *order_id, actor, &reason).await?;
            }
            release_in_tx(app, tx, after.courier_id, None).await?;
        }
        Ok(done(moved))
    })
}

/// Ops say it is lost: the order has failed, the courier is free.
///
/// # Errors
/// Not ops, the status forbids it, or database failure.
pub async fn lose(app: &App, actor: &Actor, id: DeliveryId) -> Result<Delivery, DeliveryError> {
    actor.ops(&[OpsRole::Operations, OpsRole::Support])?;
    transact!(&app.mongo, "delivery.lose", DeliveryError, |tx| {
        let (delivery, parties) = acting_in_tx(app, tx, actor, id).await?;
        let reason = failure_text(&delivery)?;
        let step = Step::new(DeliveryAction::Lose, actor, &parties, Facts::at(app.clock.now()));
        let moved = step_in_tx(app, tx, delivery, step).await?;
        if let Moved::To(after) = &moved {
            for order_id in &after.order_ids {
                order::fail_in_tx(app, tx, *order_id, actor, &reason).await?;
            }
            release_in_tx(app, tx, after.courier_id, None).await?;
            record_in_tx(app, tx, actor, "delivery.lose", after, Document::new()).await?;
        }
        Ok(done(moved))
    })
}

/// Gives up for couriers who have forgotten a delivery at the door, a batch at a time; says how many.
///
/// # Errors
/// Database failure.
pub async fn no_show(app: &App) -> Result<u64, DeliveryError> {
    let actor = Actor::System("delivery-no-show");
    let before = app.clock.now().minus(rules::ABANDONED_AFTER);
    let mut failed = 0;
    for delivery in store::abandoned(app, before, BATCH).await? {
        match fail(app, &actor, delivery.id, FailureReason::CustomerNoShow).await {
            Ok(_) => failed += 1,
            // The courier came back in this very moment.
            Err(DeliveryError::InvalidTransition | DeliveryError::WaitNotOver) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(failed)
}

async fn order_of(app: &App, delivery: &Delivery) -> Result<order::Order, DeliveryError> {
    let id = delivery.order_ids.first().ok_or_else(|| Infra::defect("a delivery without an order"))?;
    Ok(order::get_system(app, *id).await?)
}

/// Claims one try at a code; says how many are left after it.
async fn claim_try(
    app: &App,
    delivery: &Delivery,
    field: &'static str,
    was: Attempts,
    now: Timestamp,
) -> Result<i64, DeliveryError> {
    let claimed = rules::claim_try(was, now)?;
    if !store::set_attempts(app, delivery.id, field, was, claimed).await? {
        return Err(DeliveryError::StaleVersion);
    }
    Ok(rules::MAX_CODE_TRIES - claimed.used)
}

fn failure_text(delivery: &Delivery) -> Result<String, DeliveryError> {
    delivery.failure.map_or_else(|| Ok("OTHER".to_owned()), |reason| text_of(&reason))
}
