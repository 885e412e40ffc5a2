//! The rules, each about one object with what belongs to it. Pure.

use std::fmt::Debug;
use std::time::Duration;

use daraa_platform::time::Timestamp;

use super::model::{
    COMPLETED_UNPAID, COUPON_OVER_CUSTOMER_LIMIT, COUPON_OVER_LIMIT, DELIVERY_HISTORY,
    DELIVERY_WITHOUT_ORDER, ENDED_STILL_PAID, Finding, ORDER_HISTORY, ORDER_UNKNOWN_TO_PURCHASE,
    ORDER_WITHOUT_DELIVERY, ORDER_WITHOUT_PAYMENT, ORDER_WITHOUT_PURCHASE, PAYMENT_OVER_CAPTURED,
    PAYMENT_OVER_REFUNDED, PAYMENT_SHARES, PAYMENT_WITHOUT_ORDER, PURCHASE_WITHOUT_ORDER,
    REVIEW_BEFORE_COMPLETION, Rule, SHARE_STILL_RESERVED, STOCK_HELD_BY_ENDED, STOCK_HELD_BY_NOBODY,
    STOCK_NEGATIVE, STOCK_RESERVED_SUM, STOCK_SUM, WALLET_HOLDS,
};
use crate::catalog::StockItem;
use crate::catalog::stock::Reservation;
use crate::delivery::{self, Delivery, DeliveryStatus};
use crate::ids::{OrderId, VariantId};
use crate::ledger::wallet::Wallet;
use crate::order::{self, Order, OrderGroup, OrderStatus};
use crate::payment::{PaymentIntent, SplitState};
use crate::promotion::{Coupon, CustomerUses, UseState};
use crate::review::Review;

/// What an order held is taken or given back by the event of its ending, which may have to be tried again: so long
/// after the ending nothing is expected of it yet.
const UNWINDING: Duration = Duration::from_secs(3_600);

/// What a reference leads to. A document that cannot be read is a finding of its own and no reason for others.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen<'a, T> {
    /// Nothing.
    Missing,
    /// A document that cannot be read.
    Unreadable,
    /// This.
    There(&'a T),
}

/// I4: initial = on hand + reserved + sold + adjusted, nothing negative, reserved is what orders hold.
pub(super) fn stock(item: &StockItem) -> Vec<Finding> {
    let mut found = Vec::new();
    let parts = [item.on_hand, item.reserved, item.sold, item.adjusted];
    let sum = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(*part));
    if sum != Some(item.initial) {
        found.push(Finding::of(
            &STOCK_SUM,
            item.id,
            format!("initial {} is not the sum of {parts:?}", item.initial),
        ));
    }
    if item.on_hand < 0 || item.reserved < 0 || item.sold < 0 {
        found.push(Finding::of(&STOCK_NEGATIVE, item.id, format!("negative among {parts:?}")));
    }
    let held = item.reservations.iter().map(|r| r.quantity).fold(0_i64, i64::saturating_add);
    if held != item.reserved {
        let what = format!("orders hold {held}, reserved says {}", item.reserved);
        found.push(Finding::of(&STOCK_RESERVED_SUM, item.id, what));
    }
    found
}

