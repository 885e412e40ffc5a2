//! The index of the archive.

use daraa_platform::mongo::{Coll, DbError};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc, serialize_to_document};

use super::model::{Archive, COLLECTION, Search};
use crate::app::App;

fn rows(app: &App) -> Coll<Archive> {
    app.mongo.coll(COLLECTION)
}

/// Notes a verified file; a run that was cut short notes it again.
pub(super) async fn note(app: &App, archive: &Archive) -> Result<(), DbError> {
    let mut row = serialize_to_document(archive)?;
    row.remove("_id");
    rows(app).upsert("db.archive.note", doc! { "_id": &archive.name }, doc! { "$set": row }).await.map(|_| ())
}

pub(super) async fn moved(app: &App, name: &str, at: Timestamp) -> Result<bool, DbError> {
    rows(app).update_one("db.archive.moved", doc! { "_id": name }, doc! { "$set": { "moved_at": at } }).await
}

pub(super) async fn get(app: &App, name: &str) -> Result<Option<Archive>, DbError> {
    rows(app).find_one("db.archive.get", doc! { "_id": name }).await
}

/// The files whose range overlaps the search, newest first: those that come after `after`, or the first ones.
pub(super) async fn overlapping(
    app: &App,
    search: &Search,
    after: Option<&Archive>,
    limit: i64,
) -> Result<Vec<Archive>, DbError> {
    let mut filter = Document::new();
    let mut to = Document::new();
    if let Some(from) = search.from {
        to.insert("$gte", from);
    }
    if let Some(to) = search.to {
        filter.insert("from", doc! { "$lt": to });
    }
    if let Some(last) = after {
        // Said twice, for the index takes its bounds from the plain condition only.
        to.insert("$lte", last.to);
        let older = doc! { "to": { "$lt": last.to } };
        filter.insert("$or", vec![older, doc! { "to": last.to, "_id": { "$lt": &last.name } }]);
    }
    if !to.is_empty() {
        filter.insert("to", to);
    }
    rows(app).find_many("db.archive.overlapping", filter, doc! { "to": -1, "_id": -1 }, limit).await
}
