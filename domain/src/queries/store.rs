//! The scratch database: filling it, samples of it, explanations.

use daraa_platform::mongo::record::{PIPELINE, QueryShape};
use daraa_platform::mongo::{DbError, Mongo};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use mongodb::error::ErrorKind;

/// MongoDB's code for a second document with the same unique key.
const DUPLICATE_KEY: i32 = 11_000;
/// Documents that samples are taken from.
const CANDIDATES: i64 = 2_000;
/// As many rows as a page has, and one to see whether there are more.
const PAGE: i64 = 101;

/// Inserts what fits; documents that meet a unique key by chance are left out.
pub(super) async fn insert(mongo: &Mongo, collection: &str, rows: Vec<Document>) -> Result<(), DbError> {
    let into = mongo.db().collection::<Document>(collection);
    let done = within(mongo, "db.queries.insert", into.insert_many(rows).ordered(false).into_future()).await;
    match done {
        Err(DbError::Duplicate { .. }) => Ok(()),
        Err(DbError::Driver(e)) => match &*e.kind {
            ErrorKind::InsertMany(many)
                if many.write_errors.iter().flatten().all(|each| each.code == DUPLICATE_KEY) =>
            {
                Ok(())
            }
            _ => Err(DbError::Driver(e)),
        },
        other => other.map(|_| ()),
    }
}

/// Some documents of a collection that match: the same ones for the same data, so that a verdict is the same every time.
pub(super) async fn sample(
    mongo: &Mongo,
    collection: &str,
    filter: Document,
    count: usize,
) -> Result<Vec<Document>, DbError> {
    let rows = mongo.db().collection::<Document>(collection);
    let work = async {
        let ids = rows.find(filter).projection(doc! { "_id": 1 }).limit(CANDIDATES).await?;
        let ids: Vec<Document> = ids.try_collect().await?;
        // Spread over what was found: neighbours resemble each other.
        let apart = ids.len().checked_div(count).unwrap_or(1).max(1);
        let mut out = Vec::with_capacity(count);
        for id in ids.into_iter().step_by(apart).take(count) {
            out.extend(rows.find_one(id).await?);
        }
        Ok(out)
    };
    within(mongo, "db.queries.sample", work).await
}

/// What the database does for the query.
pub(super) async fn explain(
    mongo: &Mongo,
    shape: &QueryShape,
    filter: Document,
    sort: Document,
) -> Result<Document, DbError> {
    let name = shape.collection.as_str();
    let limit = if shape.one { 1_i64 } else { PAGE };
    let nothing = doc! { "$set": { "explained": true } };
    let command = match shape.command.as_str() {
        "update" => doc! { "update": name, "updates": [{ "q": filter, "u": nothing, "multi": !shape.one }] },
        "delete" => doc! { "delete": name, "deletes": [{ "q": filter, "limit": i32::from(shape.one) }] },
        "count" => doc! { "count": name, "query": filter, "limit": limit },
        "aggregate" => {
            let pipeline = filter.get_array(PIPELINE).cloned().unwrap_or_default();
            doc! { "aggregate": name, "pipeline": pipeline, "cursor": {} }
        }
        _ => doc! { "find": name, "filter": filter, "sort": sort, "limit": limit },
    };
    let command = doc! { "explain": command, "verbosity": "executionStats" };
    within(mongo, "db.queries.explain", mongo.db().run_command(command).into_future()).await
}

async fn within<T>(
    mongo: &Mongo,
    op: &'static str,
    work: impl Future<Output = mongodb::error::Result<T>>,
) -> Result<T, DbError> {
    Ok(tokio::time::timeout(mongo.long_deadline(), work).await.map_err(|_| DbError::Deadline { op })??)
}
