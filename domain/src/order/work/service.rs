//! The use cases. Each is one change of state; asked again it succeeds without effect.

use std::time::Duration;

use daraa_platform::mongo::Tx;
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::{Bson, Document, doc};

use crate::actor::Actor;
use crate::app::App;
use crate::code;
use crate::ids::OrderId;
use crate::order::error::OrderError;
use crate::order::model::Order;
use crate::order::rules::{Decision, OrderAction, OrderStatus, Party, decide, travel};
use crate::order::rules::{reason, scope};
use crate::order::service::{Step, refused, step_in_tx};
use crate::order::store;
use crate::pricing::FulfillmentMethod;
use crate::settings;

/// The longest preparation a store may promise.
pub const MAX_PREP_MINUTES: i64 = 240;
/// The longest delay of one call.
pub const MAX_DELAY_MINUTES: i64 = 120;
/// After so many tries at the counter the order can only be cancelled: four digits are quickly tried out.
const MAX_CODE_TRIES: i64 = 10;
/// A store may move its promise this often: an order that is put off again and again is one to reject or cancel.
const MAX_DELAYS: i64 = 6;

/// Says yes, with minutes.
#[derive(Debug, Clone, Copy)]
pub struct AcceptOrder {
    /// Which order.
    pub order_id: OrderId,
    /// Ready in so many minutes.
    pub prep_minutes: i64,
    /// The version the store saw.
    pub expected_version: Option<i64>,
}

/// Says no.
#[derive(Debug, Clone)]
pub struct RejectOrder {
    /// Which order.
    pub order_id: OrderId,
    /// Why.
    pub reason: String,
}

/// A change that needs nothing beyond the order.
#[derive(Debug, Clone, Copy)]
pub struct TouchOrder {
    /// Which order.
    pub order_id: OrderId,
}

/// It takes longer.
#[derive(Debug, Clone, Copy)]
pub struct DelayOrder {
    /// Which order.
    pub order_id: OrderId,
    /// So much longer.
    pub minutes: i64,
    /// The version the store saw: asked again after a lost answer, the minutes are not added twice.
    pub expected_version: i64,
}

/// Hands takeaway over at the counter.
#[derive(Debug, Clone)]
pub struct HandOverOrder {
    /// Which order.
    pub order_id: OrderId,
    /// The other side's code: staff type the customer's, the customer types the store's.
    pub code: String,
}

/// What an action writes beside the state, given the order as it is now: fields of the order, facts of the event.
type Extras<'a> = &'a (dyn Fn(&Order, Timestamp) -> (Document, Document) + Sync);

struct Act<'a> {
    order_id: OrderId,
    action: OrderAction,
    expected_version: Option<i64>,
    reason: Option<String>,
    extras: Extras<'a>,
}

impl Act<'_> {
    fn new(order_id: OrderId, action: OrderAction) -> Self {
        let extras: Extras<'_> = &|_, _| (Document::new(), Document::new());
        Self { order_id, action, expected_version: None, reason: None, extras }
    }
}

async fn act(app: &App, actor: &Actor, act: Act<'_>) -> Result<Order, OrderError> {
    transact!(&app.mongo, "order.act", OrderError, |tx| act_in_tx(app, tx, actor, &act).await)
}

async fn act_in_tx(app: &App, tx: &mut Tx, actor: &Actor, act: &Act<'_>) -> Result<Order, OrderError> {
    let order = store::get_in_tx(app, tx, act.order_id).await?.ok_or(OrderError::OrderNotFound)?;
    let order = scope::visible(actor, order)?;
    let parties = scope::parties(actor, &order);
    if act.action == OrderAction::Delay {
        check_delays(&order)?;
    }
    let (set, data) = (act.extras)(&order, app.clock.now());
    let step = Step {
        action: act.action,
        actor,
        parties: &parties,
        expected_version: act.expected_version,
        reason: act.reason.clone(),
        set,
        data,
    };
    step_in_tx(app, tx, order, step).await
}

fn check_delays(order: &Order) -> Result<(), OrderError> {
    let delays = order.history.iter().filter(|entry| entry.action == OrderAction::Delay).count();
    if i64::try_from(delays).is_ok_and(|delays| delays < MAX_DELAYS) {
        Ok(())
    } else {
        Err(OrderError::TooManyDelays { max: MAX_DELAYS })
    }
}

/// Another time at which it will be ready: what the customer is told and when ops are, if it is not kept.
fn promise(order: &Order, ready_by: Timestamp, grace: Duration) -> Document {
    doc! {
        "ready_by": ready_by,
        "promised_at": ready_by.plus(travel(order.distance_m)),
        "deadlines.ready_at": ready_by.plus(grace),
    }
}

fn minutes(n: i64) -> Duration {
    Duration::from_secs(u64::try_from(n).unwrap_or(0).saturating_mul(60))
}

fn checked_minutes(n: i64, max: i64) -> Result<i64, OrderError> {
    if (1..=max).contains(&n) { Ok(n) } else { Err(OrderError::MinutesOutOfRange { min: 1, max }) }
}

