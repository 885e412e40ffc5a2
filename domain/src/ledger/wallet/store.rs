//! The collections of the wallets.

use std::time::Duration;

use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::paging::{Cursor, Page, PageRequest, SortOrder, date_key};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc, serialize_to_bson};
use serde::de::DeserializeOwned;

use super::model::{MOVEMENTS, MovementStatus, WALLETS, Wallet, WalletHold, WalletTransaction};
use crate::app::App;
use crate::ids::{AccountId, LedgerTransactionId, OrderId, WalletId};

fn code(currency: Currency) -> &'static str {
    currency.code()
}

pub(super) async fn find(
    app: &App,
    account_id: AccountId,
    currency: Currency,
) -> Result<Option<Wallet>, DbError> {
    let filter = doc! { "account_id": account_id, "currency": code(currency) };
    app.mongo.coll(WALLETS).find_one("db.wallet.find", filter).await
}

pub(super) async fn of_account(app: &App, account_id: AccountId) -> Result<Vec<Wallet>, DbError> {
    // One wallet a currency: bounded by the number of currencies.
    let wallets = app.mongo.coll(WALLETS);
    wallets
        .find_many("db.wallet.of_account", doc! { "account_id": account_id }, doc! { "currency": 1 }, 10)
        .await
}

pub(super) async fn open(app: &App, wallet: &Wallet) -> Result<(), DbError> {
    app.mongo.coll(WALLETS).insert("db.wallet.open", wallet).await
}

pub(super) async fn open_in_tx(app: &App, tx: &mut Tx, wallet: &Wallet) -> Result<(), DbError> {
    app.mongo.coll(WALLETS).insert_in_tx(tx, "db.wallet.open", wallet).await
}

/// Adds a ledger entry to the balance. A debit names its precondition: enough must be available. `None` when
/// there is no wallet, or too little in it.
pub(super) async fn move_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    amount: Money,
) -> Result<Option<Wallet>, DbError> {
    let mut filter = doc! { "account_id": account_id, "currency": code(amount.currency) };
    if amount.amount_minor < 0 {
        filter.insert("available_minor", doc! { "$gte": amount.amount_minor.saturating_neg() });
    }
    let by = amount.amount_minor;
    let update =
        doc! { "$inc": { "balance_minor": by, "available_minor": by, "entries": 1_i64, "version": 1_i64 } };
    app.mongo.coll(WALLETS).find_one_and_update_in_tx(tx, "db.wallet.move", filter, update).await
}

/// Sets an amount aside; `None` when too little is available. One hold an order.
pub(super) async fn hold_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    order_id: OrderId,
    amount: Money,
    now: Timestamp,
) -> Result<Option<Wallet>, DbError> {
    let filter = doc! {
        "account_id": account_id,
        "currency": code(amount.currency),
        "available_minor": { "$gte": amount.amount_minor },
        "holds.order_id": { "$ne": order_id },
    };
    let hold = WalletHold { order_id, amount_minor: amount.amount_minor, at: now };
    let hold = serialize_to_bson(&hold)?;
    let update = doc! {
        "$inc": { "available_minor": amount.amount_minor.saturating_neg(), "version": 1_i64 },
        "$push": { "holds": hold },
    };
    app.mongo.coll(WALLETS).find_one_and_update_in_tx(tx, "db.wallet.hold", filter, update).await
}

/// Sets the hold of an order free; `None` when there is none.
pub(super) async fn release_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
) -> Result<Option<(Wallet, WalletHold)>, DbError> {
    let wallets = app.mongo.coll::<Wallet>(WALLETS);
    let found = wallets.find_one_in_tx(tx, "db.wallet.of_hold", doc! { "holds.order_id": order_id }).await?;
    let Some((wallet, hold)) =
        found.and_then(|w| w.holds.iter().find(|h| h.order_id == order_id).cloned().map(|h| (w, h)))
    else {
        return Ok(None);
    };
    let filter = doc! { "_id": wallet.id, "holds.order_id": order_id };
    let update = doc! {
        "$inc": { "available_minor": hold.amount_minor, "version": 1_i64 },
        "$pull": { "holds": { "order_id": order_id } },
    };
    let freed = wallets.find_one_and_update_in_tx(tx, "db.wallet.release", filter, update).await?;
    Ok(freed.map(|wallet| (wallet, hold)))
}

pub(super) async fn record_in_tx(app: &App, tx: &mut Tx, row: &WalletTransaction) -> Result<(), DbError> {
    app.mongo.coll(MOVEMENTS).insert_in_tx(tx, "db.wallet.record", row).await
}

/// Ends a pending movement.
pub(super) async fn end_in_tx(
    app: &App,
    tx: &mut Tx,
    transaction_ref: &str,
    status: MovementStatus,
    booked: Option<(LedgerTransactionId, i64)>,
) -> Result<bool, DbError> {
    let filter =
        doc! { "transaction_ref": transaction_ref, "status": serialize_to_bson(&MovementStatus::Pending)? };
    let mut set = doc! { "status": serialize_to_bson(&status)? };
    if let Some((ledger_transaction_id, balance_after_minor)) = booked {
        set.insert("ledger_transaction_id", ledger_transaction_id);
        set.insert("balance_after_minor", balance_after_minor);
    }
    let movements = app.mongo.coll::<WalletTransaction>(MOVEMENTS);
    movements.update_one_in_tx(tx, "db.wallet.end_movement", filter, doc! { "$set": set }).await
}

pub(super) async fn movements(
    app: &App,
    wallet_id: WalletId,
    request: &PageRequest,
) -> Result<Page<WalletTransaction>, DbError> {
    let mut filter = doc! { "wallet_id": wallet_id };
    filter.extend(request.after_filter("created_at", SortOrder::Descending, date_key));
    let sort = request.sort("created_at", SortOrder::Descending);
    let rows = app
        .mongo
        .browse(MOVEMENTS)
        .find_many("db.wallet.movements", filter, sort, request.fetch_limit())
        .await?;
    Ok(Page::build(request, rows, |row: &WalletTransaction| Cursor {
        key: row.created_at.millis(),
        id: daraa_platform::ids::TypedId::oid(row.id),
    }))
}

pub(super) async fn find_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    currency: Currency,
) -> Result<Option<Wallet>, DbError> {
    let filter = doc! { "account_id": account_id, "currency": code(currency) };
    app.mongo.coll(WALLETS).find_one_in_tx(tx, "db.wallet.find", filter).await
}

/// Runs a pipeline over all wallets, for the check of the books.
pub(in crate::ledger) async fn aggregate_wallets<R: DeserializeOwned + Send + Sync + Unpin>(
    app: &App,
    op: &'static str,
    pipeline: Vec<Document>,
    deadline: Duration,
) -> Result<Vec<R>, DbError> {
    app.mongo.coll::<Wallet>(WALLETS).within(deadline).aggregate(op, pipeline).await
}
