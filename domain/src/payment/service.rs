//! Use cases of payments. The provider is reached only between transactions: a request is written down first, then
//! sent, then its outcome is recorded; whoever dies in between leaves a request that [`resolve_unknown`] finishes.

use daraa_platform::fault::Infra;
use daraa_platform::money::Money;
use daraa_platform::mongo::Tx;
use daraa_platform::ports::pay::{
    AuthoriseRequest, ChangeRequest, PayLookup, PayOperationKind, PayOutcome, ProviderPayment,
};
use daraa_platform::transact;
use mongodb::bson::doc;
use tracing::{error, info};

use super::error::PaymentError;
use super::event;
use super::model::{
    Authorisation, NewPayment, Operation, OperationState, PaymentIntent, PaymentMethod, SplitState,
};
use super::rules::{self, Change, Plan, Verdict};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::ids::{AccountId, CourierId, OrderGroupId, OrderId, PaymentId, RefundId};
use crate::ledger::{self, LedgerAccount, LedgerError, NewTransaction, TransactionKind, wallet};
use crate::outbox::{self, NewEvent, Topic};

/// A change that meets another one starts again, this often.
const MAX_TRIES: u32 = 10;
/// Payments looked after in one run of the job.
const RESOLVE_BATCH: i64 = 50;
/// The provider's name in histories.
const PROVIDER: &str = "provider:card";

/// Creates a purchase's payment in the purchase's own transaction. A wallet is held for each order; cash and
/// wallet are authorised at once and say so with `payment.authorized`; a card is asked for by [`authorise`].
///
/// # Errors
/// [`PaymentError::InsufficientFunds`], [`PaymentError::CardTokenRequired`],
/// [`PaymentError::CardsNotAccepted`], shares that make no sense.
pub async fn create_in_tx(app: &App, tx: &mut Tx, new: NewPayment) -> Result<PaymentIntent, PaymentError> {
    if new.method == PaymentMethod::Card && !app.ports.pay.takes_cards() {
        return Err(PaymentError::CardsNotAccepted);
    }
    let payment = rules::create(new, "system:place", app.clock.now())?;
    if payment.method == PaymentMethod::Wallet {
        for split in payment.splits.iter().filter(|s| s.amount_minor > 0) {
            let share = payment.money(split.amount_minor);
            wallet::hold_in_tx(app, tx, payment.account_id, split.order_id, share).await?;
        }
    }
    store::insert_in_tx(app, tx, &payment).await?;
    if payment.authorisation == Authorisation::Granted {
        announce_in_tx(app, tx, &payment, event::AUTHORIZED, None).await?;
    }
    Ok(payment)
}

async fn announce_in_tx(
    app: &App,
    tx: &mut Tx,
    payment: &PaymentIntent,
    kind: &'static str,
    order_id: Option<OrderId>,
) -> Result<(), PaymentError> {
    let order_ids: Vec<String> = match order_id {
        Some(order_id) => vec![order_id.to_string()],
        None => payment.splits.iter().map(|s| s.order_id.to_string()).collect(),
    };
    let event = NewEvent {
        kind,
        subject: payment.id.to_string(),
        topics: vec![Topic::Account(payment.account_id)],
        data: doc! {
            "group_id": payment.group_id.to_string(),
            "account_id": payment.account_id.to_string(),
            "status": rules::name(payment.status),
            "order_ids": order_ids,
        },
    };
    outbox::emit_in_tx(app, tx, event).await?;
    Ok(())
}

async fn load(app: &App, id: PaymentId) -> Result<PaymentIntent, PaymentError> {
    store::find(app, id).await?.ok_or(PaymentError::PaymentNotFound)
}

async fn load_by_order(app: &App, order_id: OrderId) -> Result<PaymentIntent, PaymentError> {
    store::find_by_order(app, order_id).await?.ok_or(PaymentError::PaymentNotFound)
}

