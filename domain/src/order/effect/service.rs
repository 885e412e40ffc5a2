//! The consumers and the deadlines.

use daraa_platform::fault::Infra;
use daraa_platform::money::Money;
use daraa_platform::transact;
use mongodb::bson::{Bson, Document, doc};
use tracing::{instrument, warn};

use super::rules;
use crate::actor::Actor;
use crate::app::App;
use crate::catalog::CatalogError;
use crate::ids::{OrderGroupId, OrderId, RefundId};
use crate::ledger::{self, LedgerError, NewTransaction, TransactionKind};
use crate::order::error::OrderError;
use crate::order::event::OrderFacts;
use crate::order::model::Order;
use crate::order::rules::{Decision, OrderAction, OrderStatus, Party, decide, group_status};
use crate::order::service::{Step, get_system, group_system, step_in_tx};
use crate::order::store;
use crate::order::work::{self, AcceptOrder};
use crate::outbox::EventRow;
use crate::payment::{self, Authorisation};
use crate::promotion::PromotionError;
use crate::{catalog, promotion, settings, store as stores};
use daraa_platform::ids::TypedId as _;

/// Orders a deadline job looks at in one run.
const BATCH: i64 = 100;
/// The reason of an order its store did not answer.
const STORE_TIMEOUT: &str = "STORE_TIMEOUT";
/// The reason of an order that was not paid in time.
const UNPAID: &str = "UNPAID";
/// The reason of an order whose payment was refused.
const PAYMENT_FAILED: &str = "PAYMENT_FAILED";
/// The reason of an order whose goods were gone when its payment came.
const SOLD_OUT: &str = "SOLD_OUT";

/// One system step on one order in its own transaction; an order that moved on meanwhile is left alone.
async fn system_step(
    app: &App,
    order_id: OrderId,
    action: OrderAction,
    actor: &Actor,
    reason: Option<&str>,
    set: Document,
) -> Result<Order, OrderError> {
    transact!(&app.mongo, "order.system_step", OrderError, |tx| {
        let order = store::get_in_tx(app, tx, order_id).await?.ok_or(OrderError::OrderNotFound)?;
        if !matches!(decide((&order).into(), action, &[Party::System]), Ok(Decision::Move(_))) {
            return Ok(order);
        }
        let step = Step {
            reason: reason.map(str::to_owned),
            set: set.clone(),
            ..Step::new(action, actor, &[Party::System])
        };
        step_in_tx(app, tx, order, step).await
    })
}

/// Places the pending orders of a group whose payment is authorised.
pub(in crate::order) async fn place_paid(app: &App, group_id: OrderGroupId) -> Result<(), OrderError> {
    let paid = payment::of_group(app, group_id).await?;
    if paid.is_none_or(|payment| payment.authorisation != Authorisation::Granted) {
        return Ok(());
    }
    let actor = Actor::System("payment");
    let wait = settings::get(app).await?.deadlines.store_response();
    for order in store::of_group(app, group_id).await? {
        if order.status == OrderStatus::PendingPayment {
            let set = doc! {
                "deadlines.unpaid_at": Bson::Null,
                "deadlines.store_response_at": app.clock.now().plus(wait),
            };
            system_step(app, order.id, OrderAction::Authorise, &actor, None, set).await?;
        }
    }
    Ok(())
}

fn group_of(event: &EventRow) -> Result<OrderGroupId, Infra> {
    let text = event.data.get_str("group_id").map_err(Infra::defect)?;
    text.parse().map_err(Infra::defect)
}

/// `payment.authorized`: the pending orders of the group are placed; the share of one that ended meanwhile is given
/// back.
///
/// # Errors
/// Whatever keeps it from being done; it is tried again.
#[instrument(name = "svc.order.on_payment_authorized", skip_all, fields(event.id = %event.id))]
pub async fn on_payment_authorized(app: &App, event: &EventRow) -> Result<(), OrderError> {
    let group_id = group_of(event)?;
    place_paid(app, group_id).await?;
    for order in store::of_group(app, group_id).await? {
        if matches!(order.status, OrderStatus::Expired | OrderStatus::Cancelled | OrderStatus::Rejected) {
            unwind_order(app, order).await?;
        }
    }
    Ok(())
}

