//! The collection of categories and its cache: the whole tree is one entry.

use daraa_platform::mongo::DbError;
use daraa_platform::redis::CacheKey;
use daraa_platform::redis::cache::ttl;
use mongodb::bson::{Document, doc};

use super::model::{COLLECTION, MAX_CATEGORIES, StoreCategory};
use crate::app::App;

fn key() -> CacheKey<Vec<StoreCategory>> {
    CacheKey::new("category", 1, "all")
}

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
    let inserted = app.mongo.coll(COLLECTION).insert("db.category.insert", row).await;
    // Also when the answer was lost: the row may be there.
    app.cache.invalidate(&key()).await;
    inserted
}
