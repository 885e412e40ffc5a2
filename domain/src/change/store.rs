//! The collection of the places.

use daraa_platform::mongo::changes::{Changes, Follow, Token};
use daraa_platform::mongo::{Coll, DbError};
use daraa_platform::redis::CachedCollection;
use mongodb::bson::{doc, serialize_to_bson};

use super::model::{COLLECTION, Position};
use crate::app::App;

fn positions(app: &App) -> Coll<Position> {
    app.mongo.coll(COLLECTION)
}

pub(super) async fn find(app: &App, name: &str) -> Result<Option<Position>, DbError> {
    positions(app).find_one("db.change.find", doc! { "_id": name }).await
}

/// Follows what changes in the collections of the table.
pub(super) async fn follow(
    app: &App,
    table: &[CachedCollection],
    from: Option<&Token>,
) -> Result<Changes, DbError> {
    let collections: Vec<&str> = table.iter().map(|row| row.collection).collect();
    let what = Follow { op: "db.change.follow", collections: &collections, new_with: None };
    app.mongo.follow(what, from).await
}

/// Notes a place; `false` when somebody with a larger fencing number has done so.
pub(super) async fn put(app: &App, place: &Position) -> Result<bool, DbError> {
    let mine = doc! { "_id": &place.name, "fence": { "$lte": place.fence } };
    let token = serialize_to_bson(&place.token)?;
    let update = doc! { "$set": { "token": token, "fence": place.fence, "at": place.at } };
    match positions(app).upsert("db.change.put", mine, update).await {
        Ok(_) => Ok(true),
        // It is there and did not match: its number is larger.
        Err(e) if e.duplicate_index().is_some() => Ok(false),
        Err(e) => Err(e),
    }
}