/// A payment for its customer, or for ops.
///
/// # Errors
/// [`PaymentError::PaymentNotFound`] when it does not exist or is somebody else's.
pub async fn get(app: &App, actor: &Actor, id: PaymentId) -> Result<PaymentIntent, PaymentError> {
    let person = actor.person()?;
    let found = if actor.is_ops() {
        store::find(app, id).await?
    } else {
        store::find_of(app, person.account_id, id).await?
    };
    found.ok_or(PaymentError::PaymentNotFound)
}

/// The payment of a purchase.
///
/// # Errors
/// Database failure.
pub async fn of_group(app: &App, group_id: OrderGroupId) -> Result<Option<PaymentIntent>, PaymentError> {
    Ok(of_groups(app, &[group_id]).await?.into_iter().next())
}

/// The payments of many purchases, in no promised order. The caller has checked that its viewer may see them.
///
/// # Errors
/// Database failure.
pub async fn of_groups(app: &App, group_ids: &[OrderGroupId]) -> Result<Vec<PaymentIntent>, PaymentError> {
    if group_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(store::of_groups(app, group_ids).await?)
}

/// The payment an order belongs to.
///
/// # Errors
/// [`PaymentError::PaymentNotFound`].
pub async fn of_order(app: &App, order_id: OrderId) -> Result<PaymentIntent, PaymentError> {
    load_by_order(app, order_id).await
}

/// Asks the provider to reserve the money, when that is still to be done, and records the answer. A lost answer
/// leaves the payment as it is; it is resolved later.
///
/// # Errors
/// No such payment; database failure.
pub async fn authorise(app: &App, id: PaymentId) -> Result<PaymentIntent, PaymentError> {
    let payment = load(app, id).await?;
    let reference = format!("auth:{id}");
    match payment.operation(&reference) {
        Some(op) if op.state == OperationState::Pending => {
            let op = op.clone();
            pursue(app, payment, &op).await
        }
        _ => Ok(payment),
    }
}

/// The customer is back from the bank's page: looks the payment up. It does the same as the provider's webhook,
/// and whichever comes first has the effect.
///
/// # Errors
/// [`PaymentError::PaymentNotFound`] when it is somebody else's.
pub async fn confirm(app: &App, actor: &Actor, id: PaymentId) -> Result<PaymentIntent, PaymentError> {
    let account_id: AccountId = actor.person()?.account_id;
    store::find_of(app, account_id, id).await?.ok_or(PaymentError::PaymentNotFound)?;
    authorise(app, id).await
}

/// Takes an order's share, once.
///
/// # Errors
/// [`PaymentError::OutcomeUnknown`] while the provider's answer is not known (call again later), a released
/// share, a refusal.
pub async fn capture_split(app: &App, order_id: OrderId) -> Result<PaymentIntent, PaymentError> {
    reach(app, order_id, Aim::Capture).await
}

/// Gives an order's share back: releases it when it was not taken, refunds what was. Idempotent.
///
/// # Errors
/// [`PaymentError::OutcomeUnknown`] while the provider's answer is not known (call again later), a refusal.
pub async fn release_split(app: &App, order_id: OrderId) -> Result<PaymentIntent, PaymentError> {
    reach(app, order_id, Aim::Release).await
}

/// Gives a part of what was taken for an order back to the customer: to the card it came from, else into the
/// wallet. Idempotent by the refund.
///
/// # Errors
/// [`PaymentError::RefundExceedsCaptured`], [`PaymentError::OutcomeUnknown`] (call again later),
/// [`PaymentError::ProviderRefused`].
pub async fn refund(
    app: &App,
    order_id: OrderId,
    amount: Money,
    refund_id: RefundId,
) -> Result<PaymentIntent, PaymentError> {
    reach(app, order_id, Aim::Refund { amount, refund_id }).await
}

#[derive(Debug, Clone, Copy)]
enum Aim {
    Capture,
    Release,
    Refund { amount: Money, refund_id: RefundId },
}

impl Aim {
    fn plan(self, app: &App, payment: &PaymentIntent, order_id: OrderId) -> Result<Plan, PaymentError> {
        let now = app.clock.now();
        match self {
            Self::Capture => rules::plan_capture(payment, order_id, "system:capture", now),
            Self::Release => rules::plan_release(payment, order_id, "system:release", now),
            Self::Refund { amount, refund_id } => {
                rules::plan_refund(payment, order_id, amount, refund_id, "system:refund", now)
            }
        }
    }
}

