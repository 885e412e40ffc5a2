//! What the room does about events of orders. Every function may be asked twice for the same event.

use daraa_platform::fault::Infra;
use daraa_platform::transact;
use mongodb::bson::doc;

use super::assign::service::cancel;
use super::error::DeliveryError;
use super::model::{Attempts, Delivery, DeliveryStatus, Refusals, Stop, StopKind};
use super::rules::TRANSITIONS;
use super::service::cash_due;
use super::{event, store};
use crate::actor::Actor;
use crate::app::App;
use crate::order::{self, Order, OrderError, OrderFacts, OrderStatus};
use crate::outbox::{self, EventRow};
use crate::pricing::FulfillmentMethod;

/// An order without a promise is expected ready this long after the store has accepted it, seconds.
const USUAL_PREPARATION_S: u64 = 15 * 60;
/// Until goods have sizes, every order is one load unit.
const LOAD_PER_ORDER: i64 = 1;

/// `order.accepted`: an order that is to be brought gets its delivery; takeaway gets none.
///
/// # Errors
/// An order to be brought that has no address (a defect), or database failure.
pub async fn on_order_accepted(app: &App, event: &EventRow) -> Result<(), DeliveryError> {
    let order = order::get_system(app, OrderFacts::read(event)?.order_id).await?;
    if order.fulfillment != FulfillmentMethod::Delivery || order.delivery_id.is_some() {
        return Ok(());
    }
    // Told to ops as a dead event: an order that nobody brings must not vanish in silence.
    let delivery = of_order(app, &order)
        .ok_or_else(|| Infra::defect(format!("{} is to be brought, but has no address", order.id)))?;
    let made = transact!(&app.mongo, "delivery.create", DeliveryError, |tx| {
        order::set_delivery_in_tx(app, tx, order.id, delivery.id).await?;
        store::insert_in_tx(app, tx, &delivery).await?;
        outbox::emit_in_tx(app, tx, event::of(&delivery, "delivery.created", doc! {})).await?;
        Ok(())
    });
    match made {
        // Cancelled before we came: nothing to bring. Has a delivery already: the event came twice.
        Err(DeliveryError::OrderConflict) => Ok(()),
        Err(DeliveryError::Infra(Infra::Db(e))) if e.duplicate_index() == Some("delivery_order") => Ok(()),
        other => other,
    }
}

/// A new delivery of one order; `None` for an order without an address.
fn of_order(app: &App, order: &Order) -> Option<Delivery> {
    let now = app.clock.now();
    let stop = |kind, point| Stop { kind, order_id: order.id, point, arrived_at: None, done_at: None };
    let address = order.address.as_ref()?;
    let expected =
        order.ready_by.unwrap_or_else(|| now.plus(std::time::Duration::from_secs(USUAL_PREPARATION_S)));
    Some(Delivery {
        id: app.ids.next(),
        order_ids: vec![order.id],
        group_id: order.group_id,
        account_id: order.account_id,
        store_id: order.store_id,
        status: DeliveryStatus::Pending,
        stops: vec![stop(StopKind::Pickup, order.store_point), stop(StopKind::Dropoff, address.point)],
        courier_id: None,
        assigned_at: None,
        offer: None,
        refusals: Refusals::default(),
        escalated: Vec::new(),
        ready_expected_at: expected,
        ready_at: (order.status == OrderStatus::Ready).then_some(now),
        cash_due: cash_due(order),
        cash_collected: None,
        load: LOAD_PER_ORDER,
        eta: None,
        store_code_attempts: Attempts::default(),
        pin_attempts: Attempts::default(),
        wait_until: None,
        proof: None,
        failure: None,
        placed_at: order.placed_at,
        history: Vec::new(),
        created_at: now,
        version: 1,
    })
}

/// `order.ready`: uncertainty about the food ends.
///
/// # Errors
/// Database failure.
pub async fn on_order_ready(app: &App, event: &EventRow) -> Result<(), DeliveryError> {
    store::set_ready(app, OrderFacts::read(event)?.order_id, None, Some(event.at)).await?;
    Ok(())
}

/// `order.delayed`: the store promises another time.
///
/// # Errors
/// Database failure.
pub async fn on_order_delayed(app: &App, event: &EventRow) -> Result<(), DeliveryError> {
    let order = order::get_system(app, OrderFacts::read(event)?.order_id).await?;
    if let Some(at) = order.ready_by {
        store::set_ready(app, order.id, Some(at), None).await?;
    }
    Ok(())
}

/// `order.cancelled` and the like: what was not picked up is not going to be brought.
///
/// # Errors
/// Database failure.
pub async fn on_order_ended(app: &App, event: &EventRow) -> Result<(), DeliveryError> {
    let Some(delivery) = store::of_order(app, OrderFacts::read(event)?.order_id).await? else {
        return Ok(());
    };
    let cancel_from =
        |status| TRANSITIONS.iter().any(|t| t.from == status && t.to == DeliveryStatus::Cancelled);
    if !cancel_from(delivery.status) {
        return Ok(());
    }
    cancel(app, &Actor::System("order-ended"), delivery.id, &event.kind).await?;
    Ok(())
}

impl From<OrderError> for DeliveryError {
    fn from(e: OrderError) -> Self {
        match e {
            OrderError::Infra(cause) => Self::Infra(cause),
            _ => Self::OrderConflict,
        }
    }
}