/// PLACED → ACCEPTED with the minutes until it is ready; the delivery is created from the event.
///
/// # Errors
/// Not found, minutes out of range, stale version, the state forbids it, or database failure.
pub async fn accept(app: &App, actor: &Actor, command: AcceptOrder) -> Result<Order, OrderError> {
    let prep = checked_minutes(command.prep_minutes, MAX_PREP_MINUTES)?;
    let grace = settings::get(app).await?.deadlines.ready_grace();
    let extras = |order: &Order, now: Timestamp| {
        let mut set = promise(order, now.plus(minutes(prep)), grace);
        set.insert("deadlines.store_response_at", Bson::Null);
        (set, doc! { "prep_minutes": prep })
    };
    let accept = Act {
        expected_version: command.expected_version,
        extras: &extras,
        ..Act::new(command.order_id, OrderAction::Accept)
    };
    act(app, actor, accept).await
}

/// PLACED → REJECTED; this order's share of the payment, its stock and coupon are released from the event.
///
/// # Errors
/// Not found, no reason, the state forbids it, or database failure.
pub async fn reject(app: &App, actor: &Actor, command: RejectOrder) -> Result<Order, OrderError> {
    let reject = Act {
        reason: Some(reason::checked(&command.reason)?),
        extras: &|_, _| (doc! { "deadlines.store_response_at": Bson::Null }, Document::new()),
        ..Act::new(command.order_id, OrderAction::Reject)
    };
    act(app, actor, reject).await
}

/// ACCEPTED → PREPARING.
///
/// # Errors
/// Not found, the state forbids it, or database failure.
pub async fn start_preparing(app: &App, actor: &Actor, command: TouchOrder) -> Result<Order, OrderError> {
    act(app, actor, Act::new(command.order_id, OrderAction::Prepare)).await
}

/// PREPARING → READY; the time feeds dispatch.
///
/// # Errors
/// Not found, the state forbids it, or database failure.
pub async fn mark_ready(app: &App, actor: &Actor, command: TouchOrder) -> Result<Order, OrderError> {
    let ready = Act {
        extras: &|_, now| (doc! { "ready_by": now, "deadlines.ready_at": Bson::Null }, Document::new()),
        ..Act::new(command.order_id, OrderAction::Ready)
    };
    act(app, actor, ready).await
}

/// Moves the promised time while the order is accepted or prepared.
///
/// # Errors
/// Not found, minutes out of range, stale version, too many delays, the state forbids it, or database failure.
pub async fn delay(app: &App, actor: &Actor, command: DelayOrder) -> Result<Order, OrderError> {
    let more = checked_minutes(command.minutes, MAX_DELAY_MINUTES)?;
    let grace = settings::get(app).await?.deadlines.ready_grace();
    let extras = |order: &Order, now: Timestamp| {
        let from = order.ready_by.map_or(now, |ready_by| ready_by.max(now));
        let ready_by = from.plus(minutes(more));
        (promise(order, ready_by, grace), doc! { "minutes": more, "ready_by": ready_by })
    };
    let delay = Act {
        expected_version: Some(command.expected_version),
        extras: &extras,
        ..Act::new(command.order_id, OrderAction::Delay)
    };
    act(app, actor, delay).await
}

/// READY → HANDED_OVER → COMPLETED at the counter, by the other side's code.
///
/// # Errors
/// Not found, wrong code, too many wrong codes, the state forbids it, or database failure.
pub async fn hand_over_pickup(app: &App, actor: &Actor, command: HandOverOrder) -> Result<Order, OrderError> {
    let order = store::get(app, command.order_id).await?.ok_or(OrderError::OrderNotFound)?;
    let order = scope::visible(actor, order)?;
    let parties = scope::parties(actor, &order);
    if at_counter(&order, &parties)? == Decision::Already {
        return Ok(order);
    }
    let typed = code::read(&command.code, code::HAND_OVER_DIGITS).ok_or(OrderError::NotACode)?;
    let expected = if parties.contains(&Party::Staff) { &order.dropoff_pin } else { &order.store_code };
    if !store::claim_code_try(app, order.id, MAX_CODE_TRIES).await? {
        return Err(OrderError::CodeBlocked);
    }
    if !code::same(expected, &typed) {
        return Err(OrderError::WrongCode);
    }
    transact!(&app.mongo, "order.hand_over_pickup", OrderError, |tx| {
        let order = store::get_in_tx(app, tx, command.order_id).await?.ok_or(OrderError::OrderNotFound)?;
        if at_counter(&order, &parties)? == Decision::Already {
            return Ok(order);
        }
        let handed = step_in_tx(app, tx, order, Step::new(OrderAction::HandOver, actor, &parties)).await?;
        step_in_tx(app, tx, handed, Step::new(OrderAction::Complete, actor, &[Party::System])).await
    })
}

/// Only takeaway is handed over at the counter, and there handing over completes it. What a courier fetches is
/// completed at the customer's door.
fn at_counter(order: &Order, parties: &[Party]) -> Result<Decision, OrderError> {
    if order.fulfillment != FulfillmentMethod::Pickup {
        return Err(OrderError::ActionNotAllowed);
    }
    if order.status == OrderStatus::Completed {
        return Ok(Decision::Already);
    }
    decide(order.into(), OrderAction::HandOver, parties).map_err(|refusal| refused(order, refusal))
}
