//! As whom somebody acts on an order, and who may see it.

use crate::actor::{Actor, OpsRole, StaffRole};
use crate::ids::StoreId;
use crate::order::error::OrderError;
use crate::order::model::Order;
use crate::order::rules::{OrderStatus, Party};

/// As whom the actor acts on the order; empty when they may at most look.
#[must_use]
pub fn parties(actor: &Actor, order: &Order) -> Vec<Party> {
    match actor {
        Actor::Anonymous => Vec::new(),
        Actor::System(_) => vec![Party::System],
        Actor::Provider(_) => vec![Party::Provider],
        Actor::Person(person) => {
            let mut out = Vec::new();
            if person.account_id == order.account_id {
                out.push(Party::Customer);
            }
            if reached_store(order) && actor.rank_in(order.store_id).is_some() {
                out.push(Party::Staff);
            }
            if person.courier_id.is_some() && person.courier_id == order.courier_id {
                out.push(Party::Courier);
            }
            if actor.ops(&[OpsRole::Support, OpsRole::Operations]).is_ok() {
                out.push(Party::Ops);
            }
            out
        }
    }
}

/// Whether the order was ever placed. One that was never paid is no business of the store.
pub(in crate::order) fn reached_store(order: &Order) -> bool {
    order.history.iter().any(|entry| entry.to == OrderStatus::Placed)
}

/// The states of `wanted` (of all, when empty) in which an order has reached its store. A cancelled one may have been
/// cancelled before; the list cannot tell without looking at each.
pub(in crate::order) fn states_for_store(wanted: &[OrderStatus]) -> Vec<OrderStatus> {
    let asked = if wanted.is_empty() { OrderStatus::ALL } else { wanted };
    let unseen = [OrderStatus::PendingPayment, OrderStatus::Expired];
    asked.iter().copied().filter(|status| !unseen.contains(status)).collect()
}

/// Lets those pass who may see the order: its parties and any ops person.
pub(in crate::order) fn visible(actor: &Actor, order: Order) -> Result<Order, OrderError> {
    if actor.is_ops() || !parties(actor, &order).is_empty() {
        Ok(order)
    } else {
        Err(OrderError::OrderNotFound)
    }
}

/// Lets staff of the store and ops people pass.
pub(in crate::order) fn store_visible(actor: &Actor, store_id: StoreId) -> Result<(), OrderError> {
    let staff = actor.rank_in(store_id).is_some_and(|rank| rank >= StaffRole::Staff);
    if staff || actor.is_ops() { Ok(()) } else { Err(OrderError::StoreNotFound) }
}
