//! The outbox collection.

use std::collections::HashSet;

use daraa_platform::mongo::changes::{Changes, Follow};
use daraa_platform::mongo::{Coll, DbError, MAX_ROWS, Tx};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::model::{COLLECTION, EventRow, at_once};
use super::rules;
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

/// Due events whose subject is not in `busy`: the new ones in the order they were written, then those whose pause is
/// over, the longest first.
pub(super) async fn due(
    app: &App,
    now: Timestamp,
    busy: Vec<String>,
    limit: i64,
) -> Result<Vec<EventRow>, DbError> {
    waiting(app, "db.outbox.due", doc! { "$lte": now }, busy, limit).await
}

/// Of the [`due`] events only those whose pause is over, for they come after all new ones.
pub(super) async fn due_again(
    app: &App,
    now: Timestamp,
    busy: Vec<String>,
    limit: i64,
) -> Result<Vec<EventRow>, DbError> {
    waiting(app, "db.outbox.due_again", doc! { "$gt": at_once(), "$lte": now }, busy, limit).await
}

/// A subject, as a grouped row.
#[derive(Deserialize)]
struct Subject {
    #[serde(rename = "_id")]
    subject: String,
}

/// Which of the subjects have events that are not delivered yet.
pub(super) async fn subjects_waiting(app: &App, subjects: Vec<String>) -> Result<HashSet<String>, DbError> {
    let pipeline = vec![
        doc! { "$match": { "state": "PENDING", "subject": { "$in": subjects } } },
        doc! { "$group": { "_id": "$subject" } },
    ];
    let rows = rows(app).within(app.mongo.long_deadline());
    let found: Vec<Subject> = rows.aggregate("db.outbox.subjects_waiting", pipeline).await?;
    Ok(found.into_iter().map(|row| row.subject).collect())
}

async fn waiting(
    app: &App,
    op: &'static str,
    next_at: Document,
    busy: Vec<String>,
    limit: i64,
) -> Result<Vec<EventRow>, DbError> {
    let mut filter = doc! { "state": "PENDING", "next_at": next_at };
    if !busy.is_empty() {
        filter.insert("subject", doc! { "$nin": busy });
    }
    rows(app).find_many(op, filter, doc! { "next_at": 1, "_id": 1 }, limit).await
}

/// The undelivered events of one subject in the order they happened, due or not.
pub(super) async fn of_subject(app: &App, subject: &str, limit: i64) -> Result<Vec<EventRow>, DbError> {
    let filter = doc! { "state": "PENDING", "subject": subject };
    let chain =
        rows(app).find_many("db.outbox.of_subject", filter, doc! { "at": 1, "_id": 1 }, limit).await?;
    Ok(rules::in_order(chain))
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

pub(super) async fn revive(app: &App, id: EventId) -> Result<bool, DbError> {
    rows(app)
        .update_one(
            "db.outbox.revive",
            doc! { "_id": id, "state": "DEAD" },
            doc! { "$set": { "state": "PENDING", "attempts": 0_i64, "next_at": at_once() } },
        )
        .await
}

pub(super) async fn count_pending(app: &App, cap: u64) -> Result<u64, DbError> {
    rows(app).count_up_to("db.outbox.count_pending", doc! { "state": "PENDING" }, cap).await
}

/// When the event that waits longest became due; `None` when nothing waits.
pub(super) async fn oldest_due(app: &App, now: Timestamp) -> Result<Option<Timestamp>, DbError> {
    let new = waiting(app, "db.outbox.oldest_new", doc! { "$eq": at_once() }, Vec::new(), 1).await?;
    let again = due_again(app, now, Vec::new(), 1).await?;
    // A new one has been due since it happened.
    Ok(new.first().map(|row| row.at).into_iter().chain(again.first().map(|row| row.next_at)).min())
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
pub(super) async fn watch(app: &App) -> Result<Changes, DbError> {
    let new = Follow { op: "db.outbox.watch", collections: &[COLLECTION], new_with: Some(&[]) };
    app.mongo.follow(new, None).await
}
