//! Values for shapes, documents for validators, breaches of explanations.

use daraa_platform::mongo::index::{CollectionIndexes, IndexSpec, Kept, Key, PartialValue, ShardKey};
use daraa_platform::mongo::record::QueryShape;
use daraa_platform::mongo::shape::Shape;
use daraa_platform::random::Random;
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc};
use serde_json::json;

use super::model::{EXCUSED_INDEXES, Scale};
use super::rules::document::{Maker, id_of};
use super::rules::{idle, read, values};

fn shape_of_find() -> QueryShape {
    QueryShape {
        op: "db.order.list".to_owned(),
        collection: "orders".to_owned(),
        command: "find".to_owned(),
        filter: "{}".to_owned(),
        sort: String::new(),
        one: false,
    }
}

#[test]
fn a_shape_gets_the_values_of_a_document() {
    let sample =
        doc! { "_id": id_of("orders", 1), "status": "PLACED", "at": 5_i64, "lines": [{ "id": 7_i64 }] };
    let other = doc! { "_id": id_of("orders", 2), "status": "READY", "at": 6_i64, "lines": [] };
    let pattern = json!({
        "status": "PLACED", "_id": { "$in": ["<id>"] }, "lines.id": "<number>",
        "$or": [{ "at": { "$lt": "<number>" } }, { "at": "<number>", "_id": { "$gt": "<id>" } }],
    });
    let filled = values::filter(&pattern, &sample, &[other]).unwrap_or_default();
    let expected = doc! {
        "status": "PLACED", "_id": { "$in": [id_of("orders", 1), id_of("orders", 2)] }, "lines.id": 7_i64,
        "$or": [{ "at": { "$lt": 5_i64 } }, { "at": 5_i64, "_id": { "$gt": id_of("orders", 1) } }],
    };
    for (field, value) in &expected {
        assert_eq!(filled.get(field), Some(value), "{field}");
    }
    assert_eq!(values::fixed(&pattern), doc! { "status": "PLACED" });
    assert_eq!(values::sort("at:-1,_id:1"), doc! { "at": -1_i64, "_id": 1_i64 });
}

#[test]
fn every_declared_validator_makes_documents() {
    let random = Random::seeded(1);
    for declared in crate::indexes::ALL {
        let (now, scale) = (Timestamp::from_millis(1_800_000_000_000), Scale(0.01));
        let maker = Maker { collection: declared.collection, random: &random, now, scale };
        let made = maker.document(&declared.shape.validator(), 1);
        assert!(made.contains_key("_id"), "{}", declared.collection);
    }
}

#[test]
fn a_walk_a_sort_and_a_wasteful_index_are_breaches() {
    let explained = |stage: Document, keys: i64, documents: i64, found: i64| {
        let stats = doc! {
            "nReturned": found, "totalKeysExamined": keys, "totalDocsExamined": documents, "executionStages": stage,
        };
        read(&shape_of_find(), &doc! { "executionStats": stats })
    };
    let index =
        || doc! { "stage": "FETCH", "inputStage": { "stage": "IXSCAN", "indexName": "orders_placed" } };
    let good = explained(index(), 101, 101, 101);
    assert_eq!((good.breach, good.indexes), (None, vec!["orders_placed".to_owned()]));
    assert!(explained(doc! { "stage": "COLLSCAN" }, 0, 9, 9).breach.is_some());
    assert!(explained(doc! { "stage": "SORT", "inputStage": index() }, 9, 9, 9).breach.is_some());
    assert!(explained(index(), 500, 101, 101).breach.is_some());
    assert!(explained(index(), 101, 500, 101).breach.is_some());
}

#[test]
fn an_index_that_serves_nothing_is_a_breach() {
    const OPEN: &[(&str, PartialValue)] = &[("open", PartialValue::Flag(true))];
    const INDEXES: &[IndexSpec] = &[
        IndexSpec::new("used", &[Key::Asc("a"), Key::Desc("b")], ""),
        IndexSpec::new("joined", &[Key::Asc("j")], ""),
        IndexSpec::new("prefix", &[Key::Asc("a")], ""),
        IndexSpec::new("unused", &[Key::Asc("b")], ""),
        IndexSpec::new("unique", &[Key::Asc("a")], "").unique(),
        IndexSpec::new("forgets", &[Key::Asc("a")], "").ttl(1),
        IndexSpec::new("partial", &[Key::Asc("a")], "").partial(OPEN),
        IndexSpec::new("quotes_account", &[Key::Asc("c")], ""),
    ];
    let (about, kept, shard_key, shape) = ("", Kept::ForGood(""), ShardKey::Whole(""), Shape::ANY);
    let rows = CollectionIndexes { collection: "rows", about, kept, shard_key, shape, indexes: INDEXES };
    let scan = |name: &str| doc! { "stage": "IXSCAN", "indexName": name };
    let first = doc! { "executionStats": { "nReturned": 1, "executionStages": scan("used") } };
    let stages = vec![doc! { "$cursor": first }, doc! { "$lookup": {}, "indexesUsed": ["joined"] }];
    let partial = doc! { "executionStats": { "nReturned": 1, "executionStages": scan("partial") } };
    let explained = [read(&shape_of_find(), &doc! { "stages": stages }), read(&shape_of_find(), &partial)];
    let found = idle(&explained, &[rows]);
    let told: Vec<(&str, &str, bool)> =
        found.iter().map(|each| (each.index, each.breach.as_str(), each.excused.is_some())).collect();
    let expected = [
        ("prefix", "redundant: used serves the same queries", false),
        ("unused", "unused by every query", false),
        ("quotes_account", "unused by every query", true),
    ];
    assert_eq!(told, expected);
}

#[test]
fn excused_indexes_are_declared_under_names_of_their_own() {
    let mut names: Vec<&str> =
        crate::indexes::ALL.iter().flat_map(|c| c.indexes).map(|spec| spec.name).collect();
    for (name, _) in EXCUSED_INDEXES {
        assert!(names.contains(name), "{name} is excused and not declared");
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "an index name is used twice");
}
