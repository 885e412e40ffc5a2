//! The collection of idempotency keys.

use daraa_platform::mongo::{DbError, Tx};
use mongodb::bson::doc;

use super::model::{COLLECTION, IdempotencyRecord};
use crate::app::App;

pub(super) async fn find(app: &App, id: &str) -> Result<Option<IdempotencyRecord>, DbError> {
    app.mongo.coll(COLLECTION).find_one("db.idempotency.find", doc! { "_id": id }).await
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, record: &IdempotencyRecord) -> Result<(), DbError> {
    app.mongo.coll::<IdempotencyRecord>(COLLECTION).insert_in_tx(tx, "db.idempotency.insert", record).await
}
