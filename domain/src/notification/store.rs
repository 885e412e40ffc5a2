//! The collection of notifications.

use daraa_platform::mongo::{Coll, DbError, MAX_ROWS};
use daraa_platform::paging::{PageRequest, SortOrder, date_key};
use daraa_platform::time::Timestamp;
use mongodb::bson::doc;

use super::model::{COLLECTION, Notification, RECIPIENT_EVENT};
use crate::app::App;
use crate::ids::{AccountId, NotificationId};

fn rows(app: &App) -> Coll<Notification> {
    app.mongo.coll(COLLECTION)
}

/// Writes one; `false` when this person was told of this event before, as the same audience.
pub(super) async fn insert(app: &App, notification: &Notification) -> Result<bool, DbError> {
    match rows(app).insert("db.notification.insert", notification).await {
        Ok(()) => Ok(true),
        Err(e) if e.duplicate_index() == Some(RECIPIENT_EVENT) => Ok(false),
        Err(e) => Err(e),
    }
}

pub(super) async fn of(
    app: &App,
    recipient: AccountId,
    unread_only: bool,
    page: &PageRequest,
) -> Result<Vec<Notification>, DbError> {
    let mut filter = page.after_filter("created_at", SortOrder::Descending, date_key);
    filter.insert("recipient_id", recipient);
    if unread_only {
        filter.insert("is_read", false);
    }
    let sort = page.sort("created_at", SortOrder::Descending);
    app.mongo.browse(COLLECTION).find_many("db.notification.of", filter, sort, page.fetch_limit()).await
}

pub(super) async fn count_unread(app: &App, recipient: AccountId, cap: u64) -> Result<u64, DbError> {
    rows(app)
        .count_up_to("db.notification.unread", doc! { "recipient_id": recipient, "is_read": false }, cap)
        .await
}

pub(super) async fn mark(
    app: &App,
    recipient: AccountId,
    ids: &[NotificationId],
    now: Timestamp,
) -> Result<u64, DbError> {
    rows(app)
        .update_many(
            "db.notification.mark",
            doc! { "_id": { "$in": ids }, "recipient_id": recipient, "is_read": false },
            doc! { "$set": { "is_read": true, "read_at": now } },
        )
        .await
}

pub(super) async fn mark_all(app: &App, recipient: AccountId, now: Timestamp) -> Result<u64, DbError> {
    rows(app)
        .update_many(
            "db.notification.mark_all",
            doc! { "recipient_id": recipient, "is_read": false },
            doc! { "$set": { "is_read": true, "read_at": now } },
        )
        .await
}

pub(super) async fn purge(app: &App, before: Timestamp) -> Result<u64, DbError> {
    let old = doc! { "created_at": { "$lt": before } };
    let ids = rows(app).ids("db.notification.purge_ids", old, MAX_ROWS).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    rows(app).delete_many("db.notification.purge", doc! { "_id": { "$in": ids } }).await
}
