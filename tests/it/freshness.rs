//! How old an answer may be while Redis is flushed, frozen and cut off: two servers read and write the same things, each
//! behind a line to Redis of its own, and every read is held against the bound that docs/CACHE.md states.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use daraa_domain::account::{self, PersonName, UpdateAccount};
use daraa_domain::actor::{Actor, OpsRole, Person};
use daraa_domain::app::App;
use daraa_domain::ids::StoreId;
use daraa_domain::settings::{self, SettingsPatch, UpdateSettings};
use daraa_domain::store::{self, UpdateStore};
use daraa_platform::config::Secret;
use daraa_platform::fault::Infra;
use daraa_platform::random::Random;
use daraa_platform::redis::cache::near::NEAR_LIFE;
use daraa_platform::redis::cache::ttl;
use daraa_platform::redis::{Cache, CacheKey, RedisPool};
use daraa_tests::{FaultProxy, World, env};
use futures_util::future::join_all;

use crate::own_redis::{OwnRedis, until};

/// A line that has been open for so long is one whose writer has caught up: what was put off is done.
const SETTLES: Duration = Duration::from_secs(3);
/// For a machine that does other things, too: the bound is on the code, not on the scheduler.
const ALLOWANCE: Duration = Duration::from_secs(2);
/// Faults, then calm, so many times.
const ROUNDS: u32 = 2;
/// How long the faults of a round go on.
const STORM: Duration = Duration::from_secs(5);
/// Then nobody writes until every bound has passed: the next write would mend what the last one left stale.
const QUIET: Duration = Duration::from_millis(6_500);
/// Then there are writes while nothing fails.
const CALM: Duration = Duration::from_secs(1);
/// A fault lasts from here to here, ms.
const FAULT_MS: (u64, u64) = (50, 900);
/// Between two writes of one thing, and between two reads, at most, ms.
const WRITE_PAUSE_MS: u64 = 120;
const READ_PAUSE_MS: u64 = 8;

/// Some time, with other tasks at work: what happens between is the point.
async fn pass(time: Duration) {
    drop(tokio::time::timeout(time, std::future::pending::<()>()).await);
}

async fn pass_ms(random: &Random, most: u64) {
    pass(Duration::from_millis(random.below(most + 1))).await;
}

/// The line of one server to Redis, and when it was open.
struct Line {
    proxy: FaultProxy,
    history: Mutex<Vec<(Instant, bool)>>,
}

impl Line {
    async fn to(redis: &OwnRedis) -> Self {
        Self { proxy: FaultProxy::to(redis.addr()).await, history: Mutex::new(vec![(Instant::now(), true)]) }
    }

    /// Broken from before a fault begins until after it has ended: in doubt it counts as broken.
    fn note(&self, open: bool) {
        self.history.lock().unwrap().push((Instant::now(), open));
    }

    /// From when on what was written until `written` must be known everywhere: the writer's line had been open for
    /// [`SETTLES`] since. `None` while it has not.
    fn settled(&self, written: Instant) -> Option<Instant> {
        let history = self.history.lock().unwrap();
        let ends = history.iter().skip(1).map(|(at, _)| Some(*at)).chain([None]);
        history.iter().zip(ends).filter(|((_, open), _)| *open).find_map(|((from, _), end)| {
            let settled = written.max(*from + SETTLES);
            end.is_none_or(|end| end > settled).then_some(settled)
        })
    }
}

/// A committed write, as its writer saw it return.
struct Written {
    version: i64,
    at: Instant,
    by: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Near, one by one, absent at first.
    Settings,
    /// Near, in batches.
    Store,
    /// In Redis only.
    Account,
}

struct Thing {
    kind: Kind,
    store: StoreId,
    actor: Actor,
    written: Mutex<Vec<Written>>,
    reads: AtomicU64,
    /// The oldest answers seen, ms after the write they lack: where it was written, and elsewhere.
    oldest: [AtomicU64; 2],
}

