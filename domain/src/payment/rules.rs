//! Pure decisions about payments: the tables of steps, the derived status, how a payment begins. What a provider's
//! answer changes is in `outcome`, how to reach an aim in `plan`, what couriers carry in `cash`.

mod cash;
mod outcome;
mod plan;

use std::time::Duration;

use daraa_platform::money::Money;
use daraa_platform::ports::pay::PayOperationKind;
use daraa_platform::time::Timestamp;

pub use self::cash::{collect_cash, declare_cash, settle_cash};
pub use self::outcome::{Verdict, record};
pub use self::plan::{Plan, plan_capture, plan_refund, plan_release};
use super::error::PaymentError;
use super::model::{
    Authorisation, CashDue, CashState, NewPayment, Operation, OperationState, PaymentIntent, PaymentMethod,
    PaymentSplit, PaymentStatus, PaymentStep, SplitState,
};
use crate::ids::OrderId;

/// A purchase has no more orders than this; the cart's limit is lower.
pub const MAX_SPLITS: usize = 50;
/// A payment has no more requests than this: two an order and its refunds.
pub const MAX_OPERATIONS: usize = 500;
/// A request that was sent but not answered is asked about after this at the earliest.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// … then ever more seldom, down to this often: a customer may leave a bank's page open for days.
const LONGEST_RETRY: Duration = Duration::from_secs(3_600);
/// A bank's page that nobody needs any more is looked at this often: what its customer confirms after all comes by
/// webhook, the look is for a webhook that was lost.
const ABANDONED_RETRY: Duration = Duration::from_secs(24 * 3_600);
/// No provider hands out longer card tokens.
pub const MAX_CARD_TOKEN_BYTES: usize = 200;

/// One allowed step. Actors: C customer, S store, K courier, O ops, Y system, P provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition<S> {
    /// From; none for the beginning.
    pub from: Option<S>,
    /// To.
    pub to: S,
    /// The event.
    pub action: &'static str,
    /// Who may.
    pub who: &'static str,
}

const fn step<S>(from: S, to: S, action: &'static str, who: &'static str) -> Transition<S> {
    Transition { from: Some(from), to, action, who }
}

/// Every allowed step of a payment.
pub const TRANSITIONS: &[Transition<PaymentStatus>] = {
    use PaymentStatus::{
        Authorized, Captured, ChargedBack, Created, Expired, Failed, Lost, PartiallyCaptured,
        PartiallyRefunded, Refunded, RequiresAction, Voided, Won,
    };
    &[
        Transition { from: None, to: Created, action: "create by card", who: "C" },
        Transition { from: None, to: Authorized, action: "create in cash or by wallet", who: "C" },
        step(Created, RequiresAction, "bank asks the customer", "P"),
        step(Created, Authorized, "authorised", "P Y"),
        step(Created, Failed, "declined", "P Y"),
        step(Created, Expired, "all orders ended", "Y C O"),
        step(RequiresAction, Authorized, "authorised", "P Y"),
        step(RequiresAction, Failed, "declined", "P Y"),
        step(RequiresAction, Expired, "all orders ended", "Y C O"),
        step(Expired, Voided, "authorised too late, released", "P Y"),
        step(Expired, Failed, "declined", "P Y"),
        step(Authorized, PartiallyCaptured, "order captured", "Y K"),
        step(Authorized, Captured, "order captured", "Y K"),
        step(Authorized, Voided, "order released", "Y"),
        step(PartiallyCaptured, Captured, "order captured or released", "Y K"),
        step(PartiallyCaptured, PartiallyRefunded, "refunded", "Y O"),
        step(Captured, PartiallyRefunded, "refunded", "Y O"),
        step(Captured, Refunded, "refunded", "Y O"),
        step(PartiallyRefunded, Refunded, "refunded or last order released", "Y O"),
        step(Captured, ChargedBack, "bank took the money back", "P"),
        step(PartiallyRefunded, ChargedBack, "bank took the money back", "P"),
        step(ChargedBack, Won, "dispute won", "P O"),
        step(ChargedBack, Lost, "dispute lost", "P O"),
    ]
};

