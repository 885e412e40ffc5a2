//! Idempotency keys: one key has exactly one effect and replays the same answer.
//!
//! A use case calls [`find`] first (a repeated request is answered from the record), then [`record_in_tx`] in the
//! transaction of its effect. Two requests with the same key at once: the second transaction is refused by the
//! unique `_id`; the use case then calls [`find`] again and replays.

mod model;
mod store;

pub use model::{INDEXES, IdempotencyRecord, IdempotentRequest, MAX_KEY_CHARS, Replay};

use std::time::Duration;

use daraa_platform::mongo::{DbError, Tx};
use mongodb::bson::Document;

use crate::app::App;

/// Records are kept this long: twice the day clients are promised.
pub const KEEP: Duration = Duration::from_secs(2 * 86_400);

/// What is known of a request: never seen, already done (with its answer), or its key was used for another.
///
/// # Errors
/// Database failure.
pub async fn find(app: &App, request: &IdempotentRequest) -> Result<Replay, DbError> {
    Ok(match store::find(app, &request.record_id()).await? {
        None => Replay::New,
        Some(record) if record.request_hash == request.hash => Replay::Done(record.answer),
        Some(_) => Replay::KeyReused,
    })
}

/// Records the answer in the transaction of the effect.
///
/// # Errors
/// [`DbError::Duplicate`] when the same key was recorded meanwhile (the transaction must fail then), or
/// database failure.
pub async fn record_in_tx(
    app: &App,
    tx: &mut Tx,
    request: &IdempotentRequest,
    answer: Document,
) -> Result<(), DbError> {
    let record = IdempotencyRecord {
        id: request.record_id(),
        request_hash: request.hash.clone(),
        answer,
        created_at: app.clock.now(),
    };
    store::insert_in_tx(app, tx, &record).await
}

/// Whether a failed transaction failed because its key was recorded meanwhile: call [`find`] again then.
#[must_use]
pub fn raced(e: &DbError) -> bool {
    e.duplicate_index() == Some("_id_")
}

/// Removes a batch of records older than [`KEEP`]; says how many, 0 when none is left.
///
/// # Errors
/// Database failure.
pub async fn purge(app: &App) -> Result<u64, DbError> {
    store::purge(app, app.clock.now().minus(KEEP)).await
}
