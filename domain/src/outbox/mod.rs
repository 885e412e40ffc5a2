//! Events: written in the transaction of their cause, delivered at least once by the relay of the jobs
//! service, each consumer's effect happening once.
//!
//! Any room may call [`emit_in_tx`]. Only the relay reads.

mod model;
mod store;

pub use model::{EventRow, EventState, INDEXES, NewEvent, Topic};

use daraa_platform::mongo::{DbError, Tx};

use crate::app::App;
use crate::ids::EventId;

/// Writes an event in the caller's transaction.
///
/// # Errors
/// Database failure.
pub async fn emit_in_tx(app: &App, tx: &mut Tx, event: NewEvent) -> Result<EventId, DbError> {
    let row = EventRow::new(app.ids.next(), app.clock.now(), event);
    store::insert_in_tx(app, tx, &row).await?;
    Ok(row.id)
}
