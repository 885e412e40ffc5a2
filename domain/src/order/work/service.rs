//! The use cases. Each is one change of state; asked again it succeeds without effect.

use std::time::Duration;

use daraa_platform::mongo::Tx;
use daraa_platform::time::Timestamp;
use daraa_platform::transact;
use mongodb::bson::{Bson, Document, doc};

use crate::actor::Actor;
use crate::app::App;
use crate::ids::OrderId;
use crate::order::error::OrderError;
use crate::order::model::Order;
use crate::order::rules::{OrderAction, OrderStatus, Party, travel};
use crate::order::rules::{reason, scope};
use crate::order::service::{Step, step_in_tx};
use crate::order::store;

/// The longest preparation a store may promise.
pub const MAX_PREP_MINUTES: i64 = 240;
/// The longest delay of one call.
pub const MAX_DELAY_MINUTES: i64 = 120;
/// After so many wrong codes at the counter only ops can help: four digits are quickly tried out.
const MAX_WRONG_CODES: i64 = 10;

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
}

/// Hands takeaway over at the counter.
#[derive(Debug, Clone)]
pub struct HandOverOrder {
    /// Which order.
    pub order_id: OrderId,
    /// The other side's code: staff type the customer's, the customer types the store's.
    pub code: String,
}

/// What an action writes beside the state, given the order as it is now.
type Extras = fn(&Order, Timestamp, i64) -> (Document, Document);

struct Act {
    order_id: OrderId,
    action: OrderAction,
    expected_version: Option<i64>,
    reason: Option<String>,
    minutes: i64,
    extras: Extras,
}

async fn act(app: &App, actor: &Actor, act: Act) -> Result<Order, OrderError> {
    transact!(&app.mongo, "order.act", OrderError, |tx| act_in_tx(app, tx, actor, &act).await)
}

async fn act_in_tx(app: &App, tx: &mut Tx, actor: &Actor, act: &Act) -> Result<Order, OrderError> {
    let order = store::get_in_tx(app, tx, act.order_id).await?.ok_or(OrderError::OrderNotFound)?;
    let order = scope::visible(actor, order)?;
    let parties = scope::parties(actor, &order);
    let (set, data) = (act.extras)(&order, app.clock.now(), act.minutes);
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

fn nothing(_: &Order, _: Timestamp, _: i64) -> (Document, Document) {
    (Document::new(), Document::new())
}

fn answered(_: &Order, _: Timestamp, _: i64) -> (Document, Document) {
    (doc! { "deadlines.store_response_at": Bson::Null }, Document::new())
}

fn promise(order: &Order, ready_by: Timestamp) -> Document {
    let promised_at = ready_by.plus(travel(order.distance_m));
    doc! { "ready_by": ready_by, "promised_at": promised_at }
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
    let extras: Extras = |order, now, prep| {
        let mut set = promise(order, now.plus(minutes(prep)));
        set.insert("deadlines.store_response_at", Bson::Null);
        (set, doc! { "prep_minutes": prep })
    };
    let act_ = Act {
        order_id: command.order_id,
        action: OrderAction::Accept,
        expected_version: command.expected_version,
        reason: None,
        minutes: prep,
        extras,
    };
    act(app, actor, act_).await
}

/// PLACED → REJECTED; this order's share of the payment, its stock and coupon are released from the event.
///
/// # Errors
/// Not found, no reason, the state forbids it, or database failure.
pub async fn reject(app: &App, actor: &Actor, command: RejectOrder) -> Result<Order, OrderError> {
    let reason = Some(reason::checked(&command.reason)?);
    let (order_id, action) = (command.order_id, OrderAction::Reject);
    act(app, actor, Act { order_id, action, expected_version: None, reason, minutes: 0, extras: answered })
        .await
}

/// ACCEPTED → PREPARING.
///
/// # Errors
/// Not found, the state forbids it, or database failure.
pub async fn start_preparing(app: &App, actor: &Actor, command: TouchOrder) -> Result<Order, OrderError> {
    let (order_id, action) = (command.order_id, OrderAction::Prepare);
    act(
        app,
        actor,
        Act { order_id, action, expected_version: None, reason: None, minutes: 0, extras: nothing },
    )
    .await
}

/// PREPARING → READY; the time feeds dispatch.
///
/// # Errors
/// Not found, the state forbids it, or database failure.
pub async fn mark_ready(app: &App, actor: &Actor, command: TouchOrder) -> Result<Order, OrderError> {
    let extras: Extras = |_, now, _| (doc! { "ready_by": now }, Document::new());
    let (order_id, action) = (command.order_id, OrderAction::Ready);
    act(app, actor, Act { order_id, action, expected_version: None, reason: None, minutes: 0, extras }).await
}

/// Moves the promised time while the order is accepted or prepared.
///
/// # Errors
/// Not found, minutes out of range, the state forbids it, or database failure.
pub async fn delay(app: &App, actor: &Actor, command: DelayOrder) -> Result<Order, OrderError> {
    let more = checked_minutes(command.minutes, MAX_DELAY_MINUTES)?;
    let extras: Extras = |order, now, more| {
        let from = order.ready_by.map_or(now, |ready_by| ready_by.max(now));
        let ready_by = from.plus(minutes(more));
        (promise(order, ready_by), doc! { "minutes": more, "ready_by": ready_by })
    };
    let (order_id, action) = (command.order_id, OrderAction::Delay);
    act(app, actor, Act { order_id, action, expected_version: None, reason: None, minutes: more, extras })
        .await
}

/// READY → HANDED_OVER → COMPLETED at the counter, by the other side's code.
///
/// # Errors
/// Not found, wrong code, too many wrong codes, the state forbids it, or database failure.
pub async fn hand_over_pickup(app: &App, actor: &Actor, command: HandOverOrder) -> Result<Order, OrderError> {
    let order = store::get(app, command.order_id).await?.ok_or(OrderError::OrderNotFound)?;
    let order = scope::visible(actor, order)?;
    let parties = scope::parties(actor, &order);
    if order.status == OrderStatus::Ready && !parties.contains(&Party::Ops) {
        let expected = if parties.contains(&Party::Staff) { &order.dropoff_pin } else { &order.store_code };
        if order.wrong_codes >= MAX_WRONG_CODES {
            return Err(OrderError::CodeBlocked);
        }
        if !same(expected, &command.code) {
            store::count_wrong_code(app, order.id).await?;
            return Err(OrderError::WrongCode);
        }
    }
    transact!(&app.mongo, "order.hand_over_pickup", OrderError, |tx| {
        let order = store::get_in_tx(app, tx, command.order_id).await?.ok_or(OrderError::OrderNotFound)?;
        if order.status == OrderStatus::Completed {
            return Ok(order);
        }
        let handed = step_in_tx(app, tx, order, Step::new(OrderAction::HandOver, actor, &parties)).await?;
        step_in_tx(app, tx, handed, Step::new(OrderAction::Complete, actor, &[Party::System])).await
    })
}

/// Compares codes in equal time.
fn same(a: &str, b: &str) -> bool {
    use subtle::ConstantTimeEq as _;
    a.as_bytes().ct_eq(b.trim().as_bytes()).into()
}
