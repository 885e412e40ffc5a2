//! What the server says about its collections.

use std::collections::BTreeMap;

use daraa_platform::mongo::DbError;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};

use super::model::CollectionStats;
use crate::app::App;
use crate::indexes;

/// An index counts as unused only where the counter has run for this long, in ms: a week.
const USED_WITHIN_MS: i64 = 7 * 86_400_000;

pub(super) async fn stats(app: &App, collection: &'static str) -> Result<CollectionStats, DbError> {
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

/// The newest lines of the primary's log: the server keeps the last 1,024 in memory.
pub(super) async fn recent_log(app: &App) -> Result<Vec<String>, DbError> {
    let admin = app.mongo.client().database("admin");
    let ask = admin.run_command(doc! { "getLog": "global" });
    let answer = tokio::time::timeout(app.mongo.long_deadline(), ask)
        .await
        .map_err(|_| DbError::Deadline { op: "db.maintenance.log" })??;
    let lines = answer.get_array("log").map(Vec::as_slice).unwrap_or_default();
    Ok(lines.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect())
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
