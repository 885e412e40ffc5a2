//! What each database user of `mongo-init/users.json` may and may not do, on the replica set those files set up.

use std::collections::BTreeSet;
use std::path::Path;

use daraa_platform::mongo::{Mongo, MongoConfig};
use mongodb::bson::{Document, doc};
use mongodb::error::ErrorKind;
use serde_json::Value;

/// MongoDB's code for "not authorized".
const UNAUTHORIZED: i32 = 13;

fn definition() -> Value {
    serde_json::from_str(include_str!("../../mongo-init/users.json")).unwrap()
}

fn names(list: &Value) -> BTreeSet<&str> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

async fn as_user(user: &str) -> Mongo {
    let dir = std::env::var("DARAA_TEST_SECRETS_DIR").expect("run the tests with scripts/test");
    let password = std::fs::read_to_string(Path::new(&dir).join(format!("mongo_{user}_password"))).unwrap();
    let config = MongoConfig {
        uri: std::env::var("DARAA_TEST_MONGO_URI").unwrap(),
        user: user.to_owned(),
        min_pool_size: 0,
        // The test's patience, not a request's.
        operation_ms: 10_000,
        ..MongoConfig::default()
    };
    Mongo::connect(config, password.trim(), "database-users-test").await.unwrap()
}

/// Runs a command inside a transaction that is aborted: it proves the right and leaves nothing behind.
async fn attempt(mongo: &Mongo, command: Document) -> Result<(), String> {
    let mut session = mongo.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    let outcome = mongo.db().run_command(command).session(&mut session).await;
    drop(session.abort_transaction().await);
    judge(outcome)
}

/// Runs a command that cannot be part of a transaction.
async fn attempt_alone(mongo: &Mongo, command: Document) -> Result<(), String> {
    judge(mongo.db().run_command(command).await)
}

fn judge(outcome: mongodb::error::Result<Document>) -> Result<(), String> {
    match outcome {
        Ok(_) => Ok(()),
        Err(e) => match e.kind.as_ref() {
            ErrorKind::Command(command) if command.code == UNAUTHORIZED => Err("unauthorized".to_owned()),
            other => panic!("neither allowed nor unauthorized: {other:?}"),
        },
    }
}

fn refused() -> Result<(), String> {
    Err("unauthorized".to_owned())
}

fn insert(collection: &str) -> Document {
    doc! { "insert": collection, "documents": [{ "_id": "database-users-test" }] }
}

fn update(collection: &str) -> Document {
    doc! { "update": collection, "updates": [{ "q": { "_id": "nobody" }, "u": { "$set": { "touched": true } } }] }
}

fn delete(collection: &str) -> Document {
    doc! { "delete": collection, "deletes": [{ "q": { "_id": "nobody" }, "limit": 1 }] }
}

fn find(collection: &str) -> Document {
    doc! { "find": collection, "filter": { "_id": "nobody" } }
}

fn build_index(collection: &str) -> Document {
    doc! { "createIndexes": collection, "indexes": [{ "key": { "probe": 1 }, "name": "probe" }] }
}

#[test]
fn every_declared_collection_has_its_rights_written_down() {
    let definition = definition();
    let declared: BTreeSet<&str> =
        daraa_domain::indexes::ALL.iter().map(|collection| collection.collection).collect();
    let append_only = names(&definition["appendOnly"]);
    let writable = names(&definition["writable"]);
    assert_eq!(
        append_only.union(&writable).copied().collect::<BTreeSet<_>>(),
        declared,
        "mongo-init/users.json lists what the server may write; add the collection to `writable` (or `appendOnly`)"
    );
    assert!(append_only.is_disjoint(&writable));
}

#[tokio::test]
async fn the_server_appends_to_the_books_and_cannot_change_them() {
    let app = as_user("daraa_app").await;
    for collection in names(&definition()["appendOnly"]) {
        assert_eq!(attempt(&app, insert(collection)).await, Ok(()), "{collection}");
        assert_eq!(attempt(&app, find(collection)).await, Ok(()), "{collection}");
        assert_eq!(attempt(&app, update(collection)).await, refused(), "{collection}");
        assert_eq!(attempt(&app, delete(collection)).await, refused(), "{collection}");
    }
}

#[tokio::test]
async fn the_server_writes_documents_and_not_structure() {
    let app = as_user("daraa_app").await;
    assert_eq!(attempt(&app, insert("orders")).await, Ok(()));
    assert_eq!(attempt(&app, update("orders")).await, Ok(()));
    assert_eq!(attempt(&app, delete("orders")).await, Ok(()));
    assert_eq!(attempt(&app, insert("schema_migrations")).await, refused());
    assert_eq!(attempt_alone(&app, build_index("orders")).await, refused());
    assert_eq!(attempt_alone(&app, doc! { "drop": "orders" }).await, refused());
    assert_eq!(attempt_alone(&app, doc! { "dropDatabase": 1 }).await, refused());
    let elsewhere = app.with_database("other");
    assert_eq!(attempt(&elsewhere, insert("orders")).await, refused());
    assert_eq!(attempt(&elsewhere, find("orders")).await, refused());
}

#[tokio::test]
async fn only_the_jobs_service_removes_archived_audit_rows_and_reads_the_log() {
    let jobs = as_user("daraa_jobs").await;
    assert_eq!(attempt(&jobs, delete("audit_log")).await, Ok(()));
    assert_eq!(attempt(&jobs, update("audit_log")).await, refused());
    assert_eq!(attempt(&jobs, delete("ledger_entries")).await, refused());
    assert_eq!(attempt(&jobs, insert("orders")).await, Ok(()));
    let log = doc! { "getLog": "global" };
    assert_eq!(judge(jobs.client().database("admin").run_command(log.clone()).await), Ok(()));
    let app = as_user("daraa_app").await;
    assert_eq!(judge(app.client().database("admin").run_command(log).await), refused());
}

#[tokio::test]
async fn lookers_look() {
    for user in ["daraa_readonly", "daraa_backup", "daraa_exporter"] {
        let mongo = as_user(user).await;
        assert_eq!(attempt(&mongo, insert("orders")).await, refused(), "{user}");
        assert_eq!(attempt(&mongo, delete("orders")).await, refused(), "{user}");
        let may_read = if user == "daraa_exporter" { refused() } else { Ok(()) };
        assert_eq!(attempt(&mongo, find("orders")).await, may_read, "{user}");
    }
}

#[tokio::test]
async fn the_migrator_builds_and_makes_no_users() {
    let migrator = as_user("daraa_migrator").await;
    assert_eq!(attempt_alone(&migrator, build_index("rights_probe")).await, Ok(()));
    assert_eq!(attempt_alone(&migrator, doc! { "drop": "rights_probe" }).await, Ok(()));
    assert_eq!(attempt(&migrator, insert("schema_migrations")).await, Ok(()));
    assert_eq!(attempt(&migrator, update("ledger_entries")).await, refused());
    let create = doc! { "createUser": "somebody", "pwd": "x", "roles": [] };
    assert_eq!(attempt_alone(&migrator, create).await, refused());
}

#[tokio::test]
async fn a_wrong_password_opens_nothing() {
    let config = MongoConfig {
        uri: std::env::var("DARAA_TEST_MONGO_URI").unwrap(),
        user: "daraa_app".to_owned(),
        min_pool_size: 0,
        ..MongoConfig::default()
    };
    let mongo = Mongo::connect(config, "wrong", "database-users-test").await.unwrap();
    assert!(mongo.ping().await.is_err());
}
