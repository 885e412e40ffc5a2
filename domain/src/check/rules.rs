//! The rules, each about one object with what belongs to it. Pure.

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::Duration;

use daraa_platform::time::Timestamp;

use super::model::Finding;
use crate::catalog::StockItem;
use crate::catalog::stock::Reservation;
use crate::delivery::{self, Delivery};
use crate::ids::{OrderId, VariantId};
use crate::order::{self, Order, OrderGroup, OrderStatus};
use crate::payment::{PaymentIntent, SplitState};

/// What an order held is taken or given back by the event of its ending, which may have to be tried again: so long
/// after the ending nothing is expected of it yet.
const UNWINDING: Duration = Duration::from_secs(3_600);

/// A finding about a subject.
pub(super) fn finding(rule: &str, subject: impl ToString, what: impl Into<String>) -> Finding {
    Finding { rule: rule.to_owned(), subject: subject.to_string(), what: what.into() }
}

/// I4: initial = on hand + reserved + sold + adjusted, nothing negative, reserved is what orders hold.
pub(super) fn stock(item: &StockItem) -> Vec<Finding> {
    let mut found = Vec::new();
    let parts = [item.on_hand, item.reserved, item.sold, item.adjusted];
    let sum = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(*part));
    if sum != Some(item.initial) {
        found.push(finding("I4", item.id, format!("initial {} is not the sum of {parts:?}", item.initial)));
    }
    if item.on_hand < 0 || item.reserved < 0 || item.sold < 0 {
        found.push(finding("I4", item.id, format!("negative among {parts:?}")));
    }
    let held = item.reservations.iter().map(|r| r.quantity).fold(0_i64, i64::saturating_add);
    if held != item.reserved {
        found.push(finding("I4", item.id, format!("orders hold {held}, reserved says {}", item.reserved)));
    }
    found
}

/// I4: nothing is held by an order that has ended, or without end by one that never was.
pub(super) fn held(
    variant_id: VariantId,
    reservation: &Reservation,
    order: Option<&Order>,
    now: Timestamp,
) -> Option<Finding> {
    let Reservation { id, quantity, expires_at } = reservation;
    match order {
        Some(order) if at_rest(order, now) => {
            Some(finding("I4", variant_id, format!("{id} holds {quantity} and is {:?}", order.status)))
        }
        None if expires_at.is_none() => {
            Some(finding("I4", variant_id, format!("{id} holds {quantity} and does not exist")))
        }
        _ => None,
    }
}

/// Whether an order has ended so long ago that all that follows has happened.
fn at_rest(order: &Order, now: Timestamp) -> bool {
    order.status.is_final() && order.history.last().is_some_and(|last| last.at.plus(UNWINDING) < now)
}

/// A step of a history: from, to, when, version afterwards, whether the machine has it.
struct Step<S> {
    from: Option<S>,
    to: S,
    at: Timestamp,
    version: i64,
    legal: bool,
}

/// I7: a history is a path of its machine, ends in the present state, and grows in time and version.
fn history<S: PartialEq + Copy + Debug>(
    subject: impl ToString,
    status: S,
    steps: impl Iterator<Item = Step<S>>,
) -> Vec<Finding> {
    let subject = subject.to_string();
    let mut found = Vec::new();
    let mut tell = |what: String| found.push(finding("I7", &subject, what));
    let mut before: Option<Step<S>> = None;
    for step in steps {
        if let Some(before) = &before {
            if step.from != Some(before.to) {
                tell(format!("{:?} follows {:?}", step.from, before.to));
            }
            if step.at < before.at || step.version <= before.version {
                tell(format!("the step to {:?} is not later than the one before", step.to));
            }
        }
        if !step.legal {
            tell(format!("no such transition: {:?} to {:?}", step.from, step.to));
        }
        before = Some(step);
    }
    if let Some(last) = before.filter(|last| last.to != status) {
        tell(format!("is {status:?}, its history ends in {:?}", last.to));
    }
    found
}

/// I7 for an order, which is born by its first step.
pub(super) fn order_history(order: &Order) -> Vec<Finding> {
    let mut found = Vec::new();
    if order.history.first().is_none_or(|first| first.from.is_some()) {
        found.push(finding("I7", order.id, "its history has no beginning"));
    }
    let steps = order.history.iter().map(|entry| Step {
        from: entry.from,
        to: entry.to,
        at: entry.at,
        version: entry.version,
        legal: order::rules::TRANSITIONS
            .iter()
            .any(|t| t.from == entry.from && t.to == entry.to && t.action == entry.action),
    });
    found.extend(history(order.id, order.status, steps));
    found
}

