//! The cash couriers carry for us: declared by them, handed in to finance.

use daraa_platform::fault::Infra;
use daraa_platform::money::{Currency, Money};
use daraa_platform::transact;
use mongodb::bson::doc;
use serde_json::json;

use super::error::PaymentError;
use super::model::CashState;
use super::{rules, store};
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::idempotency::{self, IdempotentRequest, Replay};
use crate::ids::{CourierId, LedgerTransactionId};
use crate::ledger::{self, CashFloat, LedgerAccount, NewTransaction, TransactionKind};

/// Payments touched by one settlement; more are settled by asking again.
const MAX_PAYMENTS: i64 = 100;

/// A courier's cash being handed in.
#[derive(Debug, Clone)]
pub struct SettleCash {
    /// The courier.
    pub courier_id: CourierId,
    /// How much was counted.
    pub amount: Money,
    /// The client's key.
    pub idempotency_key: String,
}

/// The asking courier says that all collected cash is being handed in; says how many orders it is of.
///
/// # Errors
/// Not a courier; database failure.
pub async fn declare_cash(app: &App, actor: &Actor) -> Result<u64, PaymentError> {
    let courier_id = actor.courier()?;
    let label = actor.label();
    transact!(&app.mongo, "payment.declare_cash", PaymentError, |tx| {
        let states = [CashState::Collected];
        let collected = store::cash_of_courier_in_tx(app, tx, courier_id, &states, MAX_PAYMENTS).await?;
        let now = app.clock.now();
        let mut count = 0;
        for payment in &collected {
            if let Some(after) = rules::declare_cash(payment, courier_id, &label, now)? {
                if !store::replace_in_tx(app, tx, &after).await? {
                    return Err(PaymentError::PaymentBusy);
                }
                count += 1;
            }
        }
        Ok(count)
    })
}

/// Finance takes a courier's cash, declared or not: the oldest orders are settled first, a rest that does not cover
/// an order makes it short. Returns what the courier still carries.
///
/// # Errors
/// Without the role, more than the courier carries, a reused key.
pub async fn settle_cash(app: &App, actor: &Actor, command: SettleCash) -> Result<CashFloat, PaymentError> {
    let by = actor.ops(&[OpsRole::Finance])?.account_id;
    let SettleCash { courier_id, amount, idempotency_key } = command;
    let currency: Currency = amount.currency;
    if amount.amount_minor <= 0 {
        return Err(PaymentError::InvalidAmount);
    }
    let content = json!({ "courier": courier_id.to_string(), "amount": amount });
    let request = IdempotentRequest::new(by, "cashSettle", &idempotency_key, &content)
        .ok_or(PaymentError::InvalidIdempotencyKey)?;
    if replayed(app, &request).await? {
        return Ok(ledger::float_of(app, courier_id, currency).await?);
    }
    let label = actor.label();
    let outcome = transact!(&app.mongo, "payment.settle_cash", PaymentError, |tx| {
        let states = [CashState::Collected, CashState::Declared, CashState::Short];
        let open = store::cash_of_courier_in_tx(app, tx, courier_id, &states, MAX_PAYMENTS).await?;
        let open: Vec<_> = open.into_iter().filter(|p| p.currency == currency).collect();
        for after in rules::settle_cash(&open, courier_id, amount, &label, app.clock.now())? {
            if !store::replace_in_tx(app, tx, &after).await? {
                return Err(PaymentError::PaymentBusy);
            }
        }
        let transaction_id: LedgerTransactionId = app.ids.next();
        let new = NewTransaction {
            reference: format!("cash:{transaction_id}"),
            kind: TransactionKind::CashSettlement,
            order_id: None,
            actor: label.clone(),
            entries: vec![
                (LedgerAccount::CourierFloat(courier_id), amount),
                (LedgerAccount::BankClearing, amount.negate()?),
            ],
        };
        ledger::post_in_tx(app, tx, new).await?;
        let details = doc! { "amount_minor": amount.amount_minor, "currency": amount.currency.code() };
        let act = NewAudit { actor, action: "cash.settle", subject: courier_id.to_string(), details };
        audit::record_in_tx(app, tx, act).await?;
        idempotency::record_in_tx(app, tx, &request, doc! { "courier_id": courier_id }).await?;
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        // The same request at the same time was first.
        Err(PaymentError::Infra(Infra::Db(e))) if idempotency::raced(&e) => {
            if !replayed(app, &request).await? {
                return Err(e.into());
            }
        }
        Err(e) => return Err(e),
    }
    Ok(ledger::float_of(app, courier_id, currency).await?)
}

async fn replayed(app: &App, request: &IdempotentRequest) -> Result<bool, PaymentError> {
    match idempotency::find(app, request).await? {
        Replay::New => Ok(false),
        Replay::Done(_) => Ok(true),
        Replay::KeyReused => Err(PaymentError::IdempotencyKeyReused),
    }
}
