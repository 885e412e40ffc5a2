//! The collection of accounts and its cache.

use std::collections::HashMap;

use daraa_platform::mongo::{DbError, MAX_ROWS, Tx};
use daraa_platform::redis::cache::ttl;
use daraa_platform::redis::{CacheKey, CachedCollection};
use mongodb::bson::{Bson, Document, doc};

use super::model::{Account, COLLECTION, Phone};
use crate::app::App;
use crate::ids::{AccountId, StoreId};

/// So many people are told of one event at most.
const MAX_TOLD: i64 = 200;

fn key(id: &AccountId) -> CacheKey<Account> {
    CacheKey::new("user", 1, id)
}

/// What is forgotten when the database tells of a change.
pub(crate) const CACHED: CachedCollection = CachedCollection {
    collection: COLLECTION,
    name: |id| Some(key(&AccountId::from(id.as_object_id()?)).name().to_owned()),
};

/// Through the cache. Rights hang on it, so it lives only shortly should an invalidation be lost with its process.
pub(super) async fn get(app: &App, id: AccountId) -> Result<Option<Account>, DbError> {
    app.cache.get_or_load_opt(&key(&id), ttl::SHORT, || find(app, id)).await
}

/// Through the cache; unknown ones are left out.
pub(super) async fn get_many(app: &App, ids: &[AccountId]) -> Result<HashMap<AccountId, Account>, DbError> {
    app.cache
        .get_many_or_load(ids, key, ttl::SHORT, |missing| async move {
            Ok(find_many(app, &missing).await?.into_iter().map(|account| (account.id, account)).collect())
        })
        .await
}

/// From the primary, past the cache.
pub(super) async fn find(app: &App, id: AccountId) -> Result<Option<Account>, DbError> {
    app.mongo.coll(COLLECTION).find_one("db.account.find", doc! { "_id": id }).await
}

pub(super) async fn find_in_tx(app: &App, tx: &mut Tx, id: AccountId) -> Result<Option<Account>, DbError> {
    app.mongo.coll(COLLECTION).find_one_in_tx(tx, "db.account.find", doc! { "_id": id }).await
}

async fn find_many(app: &App, ids: &[AccountId]) -> Result<Vec<Account>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let filter = doc! { "_id": { "$in": ids } };
    app.mongo.coll(COLLECTION).find_many("db.account.find_many", filter, doc! { "_id": 1 }, MAX_ROWS).await
}

pub(super) async fn find_by_phone(app: &App, phone: &Phone) -> Result<Option<Account>, DbError> {
    app.mongo.coll(COLLECTION).find_one("db.account.find_by_phone", doc! { "phone": phone }).await
}

pub(super) async fn find_by_phone_in_tx(
    app: &App,
    tx: &mut Tx,
    phone: &Phone,
) -> Result<Option<Account>, DbError> {
    app.mongo.coll(COLLECTION).find_one_in_tx(tx, "db.account.find_by_phone", doc! { "phone": phone }).await
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, account: &Account) -> Result<(), DbError> {
    app.mongo.coll(COLLECTION).insert_in_tx(tx, "db.account.insert", account).await?;
    forget_after(app, tx, account.id);
    Ok(())
}

/// Sets (or, where the value is null, removes) fields of an account; the cache forgets it after the commit.
pub(super) async fn set_in_tx(
    app: &App,
    tx: &mut Tx,
    account: &Account,
    fields: Document,
) -> Result<Option<Account>, DbError> {
    let (unset, set): (Vec<_>, Vec<_>) = fields.into_iter().partition(|(_, value)| *value == Bson::Null);
    let mut update = doc! { "$inc": { "version": 1_i64 } };
    for (operator, fields) in [("$set", set), ("$unset", unset)] {
        if !fields.is_empty() {
            update.insert(operator, fields.into_iter().collect::<Document>());
        }
    }
    let filter = doc! { "_id": account.id, "version": account.version };
    forget_after(app, tx, account.id);
    app.mongo.coll(COLLECTION).find_one_and_update_in_tx(tx, "db.account.set", filter, update).await
}

fn forget_after(app: &App, tx: &mut Tx, id: AccountId) {
    let cache = app.cache.clone();
    tx.after_commit(async move { cache.invalidate(&key(&id)).await });
}

/// The people of a store, at most [`MAX_TOLD`].
pub(super) async fn ids_of_store(app: &App, store_id: StoreId) -> Result<Vec<AccountId>, DbError> {
    ids(app, "db.account.ids_of_store", doc! { "memberships.store_id": store_id }).await
}

/// The ops people, at most [`MAX_TOLD`].
pub(super) async fn ids_of_ops(app: &App) -> Result<Vec<AccountId>, DbError> {
    let any = doc! { "ops": { "$exists": true, "$type": "string" } };
    ids(app, "db.account.ids_of_ops", any).await
}

async fn ids(app: &App, op: &'static str, filter: Document) -> Result<Vec<AccountId>, DbError> {
    let found = app.mongo.coll::<Account>(COLLECTION).ids(op, filter, MAX_TOLD).await?;
    Ok(found.iter().filter_map(|id| id.as_object_id().map(AccountId::from)).collect())
}
