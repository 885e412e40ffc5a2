//! Cache-aside, rate limits, positions and channels on a real Redis.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use daraa_platform::clock::{Clock, ManualClock};
use daraa_platform::config::Secret;
use daraa_platform::fault::Infra;
use daraa_platform::random::Random;
use daraa_platform::redis::cache::ttl;
use daraa_platform::redis::{Cache, CacheKey, Heard, RateLimiter, RateRule, RedisPool, Whereabouts};
use daraa_platform::telemetry;
use daraa_platform::time::Timestamp;
use daraa_tests::{FaultProxy, env};
use futures_util::future::join_all;
use tokio::sync::{Notify, oneshot};

use crate::own_redis::until;

fn password() -> Secret {
    Secret::new(std::fs::read_to_string(env("DARAA_TEST_REDIS_PASSWORD_FILE")).unwrap().trim())
}

/// A pool with keys nobody else has; `same` pools share them, as processes of one system do.
fn pool_at(addr: &str, same: &str) -> RedisPool {
    RedisPool::connect(addr, &password(), same).unwrap()
}

fn fresh_prefix() -> String {
    format!("cache-test-{:x}:", Random::from_os().below(u64::MAX))
}

fn pool() -> RedisPool {
    pool_at(&env("DARAA_TEST_REDIS_ADDR"), &fresh_prefix())
}

fn cache(pool: &RedisPool) -> Cache {
    Cache::new(pool.clone(), Random::from_os())
}

/// A process that keeps things near, too.
fn near_cache(pool: &RedisPool) -> Cache {
    cache(pool).with_near(&["thing"])
}

fn key(id: &str) -> CacheKey<i64> {
    CacheKey::new("thing", 1, id)
}

/// A source of truth that counts how often it is asked.
#[derive(Debug, Default)]
struct Source {
    value: std::sync::atomic::AtomicI64,
    loads: AtomicU32,
}

impl Source {
    fn write(&self, value: i64) {
        self.value.store(value, Ordering::SeqCst);
    }

