//! The collections of the books.

use std::time::Duration;

use daraa_platform::ids::TypedId as _;
use daraa_platform::money::{Currency, Money};
use daraa_platform::mongo::{DbError, MAX_ROWS, Tx};
use daraa_platform::paging::{Cursor, Page, PageRequest, SortOrder, date_key};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc, serialize_to_bson};
use serde::Deserialize;

use super::model::{
    BALANCES, COMMISSIONS, Commission, CommissionStatus, EARNINGS, ENTRIES, Earning, EarningKind,
    EarningStatus, LedgerAccount, LedgerBalance, LedgerEntry, LedgerTransaction, Payee, TRANSACTIONS,
};
use crate::app::App;
use crate::ids::{OrderId, StoreId};

pub(super) async fn find_transaction_in_tx(
    app: &App,
    tx: &mut Tx,
    reference: &str,
) -> Result<Option<LedgerTransaction>, DbError> {
    let rows = app.mongo.coll(TRANSACTIONS);
    rows.find_one_in_tx(tx, "db.ledger.find_transaction", doc! { "reference": reference }).await
}

pub(super) async fn insert_in_tx(
    app: &App,
    tx: &mut Tx,
    transaction: &LedgerTransaction,
    entries: &[LedgerEntry],
) -> Result<(), DbError> {
    app.mongo.coll(TRANSACTIONS).insert_in_tx(tx, "db.ledger.insert_transaction", transaction).await?;
    app.mongo.coll(ENTRIES).insert_many_in_tx(tx, "db.ledger.insert_entries", entries).await
}

fn balance_id(account: LedgerAccount, currency: Currency) -> String {
    format!("{account}:{}", currency.code())
}

/// Adds to a cached balance and says what it is now.
pub(super) async fn add_to_balance_in_tx(
    app: &App,
    tx: &mut Tx,
    account: LedgerAccount,
    amount: Money,
    now: Timestamp,
) -> Result<i64, DbError> {
    let balances = app.mongo.coll::<LedgerBalance>(BALANCES);
    let id = balance_id(account, amount.currency);
    let update = doc! {
        "$inc": { "balance_minor": amount.amount_minor, "entries": 1_i64 },
        "$set": { "updated_at": now },
    };
    let updated = balances
        .find_one_and_update_in_tx(tx, "db.ledger.add_to_balance", doc! { "_id": &id }, update)
        .await?;
    if let Some(balance) = updated {
        return Ok(balance.balance_minor);
    }
    let opened = LedgerBalance {
        id,
        account,
        currency: amount.currency,
        balance_minor: amount.amount_minor,
        entries: 1,
        updated_at: now,
    };
    balances.insert_in_tx(tx, "db.ledger.open_balance", &opened).await?;
    Ok(opened.balance_minor)
}

pub(super) async fn balance(
    app: &App,
    account: LedgerAccount,
    currency: Currency,
) -> Result<Option<LedgerBalance>, DbError> {
    let balances = app.mongo.coll(BALANCES);
    balances.find_one("db.ledger.balance", doc! { "_id": balance_id(account, currency) }).await
}

/// The cached balances of these accounts in one currency, read in as few queries as the bound on rows allows.
pub(super) async fn balances(
    app: &App,
    accounts: &[LedgerAccount],
    currency: Currency,
) -> Result<Vec<LedgerBalance>, DbError> {
    let rows = app.mongo.coll(BALANCES);
    let mut found = Vec::new();
    for some in accounts.chunks(usize::try_from(MAX_ROWS).unwrap_or(usize::MAX)) {
        let ids: Vec<String> = some.iter().map(|account| balance_id(*account, currency)).collect();
        let filter = doc! { "_id": { "$in": ids } };
        found.extend(rows.find_many("db.ledger.balances", filter, doc! { "_id": 1 }, MAX_ROWS).await?);
    }
    Ok(found)
}

pub(super) async fn balances_of(app: &App, account: LedgerAccount) -> Result<Vec<LedgerBalance>, DbError> {
    let filter = doc! { "account": account.to_string() };
    // One a currency.
    app.mongo.coll(BALANCES).find_many("db.ledger.balances_of", filter, doc! { "currency": 1 }, 10).await
}

#[derive(Deserialize)]
struct Sum {
    sum: i64,
}

