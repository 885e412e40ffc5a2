//! Whole collections in batches, in the order of their ids.

use std::collections::HashSet;

use daraa_platform::mongo::{DbError, MAX_ROWS};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::outbox::EventRow;

pub(super) const DELIVERIES: &str = "deliveries";
pub(super) const GROUPS: &str = "order_groups";
pub(super) const ORDERS: &str = "orders";
pub(super) const PAYMENTS: &str = "payments";
pub(super) const STOCK: &str = "stock_items";
const OUTBOX: &str = "outbox";

/// Rows of one batch.
const BATCH: i64 = 500;

/// The batch after `after`.
pub(super) async fn batch<T: Serialize + DeserializeOwned + Send + Sync + Unpin>(
    app: &App,
    collection: &'static str,
    after: Option<ObjectId>,
) -> Result<Vec<T>, DbError> {
    let filter = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": after } });
    let rows = app.mongo.coll::<T>(collection).within(app.mongo.long_deadline());
    rows.find_many("db.check.batch", filter, doc! { "_id": 1 }, BATCH).await
}

/// The rows with these ids.
pub(super) async fn by_id<T: Serialize + DeserializeOwned + Send + Sync + Unpin>(
    app: &App,
    collection: &'static str,
    ids: Vec<Bson>,
) -> Result<Vec<T>, DbError> {
    many(app, collection, doc! { "_id": { "$in": ids } }).await
}

/// Which of the subjects have events that were not delivered.
pub(super) async fn waiting(app: &App, subjects: Vec<String>) -> Result<HashSet<String>, DbError> {
    let filter = doc! { "state": "PENDING", "subject": { "$in": subjects } };
    let rows: Vec<EventRow> = many(app, OUTBOX, filter).await?;
    Ok(rows.into_iter().map(|row| row.subject).collect())
}

async fn many<T: Serialize + DeserializeOwned + Send + Sync + Unpin>(
    app: &App,
    collection: &'static str,
    filter: Document,
) -> Result<Vec<T>, DbError> {
    let rows = app.mongo.coll::<T>(collection).within(app.mongo.long_deadline());
    rows.find_many("db.check.many", filter, Document::new(), MAX_ROWS).await
}
