//! Pure decisions about payments: the derived status, the allowed steps, what a provider's answer changes.

use std::time::Duration;

use daraa_platform::money::{Money, MoneyError};
use daraa_platform::ports::pay::{DeclineCode, PayOperationKind};
use daraa_platform::time::Timestamp;

use super::error::PaymentError;
use super::event;
use super::model::{
    Authorisation, CashDue, CashState, NewPayment, Operation, OperationState, PaymentIntent, PaymentMethod,
    PaymentSplit, PaymentStatus, PaymentStep, SplitState,
};
use crate::ids::{CourierId, OrderId, RefundId};

/// A purchase has no more orders than this; the cart's limit is lower.
pub const MAX_SPLITS: usize = 50;
/// A payment has no more requests than this: two an order and its refunds.
pub const MAX_OPERATIONS: usize = 500;
/// A request that was sent but not answered is asked about after this at the earliest.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// … then ever more seldom, down to this often: a customer may leave a bank's page open for days.
const LONGEST_RETRY: Duration = Duration::from_secs(3_600);

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
    if by_card && new.card_token.as_ref().is_none_or(|t| t.is_empty() || t.len() > 128) {
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

/// The outcome of a request as far as the payment cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done.
    Done {
        /// The provider's id of the payment.
        provider_id: String,
    },
    /// Waits for the customer.
    RequiresAction {
        /// The provider's id of the payment.
        provider_id: String,
        /// Where the customer confirms.
        url: Option<String>,
    },
    /// The bank said no.
    Declined(DeclineCode),
    /// The provider will never do it.
    Refused(String),
}

/// A change under way: `settle` derives the status and checks the step.
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
        p.history.push(PaymentStep {
            at: now,
            actor: actor.to_owned(),
            action: action.to_owned(),
            from: Some(self.from),
            to,
            order_id,
        });
        Ok(self.payment)
    }
}

/// What the outcome of a request changes; `None` when it changes nothing (known already, unknown reference, or
/// older than what is known). The order in which news arrives does not matter.
///
/// # Errors
/// A step the table does not allow.
pub fn record(
    payment: &PaymentIntent,
    reference: &str,
    verdict: &Verdict,
    actor: &str,
    now: Timestamp,
) -> Result<Option<Change>, PaymentError> {
    let mut draft = Draft::of(payment);
    let Some(op) = draft.payment.operations.iter_mut().find(|o| o.reference == reference) else {
        return Ok(None);
    };
    if op.state != OperationState::Pending {
        return Ok(None);
    }
    let (state, failure) = match verdict {
        Verdict::Done { .. } => (OperationState::Done, None),
        Verdict::RequiresAction { .. } => (OperationState::Pending, None),
        Verdict::Declined(code) => (OperationState::Failed, Some(format!("{code:?}"))),
        Verdict::Refused(code) => (OperationState::Failed, Some(code.clone())),
    };
    op.state = state;
    op.failure = failure;
    let op = op.clone();
    let done = state == OperationState::Done;
    let event = match op.kind {
        PayOperationKind::Authorise => match record_authorisation(&mut draft, verdict, now) {
            Some(event) => event,
            None => return Ok(None),
        },
        PayOperationKind::Capture if done => {
            let split = draft.split(op.order_id.ok_or(PaymentError::PaymentNotFound)?)?;
            split.captured_minor = split.captured_minor.saturating_add(op.amount_minor);
            split.state = SplitState::Captured;
            Some(event::CAPTURED)
        }
        PayOperationKind::Void if done => {
            let split = draft.split(op.order_id.ok_or(PaymentError::PaymentNotFound)?)?;
            split.voided_minor = split.voided_minor.saturating_add(op.amount_minor);
            split.state = SplitState::Released;
            None
        }
        PayOperationKind::Refund if done => {
            let split = draft.split(op.order_id.ok_or(PaymentError::PaymentNotFound)?)?;
            split.refunded_minor = split.refunded_minor.saturating_add(op.amount_minor);
            Some(event::REFUNDED)
        }
        PayOperationKind::Capture | PayOperationKind::Void | PayOperationKind::Refund => None,
    };
    let action = format!("{} {}", verb(op.kind), outcome_word(verdict));
    let payment = draft.settle(now, actor, &action, op.order_id)?;
    Ok(Some(Change { payment, event, booked: done.then_some(op) }))
}