    async fn load(&self) -> Result<i64, Infra> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Ok(self.value.load(Ordering::SeqCst))
    }

    fn loads(&self) -> u32 {
        self.loads.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_value_is_loaded_once_until_it_is_invalidated() {
    let (cache, source) = (cache(&pool()), Source::default());
    source.write(1);
    for _ in 0..3 {
        assert_eq!(cache.get_or_load(&key("a"), ttl::SHORT, || source.load()).await.unwrap(), 1);
    }
    assert_eq!(source.loads(), 1);
    source.write(2);
    cache.invalidate(&key("a")).await;
    assert_eq!(cache.get_or_load(&key("a"), ttl::SHORT, || source.load()).await.unwrap(), 2);
    assert_eq!(source.loads(), 2);
}

#[tokio::test]
async fn a_load_that_began_before_an_invalidation_is_never_written() {
    let shared = pool();
    // Two processes: one loads slowly, the other writes meanwhile.
    for (reader, writer) in [(cache(&shared), cache(&shared)), {
        let one = cache(&shared);
        (one.clone(), one)
    }] {
        let source = Arc::new(Source::default());
        source.write(1);
        let (read_old, has_read_old) = oneshot::channel();
        let go_on = Arc::new(Notify::new());
        let slow = {
            let (reader, source, go_on) = (reader.clone(), Arc::clone(&source), Arc::clone(&go_on));
            tokio::spawn(async move {
                reader
                    .get_or_load(&key("race"), ttl::SHORT, || async {
                        let old = source.load().await?;
                        read_old.send(()).unwrap();
                        go_on.notified().await;
                        Ok::<_, Infra>(old)
                    })
                    .await
                    .unwrap()
            })
        };
        has_read_old.await.unwrap();
        source.write(2);
        writer.invalidate(&key("race")).await;
        go_on.notify_one();
        assert_eq!(slow.await.unwrap(), 1, "who asked before the write may see the old value");
        assert_eq!(reader.get_or_load(&key("race"), ttl::SHORT, || source.load()).await.unwrap(), 2);
        writer.invalidate(&key("race")).await;
    }
}

#[tokio::test]
async fn many_readers_of_two_processes_load_at_most_twice() {
    let shared = pool();
    let (caches, source) = ([cache(&shared), cache(&shared)], Source::default());
    source.write(7);
    let readers = (0..200).map(|i| {
        let (cache, source) = (&caches[i % 2], &source);
        async move {
            cache
                .get_or_load(&key("hot"), ttl::SHORT, || async {
                    tokio::task::yield_now().await;
                    source.load().await
                })
                .await
                .unwrap()
        }
    });
    assert!(join_all(readers).await.into_iter().all(|value| value == 7));
    assert!(source.loads() <= 2, "{} loads", source.loads());
}

#[tokio::test]
async fn a_leader_that_fails_does_not_fail_the_others() {
    let cache = cache(&pool());
    let (tries, flaky) = (AtomicU32::new(0), key("flaky"));
    let readers = (0..10).map(|_| {
        cache.get_or_load(&flaky, ttl::SHORT, || async {
            tokio::task::yield_now().await;
            if tries.fetch_add(1, Ordering::SeqCst) == 0 { Err(Infra::defect("once")) } else { Ok(3_i64) }
        })
    });
    let failed = join_all(readers).await.into_iter().filter(Result::is_err).count();
    assert_eq!(failed, 1);
}

#[tokio::test]
async fn absence_is_remembered_and_forgotten_on_creation() {
    let cache = cache(&pool());
    let loads = AtomicU32::new(0);
    let nothing = || async {
        loads.fetch_add(1, Ordering::SeqCst);
        Ok::<Option<i64>, Infra>(None)
    };
    for _ in 0..2 {
        assert_eq!(cache.get_or_load_opt(&key("none"), ttl::LONG, nothing).await.unwrap(), None);
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    cache.invalidate(&key("none")).await;
    let some = cache.get_or_load_opt(&key("none"), ttl::LONG, || async { Ok::<_, Infra>(Some(1)) }).await;
    assert_eq!(some.unwrap(), Some(1));
}

#[tokio::test]
async fn many_are_read_with_one_load_for_those_that_are_missing() {
    let cache = cache(&pool());
    cache.put(&key("1"), ttl::SHORT, &10).await;
    let asked = std::sync::Mutex::new(Vec::new());
    let ask = |ids: Vec<&'static str>| {
        asked.lock().unwrap().push(ids.clone());
        let found: HashMap<&'static str, i64> =
            ids.into_iter().filter(|id| *id != "3").map(|id| (id, 20)).collect();
        async move { Ok::<_, Infra>(found) }
    };
    for _ in 0..2 {
        let got = cache.get_many_or_load(&["1", "2", "3"], |id| key(id), ttl::SHORT, ask).await.unwrap();
        assert_eq!(got, HashMap::from([("1", 10), ("2", 20)]));
    }
    assert_eq!(*asked.lock().unwrap(), [vec!["2", "3"]]);
    cache.invalidate_names(vec![key("2").name().to_owned(), key("3").name().to_owned()]).await;
    cache.get_many_or_load(&["1", "2", "3"], |id| key(id), ttl::SHORT, ask).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_pattern_forgets_what_matches_and_nothing_else() {
    let cache = cache(&pool());
    for id in ["a1", "a2", "b1"] {
        cache.put(&key(id), ttl::SHORT, &1).await;
    }
    assert_eq!(cache.invalidate_pattern("thing:v1:a*").await.unwrap(), 2);
    assert_eq!(cache.peek(&key("a1")).await, None);
    assert_eq!(cache.peek(&key("b1")).await, Some(1));
}

#[tokio::test]
async fn many_are_written_and_read_in_one_go() {
    let cache = cache(&pool());
    cache.put_many([(key("1"), &10), (key("2"), &20)], ttl::SHORT).await;
    let got = cache.peek_many(&["1", "2", "3"], |id| key(id)).await;
    assert_eq!(got, HashMap::from([("1", 10), ("2", 20)]));
    assert_eq!(cache.peek(&key("2")).await, Some(20));
}

#[tokio::test]
async fn what_is_derived_goes_with_what_it_is_derived_from() {
    let shared = pool();
    let (here, there, source) = (cache(&shared), cache(&shared), Source::default());
    source.write(1);
    let get = async |cache: &Cache, of: &str, page: &str| {
        cache.get_or_load_derived(&key(of), page, ttl::SHORT, || source.load()).await.unwrap()
    };
    for cache in [&here, &there, &here] {
        assert_eq!(get(cache, "menu", "page-1").await, 1);
        assert_eq!(get(cache, "menu", "page-2").await, 1);
        assert_eq!(get(cache, "other", "page-1").await, 1);
    }
    assert_eq!(source.loads(), 3);
    source.write(2);
    there.invalidate(&key("menu")).await;
    assert_eq!((get(&here, "menu", "page-1").await, get(&there, "menu", "page-2").await), (2, 2));
    assert_eq!(get(&here, "other", "page-1").await, 1, "another entity is not concerned");
    assert_eq!(source.loads(), 5);
    assert_eq!(here.invalidate_pattern("thing:v1:oth*").await.unwrap(), 0);
    assert_eq!(get(&here, "other", "page-1").await, 2);
    let (life, brief) = (Duration::from_millis(1), key("brief"));
    for _ in 0..2 {
        let brief = here.get_or_load_derived(&brief, "x", life, || source.load());
        assert_eq!(brief.await.unwrap(), 2);
        let since = std::time::Instant::now();
        until("its time is over", async || since.elapsed() > life * 5).await;
    }
    assert_eq!(source.loads(), 8);
}

#[tokio::test]
async fn a_derived_value_loaded_before_an_invalidation_is_never_written() {
    let shared = pool();
    let (reader, writer, source) = (cache(&shared), cache(&shared), Arc::new(Source::default()));
    source.write(1);
    let (read_old, has_read_old) = oneshot::channel();
    let go_on = Arc::new(Notify::new());
    let slow = {
        let (reader, source, go_on) = (reader.clone(), Arc::clone(&source), Arc::clone(&go_on));
        tokio::spawn(async move {
            let load = || async {
                let old = source.load().await?;
                read_old.send(()).unwrap();
                go_on.notified().await;
                Ok::<_, Infra>(old)
            };
            reader.get_or_load_derived(&key("menu"), "page", ttl::SHORT, load).await.unwrap()
        })
    };
    has_read_old.await.unwrap();
    source.write(2);
    writer.invalidate(&key("menu")).await;
    go_on.notify_one();
    assert_eq!(slow.await.unwrap(), 1, "who asked before the write may see the old value");
    let menu = key("menu");
    for cache in [&reader, &writer] {
        let again = cache.get_or_load_derived(&menu, "page", ttl::SHORT, || source.load());
        assert_eq!(again.await.unwrap(), 2);
    }
}

#[tokio::test]
async fn what_is_near_is_not_looked_for_and_is_forgotten_in_every_process() {
    let shared = pool();
    let (here, there, source) = (near_cache(&shared), near_cache(&shared), Source::default());
    let one = async |cache: &Cache| cache.get_or_load(&key("a"), ttl::LONG, || source.load()).await.unwrap();
    let many = async |cache: &Cache| {
        let load = |_| async { Ok::<_, Infra>(HashMap::from([("b", source.load().await?)])) };
        let got = cache.get_many_or_load(&["b", "none"], |id| key(id), ttl::LONG, load).await.unwrap();
        got.get("b").copied().unwrap()
    };
    source.write(1);
    // Read by both while it lies in Redis, and again when it does not any more.
    for _ in 0..2 {
        assert_eq!((one(&here).await, one(&there).await), (1, 1));
        assert_eq!((many(&here).await, many(&there).await), (1, 1));
        for name in ["a", "b", "none"] {
            shared.del(key(name).name()).await.unwrap();
        }
    }
    assert_eq!(source.loads(), 2);
    source.write(2);
    for name in ["a", "b"] {
        here.invalidate(&key(name)).await;
    }
    assert_eq!((one(&here).await, many(&here).await), (2, 2), "at once where it was written");
    until("the other process hears of it", async || one(&there).await == 2 && many(&there).await == 2).await;
    // A pattern is told of as well.
    source.write(3);
    here.invalidate_pattern("thing:*").await.unwrap();
    assert_eq!(one(&here).await, 3);
    until("the other process hears of it", async || one(&there).await == 3 && many(&there).await == 3).await;
}

#[tokio::test]
async fn a_server_that_took_over_is_told_again_what_was_invalidated_lately() {
    let prefix = fresh_prefix();
    let direct = pool_at(&env("DARAA_TEST_REDIS_ADDR"), &prefix);
    let proxy = FaultProxy::to(&env("DARAA_TEST_REDIS_ADDR")).await;
    let (writer, other, source) =
        (cache(&pool_at(&proxy.addr(), &prefix)), cache(&direct), Source::default());
    source.write(1);
    assert_eq!(other.get_or_load(&key("z"), ttl::LONG, || source.load()).await.unwrap(), 1);
    let before = direct.get(key("z").name()).await.unwrap().unwrap();
    source.write(2);
    writer.invalidate(&key("z")).await;
    // A replica that had not heard of it takes over, with the old value.
    proxy.cut();
    direct.set(key("z").name(), &before, ttl::LONG).await.unwrap();
    proxy.heal();
    until("nobody reads the old value any more", async || {
        other.get_or_load(&key("z"), ttl::LONG, || source.load()).await.unwrap() == 2
    })
    .await;
}

#[tokio::test]
async fn what_the_cache_does_is_counted() {
    let metrics = telemetry::init_metrics().unwrap();
    let shared = pool();
    let (cache, source) = (near_cache(&shared), Source::default());
    let count = |line: &str| {
        let shown = metrics.render();
        let found = shown.lines().find_map(|shown| shown.strip_prefix(line)?.strip_prefix(' '));
        found.map_or(0, |number| number.parse::<f64>().unwrap() as i64)
    };
    let reads =
        |outcome: &str| count(&format!("daraa_cache_reads_total{{entity=\"thing\",outcome=\"{outcome}\"}}"));
    let errors = |what: &str| count(&format!("daraa_cache_errors_total{{entity=\"thing\",what=\"{what}\"}}"));
    for _ in 0..3 {
        cache.get_or_load(&key("a"), ttl::SHORT, || source.load()).await.unwrap();
    }
    assert_eq!((reads("miss"), reads("near"), reads("hit")), (1, 2, 0));
    assert_eq!(count("daraa_cache_load_seconds_count{entity=\"thing\"}"), 1);
    assert_eq!(count("daraa_cache_fills_total{entity=\"thing\",outcome=\"written\"}"), 1);
    let far = self::cache(&shared);
    far.get_or_load(&key("a"), ttl::SHORT, || source.load()).await.unwrap();
    assert_eq!(reads("hit"), 1);
    for _ in 0..2 {
        let nothing = || async { Ok::<Option<i64>, Infra>(None) };
        far.get_or_load_opt(&key("none"), ttl::SHORT, nothing).await.unwrap();
    }
    assert_eq!(reads("negative"), 1);
    let fails = || async { Err::<i64, _>(Infra::defect("away")) };
    assert!(far.get_or_load(&key("ill"), ttl::SHORT, fails).await.is_err());
    assert_eq!(errors("load"), 1);
    let nobody = self::cache(&pool_at("127.0.1:1", &fresh_prefix()));
    nobody.invalidate(&key("a")).await;
    assert_eq!((errors("put_off"), count("daraa_cache_put_off")), (1, 1));
}

#[tokio::test]
async fn without_redis_everything_is_loaded_and_nothing_fails() {
    let nobody = pool_at("127.0.1:1", &fresh_prefix());
    let (cache, source) = (cache(&nobody), Source::default());
    for value in 1..=3 {
        source.write(value);
        cache.invalidate(&key("x")).await;
        assert_eq!(cache.get_or_load(&key("x"), ttl::SHORT, || source.load()).await.unwrap(), value);
    }
    let many = cache.get_many_or_load(
        &["x"],
        |id| key(id),
        ttl::SHORT,
        |_| async { Ok::<_, Infra>(HashMap::from([("x", 9)])) },
    );
    assert_eq!(many.await.unwrap(), HashMap::from([("x", 9)]));
    let limits = RateLimiter::new(nobody, Clock::Manual(ManualClock::default()), Random::from_os());
    let browse = RateRule::bucket("browse", 10, Duration::from_secs(1));
    assert_eq!(limits.check(&browse, "me", 1).await.unwrap().remaining, 10);
    let sign_in = RateRule::window("sign_in", 5, Duration::from_secs(300)).fail_closed();
    assert!(matches!(limits.check(&sign_in, "me", 1).await, Err(Infra::Cache(_))));
}

#[tokio::test]
async fn an_invalidation_made_while_redis_is_away_is_made_up_for() {
    let prefix = fresh_prefix();
    let direct = pool_at(&env("DARAA_TEST_REDIS_ADDR"), &prefix);
    let proxy = FaultProxy::to(&env("DARAA_TEST_REDIS_ADDR")).await;
    let (behind, other, source) =
        (cache(&pool_at(&proxy.addr(), &prefix)), cache(&direct), Source::default());
    source.write(1);
    assert_eq!(behind.get_or_load(&key("y"), ttl::LONG, || source.load()).await.unwrap(), 1);
    proxy.cut();
    source.write(2);
    behind.invalidate(&key("y")).await;
    assert_eq!(behind.get_or_load(&key("y"), ttl::LONG, || source.load()).await.unwrap(), 2);
    proxy.heal();
    // From now on this process never sees the old value again, and soon nobody does.
    while other.peek(&key("y")).await == Some(1) {
        assert_eq!(behind.get_or_load(&key("y"), ttl::LONG, || source.load()).await.unwrap(), 2);
    }
    assert_eq!(other.get_or_load(&key("y"), ttl::LONG, || source.load()).await.unwrap(), 2);
}

fn limiter(pool: &RedisPool, clock: &ManualClock) -> RateLimiter {
    RateLimiter::new(pool.clone(), Clock::Manual(clock.clone()), Random::from_os())
}

fn wait_of(outcome: Result<daraa_platform::redis::Allowance, Infra>) -> Duration {
    match outcome {
        Err(Infra::RateLimited { retry_after, .. }) => retry_after,
        other => panic!("not limited: {other:?}"),
    }
}

#[tokio::test]
async fn a_window_is_exact_over_two_processes() {
    const RULE: RateRule = RateRule::window("five", 5, Duration::from_secs(300));
    let (shared, clock) = (pool(), ManualClock::at(Timestamp::from_millis(1_000_000_000_000)));
    let limiters = [limiter(&shared, &clock), limiter(&shared, &clock)];
    let tries = (0..40).map(|i| limiters[i % 2].check(&RULE, "a", 1));
    let let_through = join_all(tries).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(let_through, 5);
    assert_eq!(wait_of(limiters[0].check(&RULE, "a", 1).await), Duration::from_secs(300));
    assert!(limiters[0].check(&RULE, "b", 1).await.is_ok(), "another subject is not concerned");
    clock.advance(Duration::from_secs(299));
    assert_eq!(wait_of(limiters[1].check(&RULE, "a", 1).await), Duration::from_secs(1));
    clock.advance(Duration::from_secs(1));
    assert_eq!(limiters[1].check(&RULE, "a", 1).await.unwrap().remaining, 4);
}

#[tokio::test]
async fn a_bucket_leaks_evenly_and_takes_back() {
    const RULE: RateRule = RateRule::bucket("cost", 100, Duration::from_secs(10));
    const WIDE: RateRule = RateRule::bucket("wide", 1_000, Duration::from_secs(10));
    let clock = ManualClock::at(Timestamp::from_millis(1_000_000_000_000));
    let limits = limiter(&pool(), &clock);
    assert_eq!(limits.check(&RULE, "a", 80).await.unwrap().remaining, 20);
    assert_eq!(wait_of(limits.check(&RULE, "a", 30).await), Duration::from_secs(1));
    assert_eq!(limits.check(&RULE, "a", 0).await.unwrap().remaining, 20);
    clock.advance(Duration::from_secs(1));
    assert_eq!(limits.check(&RULE, "a", 30).await.unwrap().remaining, 0);
    limits.correct(&[(&RULE, "a")], -25).await;
    assert_eq!(limits.check(&RULE, "a", 0).await.unwrap().remaining, 25);
    // What turned out dearer is taken after the fact, even below empty, by no more than a bucket.
    limits.correct(&[(&RULE, "debt")], 150).await;
    assert_eq!(wait_of(limits.check(&RULE, "debt", 10).await), Duration::from_secs(1));
    // Of several buckets all take, or none.
    assert!(limits.check_buckets(&[(&WIDE, "w"), (&RULE, "a")], 30).await.is_err());
    assert_eq!(limits.check(&WIDE, "w", 0).await.unwrap().remaining, 1_000);
    assert_eq!(limits.check_buckets(&[(&WIDE, "w"), (&RULE, "a")], 20).await.unwrap().remaining, 5);
    // A clock set back locks nobody out for longer than a full bucket takes.
    clock.set(Timestamp::from_millis(1_000_000_000_000 - 3_600_000));
    assert!(wait_of(limits.check(&RULE, "a", 1).await) <= Duration::from_secs(10));
}

#[tokio::test]
async fn positions_are_found_nearest_first() {
    let redis = pool();
    redis.geo_add("couriers", "near", 36.101, 32.621).await.unwrap();
    redis.geo_add("couriers", "far", 36.15, 32.65).await.unwrap();
    redis.geo_add("couriers", "elsewhere", 37.5, 33.5).await.unwrap();
    let found = redis.geo_search("couriers", (36.10, 32.62), 10_000.0, 10).await.unwrap();
    assert_eq!(found.iter().map(|n| n.member.as_str()).collect::<Vec<_>>(), ["near", "far"]);
    assert!((100.0..200.0).contains(&found[0].distance_m), "{found:?}");
    assert_eq!(redis.geo_search("couriers", (36.10, 32.62), 10_000.0, 1).await.unwrap().len(), 1);
    redis.geo_remove("couriers", "near").await.unwrap();
    assert_eq!(redis.geo_position("couriers", "near").await.unwrap(), None);
    assert!(redis.geo_position("couriers", "far").await.unwrap().is_some());
}

#[tokio::test]
async fn a_listener_hears_again_after_the_connection_was_lost() {
    let prefix = fresh_prefix();
    let direct = pool_at(&env("DARAA_TEST_REDIS_ADDR"), &prefix);
    let proxy = FaultProxy::to(&env("DARAA_TEST_REDIS_ADDR")).await;
    let channel = pool_at(&proxy.addr(), &prefix).subscribe("news");
    let mut heard = channel.listen();
    assert_eq!(heard.recv().await.unwrap(), Heard::Gap);
    direct.publish("news", "one").await.unwrap();
    assert_eq!(heard.recv().await.unwrap(), Heard::Text("one".into()));
    proxy.cut();
    direct.publish("news", "missed").await.unwrap();
    proxy.heal();
    assert_eq!(heard.recv().await.unwrap(), Heard::Gap);
    direct.publish("news", "two").await.unwrap();
    assert_eq!(heard.recv().await.unwrap(), Heard::Text("two".into()));
}

#[tokio::test]
async fn many_batches_of_two_processes_load_a_hot_key_at_most_twice() {
    let shared = pool();
    let (caches, source) = ([cache(&shared), cache(&shared)], Source::default());
    source.write(7);
    let readers = (0..100).map(|i| {
        let (cache, source) = (&caches[i % 2], &source);
        async move {
            let load = |ids: Vec<&'static str>| async move {
                assert_eq!(ids, ["hot"]);
                tokio::task::yield_now().await;
                Ok::<_, Infra>(HashMap::from([("hot", source.load().await?)]))
            };
            cache.get_many_or_load(&["hot"], |id| key(id), ttl::SHORT, load).await.unwrap()
        }
    });
    for got in join_all(readers).await {
        assert_eq!(got, HashMap::from([("hot", 7)]));
    }
    assert!(source.loads() <= 2, "{} loads", source.loads());
}

#[tokio::test]
async fn an_ageing_value_of_a_batch_is_loaded_anew_by_one_while_the_others_get_it() {
    let shared = pool();
    let (caches, source) = ([cache(&shared), cache(&shared)], Source::default());
    source.write(8);
    // To be refreshed since 1970, and still there.
    shared.set(key("old").name(), "1|7", ttl::SHORT).await.unwrap();
    let load = |ids: Vec<&'static str>| {
        let source = &source;
        async move {
            tokio::task::yield_now().await;
            let value = source.load().await?;
            Ok::<_, Infra>(ids.into_iter().map(|id| (id, value)).collect())
        }
    };
    let readers = (0..100).map(|i| caches[i % 2].get_many_or_load(&["old"], |id| key(id), ttl::SHORT, load));
    for got in join_all(readers).await {
        assert!(matches!(got.unwrap().get("old"), Some(7 | 8)));
    }
    assert_eq!(source.loads(), 1);
    let got = caches[0].get_many_or_load(&["old"], |id| key(id), ttl::SHORT, load).await.unwrap();
    assert_eq!((got, source.loads()), (HashMap::from([("old", 8)]), 1));
}