impl Thing {
    async fn write(&self, app: &App, n: i64) -> Result<i64, String> {
        match self.kind {
            Kind::Settings => {
                let patch = SettingsPatch { commission_bps: Some(n), ..SettingsPatch::default() };
                let command = UpdateSettings { patch, expected_version: None };
                let done = settings::update(app, &self.actor, command).await;
                done.map(|after| after.version).map_err(|e| format!("{e:?}"))
            }
            Kind::Store => {
                let command = UpdateStore { min_order_minor: Some(n), ..UpdateStore::default() };
                let done = store::update(app, &self.actor, self.store, command).await;
                done.map(|after| after.version).map_err(|e| format!("{e:?}"))
            }
            Kind::Account => {
                let name = PersonName::parse(&format!("Person {n}")).unwrap();
                let command = UpdateAccount { name: Some(name), lang: None };
                let done = account::update(app, &self.actor, command).await;
                done.map(|after| after.version).map_err(|e| format!("{e:?}"))
            }
        }
    }

    async fn read(&self, app: &App) -> Result<i64, String> {
        match self.kind {
            Kind::Settings => settings::get(app).await.map(|it| it.version).map_err(|e| format!("{e:?}")),
            Kind::Store => {
                let found = store::get_many(app, &[self.store]).await.map_err(|e| format!("{e:?}"))?;
                Ok(found[&self.store].version)
            }
            Kind::Account => {
                let id = self.actor.person().unwrap().account_id;
                account::get(app, id).await.map(|it| it.version).map_err(|e| format!("{e:?}"))
            }
        }
    }

    /// Holds one read, begun at `begun` on server `at`, against what was written before.
    fn judge(&self, lines: &[Line; 2], at: usize, begun: Instant, version: i64) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let written = self.written.lock().unwrap();
        for missed in written.iter().filter(|write| write.version > version && write.at <= begun) {
            let elsewhere = usize::from(missed.by != at);
            let age = begun - missed.at;
            self.oldest[elsewhere].fetch_max(age.as_millis() as u64, Ordering::Relaxed);
            assert!(
                elsewhere == 1,
                "{:?}: server {at} read version {version} {age:?} after it had written {} itself",
                self.kind,
                missed.version
            );
            let bound = lines[missed.by].settled(missed.at).map(|settled| settled + NEAR_LIFE + ALLOWANCE);
            assert!(
                bound.is_none_or(|bound| begun <= bound),
                "{:?}: server {at} read version {version} {age:?} after server {} had written {}",
                self.kind,
                missed.by,
                missed.version
            );
        }
    }
}

/// Two servers and what they read and write.
struct Stage {
    redis: OwnRedis,
    lines: [Line; 2],
    servers: [Arc<App>; 2],
    things: Vec<Thing>,
    /// Nobody writes now.
    quiet: AtomicBool,
    over: AtomicBool,
}

impl Stage {
    async fn set() -> Self {
        let password = std::fs::read_to_string(env("DARAA_TEST_REDIS_PASSWORD_FILE")).unwrap();
        let redis = OwnRedis::with_password(password.trim()).await;
        let lines = [Line::to(&redis).await, Line::to(&redis).await];
        let world = async |line: &Line| {
            let extra = [
                ("DARAA_REDIS_ADDR", line.proxy.addr()),
                ("DARAA_REDIS_PREFIX", "fresh:".to_owned()),
                // What is proven here is about Redis: a busy machine must not show as a failed read.
                ("DARAA_MONGO_OPERATION_MS", "20000".to_owned()),
            ];
            World::with(&extra).await
        };
        let (here, there) = (world(&lines[0]).await, world(&lines[1]).await);
        let shop = here.open_store().await;
        let person = here.customer().await;
        let admin = Actor::Person(Person {
            account_id: person.account_id,
            session_id: here.app.ids.next(),
            ops: Some(OpsRole::Admin),
            courier_id: None,
            staff: Vec::new(),
        });
        let actors = [
            (Kind::Settings, admin),
            (Kind::Store, here.actor(&shop.owner).await),
            (Kind::Account, here.actor(&person).await),
        ];
        let things = actors.map(|(kind, actor)| Thing {
            kind,
            store: shop.store_id,
            actor,
            written: Mutex::default(),
            reads: AtomicU64::new(0),
            oldest: [AtomicU64::new(0), AtomicU64::new(0)],
        });
        let servers = [Arc::clone(&here.app), there.another_server().await];
        Self {
            redis,
            lines,
            servers,
            things: things.into(),
            quiet: AtomicBool::new(false),
            over: AtomicBool::new(false),
        }
    }

