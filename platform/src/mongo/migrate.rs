//! Numbered migrations: applied once each, in order, under a lock; a crash in between is resumed.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tracing::warn;

use super::{Coll, DbError, Mongo};
use crate::random::Random;
use crate::time::Timestamp;

const COLLECTION: &str = "schema_migrations";
/// A migrator that died may be followed by another after this.
const LOCK_LEASE: Duration = Duration::from_secs(600);
/// The lock is renewed this often while a migration runs: two renewals may fail before it is lost.
const RENEW_EVERY: Duration = Duration::from_secs(200);

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
/// Database failure, or [`DbError::Newer`] when a newer version has been at work here: it may have changed documents in
/// ways this program does not know.
pub async fn pending(mongo: &Mongo, all: &[Migration]) -> Result<Vec<Migration>, DbError> {
    let rows = mongo
        .coll::<Document>(COLLECTION)
        .find_many("db.migration.list", doc! { "_id": { "$gt": 0 } }, doc! { "_id": 1 }, super::MAX_ROWS)
        .await?;
    let done: Vec<i64> = rows.iter().filter_map(|row| row.get_i64("_id").ok()).collect();
    let known = all.iter().map(|m| m.number).max().unwrap_or(0);
    if let Some(found) = done.iter().copied().max().filter(|found| *found > known) {
        return Err(DbError::Newer { found, known });
    }
    Ok(all.iter().filter(|m| !done.contains(&m.number)).copied().collect())
}

/// The lock is document 0. Whoever holds it is known by a token of its own: one that was taken over neither renews nor
/// releases what is somebody else's by now.
struct Lock {
    rows: Coll<Document>,
    token: String,
    /// The time of the caller, which goes on by the steady clock.
    now: Timestamp,
    since: Instant,
}

impl Lock {
    /// Takes it; [`DbError::Locked`] while another holds it, for then the upsert inserts a second document 0.
    async fn take(rows: Coll<Document>, now: Timestamp) -> Result<Self, DbError> {
        let lock = Self { rows, token: Random::from_os().token(), now, since: Instant::now() };
        let free = doc! { "_id": 0_i64, "$or": [{ "until": { "$lt": now } }, { "until": null }] };
        let taken = doc! { "$set": { "until": lock.until(), "token": &lock.token } };
        match lock.rows.upsert("db.migration.lock", free, taken).await {
            Ok(_) => Ok(lock),
            Err(DbError::Duplicate { .. }) => Err(DbError::Locked),
            Err(e) => Err(e),
        }
    }

    fn until(&self) -> Timestamp {
        self.now.plus(self.since.elapsed()).plus(LOCK_LEASE)
    }

    fn ours(&self) -> Document {
        doc! { "_id": 0_i64, "token": &self.token }
    }

    async fn renew(&self) -> Result<(), DbError> {
        let set = doc! { "$set": { "until": self.until() } };
        if self.rows.update_one("db.migration.renew", self.ours(), set).await? {
            return Ok(());
        }
        Err(DbError::Locked)
    }

    /// Renews it until somebody else has it. A renewal that fails otherwise is tried again: the lease outlasts it.
    async fn keep(&self) -> DbError {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            match self.renew().await {
                Ok(()) => {}
                Err(DbError::Locked) => return DbError::Locked,
                Err(e) => warn!(cause = %e, "the lock of the migrations was not renewed"),
            }
        }
    }

    async fn release(self) -> Result<(), DbError> {
        let free = doc! { "$set": { "until": null, "token": null } };
        self.rows.update_one("db.migration.unlock", self.ours(), free).await.map(|_| ())
    }
}

/// Applies what is pending, one after another; says which. `progress` is told each before it starts.
///
/// # Errors
/// Database failure, [`DbError::Locked`] while another process holds the lock, or when it has taken it over.
pub async fn apply(
    mongo: &Mongo,
    all: &[Migration],
    now: Timestamp,
    progress: impl Fn(&Migration),
) -> Result<Vec<Migration>, DbError> {
    let rows = mongo.coll::<Document>(COLLECTION).within(mongo.long_deadline());
    let lock = Lock::take(rows.clone(), now).await?;
    let mut made = Vec::new();
    let outcome = async {
        for migration in pending(mongo, all).await? {
            progress(&migration);
            // Each begins with a whole lease before it.
            lock.renew().await?;
            tokio::select! {
                applied = (migration.apply)(mongo) => applied?,
                lost = lock.keep() => return Err(lost),
            }
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
    let released = lock.release().await;
    // Why it stopped says more than that the lock could not be given back, too.
    outcome.and(released).map(|()| made)
}
