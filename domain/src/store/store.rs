//! The collection of stores and its cache.

use std::collections::HashMap;

use daraa_platform::mongo::{DbError, MAX_ROWS, Tx};
use daraa_platform::paging::{PageRequest, SortOrder};
use daraa_platform::redis::cache::ttl;
use daraa_platform::redis::{CacheKey, CachedCollection};
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;

use super::model::{COLLECTION, MAX_HISTORY, Rating, Store, StoreStatus};
use crate::app::App;
use crate::ids::{StoreCategoryId, StoreId};
use crate::place::Point;

fn key(id: &StoreId) -> CacheKey<Store> {
    CacheKey::new("store", 1, id)
}

/// What is forgotten when the database tells of a change.
pub(crate) const CACHED: CachedCollection = CachedCollection {
    collection: COLLECTION,
    name: |id| Some(key(&StoreId::from(id.as_object_id()?)).name().to_owned()),
};

/// Through the cache; unknown ones are left out.
pub(super) async fn get_many(app: &App, ids: &[StoreId]) -> Result<HashMap<StoreId, Store>, DbError> {
    app.cache
        .get_many_or_load(ids, key, ttl::STORE, |missing| async move {
            Ok(find_many(app, &missing).await?.into_iter().map(|store| (store.id, store)).collect())
        })
        .await
}

pub(super) async fn find_many(app: &App, ids: &[StoreId]) -> Result<Vec<Store>, DbError> {
    let filter = doc! { "_id": { "$in": ids } };
    app.mongo.coll(COLLECTION).find_many("db.store.find_many", filter, Document::new(), MAX_ROWS).await
}

pub(super) async fn find_in_tx(app: &App, tx: &mut Tx, id: StoreId) -> Result<Option<Store>, DbError> {
    app.mongo.coll(COLLECTION).find_one_in_tx(tx, "db.store.find", doc! { "_id": id }).await
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, store: &Store) -> Result<(), DbError> {
    forget_after(app, tx, store.id);
    app.mongo.coll(COLLECTION).insert_in_tx(tx, "db.store.insert", store).await
}

/// Sets fields of the store as it was read (by version) and appends to its history; `None` when it changed since.
pub(super) async fn set_in_tx(
    app: &App,
    tx: &mut Tx,
    store: &Store,
    fields: Document,
    history: Option<Document>,
) -> Result<Option<Store>, DbError> {
    let mut update = doc! { "$inc": { "version": 1_i64 } };
    if !fields.is_empty() {
        update.insert("$set", fields);
    }
    if let Some(event) = history {
        update.insert("$push", doc! { "history": { "$each": [event], "$slice": -MAX_HISTORY } });
    }
    let filter = doc! { "_id": store.id, "version": store.version };
    forget_after(app, tx, store.id);
    app.mongo.coll(COLLECTION).find_one_and_update_in_tx(tx, "db.store.set", filter, update).await
}

/// Marks the store as changed, so that two changes of its surroundings (its staff) cannot pass each other.
pub(super) async fn touch_in_tx(app: &App, tx: &mut Tx, id: StoreId) -> Result<bool, DbError> {
    let update = doc! { "$inc": { "version": 1_i64 } };
    forget_after(app, tx, id);
    app.mongo
        .coll::<Store>(COLLECTION)
        .update_one_in_tx(tx, "db.store.touch", doc! { "_id": id }, update)
        .await
}

pub(super) async fn set_rating_in_tx(
    app: &App,
    tx: &mut Tx,
    id: StoreId,
    rating: Rating,
) -> Result<bool, DbError> {
    let value = doc! { "count": rating.count, "sum": rating.sum, "average_milli": rating.average_milli };
    let update = doc! { "$set": { "rating": value }, "$inc": { "version": 1_i64 } };
    forget_after(app, tx, id);
    app.mongo
        .coll::<Store>(COLLECTION)
        .update_one_in_tx(tx, "db.store.rate", doc! { "_id": id }, update)
        .await
}

