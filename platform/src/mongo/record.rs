//! What queries look like: names, filters and orders without their values, so that each shape the code can issue is
//! known and can be proven to be served by an index.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use mongodb::bson::{Bson, Document};
use serde::{Deserialize, Serialize};

/// One shape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct QueryShape {
    /// The name of the operation, e.g. `db.order.list`.
    pub op: String,
    /// The collection.
    pub collection: String,
    /// `find`, `update`, `delete`, `count` or `aggregate`.
    pub command: String,
    /// The filter (of a pipeline: all of it) as JSON. A value is replaced by its type in angle brackets, e.g. `<date>`;
    /// states, flags and null stay, for partial indexes depend on them.
    pub filter: String,
    /// The order as JSON; empty when there is none.
    pub sort: String,
    /// Whether at most one document is wanted.
    pub one: bool,
}

/// The field of [`QueryShape::filter`] that holds a whole pipeline.
pub const PIPELINE: &str = "pipeline";

/// A query as it is issued.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'q> {
    command: &'static str,
    filter: &'q Document,
    sort: Option<&'q Document>,
    one: bool,
}

impl<'q> Asked<'q> {
    pub(super) fn one(command: &'static str, filter: &'q Document) -> Self {
        Self { command, filter, sort: None, one: true }
    }

    pub(super) fn many(command: &'static str, filter: &'q Document) -> Self {
        Self { command, filter, sort: None, one: false }
    }

    pub(super) fn in_order(self, sort: &'q Document) -> Self {
        Self { sort: Some(sort), ..self }
    }

    pub(super) fn shape(self, op: &str, collection: &str) -> QueryShape {
        QueryShape {
            op: op.to_owned(),
            collection: collection.to_owned(),
            command: self.command.to_owned(),
            filter: shape_of(self.filter),
            sort: self.sort.map(sort_of).unwrap_or_default(),
            one: self.one,
        }
    }
}

/// Writes the shapes it has not seen yet to a file, one JSON object a line.
#[derive(Debug)]
pub struct Recorder {
    seen: Mutex<(BTreeSet<QueryShape>, File)>,
}

impl Recorder {
    /// Appends to `file`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn to(file: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(file)?;
        Ok(Self { seen: Mutex::new((BTreeSet::new(), file)) })
    }

    pub(super) fn note(&self, shape: QueryShape) {
        let mut guard = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, file) = &mut *guard;
        if seen.contains(&shape) {
            return;
        }
        if let Ok(mut line) = serde_json::to_string(&shape) {
            line.push('\n');
            // A full disk fails the run elsewhere; what is missing here is noticed when the lists are compared.
            drop(file.write_all(line.as_bytes()));
        }
        seen.insert(shape);
    }
}

/// A document with its values replaced by their types.
fn shape_of(document: &Document) -> String {
    // Only texts, flags and null are left, which JSON knows.
    serde_json::to_string(&shaped(document)).unwrap_or_default()
}

/// The order of a sort is part of it; JSON objects keep none.
fn sort_of(sort: &Document) -> String {
    let keys: Vec<String> = sort.iter().map(|(field, way)| format!("{field}:{}", number(way))).collect();
    keys.join(",")
}

fn number(way: &Bson) -> i64 {
    match way {
        Bson::Int32(n) => i64::from(*n),
        Bson::Int64(n) => *n,
        _ => 0,
    }
}

/// The stages of a pipeline: their texts name fields and stay, but for those of the filters.
fn staged(value: &Bson) -> Bson {
    match value {
        Bson::Document(stage) => {
            let fields = stage.iter().map(|(key, value)| {
                let shape = match (key.as_str(), value) {
                    ("$match" | "query", Bson::Document(filter)) => Bson::Document(shaped(filter)),
                    // JSON objects keep no order, which here means something.
                    ("$sort", Bson::Document(sort)) => Bson::String(sort_of(sort)),
                    (_, value) => staged(value),
                };
                (key.clone(), shape)
            });
            Bson::Document(fields.collect())
        }
        Bson::Array(all) => Bson::Array(all.iter().map(staged).collect()),
        Bson::String(_) | Bson::Boolean(_) | Bson::Null => value.clone(),
        other => Bson::String(leaf(other)),
    }
}

fn shaped(document: &Document) -> Document {
    document.iter().map(|(key, value)| (key.clone(), value_shape(key, value))).collect()
}

fn value_shape(key: &str, value: &Bson) -> Bson {
    match value {
        Bson::Array(_) if key == PIPELINE => staged(value),
        // The name of a type is no value.
        _ if key == "$type" => value.clone(),
        // An expression names fields and operators.
        _ if key == "$expr" => staged(value),
        Bson::Document(inner) => Bson::Document(shaped(inner)),
        Bson::Array(all) if all.iter().all(|each| matches!(each, Bson::Document(_))) => {
            Bson::Array(all.iter().map(|each| value_shape("", each)).collect())
        }
        // One list of states is one shape; lists of ids differ only in length.
        Bson::Array(all) => {
            let kinds: BTreeSet<String> = all.iter().map(leaf).collect();
            Bson::Array(kinds.into_iter().map(Bson::String).collect())
        }
        Bson::Boolean(_) | Bson::Null => value.clone(),
        other => Bson::String(leaf(other)),
    }
}

fn leaf(value: &Bson) -> String {
    match value {
        Bson::String(text) if is_code(text) => text.clone(),
        Bson::String(_) => "<text>".to_owned(),
        Bson::ObjectId(_) => "<id>".to_owned(),
        Bson::DateTime(_) => "<date>".to_owned(),
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) => "<number>".to_owned(),
        Bson::Binary(_) => "<bytes>".to_owned(),
        Bson::RegularExpression(_) => "<prefix>".to_owned(),
        Bson::Boolean(b) => b.to_string(),
        Bson::Null => "null".to_owned(),
        _ => "<value>".to_owned(),
    }
}

/// A state as it is stored, `PENDING_PAYMENT`, or a kind, `order.placed`. Currencies look the same and are as few.
fn is_code(text: &str) -> bool {
    const LONGEST: usize = 32;
    let state = text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
        && text.bytes().any(|b| b.is_ascii_uppercase());
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let kind = text.split_once('.').is_some_and(|(room, verb)| word(room) && word(verb));
    (3..=LONGEST).contains(&text.len()) && (state || kind)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{doc, oid::ObjectId};

    use super::*;

    #[test]
    fn values_become_types_and_states_stay() {
        let id = ObjectId::from_bytes([1; 12]);
        let filter = doc! {
            "_id": id, "status": { "$in": ["PLACED", "ACCEPTED"] }, "number": "K7QM-2X9A", "open": true, "end": null,
            "$or": [{ "n": { "$lt": 5_i64 } }, { "n": 5_i64, "_id": { "$lt": id } }], "ids": { "$in": [id, id] },
        };
        assert_eq!(
            shape_of(&filter),
            r#"{"_id":"<id>","status":{"$in":["ACCEPTED","PLACED"]},"number":"<text>","open":true,"end":null,"$or":[{"n":{"$lt":"<number>"}},{"n":"<number>","_id":{"$lt":"<id>"}}],"ids":{"$in":["<id>"]}}"#
        );
        assert_eq!(sort_of(&doc! { "placed_at": -1, "_id": -1 }), "placed_at:-1,_id:-1");
    }
}