/// The sum of all entries of an account; walks them all.
pub(super) async fn fold(app: &App, account: LedgerAccount, currency: Currency) -> Result<i64, DbError> {
    let pipeline = vec![
        doc! { "$match": { "account": account.to_string(), "currency": currency.code() } },
        doc! { "$group": { "_id": null, "sum": { "$sum": "$amount_minor" } } },
    ];
    let entries = app.mongo.coll::<LedgerEntry>(ENTRIES).within(app.mongo.long_deadline());
    let rows: Vec<Sum> = entries.aggregate("db.ledger.fold", pipeline).await?;
    Ok(rows.first().map_or(0, |row| row.sum))
}

pub(super) async fn insert_commission_in_tx(
    app: &App,
    tx: &mut Tx,
    commission: &Commission,
) -> Result<(), DbError> {
    app.mongo.coll(COMMISSIONS).insert_in_tx(tx, "db.commission.insert", commission).await
}

pub(super) async fn commission_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
) -> Result<Option<Commission>, DbError> {
    let rows = app.mongo.coll(COMMISSIONS);
    rows.find_one_in_tx(tx, "db.commission.find", doc! { "order_id": order_id }).await
}

pub(super) async fn reverse_commission_in_tx(
    app: &App,
    tx: &mut Tx,
    before: &Commission,
    after: &Commission,
) -> Result<bool, DbError> {
    // The amount read before is the precondition: a refund at the same time makes one of the two run again.
    let filter = doc! { "_id": before.id, "reversed_minor": before.reversed_minor };
    let set = doc! {
        "refunded_base_minor": after.refunded_base_minor,
        "refunded_items_minor": after.refunded_items_minor,
        "reversed_minor": after.reversed_minor,
        "status": serialize_to_bson(&after.status)?,
    };
    let rows = app.mongo.coll::<Commission>(COMMISSIONS);
    rows.update_one_in_tx(tx, "db.commission.reverse", filter, doc! { "$set": set }).await
}

pub(super) async fn insert_earnings_in_tx(
    app: &App,
    tx: &mut Tx,
    earnings: &[Earning],
) -> Result<(), DbError> {
    app.mongo.coll(EARNINGS).insert_many_in_tx(tx, "db.earning.insert", earnings).await
}

pub(super) async fn take_back_in_tx(
    app: &App,
    tx: &mut Tx,
    order_id: OrderId,
    payee: Payee,
    kind: EarningKind,
    amount_minor: i64,
) -> Result<bool, DbError> {
    let filter = doc! { "order_id": order_id, "payee": payee.to_string(), "kind": serialize_to_bson(&kind)? };
    let update = doc! { "$inc": { "reversed_minor": amount_minor } };
    app.mongo.coll::<Earning>(EARNINGS).update_one_in_tx(tx, "db.earning.take_back", filter, update).await
}

/// Ids of earnings whose hold is over, oldest first.
pub(super) async fn due_earnings(app: &App, now: Timestamp, limit: i64) -> Result<Vec<Earning>, DbError> {
    let filter =
        doc! { "status": serialize_to_bson(&EarningStatus::Pending)?, "available_at": { "$lte": now } };
    let rows = app.mongo.coll(EARNINGS);
    rows.find_many("db.earning.due", filter, doc! { "available_at": 1 }, limit).await
}

pub(super) async fn move_earnings(
    app: &App,
    ids: Vec<crate::ids::EarningId>,
    from: EarningStatus,
    to: EarningStatus,
) -> Result<u64, DbError> {
    let filter = doc! { "_id": { "$in": ids }, "status": serialize_to_bson(&from)? };
    let update = doc! { "$set": { "status": serialize_to_bson(&to)? } };
    app.mongo.coll::<Earning>(EARNINGS).update_many("db.earning.move", filter, update).await
}

pub(super) async fn earnings_of(
    app: &App,
    payee: Payee,
    request: &PageRequest,
) -> Result<Page<Earning>, DbError> {
    let mut filter = doc! { "payee": payee.to_string() };
    filter.extend(request.after_filter("created_at", SortOrder::Descending, date_key));
    let sort = request.sort("created_at", SortOrder::Descending);
    let rows =
        app.mongo.browse(EARNINGS).find_many("db.earning.page", filter, sort, request.fetch_limit()).await?;
    Ok(Page::build(request, rows, |row: &Earning| Cursor { key: row.created_at.millis(), id: row.id.oid() }))
}

