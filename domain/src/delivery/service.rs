//! Reading deliveries, who looks at them as what, and the one step every change is made of.

use std::time::Duration;

use daraa_platform::fault::Infra;
use daraa_platform::money::Money;
use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::paging::{Page, PageRequest};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Bson, Document, serialize_to_bson};

use super::error::DeliveryError;
use super::model::{Delivery, DeliveryAction, DeliveryStatus, DeliveryStep, Stop, StopKind};
use super::offer::{self, OfferAction};
use super::rules::{self, Decision, Facts, Party};
use super::{event, store};
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::courier::{self, Position};
use crate::ids::{CourierId, DeliveryId, OrderId};
use crate::order;
use crate::outbox;

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
pub(super) async fn acting_in_tx(
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

pub(super) fn done(moved: Moved) -> Delivery {
    match moved {
        Moved::Already(delivery) | Moved::To(delivery) => delivery,
    }
}

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

pub(super) async fn release_in_tx(
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

pub(super) async fn record_in_tx(
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

pub(super) fn marked(delivery: &Delivery, kind: StopKind, mark: impl Fn(&mut Stop)) -> Vec<Stop> {
    let mut stops = delivery.stops.clone();
    stops.iter_mut().filter(|stop| stop.kind == kind).for_each(mark);
    stops
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

/// `shown`, or as much of the time that is shown as passes in `real`: where the clock runs fast, networks and programs
/// still need their own time.
pub(super) fn at_least_real(app: &App, shown: Duration, real: Duration) -> Duration {
    const SPAN: Duration = Duration::from_secs(3_600);
    let span_ms = app.clock.real(SPAN).as_millis().max(1);
    let least_ms = real.as_millis().saturating_mul(SPAN.as_millis()) / span_ms;
    shown.max(Duration::from_millis(u64::try_from(least_ms).unwrap_or(u64::MAX)))
}

/// What is to be collected at the door: the order's total when it is paid in cash, else nothing.
pub(super) fn cash_due(order: &order::Order) -> Money {
    match order.payment_method {
        crate::pricing::PaymentMethod::Cash => order.money.total,
        _ => Money::zero(order.money.total.currency),
    }
}
