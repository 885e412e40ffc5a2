//! The state of the collections and their indexes: gathered weekly, kept as a report, alerted on.
//!
//! Calls: job, outbox. Called by: the jobs service, `daraa-server db stats`.

use std::collections::BTreeMap;

use daraa_platform::mongo::{DbError, index};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::outbox::{self, NewEvent, Topic};
use crate::{indexes, job};

/// An index counts as unused only where the counter has run for this long, in ms: a week.
const USED_WITHIN_MS: i64 = 7 * 86_400_000;

/// What a collection holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionStats {
    /// The collection.
    pub collection: String,
    /// How many documents.
    pub documents: i64,
    /// Their size, uncompressed, in bytes.
    pub bytes: i64,
    /// The space they take on the disk, in bytes.
    pub storage_bytes: i64,
    /// The size of all its indexes, in bytes.
    pub index_bytes: i64,
    /// How many indexes, `_id_` included.
    pub indexes: i64,
    /// Declared indexes that no query has used for a week, on the member that was asked.
    pub unused: Vec<String>,
}

/// A maintenance report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Every declared collection.
    pub collections: Vec<CollectionStats>,
    /// Differences between the declared and the found indexes, in words.
    pub drift: Vec<String>,
    /// Events that could not be delivered.
    pub dead_events: i64,
}

/// Gathers the report; changes nothing.
///
/// # Errors
/// Database failure.
pub async fn inspect(app: &App) -> Result<Report, DbError> {
    let mut collections = Vec::with_capacity(indexes::ALL.len());
    for declared in indexes::ALL {
        collections.push(stats(app, declared.collection).await?);
    }
    let drift = index::diff(&app.mongo, indexes::ALL).await?.iter().map(ToString::to_string).collect();
    let dead = outbox::dead(app, 100).await?.len();
    Ok(Report { collections, drift, dead_events: i64::try_from(dead).unwrap_or(i64::MAX) })
}

/// Gathers the report, keeps it and tells ops of drift.
///
/// # Errors
/// Database failure.
pub async fn run(app: &App) -> Result<Report, DbError> {
    let report = inspect(app).await?;
    let stored = mongodb::bson::serialize_to_document(&report)?;
    job::keep_report(app, stored).await?;
    if !report.drift.is_empty() {
        let alert = NewEvent {
            kind: "maintenance.drift",
            subject: "indexes".to_owned(),
            topics: vec![Topic::Ops],
            data: doc! { "drift": report.drift.clone() },
        };
        outbox::emit(app, alert).await?;
    }
    Ok(report)
}

async fn stats(app: &App, collection: &'static str) -> Result<CollectionStats, DbError> {
    let rows = app.mongo.coll::<Document>(collection).within(app.mongo.long_deadline());
    let pipeline = vec![
        doc! { "$collStats": { "storageStats": {} } },
        // A sharded collection answers once per shard.
        doc! { "$group": {
            "_id": null,
            "documents": { "$sum": "$storageStats.count" },
            "bytes": { "$sum": "$storageStats.size" },
            "storage_bytes": { "$sum": "$storageStats.storageSize" },
            "index_bytes": { "$sum": "$storageStats.totalIndexSize" },
            "indexes": { "$max": "$storageStats.nindexes" },
        } },
    ];
    let found: Vec<Document> = rows.aggregate("db.maintenance.stats", pipeline).await?;
    let found = found.into_iter().next().unwrap_or_default();
    Ok(CollectionStats {
        collection: collection.to_owned(),
        documents: whole(&found, "documents"),
        bytes: whole(&found, "bytes"),
        storage_bytes: whole(&found, "storage_bytes"),
        index_bytes: whole(&found, "index_bytes"),
        indexes: whole(&found, "indexes"),
        unused: unused(app, collection).await?,
    })
}

/// Which declared indexes no query has used since their counter began, where that was long enough ago. TTL and unique
/// indexes keep rules, they are not there for queries.
async fn unused(app: &App, collection: &'static str) -> Result<Vec<String>, DbError> {
    let work = async {
        let cursor =
            app.mongo.db().collection::<Document>(collection).aggregate([doc! { "$indexStats": {} }]).await?;
        cursor.try_collect::<Vec<Document>>().await
    };
    let rows = tokio::time::timeout(app.mongo.long_deadline(), work)
        .await
        .map_err(|_| DbError::Deadline { op: "db.maintenance.index_stats" })??;
    let now = app.clock.now().millis();
    let used: BTreeMap<&str, bool> = rows
        .iter()
        .filter_map(|row| {
            let accesses = row.get_document("accesses").ok()?;
            let since = accesses.get_datetime("since").ok()?.timestamp_millis();
            let young = now.saturating_sub(since) < USED_WITHIN_MS;
            Some((row.get_str("name").ok()?, young || whole(accesses, "ops") > 0))
        })
        .collect();
    let declared = indexes::ALL.iter().filter(|c| c.collection == collection).flat_map(|c| c.indexes);
    Ok(declared
        .filter(|spec| !spec.unique && spec.ttl_secs.is_none())
        .filter(|spec| used.get(spec.name) == Some(&false))
        .map(|spec| spec.name.to_owned())
        .collect())
}

/// A number as the server happens to send it.
fn whole(row: &Document, field: &str) -> i64 {
    match row.get(field) {
        Some(Bson::Int32(n)) => i64::from(*n),
        Some(Bson::Int64(n)) => *n,
        #[expect(clippy::cast_possible_truncation, reason = "sizes in bytes, far inside i64")]
        Some(Bson::Double(n)) => *n as i64,
        _ => 0,
    }
}
