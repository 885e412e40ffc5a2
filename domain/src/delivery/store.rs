//! The collections `deliveries` and `dispatch_shards`.

use daraa_platform::ids::TypedId as _;
use daraa_platform::mongo::{Coll, DbError, MAX_ROWS, Tx};
use daraa_platform::paging::{Cursor, Page, PageRequest, SortOrder, date_key};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};

use super::model::{
    Attempts, COLLECTION, Delivery, DeliveryEta, DeliveryStatus, DeliveryStep, EscalationReason, SHARDS,
    Shard,
};
use crate::app::App;
use crate::ids::{CourierId, DeliveryId, OrderId};

/// Dispatch of one shard looks at this many open deliveries, and as many under way: far more than its couriers carry.
const MAX_LIVE: usize = 20_000;

/// More than any courier's capacity.
const MAX_WITH_COURIER: i64 = 20;

fn deliveries(app: &App) -> Coll<Delivery> {
    app.mongo.coll(COLLECTION)
}

fn one_of(statuses: &[DeliveryStatus]) -> Document {
    doc! { "$in": statuses.iter().map(|s| s.as_str()).collect::<Vec<_>>() }
}

pub(super) async fn get(app: &App, id: DeliveryId) -> Result<Option<Delivery>, DbError> {
    deliveries(app).find_one("db.delivery.get", doc! { "_id": id }).await
}

pub(super) async fn get_in_tx(app: &App, tx: &mut Tx, id: DeliveryId) -> Result<Option<Delivery>, DbError> {
    deliveries(app).find_one_in_tx(tx, "db.delivery.get", doc! { "_id": id }).await
}

pub(super) async fn of_order(app: &App, order_id: OrderId) -> Result<Option<Delivery>, DbError> {
    deliveries(app).find_one("db.delivery.of_order", doc! { "order_ids": order_id }).await
}

/// What needs a courier or is under way, oldest first.
pub(super) async fn live(app: &App, statuses: &[DeliveryStatus]) -> Result<Vec<Delivery>, DbError> {
    let after = |last: &Delivery| {
        let later = doc! { "created_at": { "$gt": last.created_at } };
        let same = doc! { "created_at": last.created_at, "_id": { "$gt": last.id } };
        // Said twice, for the index takes its bounds from the plain condition only.
        doc! { "created_at": { "$gte": last.created_at }, "$or": [later, same] }
    };
    let (filter, sort) = (doc! { "status": one_of(statuses) }, doc! { "created_at": 1, "_id": 1 });
    deliveries(app).find_pages("db.delivery.live", filter, sort, MAX_LIVE, after).await
}

/// Which deliveries a list shows; always scoped.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope {
    /// What this courier brings or brought.
    Courier(CourierId),
    /// All, for ops.
    All,
}

pub(super) async fn list(
    app: &App,
    scope: Scope,
    statuses: &[DeliveryStatus],
    page: &PageRequest,
) -> Result<Page<Delivery>, DbError> {
    let mut filter = page.after_filter("created_at", SortOrder::Descending, date_key);
    if let Scope::Courier(id) = scope {
        filter.insert("courier_id", id);
    }
    if !statuses.is_empty() {
        filter.insert("status", one_of(statuses));
    }
    let sort = page.sort("created_at", SortOrder::Descending);
    let rows = deliveries(app).find_many("db.delivery.list", filter, sort, page.fetch_limit()).await?;
    Ok(Page::build(page, rows, |d| Cursor { key: d.created_at.millis(), id: d.id.oid() }))
}

/// Couriers who wait at the door since long before `before`.
pub(super) async fn abandoned(app: &App, before: Timestamp, limit: i64) -> Result<Vec<Delivery>, DbError> {
    let filter = doc! { "status": DeliveryStatus::AtDropoff.as_str(), "wait_until": { "$lte": before } };
    deliveries(app).find_many("db.delivery.abandoned", filter, doc! { "wait_until": 1 }, limit).await
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, delivery: &Delivery) -> Result<(), DbError> {
    deliveries(app).insert_in_tx(tx, "db.delivery.insert", delivery).await
}

/// The conditional write of a transition: `None` when the delivery is no longer as it was read.
pub(super) async fn advance_in_tx(
    app: &App,
    tx: &mut Tx,
    read: &Delivery,
    step: &DeliveryStep,
    set: Document,
) -> Result<Option<Delivery>, DbError> {
    let mut changes = doc! { "status": step.to.as_str(), "version": step.version };
    changes.extend(set);
    let filter = doc! { "_id": read.id, "status": read.status.as_str(), "version": read.version };
    let update = doc! { "$set": changes, "$push": { "history": serialize_to_bson(step)? } };
    deliveries(app).find_one_and_update_in_tx(tx, "db.delivery.advance", filter, update).await
}