/// I4: nothing is held by an order that has ended, or without end by one that never was.
pub(super) fn held(
    variant_id: VariantId,
    reservation: &Reservation,
    order: Seen<'_, Order>,
    now: Timestamp,
) -> Option<Finding> {
    let Reservation { id, quantity, expires_at } = reservation;
    match order {
        Seen::There(order) if at_rest(order, now) => {
            let what = format!("{id} holds {quantity} and is {:?}", order.status);
            Some(Finding::of(&STOCK_HELD_BY_ENDED, variant_id, what))
        }
        Seen::Missing if expires_at.is_none() => Some(Finding::of(
            &STOCK_HELD_BY_NOBODY,
            variant_id,
            format!("{id} holds {quantity} and does not exist"),
        )),
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
    rule: &Rule,
    subject: impl ToString,
    status: S,
    steps: impl Iterator<Item = Step<S>>,
) -> Vec<Finding> {
    let subject = subject.to_string();
    let mut found = Vec::new();
    let mut tell = |what: String| found.push(Finding::of(rule, &subject, what));
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
        found.push(Finding::of(&ORDER_HISTORY, order.id, "its history has no beginning"));
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
    found.extend(history(&ORDER_HISTORY, order.id, order.status, steps));
    found
}

/// I7 for a delivery, which is born waiting for a courier.
pub(super) fn delivery_history(delivery: &Delivery) -> Vec<Finding> {
    let mut found = Vec::new();
    let begins = delivery.history.first().map_or(delivery.status, |first| first.from);
    if begins != DeliveryStatus::Pending {
        found.push(Finding::of(
            &DELIVERY_HISTORY,
            delivery.id,
            format!("its history begins with {begins:?}"),
        ));
    }
    let steps = delivery.history.iter().map(|step| Step {
        from: Some(step.from),
        to: step.to,
        at: step.at,
        version: step.version,
        legal: delivery::rules::TRANSITIONS
            .iter()
            .any(|t| t.from == step.from && t.to == step.to && t.action == step.action),
    });
    found.extend(history(&DELIVERY_HISTORY, delivery.id, delivery.status, steps));
    found
}

/// I5: shares sum to the whole; taken and released ≤ share; given back ≤ taken.
pub(super) fn payment(payment: &PaymentIntent) -> Vec<Finding> {
    let mut found = Vec::new();
    let whole = payment.splits.iter().map(|split| split.amount_minor).fold(0_i64, i64::saturating_add);
    if whole != payment.amount_minor {
        let what = format!("shares sum to {whole}, the payment is {}", payment.amount_minor);
        found.push(Finding::of(&PAYMENT_SHARES, payment.id, what));
    }
    for split in &payment.splits {
        let gone = split.captured_minor.saturating_add(split.voided_minor);
        if split.captured_minor < 0 || gone > split.amount_minor {
            let what = format!("{}: took {gone} of {}", split.order_id, split.amount_minor);
            found.push(Finding::of(&PAYMENT_OVER_CAPTURED, payment.id, what));
        }
        if split.refunded_minor < 0 || split.refunded_minor > split.captured_minor {
            let what =
                format!("{}: gave back {} of {}", split.order_id, split.refunded_minor, split.captured_minor);
            found.push(Finding::of(&PAYMENT_OVER_REFUNDED, payment.id, what));
        }
    }
    found
}

/// I5: who has a share of a payment exists.
pub(super) fn shares<'a>(
    payment: &PaymentIntent,
    order: impl Fn(OrderId) -> Seen<'a, Order>,
) -> Vec<Finding> {
    let missing = payment.splits.iter().filter(|split| matches!(order(split.order_id), Seen::Missing));
    let what = |id: OrderId| format!("it has a share for {id}, which does not exist");
    missing.map(|split| Finding::of(&PAYMENT_WITHOUT_ORDER, payment.id, what(split.order_id))).collect()
}

/// I1: what a delivery carries exists.
pub(super) fn carried<'a>(delivery: &Delivery, order: impl Fn(OrderId) -> Seen<'a, Order>) -> Vec<Finding> {
    let missing = delivery.order_ids.iter().filter(|id| matches!(order(**id), Seen::Missing));
    let what = |id: &OrderId| format!("it carries {id}, which does not exist");
    missing.map(|id| Finding::of(&DELIVERY_WITHOUT_ORDER, delivery.id, what(id))).collect()
}

/// I7: what is reviewed was completed.
pub(super) fn review(review: &Review, order: Seen<'_, Order>) -> Option<Finding> {
    let what = match order {
        Seen::There(order) if order.status != OrderStatus::Completed => {
            format!("its order {} is {:?}", order.id, order.status)
        }
        Seen::Missing => format!("its order {} does not exist", review.order_id),
        _ => return None,
    };
    Some(Finding::of(&REVIEW_BEFORE_COMPLETION, review.id, what))
}

/// I4: a coupon is used no more often than it may; promises that have run out do not count.
pub(super) fn coupon(coupon: &Coupon, now: Timestamp) -> Option<Finding> {
    let promised = coupon.reservations.iter().filter(|r| r.expires_at > now).count();
    let given = coupon.used.saturating_add(i64::try_from(promised).unwrap_or(i64::MAX));
    let limit = coupon.limit_total?;
    let what = || format!("{}: {} used, {promised} promised, the limit is {limit}", coupon.code, coupon.used);
    (given > limit || coupon.used < 0).then(|| Finding::of(&COUPON_OVER_LIMIT, coupon.id, what()))
}

