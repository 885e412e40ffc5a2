//! What couriers, customers, stores and ops do with a delivery.

use std::time::Duration;

use daraa_platform::fault::Infra;
use daraa_platform::money::Money;
use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::paging::{Page, PageRequest};
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};
use subtle::ConstantTimeEq as _;

use super::error::DeliveryError;
use super::model::{
    Attempts, Delivery, DeliveryAction, DeliveryStatus, DeliveryStep, FailureReason, Proof, ProofKind, Stop,
    StopKind,
};
use super::offer::{self, OfferAction};
use super::rules::{self, Decision, Facts, Party};
use super::{event, store};
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::courier::{self, Position};
use crate::ids::{CourierId, DeliveryId, OrderId};
use crate::order::{self, OrderStatus};
use crate::outbox;
use crate::place::Point;
use crate::{payment, settings};

/// One batch of the deadline jobs.
const BATCH: i64 = 100;
/// A reason is a sentence, not a story.
const MAX_REASON_CHARS: usize = 200;

/// A change of a delivery with everything that is written beside it.
pub(super) struct Step<'a> {
    pub(super) action: DeliveryAction,
    pub(super) actor: &'a Actor,
    pub(super) parties: &'a [Party],
    pub(super) facts: Facts,
    /// Why, where a reason is given.
    pub(super) reason: Option<String>,
    /// More fields to set.
    pub(super) set: Document,
    /// More data for the event.
    pub(super) data: Document,
}

impl<'a> Step<'a> {
    /// A step without anything beside it.
    pub(super) fn new(action: DeliveryAction, actor: &'a Actor, parties: &'a [Party], facts: Facts) -> Self {
        Self { action, actor, parties, facts, reason: None, set: Document::new(), data: Document::new() }
    }
}

/// What a step did.
pub(super) enum Moved {
    /// It was so already; nothing was written.
    Already(Delivery),
    /// Written, with its event.
    To(Delivery),
}

/// Decides and writes one change with its event. `delivery` was read in the same transaction, so a change meanwhile
/// is a conflict of the transaction, which then runs again.
pub(super) async fn step_in_tx(
    app: &App,
    tx: &mut Tx,
    delivery: Delivery,
    step: Step<'_>,
) -> Result<Moved, DeliveryError> {
    let to = match rules::decide(&delivery, step.action, step.parties, step.facts)? {
        Decision::Already => return Ok(Moved::Already(delivery)),
        Decision::Move(to) => to,
    };
    let row = DeliveryStep {
        at: step.facts.now,
        actor: step.actor.label(),
        action: step.action,
        from: delivery.status,
        to,
        reason: step.reason,
        version: delivery.version.saturating_add(1),
    };
    let after =
        store::advance_in_tx(app, tx, &delivery, &row, step.set).await?.ok_or(DeliveryError::StaleVersion)?;
    if let Some(kind) = event::kind_of(step.action, to) {
        let mut data = step.data;
        if let Some(reason) = &row.reason {
            data.insert("reason", reason);
        }
        // Who has just lost it hears of it, too.
        let mut told = after.clone();
        told.courier_id = after.courier_id.or(delivery.courier_id);
        outbox::emit_in_tx(app, tx, event::of(&told, kind, data)).await?;
    }
    Ok(Moved::To(after))
}

/// As whom the actor looks at the delivery; nobody means it does not exist for him.
#[must_use]
pub fn parties_of(actor: &Actor, delivery: &Delivery) -> Vec<Party> {
    let mut out = Vec::new();
    if actor.is_system() {
        out.push(Party::System);
    }
    if actor.is_ops() {
        out.push(Party::Ops);
    }
    if let Actor::Person(person) = actor {
        if person.account_id == delivery.account_id {
            out.push(Party::Customer);
        }
        if person.courier_id.is_some() && person.courier_id == delivery.courier_id {
            out.push(Party::Courier);
        }
    }
    if actor.rank_in(delivery.store_id).is_some() {
        out.push(Party::Staff);
    }
    out
}

