//! Use cases of the wallets.

use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::paging::{Page, PageRequest};
use daraa_platform::transact;
use mongodb::bson::doc;
use serde_json::json;

use super::model::{MovementStatus, MovementType, REF_INDEX, Wallet, WalletTransaction};
use super::store;
use crate::account::{self, Phone};
use crate::actor::{Actor, OpsRole};
use crate::app::App;
use crate::audit::{self, NewAudit};
use crate::idempotency::{self, IdempotentRequest, Replay};
use crate::ids::{AccountId, OrderId, WalletId};
use crate::ledger::{self, LedgerAccount, LedgerError, NewTransaction, TransactionKind};

/// The longest reason finance may give, characters.
const MAX_REASON_CHARS: usize = 200;
/// No single credit by hand exceeds this many minor units; a typing error costs no fortune.
const MAX_CREDIT_MINOR: i64 = 100_000_000_000;

fn new_wallet(app: &App, account_id: AccountId, currency: Currency) -> Wallet {
    Wallet {
        id: app.ids.next(),
        account_id,
        currency,
        balance_minor: 0,
        available_minor: 0,
        holds: Vec::new(),
        entries: 0,
        version: 0,
        created_at: app.clock.now(),
    }
}

/// A person's wallet in a currency, when they have one.
///
/// # Errors
/// Database failure.
pub async fn of(app: &App, account_id: AccountId, currency: Currency) -> Result<Option<Wallet>, LedgerError> {
    Ok(store::find(app, account_id, currency).await?)
}

/// A person's wallet in a currency; opened when they have none.
///
/// # Errors
/// Database failure.
pub async fn ensure(app: &App, account_id: AccountId, currency: Currency) -> Result<Wallet, LedgerError> {
    if let Some(wallet) = store::find(app, account_id, currency).await? {
        return Ok(wallet);
    }
    let wallet = new_wallet(app, account_id, currency);
    match store::open(app, &wallet).await {
        Ok(()) => Ok(wallet),
        // Another request opened it meanwhile.
        Err(DbError::Duplicate { .. }) => {
            let found = store::find(app, account_id, currency).await?;
            found.ok_or_else(|| LedgerError::Infra(daraa_platform::fault::Infra::defect("wallet vanished")))
        }
        Err(e) => Err(e.into()),
    }
}

/// Adds a ledger entry to a wallet's balance and says what it is now; the ledger's own door.
pub(in crate::ledger) async fn move_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    amount: Money,
) -> Result<i64, LedgerError> {
    if let Some(wallet) = store::move_in_tx(app, tx, account_id, amount).await? {
        return Ok(wallet.balance_minor);
    }
    if amount.amount_minor < 0 {
        return Err(insufficient(app, account_id, amount.currency).await?);
    }
    let mut wallet = new_wallet(app, account_id, amount.currency);
    wallet.balance_minor = amount.amount_minor;
    wallet.available_minor = amount.amount_minor;
    wallet.entries = 1;
    store::open_in_tx(app, tx, &wallet).await?;
    Ok(wallet.balance_minor)
}

async fn insufficient(
    app: &App,
    account_id: AccountId,
    currency: Currency,
) -> Result<LedgerError, LedgerError> {
    let available = store::find(app, account_id, currency).await?.map_or(0, |w| w.available_minor);
    Ok(LedgerError::InsufficientFunds { available: Money::new(available, currency) })
}

fn payment_ref(order_id: OrderId) -> String {
    format!("pay:{order_id}")
}

/// Sets an order's amount aside. Only one hold an order: called again it does nothing.
///
/// # Errors
/// [`LedgerError::InsufficientFunds`] when too little is available.
pub async fn hold_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    order_id: OrderId,
    amount: Money,
) -> Result<(), LedgerError> {
    let now = app.clock.now();
    let Some(wallet) = store::hold_in_tx(app, tx, account_id, order_id, amount, now).await? else {
        return match store::find(app, account_id, amount.currency).await? {
            Some(wallet) if wallet.holds.iter().any(|h| h.order_id == order_id) => Ok(()),
            other => Err(LedgerError::InsufficientFunds {
                available: Money::new(other.map_or(0, |w| w.available_minor), amount.currency),
            }),
        };
    };
    let row = WalletTransaction {
        id: app.ids.next(),
        wallet_id: wallet.id,
        account_id,
        kind: MovementType::Payment,
        status: MovementStatus::Pending,
        amount_minor: amount.negate()?.amount_minor,
        currency: amount.currency,
        balance_after_minor: None,
        order_id: Some(order_id),
        transaction_ref: Some(payment_ref(order_id)),
        ledger_transaction_id: None,
        note: None,
        created_at: now,
    };
    Ok(store::record_in_tx(app, tx, &row).await?)
}

