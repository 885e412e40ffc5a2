//! How to reach an aim: take an order's share, give it back, give a part of it back.

use daraa_platform::money::{Money, MoneyError};
use daraa_platform::ports::pay::PayOperationKind;
use daraa_platform::time::Timestamp;

use super::{Change, Draft, FIRST_RETRY, MAX_OPERATIONS, cash, name, operation, verb};
use crate::ids::{OrderId, RefundId};
use crate::payment::error::PaymentError;
use crate::payment::event;
use crate::payment::model::{
    Authorisation, CashState, Operation, OperationState, PaymentIntent, PaymentMethod, SplitState,
};

/// What is to be done to reach an aim.
#[derive(Debug, Clone)]
pub enum Plan {
    /// Nothing: it is so already.
    Nothing,
    /// Store this; no provider is needed.
    Store(Box<Change>),
    /// Store this (when it is new), then send the request with this reference.
    Send {
        /// The payment with the request written down; none when it was before.
        store: Option<Box<PaymentIntent>>,
        /// The request.
        reference: String,
    },
}

/// Takes an order's share by card; in cash at the counter; and by wallet, where the caller moves the wallet.
///
/// # Errors
/// The share is released, or the money not reserved.
pub fn plan_capture(
    payment: &PaymentIntent,
    order_id: OrderId,
    actor: &str,
    now: Timestamp,
) -> Result<Plan, PaymentError> {
    let split = payment.split(order_id).ok_or(PaymentError::PaymentNotFound)?;
    match split.state {
        SplitState::Captured => return Ok(Plan::Nothing),
        SplitState::Released => return Err(PaymentError::InvalidTransition { state: "RELEASED" }),
        SplitState::Reserved => {}
    }
    if payment.authorisation != Authorisation::Granted {
        return Err(PaymentError::InvalidTransition { state: name(payment.status) });
    }
    let reference = format!("cap:{order_id}");
    if split.amount_minor > 0 && payment.method == PaymentMethod::Card {
        if payment.operation(&format!("void:{order_id}")).is_some_and(|o| o.state != OperationState::Failed) {
            return Err(PaymentError::InvalidTransition { state: "RELEASED" });
        }
        let op = Operation {
            order_id: Some(order_id),
            ..operation(reference, PayOperationKind::Capture, split.amount_minor)
        };
        return begin(payment, op, actor, now);
    }
    let mut draft = Draft::of(payment);
    let split = draft.split(order_id)?;
    split.captured_minor = split.amount_minor;
    split.state = SplitState::Captured;
    if let Some(due) = &mut split.cash
        && due.state == CashState::Due
    {
        cash::step(due, CashState::Settled)?;
        due.settled_minor = split.amount_minor;
    }
    let payment = draft.settle(now, actor, "capture", Some(order_id))?;
    Ok(Plan::Store(Box::new(Change { payment, event: Some(event::CAPTURED), booked: None })))
}

/// Gives an order's share back: releases what is reserved, refunds what was taken.
///
/// # Errors
/// No such order.
pub fn plan_release(
    payment: &PaymentIntent,
    order_id: OrderId,
    actor: &str,
    now: Timestamp,
) -> Result<Plan, PaymentError> {
    let split = payment.split(order_id).ok_or(PaymentError::PaymentNotFound)?;
    match split.state {
        SplitState::Released => Ok(Plan::Nothing),
        SplitState::Captured => {
            let left = split.captured_minor.saturating_sub(split.refunded_minor);
            let reference = format!("unwind:{order_id}");
            if left == 0 && payment.operation(&reference).is_none_or(|o| o.state != OperationState::Pending) {
                return Ok(Plan::Nothing);
            }
            plan_refund_as(payment, order_id, left, reference, None, actor, now)
        }
        SplitState::Reserved => {
            let at_provider = payment.method == PaymentMethod::Card
                && payment.authorisation == Authorisation::Granted
                && split.amount_minor > 0;
            if at_provider {
                // A capture under way decides first; its outcome is refunded then.
                let capture = payment.operation(&format!("cap:{order_id}"));
                if capture.is_some_and(|o| o.state == OperationState::Pending) {
                    return Err(PaymentError::OutcomeUnknown);
                }
                let op = Operation {
                    order_id: Some(order_id),
                    ..operation(format!("void:{order_id}"), PayOperationKind::Void, split.amount_minor)
                };
                return begin(payment, op, actor, now);
            }
            let mut draft = Draft::of(payment);
            let granted = payment.authorisation == Authorisation::Granted;
            let split = draft.split(order_id)?;
            split.state = SplitState::Released;
            // Before the bank's answer nothing is reserved that could be released.
            split.voided_minor = if granted { split.amount_minor } else { 0 };
            split.cash = None;
            let payment = draft.settle(now, actor, "release", Some(order_id))?;
            Ok(Plan::Store(Box::new(Change { payment, event: None, booked: None })))
        }
    }
}

