//! The collections of the reviews.

use daraa_platform::mongo::{Coll, DbError, MAX_ROWS, Tx};
use daraa_platform::paging::{PageRequest, SortOrder, date_key};
use mongodb::bson::{Document, doc};

use super::model::{COLLECTION, Review, ReviewStatus, SCORES, Score};
use crate::app::App;
use crate::ids::{OrderId, ReviewId, StoreId};

fn rows(app: &App) -> Coll<Review> {
    app.mongo.coll(COLLECTION)
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, review: &Review) -> Result<(), DbError> {
    rows(app).insert_in_tx(tx, "db.review.insert", review).await
}

pub(super) async fn get(app: &App, id: ReviewId) -> Result<Option<Review>, DbError> {
    rows(app).find_one("db.review.get", doc! { "_id": id }).await
}

pub(super) async fn of_orders(app: &App, ids: &[OrderId]) -> Result<Vec<Review>, DbError> {
    rows(app)
        .find_many("db.review.of_orders", doc! { "order_id": { "$in": ids } }, Document::new(), MAX_ROWS)
        .await
}

/// Writes a change if the review is still as it was read.
pub(super) async fn change_in_tx(
    app: &App,
    tx: &mut Tx,
    review: &Review,
    set: Document,
) -> Result<Option<Review>, DbError> {
    rows(app)
        .find_one_and_update_in_tx(
            tx,
            "db.review.change",
            doc! { "_id": review.id, "version": review.version },
            doc! { "$set": set, "$inc": { "version": 1_i64 } },
        )
        .await
}

pub(super) async fn of_store(
    app: &App,
    store_id: StoreId,
    only: Option<ReviewStatus>,
    page: &PageRequest,
) -> Result<Vec<Review>, DbError> {
    let mut filter = page.after_filter("created_at", SortOrder::Descending, date_key);
    filter.insert("store_id", store_id);
    if let Some(status) = only {
        filter.insert("status", status.as_str());
    }
    let sort = page.sort("created_at", SortOrder::Descending);
    app.mongo.browse(COLLECTION).find_many("db.review.of_store", filter, sort, page.fetch_limit()).await
}

/// Adds `count` ratings with `sum` stars in all; both are negative when a review is hidden.
pub(super) async fn score_in_tx(
    app: &App,
    tx: &mut Tx,
    subject: &str,
    count: i64,
    sum: i64,
) -> Result<(), DbError> {
    app.mongo
        .coll::<Score>(SCORES)
        .upsert_in_tx(
            tx,
            "db.review.score",
            doc! { "_id": subject },
            doc! { "$inc": { "count": count, "sum": sum } },
        )
        .await
        .map(|_| ())
}

pub(super) async fn scores(app: &App, subjects: &[String]) -> Result<Vec<Score>, DbError> {
    app.mongo
        .browse(SCORES)
        .find_many("db.review.scores", doc! { "_id": { "$in": subjects } }, doc! { "_id": 1 }, MAX_ROWS)
        .await
}