/// `payment.failed`: the orders that waited for it expire.
///
/// # Errors
/// Whatever keeps it from being done; it is tried again.
#[instrument(name = "svc.order.on_payment_failed", skip_all, fields(event.id = %event.id))]
pub async fn on_payment_failed(app: &App, event: &EventRow) -> Result<(), OrderError> {
    let actor = Actor::System("payment");
    for order in store::of_group(app, group_of(event)?).await? {
        let set = doc! { "deadlines.unpaid_at": Bson::Null };
        system_step(app, order.id, OrderAction::Expire, &actor, Some(PAYMENT_FAILED), set).await?;
    }
    Ok(())
}

/// `order.placed`: its reservations no longer expire; a store that accepts without a person accepts.
///
/// # Errors
/// Whatever keeps it from being done; it is tried again.
#[instrument(name = "svc.order.on_order_placed", skip_all, fields(event.id = %event.id))]
pub async fn on_order_placed(app: &App, event: &EventRow) -> Result<(), OrderError> {
    let order = get_system(app, OrderFacts::read(event)?.order_id).await?;
    if order.status.is_final() {
        return Ok(());
    }
    match catalog::confirm(app, order.id, &order.stock_lines()).await {
        Ok(()) => {}
        Err(CatalogError::SoldOut { .. }) => {
            warn!(order.id = %order.id, "its reservation had expired and the goods are gone");
            reject(app, &order, "stock", SOLD_OUT).await?;
            return Ok(());
        }
        Err(e) => return Err(e.into()),
    }
    if let Some(coupon_id) = group_system(app, order.group_id).await?.coupon_id {
        match promotion::confirm(app, coupon_id, order.group_id, order.account_id).await {
            // The customer was promised the discount: it is given, the coupon counts one use less.
            Ok(()) | Err(PromotionError::ReservationLost) => {}
            Err(e) => return Err(e.into()),
        }
    }
    let store = stores::get(app, order.store_id).await?;
    if store.auto_accept && order.status == OrderStatus::Placed {
        let prep_minutes = stores::prep_minutes(&store, app.clock.now()).clamp(1, work::MAX_PREP_MINUTES);
        let accept = AcceptOrder { order_id: order.id, prep_minutes, expected_version: None };
        match work::accept(app, &Actor::System("auto-accept"), accept).await {
            // Somebody was quicker, in whatever direction.
            Ok(_) | Err(OrderError::InvalidTransition { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

async fn reject(app: &App, order: &Order, job: &'static str, reason: &str) -> Result<Order, OrderError> {
    let set = doc! { "deadlines.store_response_at": Bson::Null };
    system_step(app, order.id, OrderAction::Reject, &Actor::System(job), Some(reason), set).await
}

/// `order.completed`: the payment's share is taken, the stock is sold, the books divide the money.
///
/// # Errors
/// Whatever keeps it from being done; it is tried again.
#[instrument(name = "svc.order.settle", skip_all, fields(event.id = %event.id))]
pub async fn settle(app: &App, event: &EventRow) -> Result<(), OrderError> {
    let order = get_system(app, OrderFacts::read(event)?.order_id).await?;
    if order.status != OrderStatus::Completed {
        return Err(Infra::defect(format!("{} completed and is {}", order.id, order.status.code())).into());
    }
    catalog::consume(app, order.id, &order.stock_lines()).await?;
    charge(app, &order).await
}

/// Takes the order's share and divides it.
async fn charge(app: &App, order: &Order) -> Result<(), OrderError> {
    payment::capture_split(app, order.id).await?;
    let settlement = rules::settlement(order);
    transact!(&app.mongo, "order.settle", OrderError, |tx| {
        ledger::settle_order_in_tx(app, tx, &settlement).await?;
        Ok(())
    })
}

/// `order.rejected`, `.cancelled`, `.expired`, `.returned`, `.failed`: what was held is given back, less a fee; stock
/// and coupon are free again.
///
/// # Errors
/// Whatever keeps it from being done; it is tried again.
#[instrument(name = "svc.order.unwind", skip_all, fields(event.id = %event.id))]
pub async fn unwind(app: &App, event: &EventRow) -> Result<(), OrderError> {
    let order = get_system(app, OrderFacts::read(event)?.order_id).await?;
    unwind_order(app, order).await
}

async fn unwind_order(app: &App, order: Order) -> Result<(), OrderError> {
    if !order.status.is_final() || order.status == OrderStatus::Completed {
        return Err(
            Infra::defect(format!("{} is {} and not to be unwound", order.id, order.status.code())).into()
        );
    }
    let lines = order.stock_lines();
    // Goods that left the store are gone, wherever they are now.
    if matches!(order.status, OrderStatus::Returned | OrderStatus::Failed) {
        catalog::consume(app, order.id, &lines).await?;
    } else {
        catalog::release(app, order.id, &lines).await?;
    }
    let fee = order.cancellation.as_ref().map(|c| c.fee).filter(|fee| fee.amount_minor > 0);
    match fee {
        Some(fee) if fee == order.money.total && order.status == OrderStatus::Returned => {
            charge(app, &order).await?
        }
        Some(fee) => keep_fee(app, &order, fee).await?,
        None => {
            payment::release_split(app, order.id).await?;
            compensate(app, &order).await?;
        }
    }
    free_coupon(app, &order).await
}

/// Takes the order's share, gives all but the fee back and divides the fee.
async fn keep_fee(app: &App, order: &Order, fee: Money) -> Result<(), OrderError> {
    payment::capture_split(app, order.id).await?;
    let back = order.money.total.sub(fee)?;
    if back.amount_minor > 0 {
        // One order is cancelled once, so its own id names this refund.
        payment::refund(app, order.id, back, RefundId::from(order.id.oid())).await?;
    }
    let settlement = rules::fee_settlement(order, fee);
    transact!(&app.mongo, "order.keep_fee", OrderError, |tx| {
        ledger::settle_order_in_tx(app, tx, &settlement).await?;
        Ok(())
    })
}

async fn compensate(app: &App, order: &Order) -> Result<(), OrderError> {
    let entries = rules::compensation(order)?;
    if entries.is_empty() {
        return Ok(());
    }
    let new = NewTransaction {
        reference: format!("compensate:{}", order.id),
        kind: TransactionKind::Settlement,
        order_id: Some(order.id),
        actor: "system:unwind".to_owned(),
        entries,
    };
    transact!(&app.mongo, "order.compensate", OrderError, |tx| {
        match ledger::post_in_tx(app, tx, new.clone()).await {
            Ok(_) | Err(LedgerError::AlreadyPosted) => Ok(()),
            Err(e) => Err(e.into()),
        }
    })
}

/// A coupon is used by the whole group: it is free again when no order of the group comes to anything.
async fn free_coupon(app: &App, order: &Order) -> Result<(), OrderError> {
    let Some(coupon_id) = group_system(app, order.group_id).await?.coupon_id else { return Ok(()) };
    let orders = store::of_group(app, order.group_id).await?;
    let unused = matches!(
        group_status(orders.iter().map(|order| order.status)),
        Some(OrderStatus::Cancelled | OrderStatus::Rejected | OrderStatus::Expired)
    );
    if unused {
        promotion::release(app, coupon_id, order.group_id, order.account_id).await?;
    }
    Ok(())
}

/// Expires a batch of orders that were not paid in time; says how many.
///
/// # Errors
/// Database failure.
pub async fn expire_unpaid(app: &App) -> Result<u64, OrderError> {
    let actor = Actor::System("expire-unpaid");
    let mut count = 0_u64;
    let due =
        store::due(app, OrderStatus::PendingPayment, "deadlines.unpaid_at", app.clock.now(), BATCH).await?;
    for order in due {
        let set = doc! { "deadlines.unpaid_at": Bson::Null };
        system_step(app, order.id, OrderAction::Expire, &actor, Some(UNPAID), set).await?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Rejects a batch of orders their store did not answer in time; says how many.
///
/// # Errors
/// Database failure.
pub async fn expire_unaccepted(app: &App) -> Result<u64, OrderError> {
    let mut count = 0_u64;
    let due =
        store::due(app, OrderStatus::Placed, "deadlines.store_response_at", app.clock.now(), BATCH).await?;
    for order in due {
        reject(app, &order, "store-response", STORE_TIMEOUT).await?;
        count = count.saturating_add(1);
    }
    Ok(count)
}
