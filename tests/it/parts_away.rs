//! A part goes away, freezes, comes back: calls end within their deadline, and nobody has to be restarted.

use std::time::{Duration, Instant};

use daraa_platform::mongo::{Mongo, MongoConfig, Unfit};
use daraa_platform::redis::RedisPool;
use daraa_tests::{FaultProxy, World, env, members};

use crate::own_redis::{MASTER, OwnRedis, RedisSet, until};

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
async fn a_program_that_starts_without_a_database_is_told_so_and_then_that_it_may_work() {
    let (proxy, mongo) = through_proxy().await;
    for (away, how) in [("gone", FaultProxy::cut as fn(&FaultProxy)), ("frozen", FaultProxy::freeze)] {
        how(&proxy);
        let asked = Instant::now();
        let looked = mongo.fit().await;
        assert!(matches!(&looked, Err(unfit @ Unfit::Away { .. }) if unfit.passing()), "{away}: {looked:?}");
        assert!(asked.elapsed() < PATIENCE);
        proxy.heal();
        let asked = Instant::now();
        while let Err(unfit) = mongo.fit().await {
            assert!(unfit.passing() && asked.elapsed() < PATIENCE, "{away}: {unfit}");
        }
    }
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

/// What is kept lives for the whole test.
const KEPT: Duration = Duration::from_secs(600);

async fn works(pool: &RedisPool, text: &str) -> bool {
    pool.set("probe", text, KEPT).await.is_ok() && pool.get("probe").await == Ok(Some(text.to_owned()))
}

/// Waits until the Sentinels have chosen another master than `before`, then until the pool has followed; the new one.
async fn followed(set: &RedisSet, pool: &RedisPool, before: usize, text: &str) -> usize {
    let mut now = before;
    until("another master", async || {
        now = set.chosen().await;
        now != before
    })
    .await;
    until("the pool follows", async || {
        pool.master() == Some(set.servers[now].addr()) && works(pool, text).await
    })
    .await;
    assert!(set.servers[now].say("GET set:probe").await.unwrap().contains(text), "written to the new master");
    now
}

#[tokio::test]
async fn redis_is_followed_over_a_failover_on_command_and_the_death_of_a_master() {
    let mut set = RedisSet::start().await;
    let pool = set.pool();
    assert!(works(&pool, "one").await, "the first command waits for the Sentinels");
    let first = set.chosen().await;
    until("a fail-over begins", async || {
        let answer = set.sentinels[0].say(&format!("SENTINEL FAILOVER {MASTER}")).await;
        answer.is_some_and(|answer| answer.starts_with("+OK"))
    })
    .await;
    let second = followed(&set, &pool, first, "two").await;
    // From here on the former master serves nobody, however often somebody reads.
    set.until_healthy().await;
    set.servers[first].say("CONFIG RESETSTAT").await.unwrap();
    for _ in 0..200 {
        assert_eq!(pool.get("probe").await, Ok(Some("two".to_owned())));
    }
    assert_eq!(set.servers[first].calls("get").await, 0, "a demoted master was read");
    set.servers[second].kill();
    let third = followed(&set, &pool, second, "three").await;
    assert_eq!(third, first);
}

#[tokio::test]
async fn redis_thawed_after_it_was_replaced_is_not_used_again() {
    let set = RedisSet::start().await;
    // One process that notices the freeze, and one that sleeps through it with connections that still stand.
    let (pool, sleeper) = (set.pool(), set.pool());
    assert!(works(&pool, "one").await && works(&sleeper, "one").await);
    let first = set.chosen().await;
    set.servers[first].freeze();
    followed(&set, &pool, first, "two").await;
    until("the sleeper hears of it", async || sleeper.master() == pool.master()).await;
    set.servers[first].thaw();
    // For some seconds it still takes itself for a master.
    until("it answers again", async || set.servers[first].say("CONFIG RESETSTAT").await.is_some()).await;
    let before = set.servers[first].calls("get").await;
    until("the sentinels have made it a replica", async || {
        for pool in [&pool, &sleeper] {
            assert_eq!(pool.get("probe").await, Ok(Some("two".to_owned())));
        }
        set.servers[first].say("ROLE").await.is_some_and(|role| role.contains("slave"))
    })
    .await;
    assert_eq!(set.servers[first].calls("get").await, before, "the replaced master was read");
}

#[tokio::test]
async fn redis_goes_on_while_all_sentinels_are_gone() {
    let mut set = RedisSet::start().await;
    let pool = set.pool();
    assert!(works(&pool, "one").await);
    let master = set.chosen().await;
    for sentinel in &mut set.sentinels {
        sentinel.kill();
    }
    for n in 0..100 {
        assert!(works(&pool, &n.to_string()).await, "on the connections there are");
    }
    set.servers[master].say("CLIENT KILL TYPE normal").await;
    until("new connections go where the old ones went", async || works(&pool, "new").await).await;
    assert_eq!(pool.master(), Some(set.servers[master].addr()));
}

#[tokio::test]
async fn a_redis_demoted_by_hand_is_not_used_although_it_answers() {
    let (one, other) = (OwnRedis::start().await, OwnRedis::start().await);
    let pool = RedisPool::connect(&one.addr(), &one.password(), "").unwrap();
    assert!(works(&pool, "one").await);
    // Nobody closes the connections, and a replica without its master answers reads.
    one.say(&format!("REPLICAOF 127.0.0.1 {}", other.port())).await.unwrap();
    until("the pool has noticed", async || pool.get("probe").await.is_err()).await;
    one.say("CONFIG RESETSTAT").await.unwrap();
    let since = Instant::now();
    until("some tries", async || {
        assert!(pool.get("probe").await.is_err(), "a replica was read");
        since.elapsed() > Duration::from_secs(2)
    })
    .await;
    assert_eq!(one.calls("get").await, 0);
    one.say("REPLICAOF NO ONE").await.unwrap();
    until("it is used again", async || works(&pool, "two").await).await;
}
