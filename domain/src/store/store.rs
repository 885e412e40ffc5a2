//! The collection of stores.

use std::collections::HashMap;

use daraa_platform::mongo::{DbError, MAX_ROWS, Tx};
use mongodb::bson::{Bson, Document, doc};

use super::model::{COLLECTION, Rating, Store};
use crate::app::App;
use crate::ids::StoreId;

pub(super) async fn get_many(app: &App, ids: &[StoreId]) -> Result<HashMap<StoreId, Store>, DbError> {
    let wanted: Vec<Bson> = ids.iter().map(|id| Bson::from(*id)).collect();
    let filter = doc! { "_id": { "$in": wanted } };
    let rows: Vec<Store> =
        app.mongo.coll(COLLECTION).find_many("db.store.find_many", filter, Document::new(), MAX_ROWS).await?;
    Ok(rows.into_iter().map(|store| (store.id, store)).collect())
}

pub(super) async fn find_in_tx(app: &App, tx: &mut Tx, id: StoreId) -> Result<Option<Store>, DbError> {
    app.mongo.coll(COLLECTION).find_one_in_tx(tx, "db.store.find", doc! { "_id": id }).await
}

pub(super) async fn set_rating_in_tx(
    app: &App,
    tx: &mut Tx,
    id: StoreId,
    rating: Rating,
) -> Result<bool, DbError> {
    let value = doc! { "count": rating.count, "sum": rating.sum, "average_milli": rating.average_milli };
    let update = doc! { "$set": { "rating": value }, "$inc": { "version": 1_i64 } };
    app.mongo
        .coll::<Store>(COLLECTION)
        .update_one_in_tx(tx, "db.store.rate", doc! { "_id": id }, update)
        .await
}
