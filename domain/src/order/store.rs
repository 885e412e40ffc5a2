//! The collections `orders` and `order_groups`, and the cache of orders.

use std::collections::HashMap;

use daraa_platform::ids::TypedId as _;
use daraa_platform::money::Money;
use daraa_platform::mongo::{self, Coll, DbError, Tx};
use daraa_platform::paging::{Cursor, Page, PageRequest, SortOrder, date_key};
use daraa_platform::redis::cache::ttl;
use daraa_platform::redis::{CacheKey, CachedCollection};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};

use super::model::{COLLECTION, GROUPS, HistoryEntry, ItemClaims, MAX_ORDERS_PER_GROUP, Order, OrderGroup};
use super::rules::OrderStatus;
use super::service::OrderFilter;
use crate::app::App;
use crate::ids::{OrderGroupId, OrderId};

fn orders(app: &App) -> Coll<Order> {
    app.mongo.coll(COLLECTION)
}

fn key(id: &OrderId) -> CacheKey<Order> {
    CacheKey::new("order", 1, id)
}

/// What is forgotten when the database tells of a change.
pub(crate) const CACHED: CachedCollection = CachedCollection {
    collection: COLLECTION,
    name: |id| Some(key(&OrderId::from(id.as_object_id()?)).name().to_owned()),
};

fn forget_after(app: &App, tx: &mut Tx, id: OrderId) {
    let cache = app.cache.clone();
    tx.after_commit(async move { cache.invalidate(&key(&id)).await });
}

pub(super) async fn get(app: &App, id: OrderId) -> Result<Option<Order>, DbError> {
    orders(app).find_one("db.order.get", doc! { "_id": id }).await
}

pub(super) async fn get_in_tx(app: &App, tx: &mut Tx, id: OrderId) -> Result<Option<Order>, DbError> {
    orders(app).find_one_in_tx(tx, "db.order.get", doc! { "_id": id }).await
}

pub(super) async fn of_group(app: &App, group_id: OrderGroupId) -> Result<Vec<Order>, DbError> {
    orders(app)
        .find_many(
            "db.order.of_group",
            doc! { "group_id": group_id },
            doc! { "_id": 1 },
            MAX_ORDERS_PER_GROUP,
        )
        .await
}

/// The conditional write of a transition: `None` when the order is no longer as it was read.
pub(super) async fn advance_in_tx(
    app: &App,
    tx: &mut Tx,
    read: &Order,
    entry: &HistoryEntry,
    set: Document,
) -> Result<Option<Order>, DbError> {
    let mut changes = doc! { "status": entry.to, "version": entry.version };
    changes.extend(set);
    let filter = doc! { "_id": read.id, "status": read.status, "version": read.version };
    let update = doc! { "$set": changes, "$push": { "history": serialize_to_bson(entry)? } };
    forget_after(app, tx, read.id);
    orders(app).find_one_and_update_in_tx(tx, "db.order.advance", filter, update).await
}

/// Sets fields that are no transition, while the order is in one of `states` and as `condition` says.
pub(super) async fn set_in_tx(
    app: &App,
    tx: &mut Tx,
    id: OrderId,
    states: &[OrderStatus],
    condition: Document,
    set: Document,
) -> Result<Option<Order>, DbError> {
    let mut filter = doc! { "_id": id, "status": one_of(states) };
    filter.extend(condition);
    forget_after(app, tx, id);
    orders(app).find_one_and_update_in_tx(tx, "db.order.set", filter, doc! { "$set": set }).await
}

/// Takes the ready deadline off an order that is as it was read and still being made; `None` when it is not.
pub(super) async fn clear_ready_deadline_in_tx(
    app: &App,
    tx: &mut Tx,
    read: &Order,
) -> Result<Option<Order>, DbError> {
    let filter =
        doc! { "_id": read.id, "version": read.version, "deadlines.ready_at": read.deadlines.ready_at };
    let update = doc! { "$set": { "deadlines.ready_at": Bson::Null } };
    forget_after(app, tx, read.id);
    orders(app).find_one_and_update_in_tx(tx, "db.order.clear_ready_deadline", filter, update).await
}

/// Counts a try at the counter before its code is looked at, so that many at once are no more tries than one after the
/// other; `false` when `max` were made.
pub(super) async fn claim_code_try(app: &App, id: OrderId, max: i64) -> Result<bool, DbError> {
    const OP: &str = "db.order.claim_code_try";
    let filter = doc! { "_id": id, "wrong_codes": { "$lt": max } };
    let update = doc! { "$inc": { "wrong_codes": 1_i64 } };
    let (rows, cache) = (orders(app), app.cache.clone());
    mongo::to_the_end(OP, async move {
        let claimed = rows.update_one(OP, filter, update).await;
        // Also when the answer was lost: the try may be counted.
        cache.invalidate(&key(&id)).await;
        claimed
    })
    .await
}

