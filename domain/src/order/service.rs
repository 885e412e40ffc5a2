//! The one way an order changes its state, the lists and lookups, and what other rooms call inside their own
//! transaction.

use daraa_platform::fault::{Denial, Infra};
use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::paging::{Page, PageRequest};
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};

use super::error::OrderError;
use super::model::{Cancellation, HistoryEntry, Order, OrderGroup};
use super::rules::scope;
use super::rules::{Decision, OrderAction, OrderStatus, Party, RETURNED_BY_CUSTOMERS_FAULT, Refusal, decide};
use super::{effect, event, store};
use crate::actor::Actor;
use crate::app::App;
use crate::ids::{AccountId, CourierId, DeliveryId, OrderGroupId, OrderId, StoreId};
use crate::outbox;

/// A change of state with everything that is written beside it.
pub(super) struct Step<'a> {
    pub(super) action: OrderAction,
    pub(super) actor: &'a Actor,
    pub(super) parties: &'a [Party],
    /// The version the actor saw.
    pub(super) expected_version: Option<i64>,
    pub(super) reason: Option<String>,
    /// More fields to set.
    pub(super) set: Document,
    /// More data for the event.
    pub(super) data: Document,
}

impl<'a> Step<'a> {
    /// A change with nothing beside the state.
    pub(super) fn new(action: OrderAction, actor: &'a Actor, parties: &'a [Party]) -> Self {
        let (set, data) = (Document::new(), Document::new());
        Self { action, actor, parties, expected_version: None, reason: None, set, data }
    }
}

/// Decides and writes one change with its event; an order that was changed meanwhile is a transient conflict of the
/// transaction and runs again.
pub(super) async fn step_in_tx(
    app: &App,
    tx: &mut Tx,
    order: Order,
    step: Step<'_>,
) -> Result<Order, OrderError> {
    let to = match decide((&order).into(), step.action, step.parties) {
        Ok(Decision::Already) => return Ok(order),
        Ok(Decision::Move(to)) => to,
        Err(refusal) => return Err(refused(&order, refusal)),
    };
    if step.expected_version.is_some_and(|version| version != order.version) {
        return Err(OrderError::StaleVersion { version: order.version });
    }
    let entry = HistoryEntry {
        at: app.clock.now(),
        actor: step.actor.label(),
        action: step.action,
        from: Some(order.status),
        to,
        reason: step.reason,
        version: order.version.saturating_add(1),
    };
    let Some(after) = store::advance_in_tx(app, tx, &order, &entry, step.set).await? else {
        return Err(OrderError::StaleVersion { version: order.version });
    };
    if let Some(kind) = event::kind_of(step.action, to) {
        let mut data = step.data;
        if let Some(reason) = &entry.reason {
            data.insert("reason", reason);
        }
        outbox::emit_in_tx(app, tx, event::of(&after, kind, data)).await?;
    }
    Ok(after)
}

pub(super) fn refused(order: &Order, refusal: Refusal) -> OrderError {
    match refusal {
        Refusal::InvalidTransition => OrderError::InvalidTransition { status: order.status.code() },
        Refusal::NotAllowed => OrderError::ActionNotAllowed,
    }
}

/// An order by id, for the system only: no scope is checked.
///
/// # Errors
/// Not found, or database failure.
pub async fn get_system(app: &App, id: OrderId) -> Result<Order, OrderError> {
    store::get(app, id).await?.ok_or(OrderError::OrderNotFound)
}

/// The orders of a group, for the system only: no scope is checked.
///
/// # Errors
/// Database failure.
pub async fn of_group_system(app: &App, group_id: OrderGroupId) -> Result<Vec<Order>, OrderError> {
    Ok(store::of_group(app, group_id).await?)
}

async fn system_step_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    actor: &Actor,
    action: OrderAction,
    reason: Option<String>,
) -> Result<Order, OrderError> {
    let order = store::get_in_tx(app, tx, order_id).await?.ok_or(OrderError::OrderNotFound)?;
    let step = Step { reason, ..Step::new(action, actor, &[Party::System]) };
    step_in_tx(app, tx, order, step).await
}

