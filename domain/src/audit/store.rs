//! The three collections of the audit log.

use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::paging::{PageRequest, SortOrder, date_key};
use mongodb::bson::{Document, RawDocumentBuf, doc};

use super::model::{
    ARCHIVE_ACTION, AuditEntry, AuditFilter, AuditSeal, COLLECTION, PENDING, PendingEntry, SEALS,
};
use crate::app::App;
use crate::ids::AuditId;

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, entry: &AuditEntry) -> Result<(), DbError> {
    app.mongo.coll(COLLECTION).insert_in_tx(tx, "db.audit.insert", entry).await?;
    let pending = PendingEntry { id: entry.id, at: entry.at };
    app.mongo.coll(PENDING).insert_in_tx(tx, "db.audit.insert_pending", &pending).await
}

/// One page and a row more, newest first.
pub(super) async fn list(
    app: &App,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Vec<AuditEntry>, DbError> {
    let mut query = page.after_filter("at", SortOrder::Descending, date_key);
    for (field, value) in [("actor", &filter.actor), ("action", &filter.action), ("subject", &filter.subject)]
    {
        if let Some(value) = value {
            query.insert(field, value);
        }
    }
    let mut range = Document::new();
    if let Some(from) = filter.from {
        range.insert("$gte", from);
    }
    if let Some(to) = filter.to {
        range.insert("$lt", to);
    }
    if !range.is_empty() {
        query.insert("at", range);
    }
    let sort = page.sort("at", SortOrder::Descending);
    app.mongo.coll(COLLECTION).find_many("db.audit.list", query, sort, page.fetch_limit()).await
}

/// The oldest entries that wait for a seal.
pub(super) async fn pending_in_tx(app: &App, tx: &mut Tx, limit: i64) -> Result<Vec<PendingEntry>, DbError> {
    let coll = app.mongo.coll(PENDING);
    coll.find_many_in_tx(tx, "db.audit.pending", doc! {}, doc! { "_id": 1 }, limit).await
}

/// The entries as the database stores them, in the order of their ids.
pub(super) async fn raw_in_tx(
    app: &App,
    tx: &mut Tx,
    ids: &[AuditId],
    limit: i64,
) -> Result<Vec<RawDocumentBuf>, DbError> {
    let filter = doc! { "_id": { "$in": ids } };
    app.mongo.coll(COLLECTION).find_many_in_tx(tx, "db.audit.raw", filter, doc! { "_id": 1 }, limit).await
}

/// [`raw_in_tx`] outside a transaction.
pub(super) async fn raw(app: &App, ids: &[AuditId], limit: i64) -> Result<Vec<RawDocumentBuf>, DbError> {
    let filter = doc! { "_id": { "$in": ids } };
    app.mongo.coll(COLLECTION).find_many("db.audit.raw", filter, doc! { "_id": 1 }, limit).await
}

pub(super) async fn last_seal_in_tx(app: &App, tx: &mut Tx) -> Result<Option<AuditSeal>, DbError> {
    let coll = app.mongo.coll(SEALS);
    let mut last = coll.find_many_in_tx(tx, "db.audit.last_seal", doc! {}, doc! { "_id": -1 }, 1).await?;
    Ok(last.pop())
}

pub(super) async fn insert_seal_in_tx(app: &App, tx: &mut Tx, seal: &AuditSeal) -> Result<(), DbError> {
    app.mongo.coll(SEALS).insert_in_tx(tx, "db.audit.insert_seal", seal).await
}

pub(super) async fn clear_pending_in_tx(app: &App, tx: &mut Tx, ids: &[AuditId]) -> Result<u64, DbError> {
    let coll = app.mongo.coll::<PendingEntry>(PENDING);
    coll.delete_many_in_tx(tx, "db.audit.clear_pending", doc! { "_id": { "$in": ids } }).await
}

/// The seals after `sequence`, in order.
pub(super) async fn seals_after(app: &App, sequence: i64, limit: i64) -> Result<Vec<AuditSeal>, DbError> {
    let filter = doc! { "_id": { "$gt": sequence } };
    app.mongo.coll(SEALS).find_many("db.audit.seals", filter, doc! { "_id": 1 }, limit).await
}

/// The seals over any of these entries.
pub(super) async fn seals_over(app: &App, ids: &[AuditId], limit: i64) -> Result<Vec<AuditSeal>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let filter = doc! { "entries": { "$in": ids } };
    let mut seals: Vec<AuditSeal> =
        app.mongo.coll(SEALS).find_many("db.audit.seals_over", filter, Document::new(), limit).await?;
    seals.sort_unstable_by_key(|seal| seal.sequence);
    Ok(seals)
}

/// The last seal whose entries were archived; 0 when none were. The largest that was recorded, not the newest: two who
/// archived at once may have recorded in the other order.
pub(super) async fn archived_until(app: &App) -> Result<i64, DbError> {
    let filter = doc! { "action": ARCHIVE_ACTION };
    let sort = doc! { "details.until": -1 };
    let coll = app.mongo.coll::<Document>(COLLECTION);
    let last = coll.find_many("db.audit.archived_until", filter, sort, 1).await?.pop();
    let until = last.as_ref().and_then(|entry| entry.get_document("details").ok()?.get_i64("until").ok());
    Ok(until.unwrap_or(0))
}

/// Removes archived entries; only the jobs service's database user may.
pub(super) async fn remove_in_tx(app: &App, tx: &mut Tx, ids: &[AuditId]) -> Result<u64, DbError> {
    let coll = app.mongo.coll::<AuditEntry>(COLLECTION);
    coll.delete_many_in_tx(tx, "db.audit.remove", doc! { "_id": { "$in": ids } }).await
}

/// Inserts an archived entry again; `false` when it is there.
pub(super) async fn put_back(app: &App, entry: &Document) -> Result<bool, DbError> {
    match app.mongo.coll::<Document>(COLLECTION).insert("db.audit.put_back", entry).await {
        Ok(()) => Ok(true),
        Err(e) if e.duplicate_index() == Some("_id_") => Ok(false),
        Err(e) => Err(e),
    }
}

/// Entries after `after` in the order of their ids, as they are stored: one that was altered may not decode.
pub(super) async fn entries_after(
    app: &App,
    after: Option<AuditId>,
    limit: i64,
) -> Result<Vec<RawDocumentBuf>, DbError> {
    let filter = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": after } });
    app.mongo.coll(COLLECTION).find_many("db.audit.walk", filter, doc! { "_id": 1 }, limit).await
}

/// Which of these entries wait for a seal.
pub(super) async fn pending_of(app: &App, ids: &[AuditId], limit: i64) -> Result<Vec<PendingEntry>, DbError> {
    let filter = doc! { "_id": { "$in": ids } };
    app.mongo.coll(PENDING).find_many("db.audit.pending_of", filter, doc! { "_id": 1 }, limit).await
}

/// Waiting entries after `after`, in the order of their ids.
pub(super) async fn pending_after(
    app: &App,
    after: Option<AuditId>,
    limit: i64,
) -> Result<Vec<PendingEntry>, DbError> {
    let filter = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": after } });
    app.mongo.coll(PENDING).find_many("db.audit.pending", filter, doc! { "_id": 1 }, limit).await
}