fn record_authorisation(
    draft: &mut Draft,
    verdict: &Verdict,
    now: Timestamp,
) -> Option<Option<&'static str>> {
    let p = &mut draft.payment;
    match verdict {
        Verdict::Done { provider_id } => {
            p.authorisation = Authorisation::Granted;
            p.provider_id = Some(provider_id.clone());
            p.action_url = None;
            // Orders that ended while the bank was thinking: what came too late is released at once.
            let late: Vec<(OrderId, i64)> = p
                .splits
                .iter()
                .filter(|s| s.state == SplitState::Released && s.amount_minor > 0)
                .map(|s| (s.order_id, s.amount_minor))
                .collect();
            let all_late = p.splits.iter().all(|s| s.state == SplitState::Released);
            for (order_id, amount_minor) in late {
                p.operations.push(Operation {
                    order_id: Some(order_id),
                    ..operation(format!("void:{order_id}"), PayOperationKind::Void, amount_minor)
                });
                p.next_try_at = now;
            }
            Some((!all_late).then_some(event::AUTHORIZED))
        }
        Verdict::RequiresAction { provider_id, url } => {
            if p.authorisation == Authorisation::RequiresAction {
                return None;
            }
            p.authorisation = Authorisation::RequiresAction;
            p.provider_id = Some(provider_id.clone());
            p.action_url.clone_from(url);
            Some(Some(event::REQUIRES_ACTION))
        }
        Verdict::Declined(code) => {
            p.authorisation = Authorisation::Denied;
            p.decline = Some(*code);
            p.action_url = None;
            Some(Some(event::FAILED))
        }
        Verdict::Refused(_) => {
            p.authorisation = Authorisation::Denied;
            p.decline = Some(DeclineCode::Other);
            p.action_url = None;
            Some(Some(event::FAILED))
        }
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

fn outcome_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Done { .. } => "done",
        Verdict::RequiresAction { .. } => "waits for the customer",
        Verdict::Declined(_) => "declined",
        Verdict::Refused(_) => "refused",
    }
}

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
    if let Some(cash) = &mut split.cash
        && cash.state == CashState::Due
    {
        cash.state = CashState::Settled;
        cash.settled_minor = split.amount_minor;
    }
    let payment = draft.settle(now, actor, "capture", Some(order_id))?;
    Ok(Plan::Store(Box::new(Change { payment, event: Some(event::CAPTURED), booked: None })))
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
    if cash.state == CashState::Collected && cash.courier_id == Some(courier_id) {
        return Ok(None);
    }
    if !allowed(CASH_TRANSITIONS, cash.state, CashState::Collected) || cash.state != CashState::Due {
        return Err(PaymentError::InvalidTransition { state: "COLLECTED" });
    }
    if amount != Money::new(due_minor, payment.currency) {
        return Err(PaymentError::WrongCashAmount { due_minor });
    }
    cash.state = CashState::Collected;
    cash.courier_id = Some(courier_id);
    split.captured_minor = due_minor;
    split.state = SplitState::Captured;
    let payment = draft.settle(now, actor, "collect cash", Some(order_id))?;
    Ok(Some(Change { payment, event: Some(event::CAPTURED), booked: None }))
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
/// More than was taken and has not gone back (or is about to).
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
        if amount_minor > left_minor {
            return Err(PaymentError::RefundExceedsCaptured { left_minor });
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

/// Hands a courier's cash in: the oldest first, until the amount is used up. Returns the changed payments.
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
        for split in &mut draft.payment.splits {
            let Some(cash) = &mut split.cash else { continue };
            let open = matches!(cash.state, CashState::Collected | CashState::Declared | CashState::Short);
            if cash.courier_id != Some(courier_id) || !open || left == 0 {
                continue;
            }
            let owed = split.amount_minor.saturating_sub(cash.settled_minor);
            let paid = owed.min(left);
            left = left.saturating_sub(paid);
            cash.settled_minor = cash.settled_minor.saturating_add(paid);
            cash.state = if paid == owed { CashState::Settled } else { CashState::Short };
        }
        changed.push(draft.settle(now, actor, "cash handed in", None)?);
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
            cash.state = CashState::Declared;
            any = true;
        }
    }
    if any { Ok(Some(draft.settle(now, actor, "cash declared", None)?)) } else { Ok(None) }
}