/// A delivery as the actor may see it: its customer, its store's staff, its courier, ops.
///
/// # Errors
/// Not found or somebody else's, or database failure.
pub async fn get_for(app: &App, actor: &Actor, id: DeliveryId) -> Result<Delivery, DeliveryError> {
    actor.person()?;
    let delivery = store::get(app, id).await?.ok_or(DeliveryError::DeliveryNotFound)?;
    if parties_of(actor, &delivery).is_empty() {
        return Err(DeliveryError::DeliveryNotFound);
    }
    Ok(delivery)
}

/// A delivery by id, for the system only: no scope is checked.
///
/// # Errors
/// Not found, or database failure.
pub async fn get_system(app: &App, id: DeliveryId) -> Result<Delivery, DeliveryError> {
    store::get(app, id).await?.ok_or(DeliveryError::DeliveryNotFound)
}

/// Deliveries by id; the caller has checked that they may be seen.
///
/// # Errors
/// Database failure.
pub async fn get_many(app: &App, ids: &[DeliveryId]) -> Result<Vec<Delivery>, DeliveryError> {
    Ok(store::get_many(app, ids).await?)
}

/// The deliveries of orders that the caller may see.
///
/// # Errors
/// Database failure.
pub async fn of_orders(app: &App, order_ids: &[OrderId]) -> Result<Vec<Delivery>, DeliveryError> {
    Ok(store::of_orders(app, order_ids).await?)
}

/// The courier's own deliveries, newest first; `active_only` leaves out what is over.
///
/// # Errors
/// Not a courier, or database failure.
pub async fn mine(
    app: &App,
    actor: &Actor,
    statuses: &[DeliveryStatus],
    page: &PageRequest,
) -> Result<Page<Delivery>, DeliveryError> {
    let courier_id = actor.courier()?;
    Ok(store::list(app, store::Scope::Courier(courier_id), statuses, page).await?)
}

/// All deliveries, newest first, for ops.
///
/// # Errors
/// Not ops, or database failure.
pub async fn list(
    app: &App,
    actor: &Actor,
    statuses: &[DeliveryStatus],
    page: &PageRequest,
) -> Result<Page<Delivery>, DeliveryError> {
    actor.ops(&[OpsRole::Operations, OpsRole::Support])?;
    Ok(store::list(app, store::Scope::All, statuses, page).await?)
}

/// What the actor may do with the delivery now: the guards themselves, asked for each action.
#[must_use]
pub fn available_actions(app: &App, actor: &Actor, delivery: &Delivery) -> Vec<DeliveryAction> {
    rules::available_actions(delivery, &parties_of(actor, delivery), Facts::at(app.clock.now()))
}

/// Where the courier is, while he has the delivery and only for its parties.
///
/// # Errors
/// Database failure.
pub async fn position_for(
    app: &App,
    actor: &Actor,
    delivery: &Delivery,
) -> Result<Option<Position>, DeliveryError> {
    match delivery.courier_id {
        Some(id) if shows_position(actor, delivery) => Ok(courier::position(app, id).await?),
        _ => Ok(None),
    }
}

/// Whether the courier's position is the actor's business now.
#[must_use]
pub fn shows_position(actor: &Actor, delivery: &Delivery) -> bool {
    delivery.status.is_with_courier() && !parties_of(actor, delivery).is_empty()
}

/// The delivery and as whom the actor acts on it, read inside the transaction.
async fn acting_in_tx(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    id: DeliveryId,
) -> Result<(Delivery, Vec<Party>), DeliveryError> {
    let delivery = store::get_in_tx(app, tx, id).await?.ok_or(DeliveryError::DeliveryNotFound)?;
    let parties = parties_of(actor, &delivery);
    if parties.is_empty() {
        return Err(DeliveryError::DeliveryNotFound);
    }
    Ok((delivery, parties))
}

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

