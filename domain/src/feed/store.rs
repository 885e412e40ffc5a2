//! The collections of the feed.

use std::collections::HashMap;

use daraa_platform::mongo::changes::{Changes, Follow, Token};
use daraa_platform::mongo::{Coll, DbError, MAX_ROWS};
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc};

use super::News;
use super::model::{EVENTS, FeedEvent, HEADS, Head};
use crate::app::App;
use crate::ids::EventId;

fn events(app: &App) -> Coll<FeedEvent> {
    app.mongo.coll(EVENTS)
}

fn heads(app: &App) -> Coll<Head> {
    app.mongo.coll(HEADS)
}

/// The last known number of each topic; a topic that is missing has none yet.
pub(super) async fn last(app: &App, topics: &[String]) -> Result<HashMap<String, i64>, DbError> {
    let limit = i64::try_from(topics.len()).unwrap_or(i64::MAX);
    let rows = heads(app)
        .find_many("db.feed.heads", doc! { "_id": { "$in": topics } }, doc! { "_id": 1 }, limit)
        .await?;
    Ok(rows.into_iter().map(|head| (head.topic, head.last)).collect())
}

/// The last number among a topic's events that are kept; 0 when there is none.
pub(super) async fn newest(app: &App, topic: &str) -> Result<i64, DbError> {
    let sort = doc! { "sequence": -1 };
    let rows = events(app).find_many("db.feed.newest", doc! { "topic": topic }, sort, 1).await?;
    Ok(rows.first().map_or(0, |event| event.sequence))
}

/// Notes that `sequence` is taken; never goes back.
pub(super) async fn advance(app: &App, topic: &str, sequence: i64) -> Result<(), DbError> {
    let update = doc! { "$max": { "last": sequence } };
    match heads(app).upsert("db.feed.advance", doc! { "_id": topic }, update.clone()).await {
        // Two first appends met; the head exists now.
        Err(e) if e.duplicate_index().is_some() => {
            heads(app).update_one("db.feed.advance_again", doc! { "_id": topic }, update).await.map(|_| ())
        }
        other => other.map(|_| ()),
    }
}

pub(super) async fn insert(app: &App, event: &FeedEvent) -> Result<(), DbError> {
    events(app).insert("db.feed.insert", event).await
}

/// Inserts them in their order; when one is refused, those before it are in and those after it are not.
pub(super) async fn insert_many(app: &App, rows: &[FeedEvent]) -> Result<(), DbError> {
    events(app).insert_many("db.feed.insert_many", rows).await
}

pub(super) async fn find(app: &App, topic: &str, event_id: EventId) -> Result<Option<FeedEvent>, DbError> {
    events(app).find_one("db.feed.find", doc! { "topic": topic, "event_id": event_id }).await
}

pub(super) async fn after(
    app: &App,
    topic: &str,
    sequence: i64,
    limit: i64,
) -> Result<Vec<FeedEvent>, DbError> {
    events(app)
        .find_many(
            "db.feed.after",
            doc! { "topic": topic, "sequence": { "$gt": sequence } },
            doc! { "sequence": 1 },
            limit,
        )
        .await
}

/// Tells of each committed event by its topic and number.
pub(super) async fn follow(app: &App, from: Option<&Token>) -> Result<Changes, DbError> {
    let new = Follow { op: "db.feed.follow", collections: &[EVENTS], new_with: Some(&["topic", "sequence"]) };
    app.mongo.follow(new, from).await
}

/// What [`follow`] brings of an event.
pub(super) fn news(fields: &Document) -> Option<News> {
    Some(News { topic: fields.get_str("topic").ok()?.to_owned(), sequence: fields.get_i64("sequence").ok()? })
}

/// Removes a batch of events appended before `before`; says how many.
pub(super) async fn purge(app: &App, before: Timestamp) -> Result<u64, DbError> {
    let old = doc! { "created_at": { "$lt": before } };
    let ids = events(app).ids("db.feed.purge_ids", old, MAX_ROWS).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    events(app).delete_many("db.feed.purge", doc! { "_id": { "$in": ids } }).await
}
