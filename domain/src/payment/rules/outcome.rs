//! What news of a request changes, in whatever order it arrives.

use daraa_platform::ports::pay::{DeclineCode, PayOperationKind};
use daraa_platform::time::Timestamp;

use super::{Change, Draft, operation, verb};
use crate::ids::OrderId;
use crate::payment::error::PaymentError;
use crate::payment::event;
use crate::payment::model::{Authorisation, Operation, OperationState, PaymentIntent, SplitState};

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

fn outcome_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Done { .. } => "done",
        Verdict::RequiresAction { .. } => "waits for the customer",
        Verdict::Declined(_) => "declined",
        Verdict::Refused(_) => "refused",
    }
}
