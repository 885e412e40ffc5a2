//! The outbox collection.

use daraa_platform::mongo::{Coll, DbError, MAX_ROWS, Tx};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc};
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::ChangeStreamEvent;

use super::model::{COLLECTION, EventRow};
use super::service::Fence;
use crate::app::App;
use crate::ids::EventId;

fn rows(app: &App) -> Coll<EventRow> {
    app.mongo.coll(COLLECTION)
}

pub(super) async fn insert_in_tx(app: &App, tx: &mut Tx, row: &EventRow) -> Result<(), DbError> {
    rows(app).insert_in_tx(tx, "db.outbox.insert", row).await
}

pub(super) async fn insert(app: &App, row: &EventRow) -> Result<(), DbError> {
    rows(app).insert("db.outbox.insert_alone", row).await
}

/// Due events whose subject is not in `busy`, those that wait longest first.
pub(super) async fn due(
    app: &App,
    now: Timestamp,
    busy: Vec<String>,
    limit: i64,
) -> Result<Vec<EventRow>, DbError> {
    let mut filter = doc! { "state": "PENDING", "next_at": { "$lte": now } };
    if !busy.is_empty() {
        filter.insert("subject", doc! { "$nin": busy });
    }
    rows(app).find_many("db.outbox.due", filter, doc! { "next_at": 1, "_id": 1 }, limit).await
}

/// The undelivered events of one subject in the order they happened, due or not.
pub(super) async fn of_subject(app: &App, subject: &str, limit: i64) -> Result<Vec<EventRow>, DbError> {
    rows(app)
        .find_many(
            "db.outbox.of_subject",
            doc! { "state": "PENDING", "subject": subject },
            doc! { "at": 1, "_id": 1 },
            limit,
        )
        .await
}

/// Writes the relay's progress unless a newer relay has written already; says whether it did.
pub(super) async fn progress(
    app: &App,
    id: EventId,
    fence: Fence,
    mut set: Document,
) -> Result<bool, DbError> {
    set.insert("fence", fence.number());
    rows(app)
        .update_one(
            "db.outbox.progress",
            doc! { "_id": id, "state": "PENDING", "fence": { "$lte": fence.number() } },
            doc! { "$set": set },
        )
        .await
}

/// Lets the later events of a subject wait as long as their head.
pub(super) async fn hold_back(app: &App, subject: &str, until: Timestamp) -> Result<u64, DbError> {
    rows(app)
        .update_many(
            "db.outbox.hold_back",
            doc! { "state": "PENDING", "subject": subject, "next_at": { "$lt": until } },
            doc! { "$set": { "next_at": until } },
        )
        .await
}

pub(super) async fn dead(app: &App, limit: i64) -> Result<Vec<EventRow>, DbError> {
    rows(app).find_many("db.outbox.dead", doc! { "state": "DEAD" }, doc! { "at": -1 }, limit).await
}

pub(super) async fn revive(app: &App, id: EventId, now: Timestamp) -> Result<bool, DbError> {
    rows(app)
        .update_one(
            "db.outbox.revive",
            doc! { "_id": id, "state": "DEAD" },
            doc! { "$set": { "state": "PENDING", "attempts": 0_i64, "next_at": now } },
        )
        .await
}

pub(super) async fn count_pending(app: &App, cap: u64) -> Result<u64, DbError> {
    rows(app).count_up_to("db.outbox.count_pending", doc! { "state": "PENDING" }, cap).await
}

/// When the event that waits longest became due; `None` when nothing waits.
pub(super) async fn oldest_due(app: &App, now: Timestamp) -> Result<Option<Timestamp>, DbError> {
    Ok(due(app, now, Vec::new(), 1).await?.first().map(|row| row.next_at))
}

/// Removes a batch of events delivered before `before`; says how many.
pub(super) async fn purge(app: &App, before: Timestamp) -> Result<u64, DbError> {
    let ids = rows(app)
        .ids("db.outbox.purge_ids", doc! { "state": "DONE", "done_at": { "$lt": before } }, MAX_ROWS)
        .await?;
    if ids.is_empty() {
        return Ok(0);
    }
    rows(app).delete_many("db.outbox.purge", doc! { "_id": { "$in": ids } }).await
}

/// Tells of each newly committed event, with nothing but its id.
pub(super) async fn watch(app: &App) -> Result<ChangeStream<ChangeStreamEvent<Document>>, DbError> {
    let pipeline =
        [doc! { "$match": { "operationType": "insert" } }, doc! { "$project": { "fullDocument": 0 } }];
    Ok(app.mongo.coll::<Document>(COLLECTION).raw().watch().pipeline(pipeline).await?)
}
