//! A part goes away, freezes, comes back: calls end within their deadline, and nobody has to be restarted.

use std::time::{Duration, Instant};

use daraa_platform::mongo::{Mongo, MongoConfig};
use daraa_tests::{FaultProxy, World, env, members};

/// What a call may take: the deadline of an operation and a good deal for a busy machine. A test of the bound's
/// existence, not of speed.
const PATIENCE: Duration = Duration::from_secs(20);

async fn through_proxy() -> (FaultProxy, Mongo) {
    let world = World::new().await;
    let (proxy, uri) = FaultProxy::to_mongo(&members::primary(&world.app.mongo).await).await;
    let password = std::fs::read_to_string(env("DARAA_TEST_MONGO_PASSWORD_FILE")).unwrap();
    let config = MongoConfig { uri, min_pool_size: 0, ..world.app.mongo.config().clone() };
    (proxy, Mongo::connect(config, password.trim(), "parts-away-test").await.unwrap())
}

async fn recovers(mongo: &Mongo) {
    let asked = Instant::now();
    while let Err(e) = mongo.ping().await {
        assert!(asked.elapsed() < PATIENCE, "does not recover: {e}");
    }
}

#[tokio::test]
async fn a_database_that_is_gone_is_an_error_and_then_an_answer() {
    let (proxy, mongo) = through_proxy().await;
    mongo.ping().await.unwrap();
    proxy.cut();
    let asked = Instant::now();
    assert!(mongo.ping().await.is_err());
    assert!(asked.elapsed() < PATIENCE);
    proxy.heal();
    recovers(&mongo).await;
}

#[tokio::test]
async fn a_database_that_is_frozen_does_not_freeze_its_callers() {
    let (proxy, mongo) = through_proxy().await;
    mongo.ping().await.unwrap();
    proxy.freeze();
    let asked = Instant::now();
    assert!(mongo.ping().await.is_err());
    assert!(asked.elapsed() < PATIENCE);
    proxy.heal();
    recovers(&mongo).await;
}

#[tokio::test]
async fn fault_a_primary_steps_down_and_writes_go_on() {
    let world = World::new().await;
    let before = members::primary(&world.app.mongo).await;
    members::step_down(&world.app.mongo).await;
    let asked = Instant::now();
    // The driver finds the new primary by itself.
    while world.app.mongo.ping().await.is_err() || members::primary(&world.app.mongo).await == before {
        assert!(asked.elapsed() < PATIENCE, "no new primary");
    }
}