/// Commissions, newest first, of one store or of all.
pub(super) async fn commissions(
    app: &App,
    store_id: Option<StoreId>,
    status: CommissionStatus,
    request: &PageRequest,
) -> Result<Page<Commission>, DbError> {
    let mut filter = Document::new();
    if let Some(store_id) = store_id {
        filter.insert("store_account_id", store_id);
    }
    filter.insert("status", serialize_to_bson(&status)?);
    filter.extend(request.after_filter("created_at", SortOrder::Descending, date_key));
    let sort = request.sort("created_at", SortOrder::Descending);
    let rows = app
        .mongo
        .browse(COMMISSIONS)
        .find_many("db.commission.page", filter, sort, request.fetch_limit())
        .await?;
    Ok(Page::build(request, rows, |row: &Commission| Cursor {
        key: row.created_at.millis(),
        id: row.id.oid(),
    }))
}

/// A difference found by the check of the books.
#[derive(Debug, Deserialize)]
pub(super) struct Difference {
    pub(super) subject: String,
    pub(super) expected: i64,
    pub(super) found: i64,
}

/// Transactions whose entries do not sum to zero in a currency.
pub(super) async fn unbalanced(app: &App, deadline: Duration) -> Result<Vec<Difference>, DbError> {
    let pipeline = vec![
        doc! { "$group": {
            "_id": { "transaction": "$transaction_id", "currency": "$currency" },
            "found": { "$sum": "$amount_minor" },
        } },
        doc! { "$match": { "found": { "$ne": 0_i64 } } },
        doc! { "$project": {
            "_id": 0,
            "subject": { "$concat": ["ltx_", { "$toString": "$_id.transaction" }] },
            "expected": { "$literal": 0_i64 },
            "found": 1,
        } },
    ];
    app.mongo.coll::<LedgerEntry>(ENTRIES).within(deadline).aggregate("db.ledger.unbalanced", pipeline).await
}

/// Transactions that have more or fewer entries than they say.
pub(super) async fn incomplete(app: &App, deadline: Duration) -> Result<Vec<Difference>, DbError> {
    let pipeline = vec![
        doc! { "$lookup": {
            "from": ENTRIES,
            "localField": "_id",
            "foreignField": "transaction_id",
            "pipeline": [{ "$group": { "_id": null, "count": { "$sum": 1_i64 } } }],
            "as": "counted",
        } },
        doc! { "$project": {
            "_id": 0,
            "subject": { "$concat": ["ltx_", { "$toString": "$_id" }] },
            "expected": "$entry_count",
            "found": { "$ifNull": [{ "$first": "$counted.count" }, 0_i64] },
        } },
        doc! { "$match": { "$expr": { "$ne": ["$expected", "$found"] } } },
        doc! { "$sort": { "subject": 1 } },
    ];
    let transactions = app.mongo.coll::<LedgerTransaction>(TRANSACTIONS).within(deadline);
    transactions.aggregate("db.ledger.incomplete", pipeline).await
}

/// The tail of a pipeline that compares `balance_minor` with the sum of the entries of `key` and `currency`.
fn compare_with_entries() -> [Document; 4] {
    [
        doc! { "$lookup": {
            "from": ENTRIES,
            "let": { "key": "$key", "currency": "$currency" },
            "pipeline": [
                { "$match": { "$expr": { "$and": [
                    { "$eq": ["$account", "$$key"] },
                    { "$eq": ["$currency", "$$currency"] },
                ] } } },
                { "$group": { "_id": null, "sum": { "$sum": "$amount_minor" } } },
            ],
            "as": "folded",
        } },
        doc! { "$project": {
            "_id": 0,
            "subject": { "$concat": ["$key", ":", "$currency"] },
            "expected": { "$ifNull": [{ "$first": "$folded.sum" }, 0_i64] },
            "found": "$balance_minor",
        } },
        doc! { "$match": { "$expr": { "$ne": ["$expected", "$found"] } } },
        doc! { "$sort": { "subject": 1 } },
    ]
}

/// Cached balances that differ from the fold of their entries.
pub(super) async fn wrong_balances(app: &App, deadline: Duration) -> Result<Vec<Difference>, DbError> {
    let mut pipeline = vec![doc! { "$set": { "key": "$account" } }];
    pipeline.extend(compare_with_entries());
    let balances = app.mongo.coll::<LedgerBalance>(BALANCES).within(deadline);
    balances.aggregate("db.ledger.wrong_balances", pipeline).await
}

/// The same for wallets, whose key is made of the owner's id.
pub(super) async fn wrong_wallets(app: &App, deadline: Duration) -> Result<Vec<Difference>, DbError> {
    let key = doc! { "$concat": ["customer_wallet:acc_", { "$toString": "$account_id" }] };
    let mut pipeline = vec![doc! { "$set": { "key": key } }];
    pipeline.extend(compare_with_entries());
    super::wallet::aggregate_wallets(app, "db.ledger.wrong_wallets", pipeline, deadline).await
}
