//! Numbered migrations: applied once each, in order, under a lock; a crash in between is resumed.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::{DbError, Mongo};
use crate::time::Timestamp;

const COLLECTION: &str = "schema_migrations";
/// A migration that stopped without finishing may be taken over after this.
const LOCK_LEASE: Duration = Duration::from_secs(600);

/// What a migration does. It must be idempotent: after a crash it runs again from its beginning.
pub type Apply = for<'a> fn(&'a Mongo) -> Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>>;

/// One migration.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its number; they are applied in this order and never renumbered.
    pub number: i64,
    /// What it is called in lists.
    pub name: &'static str,
    /// What it does.
    pub apply: Apply,
}

/// A migration that was applied.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Applied {
    /// The number.
    #[serde(rename = "_id")]
    pub number: i64,
    /// The name it had then.
    pub name: String,
    /// When it was finished.
    pub applied_at: Timestamp,
}

/// The migrations that are still to be applied.
///
/// # Errors
/// Database failure.
pub async fn pending(mongo: &Mongo, all: &[Migration]) -> Result<Vec<Migration>, DbError> {
    let rows = mongo
        .coll::<Document>(COLLECTION)
        .find_many("db.migration.list", doc! { "_id": { "$gt": 0 } }, doc! { "_id": 1 }, super::MAX_ROWS)
        .await?;
    let done: Vec<i64> = rows.iter().filter_map(|row| row.get_i64("_id").ok()).collect();
    Ok(all.iter().filter(|m| !done.contains(&m.number)).copied().collect())
}

/// Applies what is pending, one after another; says which. `progress` is told each before it starts.
///
/// # Errors
/// Database failure, [`DbError::Duplicate`] while another process holds the lock.
pub async fn apply(
    mongo: &Mongo,
    all: &[Migration],
    now: Timestamp,
    progress: impl Fn(&Migration),
) -> Result<Vec<Migration>, DbError> {
    let rows = mongo.coll::<Document>(COLLECTION).within(mongo.long_deadline());
    // The lock is document 0; a stale one is taken over, a live one makes the upsert a duplicate.
    rows.upsert(
        "db.migration.lock",
        doc! { "_id": 0_i64, "$or": [{ "until": { "$lt": now } }, { "until": null }] },
        doc! { "$set": { "until": now.plus(LOCK_LEASE) } },
    )
    .await?;
    let mut made = Vec::new();
    let outcome = async {
        for migration in pending(mongo, all).await? {
            progress(&migration);
            (migration.apply)(mongo).await?;
            rows.insert(
                "db.migration.record",
                &doc! { "_id": migration.number, "name": migration.name, "applied_at": now },
            )
            .await?;
            made.push(migration);
        }
        Ok(())
    }
    .await;
    rows.update_one("db.migration.unlock", doc! { "_id": 0_i64 }, doc! { "$set": { "until": null } }).await?;
    outcome.map(|()| made)
}