/// READY → HANDED_OVER: the courier has the goods. The delivery room has checked courier and code.
///
/// # Errors
/// Not found, the state forbids it, or database failure.
pub async fn hand_over_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    actor: &Actor,
) -> Result<Order, OrderError> {
    system_step_in_tx(app, tx, order_id, actor, OrderAction::HandOver, None).await
}

/// HANDED_OVER → COMPLETED: the customer has the goods. The delivery room has checked the proof.
///
/// # Errors
/// Not found, the state forbids it, or database failure.
pub async fn complete_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    actor: &Actor,
) -> Result<Order, OrderError> {
    system_step_in_tx(app, tx, order_id, actor, OrderAction::Complete, None).await
}

/// HANDED_OVER → RETURNED: the goods came back to the store.
///
/// # Errors
/// Not found, the state forbids it, or database failure.
pub async fn return_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    actor: &Actor,
    reason: &str,
) -> Result<Order, OrderError> {
    let order = store::get_in_tx(app, tx, order_id).await?.ok_or(OrderError::OrderNotFound)?;
    let mut step = Step::new(OrderAction::Return, actor, &[Party::System]);
    step.reason = Some(reason.to_owned());
    if effect::customer_pays_return(&order, reason) {
        let cost = Cancellation { fee: order.money.total, rule_id: RETURNED_BY_CUSTOMERS_FAULT.to_owned() };
        step.set.insert("cancellation", serialize_to_bson(&cost).map_err(DbError::from)?);
    }
    step_in_tx(app, tx, order, step).await
}

/// HANDED_OVER → FAILED: the goods are lost.
///
/// # Errors
/// Not found, the state forbids it, or database failure.
pub async fn fail_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    actor: &Actor,
    reason: &str,
) -> Result<Order, OrderError> {
    system_step_in_tx(app, tx, order_id, actor, OrderAction::Fail, Some(reason.to_owned())).await
}

/// States in which a delivery may be attached to an order or change hands.
const CARRIED: &[OrderStatus] =
    &[OrderStatus::Accepted, OrderStatus::Preparing, OrderStatus::Ready, OrderStatus::HandedOver];

/// Says which courier carries the order; `None` when the courier gave it back.
///
/// # Errors
/// The order's state forbids it, or database failure.
pub async fn set_courier_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    courier_id: Option<CourierId>,
) -> Result<Order, OrderError> {
    let courier = courier_id.map_or(Bson::Null, Bson::from);
    set_carried_in_tx(app, tx, order_id, Document::new(), doc! { "courier_id": courier }).await
}

/// Says which delivery carries the order: its first and only one.
///
/// # Errors
/// The order has a delivery, its state forbids one, or database failure.
pub async fn set_delivery_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    delivery_id: DeliveryId,
) -> Result<Order, OrderError> {
    let has_none = doc! { "delivery_id": Bson::Null };
    set_carried_in_tx(app, tx, order_id, has_none, doc! { "delivery_id": delivery_id }).await
}

async fn set_carried_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    condition: Document,
    set: Document,
) -> Result<Order, OrderError> {
    let unconditional = condition.is_empty();
    if let Some(order) = store::set_in_tx(app, tx, order_id, CARRIED, condition, set).await? {
        return Ok(order);
    }
    let order = store::get_in_tx(app, tx, order_id).await?.ok_or(OrderError::OrderNotFound)?;
    if unconditional && CARRIED.contains(&order.status) {
        return Err(Infra::defect("an order in a carried state did not match its own filter").into());
    }
    Err(OrderError::InvalidTransition { status: order.status.code() })
}

/// Which orders of a list; nothing set lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// In one of these states; empty for any.
    pub statuses: Vec<OrderStatus>,
}

/// An order its parties and ops people may see.
///
/// # Errors
/// Not found (or somebody else's), or database failure.
pub async fn get_for(app: &App, actor: &Actor, id: OrderId) -> Result<Order, OrderError> {
    actor.person()?;
    let order = store::get(app, id).await?.ok_or(OrderError::OrderNotFound)?;
    scope::visible(actor, order)
}