/// Sets an order's hold free; without one it does nothing.
///
/// # Errors
/// Database failure.
pub async fn release_in_tx(app: &App, tx: &mut Tx, order_id: OrderId) -> Result<(), LedgerError> {
    if store::release_in_tx(app, tx, order_id).await?.is_some() {
        store::end_in_tx(app, tx, &payment_ref(order_id), MovementStatus::Cancelled, None).await?;
    }
    Ok(())
}

/// Takes an order's hold: the wallet pays. Says how much; `None` when there is no hold (any more).
///
/// # Errors
/// Database failure.
pub async fn capture_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    actor: &str,
) -> Result<Option<Money>, LedgerError> {
    let Some((wallet, hold)) = store::release_in_tx(app, tx, order_id).await? else { return Ok(None) };
    let amount = Money::new(hold.amount_minor, wallet.currency);
    let account = LedgerAccount::CustomerWallet(wallet.account_id);
    let new = NewTransaction {
        reference: format!("capture:{order_id}"),
        kind: TransactionKind::Capture,
        order_id: Some(order_id),
        actor: actor.to_owned(),
        entries: vec![(account, amount.negate()?), (LedgerAccount::OrderFunds, amount)],
    };
    let posted = ledger::post_in_tx(app, tx, new).await?;
    let booked = posted.balance_after(account).map(|balance| (posted.id, balance));
    store::end_in_tx(app, tx, &payment_ref(order_id), MovementStatus::Completed, booked).await?;
    Ok(Some(amount))
}

/// Gives an order's money back into the customer's wallet.
///
/// # Errors
/// [`LedgerError::AlreadyPosted`] when this reference was booked before.
pub async fn refund_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    order_id: OrderId,
    reference: &str,
    amount: Money,
) -> Result<(), LedgerError> {
    let new = NewTransaction {
        reference: reference.to_owned(),
        kind: TransactionKind::Refund,
        order_id: Some(order_id),
        actor: "system:refund".to_owned(),
        entries: vec![
            (LedgerAccount::CustomerWallet(account_id), amount),
            (LedgerAccount::OrderFunds, amount.negate()?),
        ],
    };
    let kind = MovementType::Refund;
    book_in_tx(app, tx, Booking { account_id, amount, kind, order_id: Some(order_id), note: None }, new).await
}

struct Booking {
    account_id: AccountId,
    amount: Money,
    kind: MovementType,
    order_id: Option<OrderId>,
    note: Option<String>,
}

/// Books a transaction that moves one wallet, with its readable movement.
async fn book_in_tx(
    app: &App,
    tx: &mut Tx,
    booking: Booking,
    new: NewTransaction,
) -> Result<(), LedgerError> {
    let reference = new.reference.clone();
    let posted = ledger::post_in_tx(app, tx, new).await?;
    let Booking { account_id, amount, kind, order_id, note } = booking;
    let wallet_id = store::find_in_tx(app, tx, account_id, amount.currency)
        .await?
        .map(|w| w.id)
        .ok_or(LedgerError::AccountNotFound)?;
    let row = WalletTransaction {
        id: app.ids.next(),
        wallet_id,
        account_id,
        kind,
        status: MovementStatus::Completed,
        amount_minor: amount.amount_minor,
        currency: amount.currency,
        balance_after_minor: posted.balance_after(LedgerAccount::CustomerWallet(account_id)),
        order_id,
        transaction_ref: Some(reference),
        ledger_transaction_id: Some(posted.id),
        note,
        created_at: app.clock.now(),
    };
    store::record_in_tx(app, tx, &row).await.map_err(|e| {
        if e.duplicate_index() == Some(REF_INDEX) { LedgerError::AlreadyPosted } else { e.into() }
    })
}

/// Whose wallet is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalletOwner {
    /// By account.
    Account(AccountId),
    /// By phone number.
    Phone(Phone),
}

async fn owner(app: &App, owner: &WalletOwner) -> Result<AccountId, LedgerError> {
    match owner {
        WalletOwner::Account(id) => Ok(account::get(app, *id).await?.id),
        WalletOwner::Phone(phone) => {
            Ok(account::find_by_phone(app, phone).await?.ok_or(LedgerError::AccountNotFound)?.id)
        }
    }
}

