//! Filling and checking.

use daraa_platform::clock::Clock;
use daraa_platform::mongo::record::{PIPELINE, QueryShape};
use daraa_platform::mongo::{DbError, Mongo};
use daraa_platform::random::Random;
use mongodb::bson::{Bson, Document};
use mongodb::error::ErrorKind;
use serde_json::Value;

use super::model::{Explained, IdleIndex, QueriesError, Scale, all};
use super::rules::document::Maker;
use super::rules::{idle, read, refused, values};
use super::store;
use crate::indexes;

/// Documents in one write.
const BATCH: u64 = 1_000;
/// Documents whose values a query gets: one to be found, the rest for its lists.
const SAMPLES: usize = 5;
/// The same data every time.
const SEED: u64 = 1;

/// A check on one database.
#[derive(Debug)]
pub struct Check {
    /// The database; everything in it is made up.
    pub mongo: Mongo,
    /// The time the data is around.
    pub clock: Clock,
    /// How much of it.
    pub scale: Scale,
}

/// Fills every declared collection with documents made from its validator. The collections and indexes exist already.
///
/// # Errors
/// Database failure, also when a made-up document is refused by its own validator.
pub async fn fill_database(check: &Check, progress: impl Fn(&str)) -> Result<(), DbError> {
    let random = Random::seeded(SEED);
    for declared in indexes::ALL {
        let validator = declared.shape.validator();
        let count = check.scale.documents(declared.collection);
        progress(&format!("{} {count}", declared.collection));
        let (random, now, scale) = (&random, check.clock.now(), check.scale);
        let maker = Maker { collection: declared.collection, random, now, scale };
        let mut row = 0;
        while row < count {
            let end = count.min(row.saturating_add(BATCH));
            let rows: Vec<Document> = (row..end).map(|row| maker.document(&validator, row)).collect();
            store::insert(&check.mongo, declared.collection, rows).await?;
            row = end;
        }
    }
    Ok(())
}

/// Explains every shape; `told` hears each as it comes.
///
/// # Errors
/// The list cannot be read, a shape cannot be given values, or database failure.
pub async fn run(check: &Check, told: impl Fn(&Explained)) -> Result<Vec<Explained>, QueriesError> {
    let mut out = Vec::new();
    for shape in all()? {
        let explained = explain(check, &shape).await?;
        told(&explained);
        out.push(explained);
    }
    Ok(out)
}

/// The declared indexes that serve nothing, as far as `rows`, what all shapes use, tell.
#[must_use]
pub fn idle_indexes(rows: &[Explained]) -> Vec<IdleIndex> {
    idle(rows, indexes::ALL)
}

async fn explain(check: &Check, shape: &QueryShape) -> Result<Explained, QueriesError> {
    let pattern: Value = serde_json::from_str(&shape.filter)?;
    let about = match pipeline_filter(&pattern) {
        Some(filter) => values::fixed(filter),
        None => values::fixed(&pattern),
    };
    let mut samples = store::sample(&check.mongo, &shape.collection, about, SAMPLES).await?;
    let sample = if samples.is_empty() { Document::new() } else { samples.remove(0) };
    let unfillable = || QueriesError::Unfillable { op: shape.op.clone(), filter: shape.filter.clone() };
    let filter = match pattern.get(PIPELINE) {
        Some(stages) => stages_of(stages, &sample, &samples).ok_or_else(unfillable)?,
        None => values::filter(&pattern, &sample, &samples).ok_or_else(unfillable)?,
    };
    match store::explain(&check.mongo, shape, filter, values::sort(&shape.sort)).await {
        Ok(explanation) => Ok(read(shape, &explanation)),
        // The database does not take it as it is: that is found out here, not in the night.
        Err(DbError::Driver(e)) if matches!(&*e.kind, ErrorKind::Command(_)) => Ok(refused(shape, &e)),
        Err(e) => Err(e.into()),
    }
}

/// The filter a pipeline begins with.
fn pipeline_filter(pattern: &Value) -> Option<&Value> {
    let first = pattern.get(PIPELINE)?.get(0)?;
    first.get("$match").or_else(|| first.get("$geoNear")?.get("query"))
}

/// A pipeline with values in its filters and places.
fn stages_of(stages: &Value, sample: &Document, others: &[Document]) -> Option<Document> {
    let stages: Option<Vec<Bson>> =
        stages.as_array()?.iter().map(|stage| stage_of(stage, sample, others)).collect();
    Some(mongodb::bson::doc! { PIPELINE: stages? })
}

fn stage_of(stage: &Value, sample: &Document, others: &[Document]) -> Option<Bson> {
    let mut out = Document::new();
    for (name, body) in stage.as_object()? {
        let filled = match (name.as_str(), body) {
            ("$match", filter) => values::filter(filter, sample, others)?.into(),
            ("$sort", Value::String(order)) => values::sort(order).into(),
            ("$geoNear", Value::Object(near)) => {
                let mut inner = Document::new();
                for (field, value) in near {
                    match field.as_str() {
                        "near" => {
                            let around =
                                values::filter(&serde_json::json!({ "point": value }), sample, others)?;
                            inner.extend(around.get("point").map(|point| ("near".to_owned(), point.clone())));
                        }
                        "query" => drop(inner.insert("query", values::filter(value, sample, others)?)),
                        "maxDistance" => drop(inner.insert(field, 3_000.0)),
                        "minDistance" => drop(inner.insert(field, 0.0)),
                        _ => drop(inner.insert(field, plain(value))),
                    }
                }
                inner.into()
            }
            (_, body) => plain(body),
        };
        out.insert(name, filled);
    }
    Some(out.into())
}

/// What a pipeline says literally; a number it was given is one.
fn plain(value: &Value) -> Bson {
    match value {
        Value::Object(fields) => Bson::Document(fields.iter().map(|(k, v)| (k.clone(), plain(v))).collect()),
        Value::Array(all) => Bson::Array(all.iter().map(plain).collect()),
        Value::String(text) if text == "<number>" => Bson::Int64(100),
        Value::String(text) => Bson::String(text.clone()),
        Value::Bool(flag) => Bson::Boolean(*flag),
        _ => Bson::Null,
    }
}