async fn reach(app: &App, order_id: OrderId, aim: Aim) -> Result<PaymentIntent, PaymentError> {
    for _ in 0..MAX_TRIES {
        let payment = load_by_order(app, order_id).await?;
        match aim.plan(app, &payment, order_id)? {
            Plan::Nothing => return Ok(payment),
            Plan::Store(change) => match store_change(app, &payment, *change, order_id, aim).await {
                Err(PaymentError::PaymentBusy) => {}
                other => return other,
            },
            Plan::Send { store: written, reference } => {
                let payment = match written {
                    None => payment,
                    Some(written) if store::replace(app, &written).await? => *written,
                    // Somebody changed the payment meanwhile: look again.
                    Some(_) => continue,
                };
                let op = payment.operation(&reference).cloned().ok_or(PaymentError::PaymentNotFound)?;
                let payment = pursue(app, payment, &op).await?;
                return match payment.operation(&reference).map(|o| o.state) {
                    Some(OperationState::Done) => Ok(payment),
                    Some(OperationState::Failed) => Err(PaymentError::ProviderRefused),
                    _ => Err(PaymentError::OutcomeUnknown),
                };
            }
        }
    }
    Err(PaymentError::PaymentBusy)
}

/// Stores a change that needs no provider, with its side of the wallet and the books.
async fn store_change(
    app: &App,
    before: &PaymentIntent,
    change: Change,
    order_id: OrderId,
    aim: Aim,
) -> Result<PaymentIntent, PaymentError> {
    transact!(&app.mongo, "payment.store_change", PaymentError, |tx| {
        if !store::replace_in_tx(app, tx, &change.payment).await? {
            return Err(PaymentError::PaymentBusy);
        }
        match aim {
            Aim::Capture if before.method == PaymentMethod::Wallet => {
                wallet::capture_in_tx(app, tx, order_id, "system:capture").await?;
            }
            Aim::Release
                if before.method == PaymentMethod::Wallet
                    && before.split(order_id).is_some_and(|s| s.state == SplitState::Reserved) =>
            {
                wallet::release_in_tx(app, tx, order_id).await?;
            }
            _ => {}
        }
        if let Some(op) = &change.booked {
            book_in_tx(app, tx, &change.payment, op).await?;
        }
        if let Some(kind) = change.event {
            announce_in_tx(app, tx, &change.payment, kind, Some(order_id)).await?;
        }
        Ok(change.payment.clone())
    })
}

/// Takes an order's cash at the door, in the transaction that ends its delivery. For other ways of paying there is
/// nothing to take, and nothing happens.
///
/// # Errors
/// [`PaymentError::WrongCashAmount`] unless exactly the due amount was paid; not due any more.
pub async fn collect_cash_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    courier_id: CourierId,
    amount: Money,
) -> Result<(), PaymentError> {
    let payment =
        store::find_by_order_in_tx(app, tx, order_id).await?.ok_or(PaymentError::PaymentNotFound)?;
    if payment.method != PaymentMethod::Cash {
        return Ok(());
    }
    let label = courier_id.to_string();
    let now = app.clock.now();
    let Some(change) = rules::collect_cash(&payment, order_id, courier_id, amount, &label, now)? else {
        return Ok(());
    };
    if !store::replace_in_tx(app, tx, &change.payment).await? {
        return Err(PaymentError::PaymentBusy);
    }
    if !amount.is_zero() {
        let new = NewTransaction {
            reference: format!("capture:{order_id}"),
            kind: TransactionKind::Capture,
            order_id: Some(order_id),
            actor: label,
            entries: vec![
                (LedgerAccount::CourierFloat(courier_id), amount.negate()?),
                (LedgerAccount::OrderFunds, amount),
            ],
        };
        ledger::post_in_tx(app, tx, new).await?;
    }
    if let Some(kind) = change.event {
        announce_in_tx(app, tx, &change.payment, kind, Some(order_id)).await?;
    }
    Ok(())
}