fn forget_after(app: &App, tx: &mut Tx, id: StoreId) {
    let cache = app.cache.clone();
    tx.after_commit(async move { cache.invalidate(&key(&id)).await });
}

/// A store and how far it is, as the database sees it.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Near {
    #[serde(rename = "_id")]
    pub(super) id: StoreId,
    /// Metres.
    pub(super) distance: f64,
}

/// Active stores that deliver to the point, nearest first, from `min_distance_m` on.
pub(super) async fn near(
    app: &App,
    point: Point,
    categories: Option<&[StoreCategoryId]>,
    min_distance_m: f64,
    limit: i64,
) -> Result<Vec<Near>, DbError> {
    let pipeline = vec![
        doc! { "$geoNear": {
            "near": point.geo_json(),
            "key": "point",
            "distanceField": "distance",
            "minDistance": min_distance_m,
            "spherical": true,
            "query": serving(point, categories),
        } },
        doc! { "$limit": limit.clamp(1, MAX_ROWS) },
        doc! { "$project": { "distance": 1 } },
    ];
    app.mongo.browse::<Store>(COLLECTION).aggregate("db.store.near", pipeline).await
}

/// Active stores that deliver to the point, in no order, at most [`MAX_ROWS`].
pub(super) async fn serving_ids(
    app: &App,
    point: Point,
    categories: Option<&[StoreCategoryId]>,
) -> Result<Vec<StoreId>, DbError> {
    let filter = serving(point, categories);
    let ids = app.mongo.browse::<Store>(COLLECTION).ids("db.store.serving", filter, MAX_ROWS).await?;
    Ok(ids.iter().filter_map(Bson::as_object_id).map(StoreId::from).collect())
}

/// How many active stores deliver to the point, at most `cap`.
pub(super) async fn count_serving(app: &App, point: Point, cap: u64) -> Result<u64, DbError> {
    let coll = app.mongo.browse::<Store>(COLLECTION);
    coll.count_up_to("db.store.count_serving", serving(point, None), cap).await
}

fn serving(point: Point, categories: Option<&[StoreCategoryId]>) -> Document {
    let mut filter = doc! {
        "status": StoreStatus::Active.as_str(),
        "service_area": { "$geoIntersects": { "$geometry": point.geo_json() } },
    };
    if let Some(categories) = categories {
        filter.insert("category_id", doc! { "$in": categories });
    }
    filter
}

/// Active stores with words that begin so, of those named (all, when none are), in the order of ids.
pub(super) async fn matching(
    app: &App,
    prefixes: &[String],
    among: Option<&[StoreId]>,
    limit: i64,
) -> Result<Vec<Store>, DbError> {
    let mut filter = doc! { "prefixes": { "$all": prefixes }, "status": StoreStatus::Active.as_str() };
    if among.is_some_and(<[StoreId]>::is_empty) {
        return Ok(Vec::new());
    }
    if let Some(among) = among {
        filter.insert("_id", doc! { "$in": among });
    }
    app.mongo.browse(COLLECTION).find_many("db.store.matching", filter, doc! { "_id": 1 }, limit).await
}

/// Stores of one status, newest first.
pub(super) async fn of_status(
    app: &App,
    status: StoreStatus,
    page: &PageRequest,
) -> Result<Vec<Store>, DbError> {
    let mut filter = doc! { "status": status.as_str() };
    if let Some(from) = &page.from {
        let older = matches!(page.direction, daraa_platform::paging::Direction::Forward);
        filter.insert("_id", doc! { if older { "$lt" } else { "$gt" }: from.id });
    }
    // The id alone sorts by time; the cursor's key is not needed.
    let way = page.sort("_id", SortOrder::Descending).get("_id").cloned().unwrap_or(Bson::Int32(-1));
    app.mongo
        .coll(COLLECTION)
        .find_many("db.store.of_status", filter, doc! { "_id": way }, page.fetch_limit())
        .await
}
