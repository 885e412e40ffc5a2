//! The collection of categories.

use daraa_platform::mongo::DbError;
use mongodb::bson::{Document, doc};

use super::model::{COLLECTION, MAX_CATEGORIES, StoreCategory};
use crate::app::App;

pub(super) async fn all(app: &App) -> Result<Vec<StoreCategory>, DbError> {
    let sort = doc! { "position": 1, "_id": 1 };
    app.mongo.coll(COLLECTION).find_many("db.category.all", Document::new(), sort, MAX_CATEGORIES).await
}

pub(super) async fn insert(app: &App, row: &StoreCategory) -> Result<(), DbError> {
    app.mongo.coll(COLLECTION).insert("db.category.insert", row).await
}
