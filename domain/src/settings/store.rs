//! The settings document and its cache.

use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::redis::cache::ttl;
use daraa_platform::redis::{CacheKey, CachedCollection};
use mongodb::bson::{doc, serialize_to_document};

use super::model::{COLLECTION, PLATFORM, Settings};
use crate::app::App;

fn key() -> CacheKey<Settings> {
    CacheKey::new("settings", 1, PLATFORM)
}

/// What is forgotten when the database tells of a change.
pub(crate) const CACHED: CachedCollection =
    CachedCollection { collection: COLLECTION, name: |_| Some(key().name().to_owned()) };

/// Through the cache.
pub(super) async fn get(app: &App) -> Result<Option<Settings>, DbError> {
    app.cache.get_or_load_opt(&key(), ttl::MEDIUM, || find(app)).await
}

/// What is stored; `None` before the first change.
pub(super) async fn find(app: &App) -> Result<Option<Settings>, DbError> {
    app.mongo.coll(COLLECTION).find_one("db.settings.find", doc! { "_id": PLATFORM }).await
}

/// Stores `next` when the stored version is still `from`; `false` when it is not. Version 0 is no document yet.
pub(super) async fn replace_in_tx(
    app: &App,
    tx: &mut Tx,
    from: i64,
    next: &Settings,
) -> Result<bool, DbError> {
    let cache = app.cache.clone();
    tx.after_commit(async move { cache.invalidate(&key()).await });
    let coll = app.mongo.coll::<Settings>(COLLECTION);
    if from == 0 {
        return match coll.insert_in_tx(tx, "db.settings.insert", next).await {
            Ok(()) => Ok(true),
            Err(e) if e.duplicate_index() == Some("_id_") => Ok(false),
            Err(e) => Err(e),
        };
    }
    let mut fields = serialize_to_document(next)?;
    fields.remove("_id");
    let filter = doc! { "_id": PLATFORM, "version": from };
    coll.update_one_in_tx(tx, "db.settings.replace", filter, doc! { "$set": fields }).await
}