/// Gives a part of an order's taken share back.
///
/// # Errors
/// More than was taken and has not gone back (or is about to); [`PaymentError::OutcomeUnknown`] while nothing is
/// taken yet.
pub fn plan_refund(
    payment: &PaymentIntent,
    order_id: OrderId,
    amount: Money,
    refund_id: RefundId,
    actor: &str,
    now: Timestamp,
) -> Result<Plan, PaymentError> {
    if amount.currency != payment.currency {
        return Err(MoneyError::CurrencyMismatch { left: payment.currency, right: amount.currency }.into());
    }
    let reference = format!("refund:{refund_id}");
    plan_refund_as(payment, order_id, amount.amount_minor, reference, Some(refund_id), actor, now)
}

fn plan_refund_as(
    payment: &PaymentIntent,
    order_id: OrderId,
    amount_minor: i64,
    reference: String,
    refund_id: Option<RefundId>,
    actor: &str,
    now: Timestamp,
) -> Result<Plan, PaymentError> {
    let split = payment.split(order_id).ok_or(PaymentError::PaymentNotFound)?;
    let known = payment.operation(&reference);
    if known.is_none() {
        let under_way: i64 = payment
            .operations
            .iter()
            .filter(|o| {
                o.kind == PayOperationKind::Refund
                    && o.order_id == Some(order_id)
                    && o.state == OperationState::Pending
            })
            .map(|o| o.amount_minor)
            .sum();
        let left_minor = split.captured_minor.saturating_sub(split.refunded_minor).saturating_sub(under_way);
        if amount_minor <= 0 {
            return Err(PaymentError::InvalidAmount);
        }
        if split.state == SplitState::Reserved {
            // The share of a completed order is taken by an event of its own, which may come after the refund's.
            return Err(PaymentError::OutcomeUnknown);
        }
        if amount_minor > left_minor {
            return Err(PaymentError::RefundExceedsCaptured {
                left: Money::new(left_minor, payment.currency),
            });
        }
    }
    let op = Operation {
        order_id: Some(order_id),
        refund_id,
        ..operation(reference, PayOperationKind::Refund, amount_minor)
    };
    if payment.method == PaymentMethod::Card {
        return begin(payment, op, actor, now);
    }
    if known.is_some() {
        return Ok(Plan::Nothing);
    }
    let mut draft = Draft::of(payment);
    let op = Operation { state: OperationState::Done, ..op };
    draft.payment.operations.push(op.clone());
    let split = draft.split(order_id)?;
    split.refunded_minor = split.refunded_minor.saturating_add(amount_minor);
    let payment = draft.settle(now, actor, "refund", Some(order_id))?;
    Ok(Plan::Store(Box::new(Change { payment, event: Some(event::REFUNDED), booked: Some(op) })))
}

fn begin(payment: &PaymentIntent, op: Operation, actor: &str, now: Timestamp) -> Result<Plan, PaymentError> {
    let reference = op.reference.clone();
    match payment.operation(&reference).map(|known| known.state) {
        Some(OperationState::Done) => return Ok(Plan::Nothing),
        Some(OperationState::Failed) => return Err(PaymentError::ProviderRefused),
        Some(OperationState::Pending) => return Ok(Plan::Send { store: None, reference }),
        None => {}
    }
    if payment.operations.len() >= MAX_OPERATIONS {
        return Err(PaymentError::InvalidTransition { state: name(payment.status) });
    }
    let mut draft = Draft::of(payment);
    let order_id = op.order_id;
    let action = format!("{} asked", verb(op.kind));
    draft.payment.operations.push(op);
    draft.payment.next_try_at = now.plus(FIRST_RETRY);
    let payment = draft.settle(now, actor, &action, order_id)?;
    Ok(Plan::Send { store: Some(Box::new(payment)), reference })
}
