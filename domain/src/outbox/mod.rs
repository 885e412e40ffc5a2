//! Events: written in the transaction of their cause, delivered at least once by the relay of the jobs
//! service, each consumer's effect happening once.
//!
//! Any room may call [`emit_in_tx`]. Only the relay reads. Calls: nobody. The consumers are handed in as a
//! table ([`Consumer`]), for the rooms that react lie above this one.

mod model;
mod rules;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use model::{EventRow, EventState, INDEXES, NewEvent, Topic};
pub use service::{
    Consumer, ConsumerFuture, ConsumerResult, Fence, MAX_TRIES, MAX_TRIES_AWAY, Relay, retry_after,
};

use std::collections::HashSet;
use std::time::Duration;

use daraa_platform::mongo::changes::Changes;
use daraa_platform::mongo::{DbError, Tx};
use daraa_platform::time::Timestamp;

use crate::app::App;
use crate::ids::EventId;

/// Delivered events are kept this long, so that ops can see what happened.
pub const KEEP_DONE: Duration = Duration::from_secs(7 * 86_400);

/// Writes an event in the caller's transaction.
///
/// # Errors
/// Database failure.
pub async fn emit_in_tx(app: &App, tx: &mut Tx, event: NewEvent) -> Result<EventId, DbError> {
    let row = EventRow::new(app.ids.next(), app.clock.now(), event);
    store::insert_in_tx(app, tx, &row).await?;
    Ok(row.id)
}

/// Writes an event that goes with no other write, e.g. an alert.
///
/// # Errors
/// Database failure.
pub async fn emit(app: &App, event: NewEvent) -> Result<EventId, DbError> {
    let row = EventRow::new(app.ids.next(), app.clock.now(), event);
    store::insert(app, &row).await?;
    Ok(row.id)
}

/// Tells of every newly committed event: what wakes the relay. Losing it loses no event, only time.
///
/// # Errors
/// Database failure.
pub async fn watch(app: &App) -> Result<Changes, DbError> {
    store::watch(app).await
}

/// Which of the subjects have events that are not delivered yet; the caller asks of few.
///
/// # Errors
/// Database failure.
pub async fn waiting(app: &App, subjects: Vec<String>) -> Result<HashSet<String>, DbError> {
    store::subjects_waiting(app, subjects).await
}

/// Events that could not be delivered, newest first.
///
/// # Errors
/// Database failure.
pub async fn dead(app: &App, limit: i64) -> Result<Vec<EventRow>, DbError> {
    store::dead(app, limit).await
}

/// Puts a dead event back into the queue; `false` when it is not dead. Consumers that were done stay done.
///
/// # Errors
/// Database failure.
pub async fn revive(app: &App, id: EventId) -> Result<bool, DbError> {
    store::revive(app, id).await
}

/// How many events wait, counted up to `cap`.
///
/// # Errors
/// Database failure.
pub async fn count_pending(app: &App, cap: u64) -> Result<u64, DbError> {
    store::count_pending(app, cap).await
}

/// Since when the event that waits longest has been due; `None` when nothing is.
///
/// # Errors
/// Database failure.
pub async fn oldest_due(app: &App) -> Result<Option<Timestamp>, DbError> {
    store::oldest_due(app, app.clock.now()).await
}

/// Removes a batch of events delivered more than [`KEEP_DONE`] ago; says how many, 0 when none is left.
///
/// # Errors
/// Database failure.
pub async fn purge_done(app: &App) -> Result<u64, DbError> {
    store::purge(app, app.clock.now().minus(KEEP_DONE)).await
}
