//! The collection of addresses. Every query names the person: there is no other way to an address.

use daraa_platform::mongo::DbError;
use mongodb::bson::{Document, doc};

use super::model::{Address, COLLECTION};
use crate::app::App;
use crate::ids::{AccountId, AddressId};

pub(super) async fn find(
    app: &App,
    account_id: AccountId,
    id: AddressId,
) -> Result<Option<Address>, DbError> {
    let filter = doc! { "_id": id, "account_id": account_id };
    app.mongo.coll(COLLECTION).find_one("db.address.find", filter).await
}

/// The addresses of a person, newest first.
pub(super) async fn list(app: &App, account_id: AccountId, limit: i64) -> Result<Vec<Address>, DbError> {
    let filter = doc! { "account_id": account_id };
    app.mongo.coll(COLLECTION).find_many("db.address.list", filter, doc! { "_id": -1 }, limit).await
}

pub(super) async fn count(app: &App, account_id: AccountId, cap: i64) -> Result<i64, DbError> {
    let cap = u64::try_from(cap).unwrap_or(1);
    let coll = app.mongo.coll::<Address>(COLLECTION);
    let found = coll.count_up_to("db.address.count", doc! { "account_id": account_id }, cap).await?;
    Ok(i64::try_from(found).unwrap_or(i64::MAX))
}

pub(super) async fn insert(app: &App, address: &Address) -> Result<(), DbError> {
    app.mongo.coll(COLLECTION).insert("db.address.insert", address).await
}

/// Applies `update` when the address has still this version.
pub(super) async fn update(
    app: &App,
    address: &Address,
    mut update: Document,
) -> Result<Option<Address>, DbError> {
    update.insert("$inc", doc! { "version": 1_i64 });
    let filter = doc! { "_id": address.id, "account_id": address.account_id, "version": address.version };
    app.mongo.coll(COLLECTION).find_one_and_update("db.address.update", filter, update).await
}

/// Says whether there was one.
pub(super) async fn delete(app: &App, account_id: AccountId, id: AddressId) -> Result<bool, DbError> {
    let filter = doc! { "_id": id, "account_id": account_id };
    app.mongo.coll::<Address>(COLLECTION).delete_one("db.address.delete", filter).await
}