fn done(moved: Moved) -> Delivery {
    match moved {
        Moved::Already(delivery) | Moved::To(delivery) => delivery,
    }
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
    let left = claim_try(app, &delivery, "store_code_attempts", delivery.store_code_attempts, now).await?;
    if !same_code(&order.store_code, &command.store_code) {
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
    let left = claim_try(app, &delivery, "pin_attempts", delivery.pin_attempts, now).await?;
    if !same_code(&order.dropoff_pin, &command.pin) {
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

/// Ops give it to a courier by hand; a live offer to somebody else is taken back. The courier need not be online.
///
/// # Errors
/// Not ops, the status forbids it, the courier has no room or may not work, or database failure.
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
        let moved = step_in_tx(app, tx, delivery, step).await?;
        if let Moved::To(after) = &moved {
            if let Some(live) = live {
                end_offer_in_tx(app, tx, live.offer_id, OfferAction::Revoke, now).await?;
            }
            if !courier::take_in_tx(app, tx, courier_id, false).await? {
                return Err(DeliveryError::CapacityReached);
            }
            for order_id in &after.order_ids {
                order::set_courier_in_tx(app, tx, *order_id, Some(courier_id)).await?;
            }
            let details = doc! { "courier_id": courier_id.to_string() };
            record_in_tx(app, tx, actor, "delivery.assign", after, details).await?;
        }
        Ok(done(moved))
    })
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
        let before = delivery.courier_id;
        let stops = marked(&delivery, StopKind::Pickup, |stop| stop.arrived_at = None);
        let mut refusals = delivery.refusals.clone();
        refusals.declined.extend(before.filter(|id| !refusals.declined.contains(id)));
        let mut step = Step::new(DeliveryAction::Unassign, actor, &parties, Facts::at(app.clock.now()));
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
    })
}

/// The order was cancelled: a live offer is taken back, a courier is freed. Picked up goods are not cancelled.
pub(super) async fn cancel(
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

// ---- parts ----

/// Ends a live offer with its event; one that has ended otherwise is left alone.
pub(super) async fn end_offer_in_tx(
    app: &App,
    tx: &mut Tx,
    id: crate::ids::OfferId,
    action: OfferAction,
    now: Timestamp,
) -> Result<(), DeliveryError> {
    if let Some(ended) = offer::store::end_in_tx(app, tx, id, offer::outcome(action), None, now).await? {
        outbox::emit_in_tx(app, tx, event::of_offer(&ended, event::offer_kind(action))).await?;
    }
    Ok(())
}

async fn release_in_tx(
    app: &App,
    tx: &mut Tx,
    courier_id: Option<CourierId>,
    seen: Option<Position>,
) -> Result<(), DeliveryError> {
    if let Some(id) = courier_id {
        courier::free_in_tx(app, tx, id, seen).await?;
    }
    Ok(())
}

async fn record_in_tx(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    delivery: &Delivery,
    details: Document,
) -> Result<(), DeliveryError> {
    let entry = NewAudit { actor, action, subject: delivery.id.to_string(), details };
    audit::record_in_tx(app, tx, entry).await?;
    Ok(())
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

fn same_code(ours: &str, theirs: &str) -> bool {
    ours.as_bytes().ct_eq(theirs.trim().as_bytes()).into()
}

fn marked(delivery: &Delivery, kind: StopKind, mark: impl Fn(&mut Stop)) -> Vec<Stop> {
    let mut stops = delivery.stops.clone();
    stops.iter_mut().filter(|stop| stop.kind == kind).for_each(mark);
    stops
}

fn failure_text(delivery: &Delivery) -> Result<String, DeliveryError> {
    delivery.failure.map_or_else(|| Ok("OTHER".to_owned()), |reason| text_of(&reason))
}

/// An enum as it is stored.
pub(super) fn text_of<T: serde::Serialize>(value: &T) -> Result<String, DeliveryError> {
    match bson(value)? {
        Bson::String(text) => Ok(text),
        other => Err(Infra::defect(format!("not stored as text: {other}")).into()),
    }
}

pub(super) fn bson<T: serde::Serialize>(value: &T) -> Result<Bson, DeliveryError> {
    Ok(serialize_to_bson(value).map_err(DbError::from)?)
}

pub(super) fn secs(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// What is to be collected at the door: the order's total when it is paid in cash, else nothing.
pub(super) fn cash_due(order: &order::Order) -> Money {
    match order.payment_method {
        crate::pricing::PaymentMethod::Cash => order.money.total,
        _ => Money::zero(order.money.total.currency),
    }
}