/// Every allowed step of the cash of an order.
pub const CASH_TRANSITIONS: &[Transition<CashState>] = {
    use CashState::{Collected, Declared, Due, Settled, Short};
    &[
        Transition { from: None, to: Due, action: "order placed", who: "C" },
        step(Due, Collected, "paid at the door", "K"),
        step(Due, Settled, "paid at the counter, kept by the store", "S"),
        step(Collected, Declared, "declare", "K O"),
        step(Declared, Settled, "handed in", "O"),
        step(Declared, Short, "handed in with a shortage", "O"),
        step(Short, Settled, "rest handed in", "O"),
    ]
};

/// Whether a step is in a table; the same state again is fine and has no effect.
#[must_use]
pub fn allowed<S: Copy + PartialEq>(table: &[Transition<S>], from: S, to: S) -> bool {
    from == to || table.iter().any(|t| t.from == Some(from) && t.to == to)
}

/// The status that follows from the authorisation and the splits.
#[must_use]
pub fn derive_status(authorisation: Authorisation, splits: &[PaymentSplit]) -> PaymentStatus {
    let any = |state| splits.iter().any(|s| s.state == state);
    let captured: i64 = splits.iter().map(|s| s.captured_minor).sum();
    let refunded: i64 = splits.iter().map(|s| s.refunded_minor).sum();
    let none_open = !any(SplitState::Reserved);
    let all_released = none_open && !any(SplitState::Captured);
    match authorisation {
        Authorisation::Denied => PaymentStatus::Failed,
        Authorisation::Waiting | Authorisation::RequiresAction if all_released => PaymentStatus::Expired,
        Authorisation::Waiting => PaymentStatus::Created,
        Authorisation::RequiresAction => PaymentStatus::RequiresAction,
        Authorisation::Granted if all_released => PaymentStatus::Voided,
        Authorisation::Granted if refunded > 0 && refunded == captured && none_open => {
            PaymentStatus::Refunded
        }
        Authorisation::Granted if refunded > 0 => PaymentStatus::PartiallyRefunded,
        Authorisation::Granted if any(SplitState::Captured) && none_open => PaymentStatus::Captured,
        Authorisation::Granted if any(SplitState::Captured) => PaymentStatus::PartiallyCaptured,
        Authorisation::Granted => PaymentStatus::Authorized,
    }
}

/// The name of a status for people and logs.
#[must_use]
pub fn name(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Created => "CREATED",
        PaymentStatus::RequiresAction => "REQUIRES_ACTION",
        PaymentStatus::Authorized => "AUTHORIZED",
        PaymentStatus::PartiallyCaptured => "PARTIALLY_CAPTURED",
        PaymentStatus::Captured => "CAPTURED",
        PaymentStatus::PartiallyRefunded => "PARTIALLY_REFUNDED",
        PaymentStatus::Refunded => "REFUNDED",
        PaymentStatus::Voided => "VOIDED",
        PaymentStatus::Failed => "FAILED",
        PaymentStatus::Expired => "EXPIRED",
        PaymentStatus::ChargedBack => "CHARGED_BACK",
        PaymentStatus::Won => "WON",
        PaymentStatus::Lost => "LOST",
    }
}