/// The same for one customer.
pub(super) fn coupon_uses(uses: &CustomerUses, coupon: &Coupon, now: Timestamp) -> Option<Finding> {
    let live = uses.uses.iter().filter(|u| u.state != UseState::Reserved || u.expires_at > now).count();
    let live = i64::try_from(live).unwrap_or(i64::MAX);
    let what = || format!("{} has {live} uses, the limit is {}", uses.account_id, coupon.limit_per_customer);
    (live > coupon.limit_per_customer).then(|| Finding::of(&COUPON_OVER_CUSTOMER_LIMIT, coupon.id, what()))
}

/// I3: what may be spent of a wallet is its balance less what is set aside.
pub(super) fn wallet(wallet: &Wallet) -> Option<Finding> {
    let held = wallet.holds.iter().map(|hold| hold.amount_minor).fold(0_i64, i64::saturating_add);
    let right = wallet.balance_minor.checked_sub(held) == Some(wallet.available_minor);
    let what = || {
        let Wallet { balance_minor, available_minor, .. } = wallet;
        format!("balance {balance_minor}, held {held}, available {available_minor}")
    };
    (!right || wallet.available_minor < 0).then(|| Finding::of(&WALLET_HOLDS, wallet.id, what()))
}

/// What belongs to an order.
pub(super) struct Belongings<'a> {
    /// Its purchase.
    pub(super) group: Seen<'a, OrderGroup>,
    /// Its payment.
    pub(super) payment: Seen<'a, PaymentIntent>,
    /// Its delivery, where it names one.
    pub(super) delivery: Option<Seen<'a, Delivery>>,
    /// None of its events wait, so that what follows from its state has happened.
    pub(super) settled: bool,
}

/// I1, I5 and I7: an order belongs to its purchase, payment and delivery, and its money is where its state says.
pub(super) fn order(order: &Order, its: &Belongings<'_>, now: Timestamp) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut tell = |rule: &Rule, what: String| found.push(Finding::of(rule, order.id, what));
    match its.group {
        Seen::There(group) if !group.order_ids.contains(&order.id) => {
            tell(&ORDER_UNKNOWN_TO_PURCHASE, format!("{} does not list it", group.id));
        }
        Seen::Missing => tell(&ORDER_WITHOUT_PURCHASE, format!("{} does not exist", order.group_id)),
        _ => {}
    }
    match its.delivery {
        Some(Seen::There(delivery)) if !delivery.order_ids.contains(&order.id) => {
            tell(&ORDER_WITHOUT_DELIVERY, format!("{} does not carry it", delivery.id));
        }
        Some(Seen::Missing) => tell(&ORDER_WITHOUT_DELIVERY, "its delivery does not exist".to_owned()),
        _ => {}
    }
    let split = match its.payment {
        Seen::Unreadable => return found,
        Seen::There(payment) => payment.split(order.id),
        Seen::Missing => None,
    };
    let Some(split) = split else {
        tell(&ORDER_WITHOUT_PAYMENT, format!("{} has no share for it", order.payment_id));
        return found;
    };
    if !its.settled {
        return found;
    }
    let fee = order.cancellation.as_ref().map_or(0, |cancellation| cancellation.fee.amount_minor);
    let kept = split.captured_minor.saturating_sub(split.refunded_minor);
    match order.status {
        OrderStatus::Completed if split.captured_minor < split.amount_minor => {
            tell(
                &COMPLETED_UNPAID,
                format!("completed, but {} of {} taken", split.captured_minor, split.amount_minor),
            );
        }
        OrderStatus::Rejected | OrderStatus::Expired if kept > 0 => {
            tell(&ENDED_STILL_PAID, format!("{:?} and still paid: {kept}", order.status));
        }
        OrderStatus::Cancelled if kept > fee => {
            tell(&ENDED_STILL_PAID, format!("cancelled and still paid: {kept}, the fee is {fee}"));
        }
        _ => {}
    }
    if at_rest(order, now) && split.state == SplitState::Reserved {
        tell(
            &SHARE_STILL_RESERVED,
            format!("{:?}, and its share of {} is still reserved", order.status, split.amount_minor),
        );
    }
    found
}

/// I1: every order a purchase promises exists.
pub(super) fn group<'a>(group: &OrderGroup, order: impl Fn(OrderId) -> Seen<'a, Order>) -> Vec<Finding> {
    let missing = group.order_ids.iter().filter(|id| matches!(order(**id), Seen::Missing));
    let what = |id: &OrderId| format!("its order {id} does not exist");
    missing.map(|id| Finding::of(&PURCHASE_WITHOUT_ORDER, group.id, what(id))).collect()
}
