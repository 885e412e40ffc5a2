//! The collection of categories and its cache: the whole tree is one entry.

use daraa_platform::mongo::{self, DbError, Tx};
use daraa_platform::redis::cache::ttl;
use daraa_platform::redis::{CacheKey, CachedCollection};
use mongodb::bson::{Document, doc, serialize_to_bson};

use super::model::{COLLECTION, MAX_CATEGORIES, StoreCategory};
use crate::app::App;
use crate::ids::StoreCategoryId;

fn key() -> CacheKey<Vec<StoreCategory>> {
    CacheKey::new("category", 1, "all")
}

/// What is forgotten when the database tells of a change.
pub(crate) const CACHED: CachedCollection =
    CachedCollection { collection: COLLECTION, name: |_| Some(key().name().to_owned()) };

/// Through the cache.
pub(super) async fn all(app: &App) -> Result<Vec<StoreCategory>, DbError> {
    app.cache.get_or_load(&key(), ttl::CATEGORY, || find_all(app)).await
}

/// From the primary, past the cache.
pub(super) async fn find_all(app: &App) -> Result<Vec<StoreCategory>, DbError> {
    let sort = doc! { "position": 1, "_id": 1 };
    app.mongo.coll(COLLECTION).find_many("db.category.all", Document::new(), sort, MAX_CATEGORIES).await
}

pub(super) async fn insert(app: &App, row: &StoreCategory) -> Result<(), DbError> {
    let (rows, cache, row) = (app.mongo.coll(COLLECTION), app.cache.clone(), row.clone());
    mongo::to_the_end("db.category.insert", async move {
        let inserted = rows.insert("db.category.insert", &row).await;
        // Also when the answer was lost: the row may be there.
        cache.invalidate(&key()).await;
        inserted
    })
    .await
}

pub(super) async fn find_all_in_tx(app: &App, tx: &mut Tx) -> Result<Vec<StoreCategory>, DbError> {
    let sort = doc! { "position": 1, "_id": 1 };
    let rows = app.mongo.coll(COLLECTION);
    rows.find_many_in_tx(tx, "db.category.all", Document::new(), sort, MAX_CATEGORIES).await
}

/// Writes a category as it is to be, if it is still at the version it was read at.
pub(super) async fn set_in_tx(
    app: &App,
    tx: &mut Tx,
    row: &StoreCategory,
) -> Result<Option<StoreCategory>, DbError> {
    let cache = app.cache.clone();
    tx.after_commit(async move { cache.invalidate(&key()).await });
    // Rows of before versions were kept have none: that is version 0.
    let version = if row.version == 0 {
        doc! { "$exists": false }
    } else {
        doc! { "$eq": row.version }
    };
    let fields = doc! {
        "parent_id": row.parent_id,
        "slug": &row.slug,
        "name": serialize_to_bson(&row.name)?,
        "position": row.position,
    };
    let update = doc! { "$set": fields, "$inc": { "version": 1_i64 } };
    let filter = doc! { "_id": row.id, "version": version };
    app.mongo.coll(COLLECTION).find_one_and_update_in_tx(tx, "db.category.set", filter, update).await
}

/// Marks categories as looked at by a move, so that no other move below or above them passes at the same time.
pub(super) async fn touch_in_tx(app: &App, tx: &mut Tx, ids: &[StoreCategoryId]) -> Result<u64, DbError> {
    let rows = app.mongo.coll::<StoreCategory>(COLLECTION);
    let update = doc! { "$inc": { "moves": 1_i64 } };
    rows.update_many_in_tx(tx, "db.category.touch", doc! { "_id": { "$in": ids } }, update).await
}