    async fn write(self: Arc<Self>, thing: usize, random: Random) {
        let thing = &self.things[thing];
        // Values that differ from one write to the next, and stay in everybody's range.
        for n in (0..9_000).cycle().take_while(|_| !self.over.load(Ordering::Relaxed)) {
            let by = random.below(2) as usize;
            let version = thing.write(&self.servers[by], n).await.expect("a write");
            thing.written.lock().unwrap().push(Written { version, at: Instant::now(), by });
            pass_ms(&random, WRITE_PAUSE_MS).await;
            while self.quiet.load(Ordering::Relaxed) && !self.over.load(Ordering::Relaxed) {
                pass_ms(&random, READ_PAUSE_MS).await;
            }
        }
    }

    async fn read(self: Arc<Self>, thing: usize, at: usize, random: Random) {
        let thing = &self.things[thing];
        while !self.over.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let version = thing.read(&self.servers[at]).await.expect("no read fails because of Redis");
            thing.judge(&self.lines, at, begun, version);
            pass_ms(&random, READ_PAUSE_MS).await;
        }
    }

    /// One fault, from its beginning to its end.
    async fn suffer(&self, random: &Random) {
        let line = &self.lines[random.below(2) as usize];
        let lasts = Duration::from_millis(FAULT_MS.0 + random.below(FAULT_MS.1 - FAULT_MS.0));
        match random.below(6) {
            0 => drop(self.redis.say("FLUSHALL").await),
            1 => drop(self.redis.say("CLIENT KILL TYPE normal").await),
            2 => drop(self.redis.say("CLIENT KILL TYPE pubsub").await),
            // Everybody's Redis at once.
            3 => {
                self.lines.iter().for_each(|line| line.note(false));
                self.redis.freeze();
                pass(lasts).await;
                self.redis.thaw();
                self.lines.iter().for_each(|line| line.note(true));
            }
            4 => {
                line.note(false);
                line.proxy.freeze();
                pass(lasts).await;
                line.proxy.heal();
                line.note(true);
            }
            _ => {
                line.note(false);
                line.proxy.cut();
                pass(lasts).await;
                line.proxy.heal();
                line.note(true);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the seed repeats a failure; the figures say how close it was")]
async fn no_answer_is_older_than_its_bound_while_redis_fails() {
    let given = std::env::var("DARAA_TEST_SEED").ok().map(|text| text.parse().unwrap());
    let seed = given.unwrap_or_else(|| Random::from_os().below(1 << 32));
    println!("DARAA_TEST_SEED={seed}");
    let stage = Arc::new(Stage::set().await);
    let mut tasks = tokio::task::JoinSet::new();
    let mut next = seed;
    let mut random = || {
        next += 1;
        Random::seeded(next)
    };
    for thing in 0..stage.things.len() {
        tasks.spawn(Arc::clone(&stage).write(thing, random()));
        for at in 0..2 {
            tasks.spawn(Arc::clone(&stage).read(thing, at, random()));
        }
    }
    let random = random();
    let mut faults = 0_u32;
    let mut still_at_work = || {
        if let Some(ended) = tasks.try_join_next() {
            panic!("a reader or writer has ended: {ended:?}");
        }
    };
    for _ in 0..ROUNDS {
        let storm = Instant::now();
        while storm.elapsed() < STORM {
            faults += 1;
            stage.suffer(&random).await;
            pass_ms(&random, FAULT_MS.0).await;
            still_at_work();
        }
        for (quiet, lasts) in [(true, QUIET), (false, CALM)] {
            stage.quiet.store(quiet, Ordering::Relaxed);
            pass(lasts).await;
            still_at_work();
        }
    }
    stage.over.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended.expect("a reader or writer");
    }
    for thing in &stage.things {
        let (writes, last) = {
            let written = thing.written.lock().unwrap();
            (written.len(), written.last().map_or(0, |write| write.version))
        };
        until("both servers know the last write", async || {
            let [here, there] = &stage.servers;
            thing.read(here).await == Ok(last) && thing.read(there).await == Ok(last)
        })
        .await;
        println!(
            "{:?}: {writes} writes, {} reads, {faults} faults; oldest answer {} ms where it was written, {} ms elsewhere",
            thing.kind,
            thing.reads.load(Ordering::Relaxed),
            thing.oldest[0].load(Ordering::Relaxed),
            thing.oldest[1].load(Ordering::Relaxed),
        );
    }
}

/// Readers of a hot key.
const READERS: usize = 1_000;

/// Loads of a key that ends under [`READERS`] readers on two servers, when a load takes this long.
async fn loads_when_it_ends(near: &'static [&'static str], load_takes: Duration) -> u32 {
    let password = std::fs::read_to_string(env("DARAA_TEST_REDIS_PASSWORD_FILE")).unwrap();
    let prefix = format!("hot-{:x}:", Random::from_os().below(u64::MAX));
    let pools = [(); 2].map(|()| {
        RedisPool::connect(&env("DARAA_TEST_REDIS_ADDR"), &Secret::new(password.trim()), &prefix).unwrap()
    });
    let caches = pools.clone().map(|pool| Cache::new(pool, Random::from_os()).with_near(near));
    let key = CacheKey::<i64>::new("thing", 1, "hot");
    let loads = AtomicU32::new(0);
    let (loads, key) = (&loads, &key);
    let read = |i: usize| {
        let cache = &caches[i % 2];
        async move {
            // Half of them one by one, half in batches, as resolvers and loaders do.
            if i % 4 < 2 {
                let load = || async {
                    loads.fetch_add(1, Ordering::SeqCst);
                    pass(load_takes).await;
                    Ok::<_, Infra>(7_i64)
                };
                cache.get_or_load(key, ttl::SHORT, load).await.unwrap()
            } else {
                let load = |_| async {
                    loads.fetch_add(1, Ordering::SeqCst);
                    pass(load_takes).await;
                    Ok::<_, Infra>(HashMap::from([((), 7_i64)]))
                };
                cache.get_many_or_load(&[()], |()| key.clone(), ttl::SHORT, load).await.unwrap()[&()]
            }
        }
    };
    assert_eq!(join_all((0..2).map(read)).await, [7, 7]);
    loads.store(0, Ordering::SeqCst);
    // It has ended in Redis, and so has what was near.
    pools[0].del(key.name()).await.unwrap();
    pass(NEAR_LIFE).await;
    assert!(join_all((0..READERS).map(read)).await.into_iter().all(|value| value == 7));
    loads.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_hot_key_that_ends_under_a_thousand_readers_is_loaded_at_most_twice() {
    for near in [&[][..], &["thing"]] {
        // Shorter, and longer, than one server waits for the other.
        for load_ms in [0, 20, 300] {
            let loads = loads_when_it_ends(near, Duration::from_millis(load_ms)).await;
            assert!((1..=2).contains(&loads), "near {near:?}, a load takes {load_ms} ms: {loads} loads");
        }
    }
}
