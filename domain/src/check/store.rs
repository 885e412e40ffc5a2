//! Whole collections in batches, in the order of their ids. Which collection is the room's own word: it is asked for by
//! the declaration every room has at its door.

use std::collections::{HashMap, HashSet};

use daraa_platform::ids::TypedId;
use daraa_platform::mongo::index::CollectionIndexes;
use daraa_platform::mongo::{Coll, DbError, MAX_ROWS};
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, RawDocumentBuf, deserialize_from_slice, doc};
use serde::de::DeserializeOwned;

use super::rules::Seen;
use crate::app::App;

/// Rows of one batch.
const BATCH: i64 = 500;
/// Rows whose shape is looked at in one go, by the database itself.
const SHAPE_BATCH: u64 = 5_000;
/// So many rows of a batch are named that have a wrong shape.
const MAX_MISSHAPEN: i64 = 100;

/// A row that is there and cannot be read.
pub(super) struct Unreadable {
    /// `collection/id`.
    pub(super) subject: String,
    /// Why.
    pub(super) what: String,
}

/// Some rows of a collection.
pub(super) struct Batch<T> {
    /// Those that can be read.
    pub(super) rows: Vec<T>,
    /// The others.
    pub(super) unreadable: Vec<Unreadable>,
    /// The id the next batch comes after; none when there is no next.
    pub(super) last: Option<Bson>,
}

fn rows<T: Send + Sync>(app: &App, of: &CollectionIndexes) -> Coll<T> {
    app.mongo.coll(of.collection).within(app.mongo.long_deadline())
}

fn subject(of: &CollectionIndexes, id: &Bson) -> String {
    let id = match id {
        Bson::ObjectId(id) => id.to_hex(),
        Bson::String(id) => id.clone(),
        other => other.to_string(),
    };
    format!("{}/{id}", of.collection)
}

fn id_of(row: &RawDocumentBuf) -> Bson {
    row.get("_id").ok().flatten().and_then(|id| Bson::try_from(id).ok()).unwrap_or(Bson::Null)
}

/// The batch after `after`.
pub(super) async fn batch<T: DeserializeOwned>(
    app: &App,
    of: &CollectionIndexes,
    after: Option<Bson>,
) -> Result<Batch<T>, DbError> {
    let filter = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": after } });
    let raw = rows::<RawDocumentBuf>(app, of);
    let raw = raw.find_many("db.check.batch", filter, doc! { "_id": 1 }, BATCH).await?;
    let full = i64::try_from(raw.len()).unwrap_or(i64::MAX) >= BATCH;
    let last = raw.last().filter(|_| full).map(id_of);
    let mut batch = Batch { rows: Vec::with_capacity(raw.len()), unreadable: Vec::new(), last };
    for row in raw {
        match deserialize_from_slice(row.as_bytes()) {
            Ok(read) => batch.rows.push(read),
            Err(e) => {
                let what = e.message.clone().unwrap_or_else(|| e.to_string());
                batch.unreadable.push(Unreadable { subject: subject(of, &id_of(&row)), what });
            }
        }
    }
    Ok(batch)
}

/// Rows that were asked for by their ids.
pub(super) struct Found<T> {
    rows: HashMap<ObjectId, T>,
    unreadable: HashSet<ObjectId>,
}

impl<T> Found<T> {
    /// What is there under an id that was asked for.
    pub(super) fn seen(&self, id: impl TypedId) -> Seen<'_, T> {
        match self.rows.get(&id.oid()) {
            Some(row) => Seen::There(row),
            None if self.unreadable.contains(&id.oid()) => Seen::Unreadable,
            None => Seen::Missing,
        }
    }
}