/// The store's promise changed, or the food is ready. No transition: the version stays.
pub(super) async fn set_ready(
    app: &App,
    order_id: OrderId,
    expected_at: Option<Timestamp>,
    ready_at: Option<Timestamp>,
) -> Result<bool, DbError> {
    let mut set = Document::new();
    if let Some(at) = expected_at {
        set.insert("ready_expected_at", at);
    }
    if let Some(at) = ready_at {
        set.insert("ready_at", at);
    }
    // The first "ready" counts, and after it no promise.
    let filter = doc! { "order_ids": order_id, "ready_at": Bson::Null };
    deliveries(app).update_one("db.delivery.set_ready", filter, doc! { "$set": set }).await
}

/// Stores a claimed try at a code; `false` when another try was claimed meanwhile.
pub(super) async fn set_attempts(
    app: &App,
    id: DeliveryId,
    field: &'static str,
    was: Attempts,
    now: Attempts,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": id, field: serialize_to_bson(&was)? };
    let update = doc! { "$set": { field: serialize_to_bson(&now)? } };
    deliveries(app).update_one("db.delivery.set_attempts", filter, update).await
}

/// A new estimate, while somebody waits for it.
pub(super) async fn set_eta(app: &App, id: DeliveryId, eta: &DeliveryEta) -> Result<bool, DbError> {
    let over: Vec<&str> =
        DeliveryStatus::ALL.iter().filter(|status| status.is_final()).map(|status| status.as_str()).collect();
    let filter = doc! { "_id": id, "status": { "$nin": over } };
    let update = doc! { "$set": { "eta": serialize_to_bson(eta)? } };
    deliveries(app).update_one("db.delivery.set_eta", filter, update).await
}

/// Notes that ops were told; `None` when they had been told before.
pub(super) async fn escalate_in_tx(
    app: &App,
    tx: &mut Tx,
    id: DeliveryId,
    reason: EscalationReason,
) -> Result<Option<Delivery>, DbError> {
    let reason = serialize_to_bson(&reason)?;
    let filter = doc! { "_id": id, "escalated": { "$ne": reason.clone() } };
    let update = doc! { "$push": { "escalated": reason } };
    deliveries(app).find_one_and_update_in_tx(tx, "db.delivery.escalate", filter, update).await
}

// ---- dispatch shards ----

fn shards(app: &App) -> Coll<Shard> {
    app.mongo.coll(SHARDS)
}

/// Counts a tick of the leader with this fencing number; `None` when a newer leader has been here.
pub(super) async fn next_epoch(app: &App, shard: i64, fence: i64) -> Result<Option<Shard>, DbError> {
    let filter = doc! { "_id": shard, "fence": { "$lte": fence } };
    let update = doc! { "$set": { "fence": fence }, "$inc": { "epoch": 1_i64 } };
    if let Some(state) =
        shards(app).find_one_and_update("db.dispatch.next_epoch", filter, update.clone()).await?
    {
        return Ok(Some(state));
    }
    let first = Shard { id: shard, fence, epoch: 1 };
    match shards(app).insert("db.dispatch.first_epoch", &first).await {
        Ok(()) => Ok(Some(first)),
        Err(e) if e.duplicate_index().is_some() => Ok(None),
        Err(e) => Err(e),
    }
}

/// Refuses the transaction of a leader that has been replaced, and collides with the replacement itself.
pub(super) async fn fence_in_tx(
    app: &App,
    tx: &mut Tx,
    shard: i64,
    fence: i64,
    epoch: i64,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": shard, "fence": fence };
    let update = doc! { "$set": { "applied_epoch": epoch } };
    shards(app).update_one_in_tx(tx, "db.dispatch.fence", filter, update).await
}

/// The deliveries of these orders.
pub(super) async fn of_orders(app: &App, order_ids: &[OrderId]) -> Result<Vec<Delivery>, DbError> {
    let limit = i64::try_from(order_ids.len()).unwrap_or(i64::MAX);
    let wanted: Vec<Bson> = order_ids.iter().copied().map(Bson::from).collect();
    deliveries(app)
        .find_many("db.delivery.of_orders", doc! { "order_ids": { "$in": wanted } }, Document::new(), limit)
        .await
}

/// What a courier has now; bounded by his capacity.
pub(super) async fn with_courier_in_tx(
    app: &App,
    tx: &mut Tx,
    courier_id: CourierId,
) -> Result<Vec<Delivery>, DbError> {
    let filter = doc! { "courier_id": courier_id, "status": one_of(DeliveryStatus::WITH_COURIER) };
    let sort = doc! { "created_at": -1, "_id": -1 };
    deliveries(app).find_many_in_tx(tx, "db.delivery.with_courier", filter, sort, MAX_WITH_COURIER).await
}

/// What these couriers have now; bounded by their capacity and their number.
pub(super) async fn with_couriers(app: &App, courier_ids: &[CourierId]) -> Result<Vec<Delivery>, DbError> {
    let wanted: Vec<Bson> = courier_ids.iter().copied().map(Bson::from).collect();
    let filter = doc! { "courier_id": { "$in": wanted }, "status": one_of(DeliveryStatus::WITH_COURIER) };
    deliveries(app).find_many("db.delivery.with_couriers", filter, Document::new(), MAX_ROWS).await
}
