//! The collection `carts`.

use daraa_platform::mongo::{Coll, DbError, Tx};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Bson, Document, doc, serialize_to_bson};

use super::model::{COLLECTION, Cart, CartLine};
use super::service::CartOwner;
use crate::app::App;
use crate::ids::{AccountId, CartId, CartLineId};

fn carts(app: &App) -> Coll<Cart> {
    app.mongo.coll(COLLECTION)
}

fn owned(owner: &CartOwner) -> Document {
    match owner {
        CartOwner::Account(id) => doc! { "account_id": *id },
        CartOwner::Guest(hash) => doc! { "guest_hash": hash },
    }
}

pub(super) async fn find(app: &App, owner: &CartOwner) -> Result<Option<Cart>, DbError> {
    carts(app).find_one("db.cart.find", owned(owner)).await
}

pub(super) async fn find_in_tx(app: &App, tx: &mut Tx, owner: &CartOwner) -> Result<Option<Cart>, DbError> {
    carts(app).find_one_in_tx(tx, "db.cart.find", owned(owner)).await
}

pub(super) async fn insert(app: &App, cart: &Cart) -> Result<(), DbError> {
    carts(app).insert("db.cart.insert", cart).await
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, cart: &Cart) -> Result<(), DbError> {
    carts(app).insert_in_tx(tx, "db.cart.insert", cart).await
}

/// Replaces the lines while the cart is still at `version`.
pub(super) async fn set_lines(
    app: &App,
    cart: &Cart,
    lines: &[CartLine],
    now: Timestamp,
) -> Result<Option<Cart>, DbError> {
    let (filter, update) = lines_update(cart, lines, now)?;
    carts(app).find_one_and_update("db.cart.set_lines", filter, update).await
}

pub(super) async fn set_lines_in_tx(
    app: &App,
    tx: &mut Tx,
    cart: &Cart,
    lines: &[CartLine],
    now: Timestamp,
) -> Result<Option<Cart>, DbError> {
    let (filter, update) = lines_update(cart, lines, now)?;
    carts(app).find_one_and_update_in_tx(tx, "db.cart.set_lines", filter, update).await
}

fn lines_update(cart: &Cart, lines: &[CartLine], now: Timestamp) -> Result<(Document, Document), DbError> {
    let filter = doc! { "_id": cart.id, "version": cart.version };
    let set = doc! { "lines": serialize_to_bson(&lines)?, "updated_at": now };
    Ok((filter, doc! { "$set": set, "$inc": { "version": 1_i64 } }))
}

pub(super) async fn delete_in_tx(app: &App, tx: &mut Tx, id: CartId) -> Result<(), DbError> {
    carts(app).delete_many_in_tx(tx, "db.cart.delete", doc! { "_id": id }).await.map(|_| ())
}

/// Takes lines out of an account's cart; other lines stay. `false`, and nothing changed, when one of them is not there.
pub(super) async fn pull_lines_in_tx(
    app: &App,
    tx: &mut Tx,
    account_id: AccountId,
    line_ids: &[CartLineId],
    now: Timestamp,
) -> Result<bool, DbError> {
    let ids: Vec<Bson> = line_ids.iter().copied().map(Bson::from).collect();
    let filter = doc! { "account_id": account_id, "lines.id": { "$all": ids.clone() } };
    let update = doc! {
        "$pull": { "lines": { "id": { "$in": ids } } },
        "$set": { "updated_at": now },
        "$inc": { "version": 1_i64 },
    };
    carts(app).update_one_in_tx(tx, "db.cart.pull_lines", filter, update).await
}

/// Deletes up to `limit` carts untouched since `before`; says how many.
pub(super) async fn delete_abandoned(app: &App, before: Timestamp, limit: i64) -> Result<u64, DbError> {
    let old = doc! { "updated_at": { "$lt": before } };
    let ids = carts(app).ids("db.cart.abandoned", old.clone(), limit).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let mut filter = doc! { "_id": { "$in": ids } };
    filter.extend(old);
    carts(app).delete_many("db.cart.delete_abandoned", filter).await
}
