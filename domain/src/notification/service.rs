//! Telling, listing, marking.

use std::time::Duration;

use daraa_platform::ids::TypedId as _;
use daraa_platform::mongo::DbError;
use daraa_platform::paging::{Cursor, Page, PageRequest};

use super::error::NotificationError;
use super::model::{KEEP_SECS, Notification, Recipient};
use super::rules::{Facts, template};
use super::store;
use crate::actor::Actor;
use crate::app::App;
use crate::ids::NotificationId;
use crate::outbox::EventRow;

/// One request may name so many notifications.
const MAX_MARKED: usize = 100;
/// Unread notifications are counted up to this.
const MAX_COUNTED: u64 = 1_000;

/// Which notifications are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marking {
    /// These.
    These(Vec<NotificationId>),
    /// All of the person's.
    All,
}

/// Tells each recipient of an event, once each however often it is called. A recipient for whom the event has no
/// template is not told.
///
/// # Errors
/// Database failure.
pub async fn tell(
    app: &App,
    event: &EventRow,
    recipients: &[Recipient],
    facts: &Facts,
) -> Result<u64, DbError> {
    let mut told = 0_u64;
    for recipient in recipients {
        let Some(template) = template(&event.kind, recipient.audience) else { continue };
        let notification = Notification {
            id: app.ids.next(),
            recipient_id: recipient.account_id,
            audience: recipient.audience,
            kind: event.kind.clone(),
            priority: template.priority,
            title: template.title(facts),
            body: template.body(facts),
            subject_id: event.subject.clone(),
            event_id: event.id,
            is_read: false,
            read_at: None,
            created_at: app.clock.now(),
        };
        if store::insert(app, &notification).await? {
            told = told.saturating_add(1);
        }
    }
    Ok(told)
}

/// The actor's own notifications, newest first.
///
/// # Errors
/// Not signed in, or database failure.
pub async fn list(
    app: &App,
    actor: &Actor,
    unread_only: bool,
    page: &PageRequest,
) -> Result<Page<Notification>, NotificationError> {
    let me = actor.person()?.account_id;
    let rows = store::of(app, me, unread_only, page).await?;
    Ok(Page::build(page, rows, |row| Cursor { key: row.created_at.millis(), id: row.id.oid() }))
}

/// How many of the actor's own notifications are unread; 1,000 means "that many or more".
///
/// # Errors
/// Not signed in, or database failure.
pub async fn count_unread(app: &App, actor: &Actor) -> Result<u64, NotificationError> {
    Ok(store::count_unread(app, actor.person()?.account_id, MAX_COUNTED).await?)
}

/// Marks the actor's own notifications read; says how many were unread. Those of others are passed over in silence.
///
/// # Errors
/// Not signed in, none or too many named, or database failure.
pub async fn mark_read(app: &App, actor: &Actor, which: Marking) -> Result<u64, NotificationError> {
    let me = actor.person()?.account_id;
    let now = app.clock.now();
    match which {
        Marking::All => Ok(store::mark_all(app, me, now).await?),
        Marking::These(ids) if ids.is_empty() => Err(NotificationError::NothingNamed),
        Marking::These(ids) if ids.len() > MAX_MARKED => {
            Err(NotificationError::TooManyIds { limit: MAX_MARKED })
        }
        Marking::These(ids) => Ok(store::mark(app, me, &ids, now).await?),
    }
}

/// Removes a batch of notifications over 90 days old; says how many, 0 when none is left.
///
/// # Errors
/// Database failure.
pub async fn purge(app: &App) -> Result<u64, DbError> {
    let keep = Duration::from_secs(KEEP_SECS.unsigned_abs());
    store::purge(app, app.clock.now().minus(keep)).await
}
