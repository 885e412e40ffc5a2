//! What an explanation says, and what of it is a breach.

pub(super) mod document;
pub(super) mod values;

use std::collections::BTreeSet;

use daraa_platform::mongo::index::CollectionIndexes;
use daraa_platform::mongo::record::QueryShape;
use mongodb::bson::{Bson, Document};

use super::model::{EXCUSED, EXCUSED_INDEXES, Explained, IdleIndex, WALKS_OR_SORTS};

/// Keys that may be looked at for each document found.
const KEYS_PER_FOUND: f64 = 1.5;
/// On top of that: where several ranges of an index are merged, one key of each is looked at in vain.
const SPARE_KEYS: i64 = 12;
/// Documents that may be looked at in vain: those a condition beside the index leaves out.
const SPARE_DOCUMENTS: i64 = 4;

/// Reads an explanation with `executionStats`.
pub(super) fn read(shape: &QueryShape, explanation: &Document) -> Explained {
    let mut seen = Seen::default();
    let stats = stats_of(explanation);
    if let Some(stats) = stats {
        walk(&Bson::Document(stats.clone()), &mut seen);
    }
    joined(explanation, &mut seen.indexes);
    let number = |field: &str| stats.map_or(0, |stats| whole(stats.get(field)));
    let found = number("nReturned").max(seen.matched);
    let mut explained = Explained {
        op: shape.op.clone(),
        collection: shape.collection.clone(),
        filter: shape.filter.clone(),
        sort: shape.sort.clone(),
        indexes: seen.indexes,
        keys: number("totalKeysExamined"),
        documents: number("totalDocsExamined"),
        found,
        sorts: seen.sorts,
        millis: number("executionTimeMillis"),
        breach: None,
        excused: EXCUSED.iter().find(|(op, _)| *op == shape.op).map(|(_, why)| *why),
    };
    explained.breach = breach(&explained, seen.scans);
    let walks = seen.scans || explained.sorts;
    if walks && !WALKS_OR_SORTS.contains(&shape.op.as_str()) {
        explained.excused = None;
    }
    explained
}

/// A query the database does not take.
pub(super) fn refused(shape: &QueryShape, why: &mongodb::error::Error) -> Explained {
    let nothing = read(shape, &Document::new());
    Explained { breach: Some(format!("refused: {why}")), excused: None, ..nothing }
}

fn breach(explained: &Explained, scans: bool) -> Option<String> {
    if scans {
        return Some("walks through the collection".to_owned());
    }
    if explained.sorts {
        return Some("sorts in memory".to_owned());
    }
    let found = explained.found.max(1);
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let too_many_keys = explained.keys.saturating_sub(SPARE_KEYS) as f64 > found as f64 * KEYS_PER_FOUND;
    if too_many_keys {
        return Some(format!("{} keys for {} found", explained.keys, explained.found));
    }
    if explained.documents > found.saturating_add(SPARE_DOCUMENTS) {
        return Some(format!("{} documents for {} found", explained.documents, explained.found));
    }
    None
}

/// Of an aggregation the statistics lie in its first stage.
fn stats_of(explanation: &Document) -> Option<&Document> {
    if let Ok(stats) = explanation.get_document("executionStats") {
        return Some(stats);
    }
    let stages = explanation.get_array("stages").ok()?;
    stages
        .first()?
        .as_document()?
        .values()
        .find_map(|stage| stage.as_document()?.get_document("executionStats").ok())
}

/// The indexes by which the later stages of an aggregation look into other collections.
fn joined(explanation: &Document, indexes: &mut Vec<String>) {
    for stage in explanation.get_array("stages").into_iter().flatten().filter_map(Bson::as_document) {
        for name in stage.get_array("indexesUsed").into_iter().flatten().filter_map(Bson::as_str) {
            add(indexes, name);
        }
    }
}

/// Declared indexes that no query used, and those whose keys begin another one over the same documents. What is unique
/// or forgets keeps a rule, whether or not a query uses it. An index name is unique in the whole database.
pub(super) fn idle(rows: &[Explained], declared: &[CollectionIndexes]) -> Vec<IdleIndex> {
    let used: BTreeSet<&str> = rows.iter().flat_map(|row| &row.indexes).map(String::as_str).collect();
    let mut out = Vec::new();
    for collection in declared {
        for (place, spec) in collection.indexes.iter().enumerate() {
            if spec.unique || spec.ttl_secs.is_some() {
                continue;
            }
            // Of two that are the same the later one is too many.
            let containing = collection.indexes.iter().enumerate().find(|(other_place, other)| {
                let longer = other.keys.len() > spec.keys.len();
                *other_place != place && (longer || *other_place < place) && spec.is_prefix_of(other)
            });
            let breach = match containing {
                Some((_, other)) => format!("redundant: {} serves the same queries", other.name),
                None if !used.contains(spec.name) => "unused by every query".to_owned(),
                None => continue,
            };
            let excused = EXCUSED_INDEXES.iter().find(|(name, _)| *name == spec.name).map(|(_, why)| *why);
            out.push(IdleIndex { collection: collection.collection, index: spec.name, breach, excused });
        }
    }
    out
}

#[derive(Default)]
struct Seen {
    indexes: Vec<String>,
    scans: bool,
    sorts: bool,
    matched: i64,
}

fn walk(node: &Bson, seen: &mut Seen) {
    match node {
        Bson::Document(stage) => {
            match stage.get_str("stage") {
                Ok("COLLSCAN") => seen.scans = true,
                Ok("SORT") => seen.sorts = true,
                Ok("IDHACK" | "EXPRESS_IXSCAN") => add(&mut seen.indexes, "_id_"),
                _ => {}
            }
            if let Ok(name) = stage.get_str("indexName") {
                add(&mut seen.indexes, name);
            }
            for field in ["nWouldModify", "nWouldDelete", "nCounted", "nMatched"] {
                seen.matched = seen.matched.max(whole(stage.get(field)));
            }
            stage.values().for_each(|inner| walk(inner, seen));
        }
        Bson::Array(all) => all.iter().for_each(|inner| walk(inner, seen)),
        _ => {}
    }
}

fn add(indexes: &mut Vec<String>, name: &str) {
    if !indexes.iter().any(|known| known == name) {
        indexes.push(name.to_owned());
    }
}

fn whole(value: Option<&Bson>) -> i64 {
    match value {
        Some(Bson::Int32(n)) => i64::from(*n),
        Some(Bson::Int64(n)) => *n,
        _ => 0,
    }
}