#[tokio::test]
async fn a_batch_that_fails_does_not_fail_those_who_waited_for_it() {
    let cache = cache(&pool());
    let tries = AtomicU32::new(0);
    let load = |ids: Vec<&'static str>| {
        let tries = &tries;
        async move {
            tokio::task::yield_now().await;
            if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                return Err(Infra::defect("once"));
            }
            Ok(ids.into_iter().map(|id| (id, 3_i64)).collect::<HashMap<_, _>>())
        }
    };
    // One id twice in a batch waits for nobody but itself.
    let readers = (0..10).map(|_| cache.get_many_or_load(&["a", "b", "a"], |id| key(id), ttl::SHORT, load));
    let answers = join_all(readers).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
    for got in answers.into_iter().flatten() {
        assert_eq!(got, HashMap::from([("a", 3), ("b", 3)]));
    }
}

#[tokio::test]
async fn a_tracked_member_is_forgotten_when_it_was_not_heard_of_for_long() {
    let redis = pool();
    let keep = Duration::from_secs(900);
    let at = |at_ms: i64| Whereabouts { lon: 36.10, lat: 32.62, at_ms };
    let members = ["early".to_owned(), "late".to_owned(), "never".to_owned()];
    redis.geo_track("live", "early", at(1_000_000), keep).await.unwrap();
    redis.geo_track("live", "late", at(1_900_000), keep).await.unwrap();
    let found = redis.geo_tracked("live", &members).await.unwrap();
    let heard: Vec<Option<i64>> = found.iter().map(|here| here.map(|here| here.at_ms)).collect();
    assert_eq!(heard, [Some(1_000_000), Some(1_900_000), None], "just within its time");
    assert!((found[0].unwrap().lon - 36.10).abs() < 1e-4 && (found[0].unwrap().lat - 32.62).abs() < 1e-4);
    redis.geo_track("live", "late", at(1_900_001), keep).await.unwrap();
    assert_eq!(redis.geo_tracked("live", &members).await.unwrap()[0], None);
    assert_eq!(redis.geo_position("live", "early").await.unwrap(), None);
    redis.geo_remove("live", "late").await.unwrap();
    assert_eq!(redis.geo_tracked("live", &members).await.unwrap(), [None, None, None]);
}
