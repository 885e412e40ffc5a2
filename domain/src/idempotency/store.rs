//! The collection of idempotency keys.

use daraa_platform::mongo::{DbError, MAX_ROWS, Tx};
use daraa_platform::time::Timestamp;
use mongodb::bson::doc;

use super::model::{COLLECTION, IdempotencyRecord};
use crate::app::App;

pub(super) async fn find(app: &App, id: &str) -> Result<Option<IdempotencyRecord>, DbError> {
    app.mongo.coll(COLLECTION).find_one("db.idempotency.find", doc! { "_id": id }).await
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, record: &IdempotencyRecord) -> Result<(), DbError> {
    app.mongo.coll::<IdempotencyRecord>(COLLECTION).insert_in_tx(tx, "db.idempotency.insert", record).await
}

/// Removes a batch of records made before `before`; says how many.
pub(super) async fn purge(app: &App, before: Timestamp) -> Result<u64, DbError> {
    let rows = app.mongo.coll::<IdempotencyRecord>(COLLECTION);
    let old = doc! { "created_at": { "$lt": before } };
    let ids = rows.ids("db.idempotency.purge_ids", old, MAX_ROWS).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    rows.delete_many("db.idempotency.purge", doc! { "_id": { "$in": ids } }).await
}
