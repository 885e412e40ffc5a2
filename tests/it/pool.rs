//! Connections: their settings, waits, failures and the commands on them can be read from the metrics, and one kind of
//! background work cannot take those of another.

use std::time::Duration;

use daraa_domain::payment::PaymentError;
use daraa_jobs::pools::Pools;
use daraa_platform::config::Settings;
use daraa_platform::mongo::{DbError, MongoConfig};
use daraa_platform::random::Random;
use daraa_platform::telemetry::{self, Metrics};
use daraa_platform::transact;
use daraa_tests::World;
use mongodb::bson::{Document, doc};

/// How long the member is kept busy: longer than the deadline of an operation, so that whoever waits gives up.
const BUSY_MS: u64 = 4_000;

/// The whole number a series stands at whose name and labels are these, in the order they are declared; 0 when there is
/// none.
fn value(metrics: &Metrics, series: &str) -> i64 {
    let text = metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse::<f64>().unwrap() as i64)
}

#[tokio::test]
async fn connections_commands_and_transactions_are_told_in_the_metrics() {
    let metrics = telemetry::init_metrics().unwrap();
    let world = World::with(&[("DARAA_MONGO_WATCH_COMMANDS", "true".to_owned())]).await;
    let mongo = &world.app.mongo;
    let rows = mongo.coll::<Document>("feed_heads");
    let read = |series: &str| value(&metrics, series);

    rows.find_one("test.find", doc! { "_id": "x" }).await.unwrap();
    assert!(mongo.db().run_command(doc! { "noSuchCommand": "secret" }).await.is_err());
    transact!(mongo, "test.commits", PaymentError, |tx| {
        rows.upsert_in_tx(tx, "test.upsert", doc! { "_id": "x" }, doc! { "$inc": { "last": 1_i64 } }).await?;
        Ok(())
    })
    .unwrap();
    let refused: Result<(), PaymentError> = transact!(mongo, "test.refuses", PaymentError, |tx| {
        rows.find_one_in_tx(tx, "test.find", doc! { "_id": "x" }).await?;
        Err(PaymentError::PaymentNotFound)
    });
    assert!(refused.is_err());
    // Two that read and write the same document: the later one is told to begin anew.
    let meeting = tokio::sync::Barrier::new(2);
    let bump = async || {
        let mut first = true;
        transact!(mongo, "test.meets", PaymentError, |tx| {
            rows.find_one_in_tx(tx, "test.find", doc! { "_id": "x" }).await?;
            if std::mem::take(&mut first) {
                meeting.wait().await;
            }
            rows.update_one_in_tx(tx, "test.bump", doc! { "_id": "x" }, doc! { "$inc": { "last": 1_i64 } })
                .await?;
            Ok(())
        })
    };
    let (a, b) = tokio::join!(bump(), bump());
    a.and(b).unwrap();

    assert_eq!(read(r#"daraa_db_pool_limit{pool="daraa-test",bound="max"}"#), 50);
    assert_eq!(read(r#"daraa_db_pool_limit{pool="daraa-test",bound="min"}"#), 0);
    assert!(read(r#"daraa_db_pool_connections{pool="daraa-test",state="open"}"#) >= 1);
    assert_eq!(read(r#"daraa_db_pool_connections{pool="daraa-test",state="in_use"}"#), 0);
    assert!(read(r#"daraa_db_pool_checkout_seconds_count{pool="daraa-test"}"#) >= 10);
    assert!(read(r#"daraa_db_pool_connect_seconds_count{pool="daraa-test"}"#) >= 1);
    for command in ["find", "commitTransaction", "abortTransaction", "update", "listIndexes", "other"] {
        let series = format!(r#"daraa_db_command_seconds_count{{pool="daraa-test",command="{command}"}}"#);
        assert!(read(&series) >= 1, "{command}\n{}", metrics.render());
    }
    let failed = r#"daraa_db_command_failures_total{pool="daraa-test",command="other",reason="command"}"#;
    assert_eq!(read(failed), 1);
    let conflicts =
        r#"daraa_db_command_failures_total{pool="daraa-test",command="update",reason="conflict"}"#;
    assert!(read(conflicts) >= 1);
    assert_eq!(read(r#"daraa_db_transaction_seconds_count{name="test.commits"}"#), 1);
    assert_eq!(read(r#"daraa_db_transaction_seconds_count{name="test.meets"}"#), 2);
    assert!(read(r#"daraa_db_transaction_retries_total{name="test.meets"}"#) >= 1);
    assert_eq!(read(r#"daraa_db_transaction_aborts_total{name="test.refuses",why="refused"}"#), 1);
    assert!(!metrics.render().contains("secret"), "no value of a command becomes a label");
    assert!(!metrics.render().contains("noSuchCommand"), "labels are of a closed list");
}

#[tokio::test]
async fn a_kind_of_work_that_uses_all_its_connections_holds_up_no_other() {
    let metrics = telemetry::init_metrics().unwrap();
    let world = World::new().await;
    let mongo = MongoConfig { min_pool_size: 0, ..MongoConfig::background() };
    let mongo = MongoConfig {
        uri: world.app.mongo.config().uri.clone(),
        user: world.app.mongo.config().user.clone(),
        database: world.app.mongo.config().database.clone(),
        ..mongo
    };
    let settings = Settings { mongo, ..world.settings().clone() };
    let pools = Pools::build(&settings, Random::from_os()).await.unwrap();
    let sizes: Vec<u32> = pools.each().iter().map(|(_, app)| app.mongo.config().max_pool_size).collect();
    assert_eq!(sizes.iter().sum::<u32>(), 30, "together they take what the process may");

    // A job that asks the database for more than it has connections for.
    let rows = world.app.mongo.coll::<Document>("feed_heads");
    rows.insert("test.insert", &doc! { "_id": "slow", "last": 0_i64 }).await.unwrap();
    let busy = pools.scheduled.mongo.config().max_pool_size + 2;
    let slow = (0..busy).map(|_| {
        let rows = pools.scheduled.mongo.coll::<Document>("feed_heads").within(Duration::from_secs(30));
        async move {
            let filter = doc! { "$where": format!("sleep({BUSY_MS}) || true") };
            rows.find_one("test.slow", filter).await.map(drop)
        }
    });
    let slow = tokio::spawn(futures_util::future::join_all(slow.collect::<Vec<_>>()));
    let in_use = r#"daraa_db_pool_connections{pool="daraa-jobs-scheduled",state="in_use"}"#;
    while value(&metrics, in_use) < i64::from(pools.scheduled.mongo.config().max_pool_size) {
        world.app.mongo.ping().await.unwrap();
    }
    let starved = pools.scheduled.mongo.ping().await;
    assert!(matches!(starved, Err(DbError::Deadline { .. })), "{starved:?}");
    for (name, app) in pools.each().into_iter().filter(|(name, _)| *name != "daraa-jobs-scheduled") {
        assert!(app.mongo.ping().await.is_ok(), "{name} has connections of its own");
    }
    for outcome in slow.await.unwrap() {
        outcome.unwrap();
    }
    pools.scheduled.mongo.ping().await.unwrap();
    let waited = r#"daraa_db_pool_checkout_seconds_bucket{pool="daraa-jobs-scheduled",le="2.5"}"#;
    let all = r#"daraa_db_pool_checkout_seconds_count{pool="daraa-jobs-scheduled"}"#;
    assert!(value(&metrics, waited) < value(&metrics, all), "that some waited long can be seen");
}