/// A payment as it begins. Cash and wallet need no bank, and nothing costs nothing: those are reserved at once.
///
/// # Errors
/// No or too many shares, an amount below zero, two currencies, a card without token.
pub fn create(new: NewPayment, actor: &str, now: Timestamp) -> Result<PaymentIntent, PaymentError> {
    let currency = new.splits.first().map(|(_, m)| m.currency).ok_or(PaymentError::InvalidAmount)?;
    if new.splits.len() > MAX_SPLITS || new.splits.iter().any(|(_, m)| m.amount_minor < 0) {
        return Err(PaymentError::InvalidAmount);
    }
    let amount = Money::sum(currency, new.splits.iter().map(|(_, m)| *m))?;
    let by_card = new.method == PaymentMethod::Card && !amount.is_zero();
    if by_card && new.card_token.as_ref().is_none_or(|t| t.is_empty() || t.len() > MAX_CARD_TOKEN_BYTES) {
        return Err(PaymentError::CardTokenRequired);
    }
    let splits: Vec<PaymentSplit> = new
        .splits
        .iter()
        .map(|(order_id, share)| PaymentSplit {
            order_id: *order_id,
            amount_minor: share.amount_minor,
            captured_minor: 0,
            voided_minor: 0,
            refunded_minor: 0,
            state: SplitState::Reserved,
            cash: (new.method == PaymentMethod::Cash).then_some(CashDue {
                state: CashState::Due,
                courier_id: None,
                settled_minor: 0,
            }),
        })
        .collect();
    let authorisation = if by_card { Authorisation::Waiting } else { Authorisation::Granted };
    let status = derive_status(authorisation, &splits);
    let operations = if by_card {
        vec![operation(format!("auth:{}", new.id), PayOperationKind::Authorise, amount.amount_minor)]
    } else {
        Vec::new()
    };
    Ok(PaymentIntent {
        id: new.id,
        group_id: new.group_id,
        account_id: new.account_id,
        method: new.method,
        currency,
        amount_minor: amount.amount_minor,
        splits,
        authorisation,
        status,
        provider_id: None,
        card_token: new.card_token,
        action_url: None,
        decline: None,
        unresolved: by_card,
        operations,
        next_try_at: now.plus(FIRST_RETRY),
        history: vec![PaymentStep {
            at: now,
            actor: actor.to_owned(),
            action: "create".to_owned(),
            from: None,
            to: status,
            order_id: None,
        }],
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

fn operation(reference: String, kind: PayOperationKind, amount_minor: i64) -> Operation {
    Operation {
        reference,
        kind,
        order_id: None,
        refund_id: None,
        amount_minor,
        state: OperationState::Pending,
        attempts: 0,
        failure: None,
    }
}

/// How long to wait before a request that was sent `attempts` times is asked about again.
#[must_use]
pub fn retry_after(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 10)).unwrap_or(0);
    (FIRST_RETRY * 2_u32.pow(doublings)).min(LONGEST_RETRY)
}

/// How long to wait before a payment's request that was sent `attempts` times is asked about again.
#[must_use]
pub fn look_again_after(payment: &PaymentIntent, attempts: i64) -> Duration {
    let abandoned =
        payment.status == PaymentStatus::Expired && payment.authorisation == Authorisation::RequiresAction;
    if abandoned { ABANDONED_RETRY } else { retry_after(attempts) }
}

/// What changed: the payment as it is to be stored, and what follows from it.
#[derive(Debug, Clone)]
pub struct Change {
    /// The payment afterwards.
    pub payment: PaymentIntent,
    /// What is announced.
    pub event: Option<&'static str>,
    /// The request whose effect is to be booked.
    pub booked: Option<Operation>,
}

/// A change under way: `note` writes down a part of it, `settle` derives the status and checks the step.
struct Draft {
    payment: PaymentIntent,
    from: PaymentStatus,
}

impl Draft {
    fn of(payment: &PaymentIntent) -> Self {
        Self { from: payment.status, payment: payment.clone() }
    }

    fn split(&mut self, order_id: OrderId) -> Result<&mut PaymentSplit, PaymentError> {
        self.payment.splits.iter_mut().find(|s| s.order_id == order_id).ok_or(PaymentError::PaymentNotFound)
    }

    fn note(
        &mut self,
        now: Timestamp,
        actor: &str,
        action: &str,
        to: PaymentStatus,
        order_id: Option<OrderId>,
    ) {
        self.payment.history.push(PaymentStep {
            at: now,
            actor: actor.to_owned(),
            action: action.to_owned(),
            from: Some(self.from),
            to,
            order_id,
        });
    }

    fn settle(
        mut self,
        now: Timestamp,
        actor: &str,
        action: &str,
        order_id: Option<OrderId>,
    ) -> Result<PaymentIntent, PaymentError> {
        let p = &mut self.payment;
        let to = derive_status(p.authorisation, &p.splits);
        if !allowed(TRANSITIONS, self.from, to) {
            return Err(PaymentError::InvalidTransition { state: name(self.from) });
        }
        for s in &p.splits {
            let bounds = s.captured_minor.saturating_add(s.voided_minor) <= s.amount_minor
                && s.refunded_minor <= s.captured_minor;
            if !bounds {
                return Err(PaymentError::InvalidTransition { state: name(self.from) });
            }
        }
        p.status = to;
        p.unresolved = p.operations.iter().any(|o| o.state == OperationState::Pending);
        p.version = p.version.saturating_add(1);
        p.updated_at = now;
        self.note(now, actor, action, to, order_id);
        Ok(self.payment)
    }
}

fn verb(kind: PayOperationKind) -> &'static str {
    match kind {
        PayOperationKind::Authorise => "authorise",
        PayOperationKind::Capture => "capture",
        PayOperationKind::Void => "void",
        PayOperationKind::Refund => "refund",
    }
}