/// Sends a pending request (or asks what became of it, when it was sent before) and records the answer.
async fn pursue(app: &App, payment: PaymentIntent, op: &Operation) -> Result<PaymentIntent, PaymentError> {
    let asked_before = op.attempts > 0 || payment.authorisation == Authorisation::RequiresAction;
    let outcome = if asked_before {
        match app.ports.pay.lookup(&op.reference).await {
            PayLookup::Found(outcome) => outcome,
            // It may still be on its way; the reference makes sending it again safe.
            PayLookup::NotSeen => send(app, &payment, op).await?,
            PayLookup::Unknown { cause } => PayOutcome::Unknown { cause },
        }
    } else {
        send(app, &payment, op).await?
    };
    let now = app.clock.now();
    match verdict(outcome) {
        Ok(verdict) => {
            let waits = matches!(verdict, Verdict::RequiresAction { .. });
            let payment = record(app, payment.id, &op.reference, &verdict, PROVIDER).await?;
            if waits {
                let next_try_at = now.plus(rules::look_again_after(&payment, op.attempts));
                store::note_attempt(app, payment.id, &op.reference, next_try_at).await?;
            }
            // Orders that ended before the bank answered: their shares are released at once.
            release_late(app, payment, op).await
        }
        Err(cause) => {
            info!(reference = op.reference, cause, attempts = op.attempts, "provider's answer is not known");
            let next_try_at = now.plus(rules::look_again_after(&payment, op.attempts));
            store::note_attempt(app, payment.id, &op.reference, next_try_at).await?;
            load(app, payment.id).await
        }
    }
}

async fn release_late(
    app: &App,
    payment: PaymentIntent,
    op: &Operation,
) -> Result<PaymentIntent, PaymentError> {
    if op.kind != PayOperationKind::Authorise || !payment.unresolved {
        return Ok(payment);
    }
    let late: Vec<Operation> = payment
        .operations
        .iter()
        .filter(|o| o.kind == PayOperationKind::Void && o.state == OperationState::Pending)
        .cloned()
        .collect();
    let mut payment = payment;
    for void in &late {
        payment = Box::pin(pursue(app, payment, void)).await?;
    }
    Ok(payment)
}

async fn send(app: &App, payment: &PaymentIntent, op: &Operation) -> Result<PayOutcome, PaymentError> {
    let amount = payment.money(op.amount_minor);
    if op.kind == PayOperationKind::Authorise {
        let request = AuthoriseRequest {
            reference: op.reference.clone(),
            token: payment.card_token.clone().unwrap_or_default(),
            amount,
            description: payment.group_id.to_string(),
        };
        return Ok(app.ports.pay.authorise(&request).await);
    }
    let provider_id = payment
        .provider_id
        .clone()
        .ok_or_else(|| Infra::defect(format!("{} has requests but no provider id", payment.id)))?;
    let request = ChangeRequest { reference: op.reference.clone(), provider_id, amount };
    Ok(match op.kind {
        PayOperationKind::Capture => app.ports.pay.capture(&request).await,
        PayOperationKind::Void => app.ports.pay.void(&request).await,
        PayOperationKind::Refund | PayOperationKind::Authorise => app.ports.pay.refund(&request).await,
    })
}

fn verdict(outcome: PayOutcome) -> Result<Verdict, String> {
    Ok(match outcome {
        PayOutcome::Done(ProviderPayment { id, .. }) => Verdict::Done { provider_id: id },
        PayOutcome::RequiresAction(ProviderPayment { id, action_url, .. }) => {
            Verdict::RequiresAction { provider_id: id, url: action_url }
        }
        PayOutcome::Declined { code } => Verdict::Declined(code),
        PayOutcome::Refused { code } => Verdict::Refused(code),
        PayOutcome::NotSent { .. } => return Err("not sent".to_owned()),
        PayOutcome::Unknown { cause } => return Err(cause),
    })
}