/// A credit by hand.
#[derive(Debug, Clone)]
pub struct CreditWallet {
    /// Whose wallet.
    pub owner: WalletOwner,
    /// How much.
    pub amount: Money,
    /// Why, for the audit log and the customer.
    pub reason: String,
    /// The client's key.
    pub idempotency_key: String,
}

/// Finance credits a wallet: a deposit at the desk, goodwill. The money comes from our bank.
///
/// # Errors
/// Without the role, one's own wallet, an amount or reason out of bounds, a reused key.
pub async fn credit(app: &App, actor: &Actor, command: CreditWallet) -> Result<Wallet, LedgerError> {
    let by = actor.ops(&[OpsRole::Finance])?.account_id;
    let CreditWallet { owner: whose, amount, reason, idempotency_key } = command;
    let reason = reason.trim().to_owned();
    if !(1..=MAX_CREDIT_MINOR).contains(&amount.amount_minor) {
        return Err(LedgerError::InvalidAmount);
    }
    if !(1..=MAX_REASON_CHARS).contains(&reason.chars().count()) {
        return Err(LedgerError::InvalidReason);
    }
    let account_id = owner(app, &whose).await?;
    if account_id == by {
        return Err(LedgerError::OwnWallet);
    }
    let content = json!({ "account": account_id.to_string(), "amount": amount, "reason": reason });
    let request = IdempotentRequest::new(by, "walletCredit", &idempotency_key, &content)
        .ok_or(LedgerError::InvalidIdempotencyKey)?;
    if replayed(app, &request).await? {
        return ensure(app, account_id, amount.currency).await;
    }
    let label = actor.label();
    let outcome = transact!(&app.mongo, "wallet.credit", LedgerError, |tx| {
        let transaction_id: crate::ids::LedgerTransactionId = app.ids.next();
        let new = NewTransaction {
            reference: format!("credit:{transaction_id}"),
            kind: TransactionKind::ManualCredit,
            order_id: None,
            actor: label.clone(),
            entries: vec![
                (LedgerAccount::CustomerWallet(account_id), amount),
                (LedgerAccount::BankClearing, amount.negate()?),
            ],
        };
        let note = Some(reason.clone());
        let booking = Booking { account_id, amount, kind: MovementType::Credit, order_id: None, note };
        book_in_tx(app, tx, booking, new).await?;
        let details = doc! {
            "amount_minor": amount.amount_minor,
            "currency": amount.currency.code(),
            "reason": &reason,
        };
        let act = NewAudit { actor, action: "wallet.credit", subject: account_id.to_string(), details };
        audit::record_in_tx(app, tx, act).await?;
        idempotency::record_in_tx(app, tx, &request, doc! { "account_id": account_id }).await?;
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        // The same request at the same time was first.
        Err(LedgerError::Infra(daraa_platform::fault::Infra::Db(e))) if idempotency::raced(&e) => {
            if !replayed(app, &request).await? {
                return Err(e.into());
            }
        }
        Err(e) => return Err(e),
    }
    ensure(app, account_id, amount.currency).await
}

async fn replayed(app: &App, request: &IdempotentRequest) -> Result<bool, LedgerError> {
    match idempotency::find(app, request).await? {
        Replay::New => Ok(false),
        Replay::Done(_) => Ok(true),
        Replay::KeyReused => Err(LedgerError::IdempotencyKeyReused),
    }
}

/// The asking person's wallet in a currency; an empty one is opened when there is none.
///
/// # Errors
/// Not signed in.
pub async fn mine(app: &App, actor: &Actor, currency: Currency) -> Result<Wallet, LedgerError> {
    ensure(app, actor.person()?.account_id, currency).await
}

/// The movements of one of the asking person's wallets, newest first.
///
/// # Errors
/// [`LedgerError::AccountNotFound`] for somebody else's wallet.
pub async fn movements(
    app: &App,
    actor: &Actor,
    wallet_id: WalletId,
    page: &PageRequest,
) -> Result<Page<WalletTransaction>, LedgerError> {
    let person = actor.person()?;
    let own = store::of_account(app, person.account_id).await?.iter().any(|w| w.id == wallet_id);
    if !own && actor.ops(&[OpsRole::Finance, OpsRole::Support]).is_err() {
        return Err(LedgerError::AccountNotFound);
    }
    Ok(store::movements(app, wallet_id, page).await?)
}