fn groups(app: &App) -> Coll<OrderGroup> {
    app.mongo.coll(GROUPS)
}

pub(super) async fn get_group(app: &App, id: OrderGroupId) -> Result<Option<OrderGroup>, DbError> {
    groups(app).find_one("db.order.get_group", doc! { "_id": id }).await
}

/// Through the cache, in no particular order; for loaders of what is shown. What is decided about an order is decided on
/// [`get`] or inside a transaction.
pub(super) async fn get_many(app: &App, ids: &[OrderId]) -> Result<Vec<Order>, DbError> {
    let found: HashMap<OrderId, Order> = app
        .cache
        .get_many_or_load(ids, key, ttl::SHORT, |missing| async move {
            Ok::<_, DbError>(
                find_many(app, &missing).await?.into_iter().map(|order| (order.id, order)).collect(),
            )
        })
        .await?;
    Ok(found.into_values().collect())
}

async fn find_many(app: &App, ids: &[OrderId]) -> Result<Vec<Order>, DbError> {
    let limit = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let filter = doc! { "_id": { "$in": ids } };
    orders(app).find_many("db.order.get_many", filter, doc! { "_id": 1 }, limit).await
}

pub(super) async fn of_groups(app: &App, group_ids: &[OrderGroupId]) -> Result<Vec<Order>, DbError> {
    let wanted: Vec<Bson> = group_ids.iter().copied().map(Bson::from).collect();
    let limit = i64::try_from(wanted.len()).unwrap_or(i64::MAX).saturating_mul(MAX_ORDERS_PER_GROUP);
    orders(app)
        .find_many(
            "db.order.of_groups",
            doc! { "group_id": { "$in": wanted } },
            doc! { "group_id": 1, "_id": 1 },
            limit,
        )
        .await
}

/// A page of orders, newest first, within `scope` (an equality the caller may see).
pub(super) async fn list(
    app: &App,
    scope: Document,
    filter: &OrderFilter,
    page: &PageRequest,
) -> Result<Page<Order>, DbError> {
    let mut query = scope;
    if !filter.statuses.is_empty() {
        query.insert("status", one_of(&filter.statuses));
    }
    query.extend(page.after_filter("placed_at", SortOrder::Descending, date_key));
    let sort = page.sort("placed_at", SortOrder::Descending);
    let rows = orders(app).find_many("db.order.list", query, sort, page.fetch_limit()).await?;
    Ok(Page::build(page, rows, |order| Cursor { key: order.placed_at.millis(), id: order.id.oid() }))
}

/// A condition on the state; one alone is an equality, so that a partial index on it serves the query.
fn one_of(states: &[OrderStatus]) -> Bson {
    match states {
        [one] => (*one).into(),
        many => doc! { "$in": many.iter().copied().map(Bson::from).collect::<Vec<_>>() }.into(),
    }
}

/// Orders in one of `states` whose `deadline` field has passed, oldest first.
pub(super) async fn due(
    app: &App,
    states: &[OrderStatus],
    deadline: &'static str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Order>, DbError> {
    let filter = doc! { "status": one_of(states), deadline: { "$lte": now } };
    orders(app).find_many("db.order.due", filter, doc! { deadline: 1, "_id": 1 }, limit).await
}

pub(super) async fn insert_in_tx(
    app: &App,
    tx: &mut Tx,
    group: &OrderGroup,
    rows: &[Order],
) -> Result<(), DbError> {
    // Nobody can have asked for them yet: their ids are new.
    groups(app).insert_in_tx(tx, "db.order.insert_group", group).await?;
    orders(app).insert_many_in_tx(tx, "db.order.insert", rows).await
}

/// Notes what of a completed order is claimed back now, in all and of its items, unless another claim came between.
pub(super) async fn claim_refund_in_tx(
    app: &App,
    tx: &mut Tx,
    read: &Order,
    claimed_minor: i64,
    items: &ItemClaims,
) -> Result<bool, DbError> {
    let filter = doc! { "_id": read.id, "status": OrderStatus::Completed, "refund_claimed_minor": read.refund_claimed_minor };
    forget_after(app, tx, read.id);
    let set = doc! { "refund_claimed_minor": claimed_minor, "claimed_items": serialize_to_bson(items)? };
    orders(app).update_one_in_tx(tx, "db.order.claim_refund", filter, doc! { "$set": set }).await
}

/// So much more was paid back.
pub(super) async fn add_refunded_in_tx(
    app: &App,
    tx: &mut Tx,
    id: OrderId,
    amount: Money,
) -> Result<Option<Order>, DbError> {
    let update = doc! { "$inc": { "refunded.amount_minor": amount.amount_minor } };
    forget_after(app, tx, id);
    orders(app).find_one_and_update_in_tx(tx, "db.order.add_refunded", doc! { "_id": id }, update).await
}
