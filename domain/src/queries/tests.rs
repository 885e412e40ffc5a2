//! Values for shapes, documents for validators, breaches of explanations.

use daraa_platform::mongo::record::QueryShape;
use daraa_platform::random::Random;
use daraa_platform::time::Timestamp;
use mongodb::bson::{Document, doc};
use serde_json::json;

use super::model::Scale;
use super::rules::document::{Maker, id_of};
use super::rules::{read, values};

fn shape() -> QueryShape {
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
        let made = maker.document(&(declared.validator)(), 1);
        assert!(made.contains_key("_id"), "{}", declared.collection);
    }
}

#[test]
fn a_walk_a_sort_and_a_wasteful_index_are_breaches() {
    let explained = |stage: Document, keys: i64, documents: i64, found: i64| {
        let stats = doc! {
            "nReturned": found, "totalKeysExamined": keys, "totalDocsExamined": documents, "executionStages": stage,
        };
        read(&shape(), &doc! { "executionStats": stats })
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
