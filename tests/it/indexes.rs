//! Declared indexes and the real ones: drift is found and named.

use std::collections::HashSet;

use daraa_domain::indexes::ALL;
use daraa_platform::mongo::index::{Drift, Key, apply, diff};
use daraa_tests::World;
use mongodb::bson::doc;

#[tokio::test]
async fn drift_is_found_named_and_mended() {
    let world = World::new().await;
    let mongo = &world.app.mongo;
    assert_eq!(diff(mongo, ALL).await.unwrap(), []);

    let victim = &ALL[0];
    let index = victim.indexes[0].name;
    mongo.db().run_command(doc! { "dropIndexes": victim.collection, "index": index }).await.unwrap();
    let missing = Drift::Missing { collection: victim.collection.to_owned(), index: index.to_owned() };
    assert_eq!(diff(mongo, ALL).await.unwrap(), std::slice::from_ref(&missing));
    assert_eq!(missing.to_string(), format!("missing {}.{index}", victim.collection));

    assert_eq!(apply(mongo, ALL, |_| ()).await.unwrap(), [format!("{}.{index}", victim.collection)]);
    assert_eq!(diff(mongo, ALL).await.unwrap(), []);

    let stray = doc! { "key": { "stray": 1 }, "name": "stray" };
    mongo.db().run_command(doc! { "createIndexes": victim.collection, "indexes": [stray] }).await.unwrap();
    let extra = Drift::Extra { collection: victim.collection.to_owned(), index: "stray".to_owned() };
    assert_eq!(diff(mongo, ALL).await.unwrap(), [extra]);
    mongo.db().run_command(doc! { "dropIndexes": victim.collection, "index": "stray" }).await.unwrap();

    // What a sharded cluster has for a collection's declared shard key is nothing astray.
    let of_key = doc! { "key": { "_id": "hashed" }, "name": "_id_hashed" };
    mongo.db().run_command(doc! { "createIndexes": "orders", "indexes": [of_key] }).await.unwrap();
    assert_eq!(diff(mongo, ALL).await.unwrap(), []);
    mongo.db().run_command(doc! { "dropIndexes": "orders", "index": "_id_hashed" }).await.unwrap();
}

#[test]
fn every_index_is_declared_once_and_says_what_it_serves() {
    let mut collections = HashSet::new();
    for collection in ALL {
        assert!(collections.insert(collection.collection), "{} is listed twice", collection.collection);
        let mut names = HashSet::new();
        let mut keys = HashSet::new();
        for index in collection.indexes {
            assert!(names.insert(index.name), "{}.{} twice", collection.collection, index.name);
            assert!(!index.serves.is_empty(), "{}.{} serves nothing", collection.collection, index.name);
            assert!(!index.keys.is_empty());
            if index.partial.is_empty() {
                let key = index.key_document().to_string();
                assert!(keys.insert(key), "{}.{} repeats a key", collection.collection, index.name);
            }
            if index.ttl_secs.is_some() {
                assert!(
                    matches!(index.keys, [Key::Asc(_)]),
                    "{}.{}: a TTL index has one ascending key",
                    collection.collection,
                    index.name
                );
            }
        }
    }
}
