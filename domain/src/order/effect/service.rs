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
use crate::order::event::{self, OrderFacts};
use crate::order::model::Order;
use crate::order::rules::{Decision, OrderAction, OrderStatus, Party, decide, group_status, reason};
use crate::order::service::{Step, get_system, group_system, step_in_tx};
use crate::order::store;
use crate::order::work::{self, AcceptOrder};
use crate::outbox::{self, EventRow};
use crate::payment::{self, Authorisation};
use crate::promotion::PromotionError;
use crate::{cart, catalog, promotion, settings, store as stores};
use daraa_platform::ids::TypedId as _;

/// Orders a deadline job looks at in one run.
const BATCH: i64 = 100;

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
        if came_to_nothing(order.status) {
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
    expire_refused(app, group_of(event)?).await
}

/// Expires the pending orders of a group whose payment was refused.
pub(in crate::order) async fn expire_refused(app: &App, group_id: OrderGroupId) -> Result<(), OrderError> {
    for order in store::of_group(app, group_id).await? {
        expire(app, order.id, &Actor::System("payment"), reason::PAYMENT_FAILED).await?;
    }
    Ok(())
}

/// Expires an order that was not paid; what it held goes back into the customer's cart, for another try.
async fn expire(app: &App, order_id: OrderId, actor: &Actor, reason: &'static str) -> Result<(), OrderError> {
    transact!(&app.mongo, "order.expire", OrderError, |tx| {
        let order = store::get_in_tx(app, tx, order_id).await?.ok_or(OrderError::OrderNotFound)?;
        if !matches!(decide((&order).into(), OrderAction::Expire, &[Party::System]), Ok(Decision::Move(_))) {
            return Ok(());
        }
        let step = Step {
            reason: Some(reason.to_owned()),
            set: doc! { "deadlines.unpaid_at": Bson::Null },
            ..Step::new(OrderAction::Expire, actor, &[Party::System])
        };
        let after = step_in_tx(app, tx, order, step).await?;
        let lines = rules::cart_lines(&after, || app.ids.next());
        cart::put_back_in_tx(app, tx, after.account_id, lines).await?;
        Ok(())
    })
}

/// `order.placed`: its reservations no longer expire; a store that accepts without a person accepts.
///
/// # Errors
/// Whatever keeps it from being done; it is tried again.
#[instrument(name = "svc.order.on_order_placed", skip_all, fields(event.id = %event.id))]
pub async fn on_order_placed(app: &App, event: &EventRow) -> Result<(), OrderError> {
    let order = get_system(app, OrderFacts::read(event)?.order_id).await?;
    if came_to_nothing(order.status) {
        return Ok(());
    }
    // The goods of an order that has ended otherwise are sold or gone, by the event of that ending.
    if !order.status.is_final() && !keep_goods(app, &order).await? {
        return Ok(());
    }
    use_coupon(app, &order).await?;
    let order = get_system(app, order.id).await?;
    if came_to_nothing(order.status) {
        // It ended between the two looks, and was perhaps unwound before the goods and the coupon were kept.
        catalog::release(app, order.id, &order.stock_lines()).await?;
        return free_coupon(app, &order).await;
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

/// Endings after which goods and coupon are free again.
fn came_to_nothing(status: OrderStatus) -> bool {
    matches!(status, OrderStatus::Rejected | OrderStatus::Cancelled | OrderStatus::Expired)
}

/// The reservations of a placed order no longer expire; `false` when they did and the goods are gone: it is rejected
/// then, or has ended otherwise.
async fn keep_goods(app: &App, order: &Order) -> Result<bool, OrderError> {
    let lines = order.stock_lines();
    match catalog::confirm(app, order.id, &lines).await {
        Ok(()) => Ok(true),
        Err(CatalogError::SoldOut { .. }) => {
            warn!(order.id = %order.id, "its reservation had expired and the goods are gone");
            let ended = came_to_nothing(reject(app, order, "stock", reason::SOLD_OUT).await?.status);
            if ended {
                // Some lines may be held again, and the order may have been unwound before they were.
                catalog::release(app, order.id, &lines).await?;
            }
            // One its store has accepted meanwhile goes on: the store sees what it has.
            Ok(!ended)
        }
        Err(e) => Err(e.into()),
    }
}

/// The coupon of a placed order is used. The customer was promised the discount: where its promise was lost on the way
/// it is given and counted all the same.
async fn use_coupon(app: &App, order: &Order) -> Result<(), OrderError> {
    let Some(coupon_id) = group_system(app, order.group_id).await?.coupon_id else { return Ok(()) };
    let (group_id, account_id) = (order.group_id, order.account_id);
    match promotion::confirm(app, coupon_id, group_id, account_id).await {
        Err(PromotionError::ReservationLost) => {
            warn!(order.id = %order.id, coupon.id = %coupon_id, "the coupon's promise is lost, the use is counted");
            Ok(promotion::confirm_without_promise(app, coupon_id, group_id, account_id).await?)
        }
        other => Ok(other?),
    }
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
    let due = store::due(app, &[OrderStatus::PendingPayment], "deadlines.unpaid_at", app.clock.now(), BATCH)
        .await?;
    for order in due {
        expire(app, order.id, &actor, reason::UNPAID).await?;
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
    let due = store::due(app, &[OrderStatus::Placed], "deadlines.store_response_at", app.clock.now(), BATCH)
        .await?;
    for order in due {
        reject(app, &order, "store-response", reason::STORE_TIMEOUT).await?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Tells store and ops of a batch of orders that are not ready in time, each once per promise; says how many. Nothing is
/// decided for the store: the order goes on, and a delay makes a new promise.
///
/// # Errors
/// Database failure.
pub async fn report_late(app: &App) -> Result<u64, OrderError> {
    let making = [OrderStatus::Accepted, OrderStatus::Preparing];
    let mut count = 0_u64;
    for order in store::due(app, &making, "deadlines.ready_at", app.clock.now(), BATCH).await? {
        let told = transact!(&app.mongo, "order.report_late", OrderError, |tx| {
            let Some(late) = store::clear_ready_deadline_in_tx(app, tx, &order).await? else {
                return Ok(0_u64);
            };
            outbox::emit_in_tx(app, tx, event::of(&late, "order.late", Document::new())).await?;
            Ok(1)
        })?;
        count = count.saturating_add(told);
    }
    Ok(count)
}