/// Records the outcome of a request with its entry in the books, once, whoever brings the news.
pub(super) async fn record(
    app: &App,
    id: PaymentId,
    reference: &str,
    verdict: &Verdict,
    actor: &str,
) -> Result<PaymentIntent, PaymentError> {
    for _ in 0..MAX_TRIES {
        let outcome = transact!(&app.mongo, "payment.record", PaymentError, |tx| {
            let payment = store::find_in_tx(app, tx, id).await?.ok_or(PaymentError::PaymentNotFound)?;
            let Some(change) = rules::record(&payment, reference, verdict, actor, app.clock.now())? else {
                return Ok(payment);
            };
            if !store::replace_in_tx(app, tx, &change.payment).await? {
                return Err(PaymentError::PaymentBusy);
            }
            let order_id = change.payment.operation(reference).and_then(|o| o.order_id);
            if let Some(op) = &change.booked {
                book_in_tx(app, tx, &change.payment, op).await?;
            }
            if let Some(kind) = change.event {
                announce_in_tx(app, tx, &change.payment, kind, order_id).await?;
            }
            Ok(change.payment)
        });
        match outcome {
            Err(PaymentError::PaymentBusy) => {}
            Ok(payment) => {
                report_failure(&payment, reference);
                return Ok(payment);
            }
            Err(e) => return Err(e),
        }
    }
    Err(PaymentError::PaymentBusy)
}

/// A refused capture, release or refund is nothing a customer can repair: somebody has to look.
fn report_failure(payment: &PaymentIntent, reference: &str) {
    if let Some(op) = payment.operation(reference)
        && op.state == OperationState::Failed
        && op.kind != PayOperationKind::Authorise
    {
        let (payment_id, failure) = (payment.id.to_string(), op.failure.clone().unwrap_or_default());
        error!(payment_id, reference, failure, "the provider refused a request of ours");
    }
}

/// The books' side of a finished request.
async fn book_in_tx(
    app: &App,
    tx: &mut Tx,
    payment: &PaymentIntent,
    op: &Operation,
) -> Result<(), PaymentError> {
    let Some(order_id) = op.order_id else { return Ok(()) };
    let amount = payment.money(op.amount_minor);
    let (kind, reference, to_provider) = match op.kind {
        PayOperationKind::Capture => {
            (TransactionKind::Capture, format!("capture:{order_id}"), amount.negate()?)
        }
        PayOperationKind::Refund => (TransactionKind::Refund, op.reference.clone(), amount),
        // What is only reserved or released moves no money.
        PayOperationKind::Authorise | PayOperationKind::Void => return Ok(()),
    };
    if payment.method != PaymentMethod::Card {
        return Ok(wallet::refund_in_tx(app, tx, payment.account_id, order_id, &reference, amount).await?);
    }
    let new = NewTransaction {
        reference,
        kind,
        order_id: Some(order_id),
        actor: PROVIDER.to_owned(),
        entries: vec![
            (LedgerAccount::ProviderClearing, to_provider),
            (LedgerAccount::OrderFunds, to_provider.negate()?),
        ],
    };
    match ledger::post_in_tx(app, tx, new).await {
        Ok(_) => Ok(()),
        Err(LedgerError::AlreadyPosted) => {
            Err(Infra::defect(format!("{} was booked before", op.reference)).into())
        }
        Err(e) => Err(e.into()),
    }
}

/// Finishes requests whose answer is not known: looks them up at the provider, sends them again where it has not
/// seen them. One bounded batch; says how many payments were looked after.
///
/// # Errors
/// Database failure. A provider that is away is no error; its payments stay for the next run.
pub async fn resolve_unknown(app: &App) -> Result<u64, PaymentError> {
    let due = store::unresolved(app, app.clock.now(), RESOLVE_BATCH).await?;
    let mut done = 0;
    for payment in due {
        let pending: Vec<Operation> =
            payment.operations.iter().filter(|o| o.state == OperationState::Pending).cloned().collect();
        let id = payment.id;
        let mut payment = payment;
        for op in pending {
            match pursue(app, payment.clone(), &op).await {
                Ok(after) => payment = after,
                Err(PaymentError::Infra(cause)) => return Err(PaymentError::Infra(cause)),
                Err(e) => {
                    error!(payment_id = %id, error = %e, "a payment's request cannot be finished");
                    break;
                }
            }
        }
        done += 1;
    }
    Ok(done)
}
