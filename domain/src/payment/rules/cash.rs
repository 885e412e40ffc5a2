//! The cash of orders: taken at the door, declared and handed in by couriers.

use daraa_platform::money::Money;
use daraa_platform::time::Timestamp;

use super::{CASH_TRANSITIONS, Change, Draft, allowed};
use crate::ids::{CourierId, OrderId};
use crate::payment::error::PaymentError;
use crate::payment::event;
use crate::payment::model::{CashDue, CashState, PaymentIntent, SplitState};

const DECLARED: &str = "cash declared";

fn name(state: CashState) -> &'static str {
    match state {
        CashState::Due => "DUE",
        CashState::Collected => "COLLECTED",
        CashState::Declared => "DECLARED",
        CashState::Settled => "SETTLED",
        CashState::Short => "SHORT",
    }
}

/// The one way cash changes its state: by the table.
pub(super) fn step(cash: &mut CashDue, to: CashState) -> Result<(), PaymentError> {
    if !allowed(CASH_TRANSITIONS, cash.state, to) {
        return Err(PaymentError::InvalidTransition { state: name(cash.state) });
    }
    cash.state = to;
    Ok(())
}

/// Takes an order's cash at the door.
///
/// # Errors
/// Not due any more, or not the amount that is due.
pub fn collect_cash(
    payment: &PaymentIntent,
    order_id: OrderId,
    courier_id: CourierId,
    amount: Money,
    actor: &str,
    now: Timestamp,
) -> Result<Option<Change>, PaymentError> {
    let mut draft = Draft::of(payment);
    let split = draft.split(order_id)?;
    let due_minor = split.amount_minor;
    let Some(cash) = &mut split.cash else {
        return Err(PaymentError::InvalidTransition { state: "RELEASED" });
    };
    if cash.state == CashState::Collected {
        let by_the_same = cash.courier_id == Some(courier_id);
        return if by_the_same {
            Ok(None)
        } else {
            Err(PaymentError::InvalidTransition { state: name(cash.state) })
        };
    }
    step(cash, CashState::Collected)?;
    if amount != Money::new(due_minor, payment.currency) {
        return Err(PaymentError::WrongCashAmount { due_minor });
    }
    cash.courier_id = Some(courier_id);
    split.captured_minor = due_minor;
    split.state = SplitState::Captured;
    let payment = draft.settle(now, actor, "collect cash", Some(order_id))?;
    Ok(Some(Change { payment, event: Some(event::CAPTURED), booked: None }))
}

/// Hands a courier's cash in: the oldest first, until the amount is used up; what the courier did not declare is
/// declared with it. Returns the changed payments.
///
/// # Errors
/// More than these payments still owe.
pub fn settle_cash(
    payments: &[PaymentIntent],
    courier_id: CourierId,
    amount: Money,
    actor: &str,
    now: Timestamp,
) -> Result<Vec<PaymentIntent>, PaymentError> {
    let mut left = amount.amount_minor;
    let mut changed = Vec::new();
    for payment in payments {
        if left == 0 {
            break;
        }
        let mut draft = Draft::of(payment);
        let (mut declared, mut handed_in) = (false, false);
        for split in &mut draft.payment.splits {
            let Some(cash) = &mut split.cash else { continue };
            let open = matches!(cash.state, CashState::Collected | CashState::Declared | CashState::Short);
            if cash.courier_id != Some(courier_id) || !open || left == 0 {
                continue;
            }
            if cash.state == CashState::Collected {
                step(cash, CashState::Declared)?;
                declared = true;
            }
            let owed = split.amount_minor.saturating_sub(cash.settled_minor);
            let paid = owed.min(left);
            left = left.saturating_sub(paid);
            cash.settled_minor = cash.settled_minor.saturating_add(paid);
            step(cash, if paid == owed { CashState::Settled } else { CashState::Short })?;
            handed_in = true;
        }
        if declared {
            draft.note(now, actor, DECLARED, payment.status, None);
        }
        if handed_in {
            changed.push(draft.settle(now, actor, "cash handed in", None)?);
        }
    }
    if left > 0 { Err(PaymentError::InvalidAmount) } else { Ok(changed) }
}

/// The courier says the collected cash is being handed in; `None` when there is none in this payment.
///
/// # Errors
/// None in practice: declaring changes no status.
pub fn declare_cash(
    payment: &PaymentIntent,
    courier_id: CourierId,
    actor: &str,
    now: Timestamp,
) -> Result<Option<PaymentIntent>, PaymentError> {
    let mut draft = Draft::of(payment);
    let mut any = false;
    for split in &mut draft.payment.splits {
        if let Some(cash) = &mut split.cash
            && cash.courier_id == Some(courier_id)
            && cash.state == CashState::Collected
        {
            step(cash, CashState::Declared)?;
            any = true;
        }
    }
    if any { Ok(Some(draft.settle(now, actor, DECLARED, None)?)) } else { Ok(None) }
}