/// The rows with these ids; the caller asks for few.
pub(super) async fn by_id<T: DeserializeOwned, I: TypedId>(
    app: &App,
    of: &CollectionIndexes,
    ids: Vec<I>,
) -> Result<Found<T>, DbError> {
    let ids: Vec<ObjectId> = ids.into_iter().map(TypedId::oid).collect();
    let mut found = Found { rows: HashMap::new(), unreadable: HashSet::new() };
    if ids.is_empty() {
        return Ok(found);
    }
    let filter = doc! { "_id": { "$in": ids } };
    let raw = rows::<RawDocumentBuf>(app, of);
    for row in raw.find_many("db.check.many", filter, Document::new(), MAX_ROWS).await? {
        let Some(id) = id_of(&row).as_object_id() else { continue };
        match deserialize_from_slice(row.as_bytes()) {
            Ok(read) => drop(found.rows.insert(id, read)),
            Err(_) => drop(found.unreadable.insert(id)),
        }
    }
    Ok(found)
}

/// Rows of the batch after `after` that are not of the declared shape, and where the next batch begins. The database
/// itself compares them: also collections whose rows nobody reads here, and values a newer version may have written.
pub(super) async fn misshapen(
    app: &App,
    of: &CollectionIndexes,
    after: Option<Bson>,
) -> Result<(Vec<Unreadable>, Option<Bson>), DbError> {
    let look = look(rows(app, of), of, after);
    tokio::time::timeout(app.mongo.long_deadline(), look)
        .await
        .map_err(|_| DbError::Deadline { op: "db.check.shape" })?
}

/// By the driver's own collection: what is asked here follows the declaration and is no query to be listed.
async fn look(
    rows: Coll<Document>,
    of: &CollectionIndexes,
    after: Option<Bson>,
) -> Result<(Vec<Unreadable>, Option<Bson>), DbError> {
    let all = rows.raw();
    let beyond = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": after } });
    let end = all.find(beyond.clone()).sort(doc! { "_id": 1 }).skip(SHAPE_BATCH.saturating_sub(1)).limit(1);
    let last =
        end.projection(doc! { "_id": 1 }).await?.try_next().await?.and_then(|mut row| row.remove("_id"));
    let within = match &last {
        Some(last) => doc! { "$and": [beyond, { "_id": { "$lte": last.clone() } }] },
        None => beyond,
    };
    let validator = of.shape.validator();
    let ids = matching(all, doc! { "$and": [within, { "$nor": [validator.clone()] }] }).await?;
    let mut fields: HashMap<String, Vec<&str>> = HashMap::new();
    if !ids.is_empty() {
        for (name, of_it) in each_field(&validator) {
            let wrong = doc! { "$and": [{ "_id": { "$in": ids.clone() } }, { "$nor": [of_it] }] };
            for id in matching(all, wrong).await? {
                fields.entry(subject(of, &id)).or_default().push(name);
            }
        }
    }
    let found = ids.iter().map(|id| {
        let subject = subject(of, id);
        let what = match fields.get(&subject) {
            Some(names) => format!("not as declared: {}", names.join(", ")),
            None => "not as declared".to_owned(),
        };
        Unreadable { subject, what }
    });
    Ok((found.collect(), last))
}

/// The ids of what matches, not more than are named.
async fn matching(all: &Collection<Document>, filter: Document) -> Result<Vec<Bson>, DbError> {
    let found = all.find(filter).projection(doc! { "_id": 1 }).limit(MAX_MISSHAPEN).await?;
    let found: Vec<Document> = found.try_collect().await?;
    Ok(found.into_iter().filter_map(|mut row| row.remove("_id")).collect())
}

/// What a validator asks of each field by itself.
fn each_field(validator: &Document) -> Vec<(&str, Document)> {
    let Ok(schema) = validator.get_document("$jsonSchema") else { return Vec::new() };
    let Ok(properties) = schema.get_document("properties") else { return Vec::new() };
    let required = schema.get_array("required").map(Vec::as_slice).unwrap_or_default();
    properties
        .iter()
        .map(|(name, of_it)| {
            let mut asks = doc! { "properties": { name: of_it.clone() } };
            if required.iter().any(|field| field.as_str() == Some(name)) {
                asks.insert("required", vec![name.clone()]);
            }
            (name.as_str(), doc! { "$jsonSchema": asks })
        })
        .collect()
}
