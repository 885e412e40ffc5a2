//! The collection `refunds`, and what orders know of their refunds.

use daraa_platform::ids::TypedId as _;
use daraa_platform::mongo::{Coll, DbError, Tx};
use daraa_platform::paging::{Cursor, Page, PageRequest, SortOrder, date_key};
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};

use super::model::{COLLECTION, MAX_REFUNDS_PER_ORDER, Refund, RefundHistoryEntry};
use super::rules::RefundStatus;
use crate::app::App;
use crate::ids::{OrderId, RefundId};

fn refunds(app: &App) -> Coll<Refund> {
    app.mongo.coll(COLLECTION)
}

pub(super) async fn get(app: &App, id: RefundId) -> Result<Option<Refund>, DbError> {
    refunds(app).find_one("db.refund.get", doc! { "_id": id }).await
}

pub(super) async fn get_in_tx(app: &App, tx: &mut Tx, id: RefundId) -> Result<Option<Refund>, DbError> {
    refunds(app).find_one_in_tx(tx, "db.refund.get", doc! { "_id": id }).await
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, refund: &Refund) -> Result<(), DbError> {
    refunds(app).insert_in_tx(tx, "db.refund.insert", refund).await
}

/// How many refunds of an order were ever asked for, at most `cap`.
pub(super) async fn count_in_tx(app: &App, tx: &mut Tx, order_id: OrderId, cap: i64) -> Result<i64, DbError> {
    let filter = doc! { "order_id": order_id };
    let found = refunds(app).find_many_in_tx(tx, "db.refund.count", filter, doc! { "_id": 1 }, cap).await?;
    Ok(i64::try_from(found.len()).unwrap_or(i64::MAX))
}

pub(super) async fn of_orders(app: &App, order_ids: &[OrderId]) -> Result<Vec<Refund>, DbError> {
    let ids: Vec<Bson> = order_ids.iter().copied().map(Bson::from).collect();
    let limit = i64::try_from(ids.len()).unwrap_or(i64::MAX).saturating_mul(MAX_REFUNDS_PER_ORDER);
    let sort = doc! { "order_id": 1, "_id": 1 };
    refunds(app).find_many("db.refund.of_orders", doc! { "order_id": { "$in": ids } }, sort, limit).await
}

pub(super) async fn list(
    app: &App,
    status: RefundStatus,
    page: &PageRequest,
) -> Result<Page<Refund>, DbError> {
    let mut filter = doc! { "status": status };
    filter.extend(page.after_filter("created_at", SortOrder::Descending, date_key));
    let sort = page.sort("created_at", SortOrder::Descending);
    let rows = refunds(app).find_many("db.refund.list", filter, sort, page.fetch_limit()).await?;
    Ok(Page::build(page, rows, |refund| Cursor { key: refund.created_at.millis(), id: refund.id.oid() }))
}

/// The conditional write of a transition: `None` when the refund is no longer as it was read.
pub(super) async fn advance_in_tx(
    app: &App,
    tx: &mut Tx,
    read: &Refund,
    entry: &RefundHistoryEntry,
    set: Document,
) -> Result<Option<Refund>, DbError> {
    let mut changes = doc! { "status": entry.to, "version": read.version.saturating_add(1) };
    changes.extend(set);
    let filter = doc! { "_id": read.id, "status": read.status, "version": read.version };
    let update = doc! { "$set": changes, "$push": { "history": serialize_to_bson(entry)? } };
    refunds(app).find_one_and_update_in_tx(tx, "db.refund.advance", filter, update).await
}