/// Those of the orders the actor may see, in no particular order; for loaders.
///
/// # Errors
/// Database failure.
pub async fn get_many_for(app: &App, actor: &Actor, ids: &[OrderId]) -> Result<Vec<Order>, OrderError> {
    let found = store::get_many(app, ids).await?;
    Ok(found.into_iter().filter_map(|order| scope::visible(actor, order).ok()).collect())
}

/// Orders by id, for loaders of objects whose viewer may see them: no scope is checked.
///
/// # Errors
/// Database failure.
pub async fn get_many_system(app: &App, ids: &[OrderId]) -> Result<Vec<Order>, OrderError> {
    Ok(store::get_many(app, ids).await?)
}

/// The code the store shows who fetches the goods; `None` for everybody but its staff.
#[must_use]
pub fn store_code_for<'o>(actor: &Actor, order: &'o Order) -> Option<&'o str> {
    actor.rank_in(order.store_id).map(|_| order.store_code.as_str())
}

/// The PIN the customer says at the door or the counter; `None` for everybody else.
#[must_use]
pub fn dropoff_pin_for<'o>(actor: &Actor, order: &'o Order) -> Option<&'o str> {
    scope::parties(actor, order).contains(&Party::Customer).then_some(order.dropoff_pin.as_str())
}

/// Whether the actor may see how the whole purchase is paid: its customer and ops people. A store would see what was
/// bought elsewhere.
#[must_use]
pub fn sees_payment(actor: &Actor, order: &Order) -> bool {
    actor.is_ops() || scope::parties(actor, order).contains(&Party::Customer)
}

/// A purchase its customer and ops people may see.
///
/// # Errors
/// Not found (or somebody else's), or database failure.
pub async fn group_for(app: &App, actor: &Actor, id: OrderGroupId) -> Result<OrderGroup, OrderError> {
    let person = actor.person()?;
    let group = store::get_group(app, id).await?.ok_or(OrderError::OrderGroupNotFound)?;
    if group.account_id == person.account_id || actor.is_ops() {
        Ok(group)
    } else {
        Err(OrderError::OrderGroupNotFound)
    }
}

/// A purchase by id, for the system only: no scope is checked.
///
/// # Errors
/// Not found, or database failure.
pub async fn group_system(app: &App, id: OrderGroupId) -> Result<OrderGroup, OrderError> {
    store::get_group(app, id).await?.ok_or(OrderError::OrderGroupNotFound)
}

/// The orders of several groups, for loaders; the caller may see the groups.
///
/// # Errors
/// Database failure.
pub async fn of_groups(app: &App, group_ids: &[OrderGroupId]) -> Result<Vec<Order>, OrderError> {
    Ok(store::of_groups(app, group_ids).await?)
}

/// The actor's own orders, newest first.
///
/// # Errors
/// Not signed in, or database failure.
pub async fn of_customer(
    app: &App,
    actor: &Actor,
    filter: &OrderFilter,
    page: &PageRequest,
) -> Result<Page<Order>, OrderError> {
    let mine: AccountId = actor.person()?.account_id;
    Ok(store::list(app, doc! { "account_id": mine }, filter, page).await?)
}

/// A store's orders, newest first, for its staff and ops people.
///
/// # Errors
/// Not found (or not yours), or database failure.
pub async fn of_store(
    app: &App,
    actor: &Actor,
    store_id: StoreId,
    filter: &OrderFilter,
    page: &PageRequest,
) -> Result<Page<Order>, OrderError> {
    scope::store_visible(actor, store_id)?;
    let scope = doc! { "store_id": store_id };
    if actor.is_ops() {
        return Ok(store::list(app, scope, filter, page).await?);
    }
    let statuses = scope::states_for_store(&filter.statuses);
    if statuses.is_empty() {
        return Ok(Page::empty());
    }
    Ok(store::list(app, scope, &OrderFilter { statuses }, page).await?)
}

/// All orders, newest first, for ops people.
///
/// # Errors
/// Not an ops person, or database failure.
pub async fn all(
    app: &App,
    actor: &Actor,
    filter: &OrderFilter,
    page: &PageRequest,
) -> Result<Page<Order>, OrderError> {
    if !actor.is_ops() {
        actor.person()?;
        return Err(Denial::Forbidden.into());
    }
    Ok(store::list(app, Document::new(), filter, page).await?)
}