/// I7 for a delivery.
pub(super) fn delivery_history(delivery: &Delivery) -> Vec<Finding> {
    let steps = delivery.history.iter().map(|step| Step {
        from: Some(step.from),
        to: step.to,
        at: step.at,
        version: step.version,
        legal: delivery::rules::TRANSITIONS
            .iter()
            .any(|t| t.from == step.from && t.to == step.to && t.action == step.action),
    });
    history(delivery.id, delivery.status, steps)
}

/// I5: shares sum to the whole; taken and released ≤ share; given back ≤ taken.
pub(super) fn payment(payment: &PaymentIntent) -> Vec<Finding> {
    let mut found = Vec::new();
    let whole = payment.splits.iter().map(|split| split.amount_minor).fold(0_i64, i64::saturating_add);
    if whole != payment.amount_minor {
        let what = format!("shares sum to {whole}, the payment is {}", payment.amount_minor);
        found.push(finding("I5", payment.id, what));
    }
    for split in &payment.splits {
        let gone = split.captured_minor.saturating_add(split.voided_minor);
        if split.captured_minor < 0 || gone > split.amount_minor {
            let what = format!("{}: took {gone} of {}", split.order_id, split.amount_minor);
            found.push(finding("I5", payment.id, what));
        }
        if split.refunded_minor < 0 || split.refunded_minor > split.captured_minor {
            let what =
                format!("{}: gave back {} of {}", split.order_id, split.refunded_minor, split.captured_minor);
            found.push(finding("I5", payment.id, what));
        }
    }
    found
}

/// What belongs to an order.
pub(super) struct Belongings<'a> {
    /// Its purchase.
    pub(super) group: Option<&'a OrderGroup>,
    /// Its payment.
    pub(super) payment: Option<&'a PaymentIntent>,
    /// Its delivery.
    pub(super) delivery: Option<&'a Delivery>,
    /// None of its events wait, so that what follows from its state has happened.
    pub(super) settled: bool,
}

/// I1, I5 and I7: an order belongs to its purchase, payment and delivery, and its money is where its state says.
pub(super) fn order(order: &Order, its: &Belongings<'_>, now: Timestamp) -> Vec<Finding> {
    let mut found = Vec::new();
    match its.group {
        Some(group) if group.order_ids.contains(&order.id) => {}
        Some(_) => found.push(finding("I1", order.id, "its purchase does not know it")),
        None => found.push(finding("I1", order.id, "its purchase does not exist")),
    }
    if order.delivery_id.is_some() && its.delivery.is_none_or(|d| !d.order_ids.contains(&order.id)) {
        found.push(finding("I1", order.id, "its delivery does not exist or does not know it"));
    }
    let Some(split) = its.payment.and_then(|payment| payment.split(order.id)) else {
        found.push(finding("I5", order.id, "no payment has a share for it"));
        return found;
    };
    if !its.settled {
        return found;
    }
    let fee = order.cancellation.as_ref().map_or(0, |cancellation| cancellation.fee.amount_minor);
    let kept = split.captured_minor.saturating_sub(split.refunded_minor);
    match order.status {
        OrderStatus::Completed if split.captured_minor != split.amount_minor => {
            let what = format!("completed, but {} of {} taken", split.captured_minor, split.amount_minor);
            found.push(finding("I5", order.id, what));
        }
        OrderStatus::Rejected | OrderStatus::Expired if kept > 0 => {
            found.push(finding("I7", order.id, format!("{:?} and still paid: {kept}", order.status)));
        }
        OrderStatus::Cancelled if kept > fee => {
            found.push(finding(
                "I7",
                order.id,
                format!("cancelled and still paid: {kept}, the fee is {fee}"),
            ));
        }
        _ => {}
    }
    if at_rest(order, now) && split.state == SplitState::Reserved {
        let what = format!("{:?}, and its share of {} is still reserved", order.status, split.amount_minor);
        found.push(finding("I5", order.id, what));
    }
    found
}

/// I1: every order a purchase promises exists.
pub(super) fn group(group: &OrderGroup, orders: &HashMap<OrderId, Order>) -> Vec<Finding> {
    let missing = group.order_ids.iter().filter(|id| !orders.contains_key(id));
    missing.map(|id| finding("I1", group.id, format!("its order {id} does not exist"))).collect()
}
