//! Cache-aside in one place. Only `store.rs` files call it.
//!
//! A value is read from Redis; when it is not there it is loaded from the database (the primary, outside any
//! transaction) and written back. Redis away or slow only means that every read loads.
//!
//! **Never stale after an invalidation.** Who finds nothing takes a lease (`SET lease token NX PX`) *before* it
//! loads, and its value is written by a script that first compares the lease. [`Cache::invalidate`] deletes
//! the value *and* the lease, so a load that began before an invalidation can never write after it. A lease
//! that expired, was evicted or flushed away only means that the value is not written. Within this process
//! an invalidation also detaches loads in flight, so no later reader joins them.
//!
//! **The bound.** After a committed write a reader may see the old value
//! - until the writer's invalidation arrives (one Redis round trip after the commit);
//! - in another process, when it joined a load that had begun before: the length of that load;
//! - when Redis could not be reached for the invalidation: until it can be; the invalidation is repeated in
//!   the background, and this process does not read the key from the cache meanwhile;
//! - when the writer died between commit and invalidation: at most the entry's time to live plus a tenth.
//!
//! Price and stock are therefore read from MongoDB when an order is made.

mod batch;
mod flight;
mod lease;
mod repair;

use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::debug;

use self::flight::{Flights, Seat};
use self::lease::Claim;
use self::repair::Repairs;
use super::pool::millis;
use super::{CacheError, RedisPool};
use crate::random::Random;

/// Times to live (requirement C2).
pub mod ttl {
    use std::time::Duration;

    /// What changes often.
    pub const SHORT: Duration = Duration::from_secs(60);
    /// What changes now and then.
    pub const MEDIUM: Duration = Duration::from_secs(300);
    /// What changes rarely.
    pub const LONG: Duration = Duration::from_secs(3_600);
    /// What hardly ever changes.
    pub const VERY_LONG: Duration = Duration::from_secs(86_400);
    /// Products.
    pub const PRODUCT: Duration = Duration::from_secs(1_800);
    /// Stores.
    pub const STORE: Duration = Duration::from_secs(3_600);
    /// Categories.
    pub const CATEGORY: Duration = Duration::from_secs(7_200);
    /// "There is no such thing" is remembered this long.
    pub const NEGATIVE: Duration = Duration::from_secs(60);
}

/// How often, and at what distance, a reader looks again while another process loads.
const WAIT_LOOKS: u32 = 4;
const WAIT_STEP: Duration = Duration::from_millis(25);
/// The last tenth of an entry's life: one reader loads it anew while the others still get it.
const REFRESH_SHARE: u32 = 10;
/// Keys deleted at once by a pattern.
const SCAN_BATCH: usize = 500;
/// Turns of one pattern scan; with [`SCAN_BATCH`] this covers five million keys.
const MAX_SCAN_TURNS: u32 = 10_000;

/// A key that knows what lies under it. The version is raised when the stored form changes, so that two
/// releases running side by side do not read each other's values.
#[derive(Debug)]
pub struct CacheKey<V> {
    name: String,
    value: PhantomData<fn() -> V>,
}

impl<V> Clone for CacheKey<V> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), value: PhantomData }
    }
}

impl<V> CacheKey<V> {
    /// `store`, 1, `str_…` → `store:v1:str_…`.
    #[must_use]
    pub fn new(kind: &'static str, version: u32, id: impl Display) -> Self {
        Self { name: format!("{kind}:v{version}:{id}"), value: PhantomData }
    }

    /// As it is stored, without the system's prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn lease(&self) -> String {
        lease_of(&self.name)
    }
}

fn lease_of(name: &str) -> String {
    format!("lease:{name}")
}

/// The cache. Cheap to clone; clones share what is in flight.
#[derive(Debug, Clone)]
pub struct Cache {
    redis: RedisPool,
    random: Random,
    flights: Arc<Flights>,
    repairs: Arc<Repairs>,
}

/// What lies in Redis under a key.
enum Found {
    /// Nothing.
    Absent,
    /// A value; `ageing` in the last part of its life.
    Entry { json: Arc<str>, ageing: bool },
    /// Redis was not reached, or may not be asked for this key.
    Unknown,
}

impl Cache {
    /// A cache in `redis`.
    #[must_use]
    pub fn new(redis: RedisPool, random: Random) -> Self {
        Self { redis, random, flights: Arc::default(), repairs: Arc::default() }
    }

    /// The cached value, or the loaded one, which is then cached for about `ttl`.
    ///
    /// # Errors
    /// Only what `load` returns.
    pub async fn get_or_load<V, E, F>(
        &self,
        key: &CacheKey<V>,
        ttl: Duration,
        load: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        V: Serialize + DeserializeOwned,
        F: Future<Output = Result<V, E>>,
    {
        self.through(key.name(), |_: &V| ttl, load).await
    }

    /// Like [`Self::get_or_load`] for things that may not exist; their absence is remembered for
    /// [`ttl::NEGATIVE`]. Who creates the thing invalidates its key.
    ///
    /// # Errors
    /// Only what `load` returns.
    pub async fn get_or_load_opt<V, E, F>(
        &self,
        key: &CacheKey<V>,
        ttl: Duration,
        load: impl FnOnce() -> F,
    ) -> Result<Option<V>, E>
    where
        V: Serialize + DeserializeOwned,
        F: Future<Output = Result<Option<V>, E>>,
    {
        let life = |value: &Option<V>| if value.is_some() { ttl } else { ttl::NEGATIVE.min(ttl) };
        self.through(key.name(), life, load).await
    }

    /// Writes a value that is known without a load. Only for values that are not a copy of a document: two
    /// `put`s may arrive in either order.
    pub async fn put<V: Serialize>(&self, key: &CacheKey<V>, ttl: Duration, value: &V) {
        let Some((entry, life)) = self.entry(value, ttl) else { return };
        let (name, lease) = (self.redis.key(key.name()), self.redis.key(&key.lease()));
        let put = self.redis.run("cache.put", |mut conn| async move {
            redis::pipe()
                .atomic()
                .cmd("SET")
                .arg(name)
                .arg(entry)
                .arg("PX")
                .arg(millis(life))
                .cmd("DEL")
                .arg(lease)
                .query_async::<()>(&mut conn)
                .await
        });
        if put.await.is_err() {
            self.invalidate(key).await;
        }
    }

    /// The value, when it is cached.
    pub async fn peek<V: DeserializeOwned>(&self, key: &CacheKey<V>) -> Option<V> {
        match self.look(key.name()).await {
            Found::Entry { json, .. } => read(&json),
            _ => None,
        }
    }

    /// Forgets a value: to be registered with `tx.after_commit`, or called after a single write. It cannot
    /// fail: when Redis is away it is repeated in the background until it is done.
    pub async fn invalidate<V>(&self, key: &CacheKey<V>) {
        self.invalidate_names(vec![key.name.clone()]).await;
    }

    /// Forgets many values at once, also of different types.
    pub async fn invalidate_names(&self, names: Vec<String>) {
        if names.is_empty() {
            return;
        }
        for name in &names {
            self.flights.detach(name);
        }
        if let Err(e) = forget(&self.redis, &names).await {
            debug!(cause = %e, keys = names.len(), "an invalidation is put off");
            self.repairs.put_off(&self.redis, names);
        }
    }

    /// Forgets everything whose key matches, e.g. `store:v1:*`. Walks the keys with SCAN, so it is for
    /// maintenance and rare changes with many derived values. Returns how many values were forgotten.
    ///
    /// # Errors
    /// Redis is away; entries then live until their time is over.
    pub async fn invalidate_pattern(&self, pattern: &str) -> Result<u64, CacheError> {
        self.flights.detach_all();
        // Leases first: a load in flight must not write behind the scan.
        self.unlink_matching(&lease_of(pattern)).await?;
        self.unlink_matching(pattern).await
    }

    async fn unlink_matching(&self, pattern: &str) -> Result<u64, CacheError> {
        let pattern = self.redis.key(pattern);
        let (mut cursor, mut gone) = (0_u64, 0_u64);
        for _ in 0..MAX_SCAN_TURNS {
            let turn = pattern.clone();
            let (next, keys): (u64, Vec<String>) = self
                .redis
                .run("cache.scan", |mut conn| async move {
                    redis::cmd("SCAN")
                        .arg(cursor)
                        .arg("MATCH")
                        .arg(turn)
                        .arg("COUNT")
                        .arg(SCAN_BATCH)
                        .query_async(&mut conn)
                        .await
                })
                .await?;
            if !keys.is_empty() {
                gone += self
                    .redis
                    .run("cache.unlink", |mut conn| async move {
                        redis::cmd("UNLINK").arg(keys).query_async::<u64>(&mut conn).await
                    })
                    .await?;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(gone);
            }
        }
        Err(CacheError::Answer("the scan did not end".to_owned()))
    }

    /// One value through the cache: look, join or lead the load, write back.
    async fn through<V, E, F>(
        &self,
        name: &str,
        life: impl Fn(&V) -> Duration,
        load: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        V: Serialize + DeserializeOwned,
        F: Future<Output = Result<V, E>>,
    {
        let mut ageing = None;
        let mut reached = true;
        match self.look(name).await {
            Found::Entry { json, ageing: false } => {
                if let Some(value) = read(&json) {
                    record(1, "hit");
                    return Ok(value);
                }
            }
            Found::Entry { json, ageing: true } => ageing = read::<V>(&json),
            Found::Absent => {}
            Found::Unknown => reached = false,
        }
        loop {
            match self.flights.join(name) {
                // Somebody else loads anew already; the old value is still good.
                Seat::Passenger(_) if ageing.is_some() => {
                    if let Some(value) = ageing.take() {
                        record(1, "hit");
                        return Ok(value);
                    }
                }
                Seat::Passenger(passenger) => {
                    // A leader that failed or was dropped leaves the seat to the next.
                    if let Some(value) = passenger.arrive().await.and_then(|json| read(&json)) {
                        record(1, "joined");
                        return Ok(value);
                    }
                }
                Seat::Leader(leader) => {
                    let token = self.token();
                    let claim = if reached { self.claim(name, &token).await } else { Claim::none() };
                    let Claim { leased, found } = claim;
                    // Written since we looked: whoever loaded it has landed just before we joined.
                    if let Found::Entry { json, ageing: false } = found
                        && let Some(value) = read(&json)
                    {
                        if leased {
                            self.release_many(&[name.to_owned()], &token).await;
                        }
                        leader.land(&json);
                        record(1, "hit");
                        return Ok(value);
                    }
                    if reached && !leased {
                        if let Some(value) = ageing.take() {
                            record(1, "hit");
                            return Ok(value);
                        }
                        if let Some(json) = self.await_other_process(name).await
                            && let Some(value) = read(&json)
                        {
                            leader.land(&json);
                            record(1, "waited");
                            return Ok(value);
                        }
                    }
                    record(1, "miss");
                    let loaded = load().await;
                    return match (loaded, ageing) {
                        (Ok(value), _) => {
                            if let Ok(json) = serde_json::to_string(&value) {
                                if leased {
                                    let (entry, life) = self.dated(&json, life(&value));
                                    self.fill(name, entry, life, &token).await;
                                }
                                leader.land(&json.into());
                            }
                            Ok(value)
                        }
                        (Err(e), old) => {
                            if leased {
                                self.release_many(&[name.to_owned()], &token).await;
                            }
                            old.ok_or(e)
                        }
                    };
                }
            }
        }
    }
}

fn open(entry: &str) -> Found {
    let Some((refresh_at, json)) = entry.split_once('|') else { return Found::Absent };
    let Ok(refresh_at) = refresh_at.parse::<u64>() else { return Found::Absent };
    Found::Entry { json: json.into(), ageing: wall_ms() >= refresh_at }
}

fn read<V: DeserializeOwned>(json: &str) -> Option<V> {
    // An entry of another form is a miss; the version in the key should have kept it apart.
    serde_json::from_str(json).inspect_err(|e| debug!(cause = %e, "a cached value cannot be read")).ok()
}

/// Redis counts real time, also where the injected clock runs fast.
#[expect(clippy::disallowed_methods, reason = "compared with what Redis counts, not with the injected clock")]
fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn record(count: usize, outcome: &'static str) {
    if count > 0 {
        metrics::counter!("daraa_cache_reads_total", "outcome" => outcome)
            .increment(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

/// Deletes values and their leases.
async fn forget(redis: &RedisPool, names: &[String]) -> Result<(), CacheError> {
    let keys: Vec<String> =
        names.iter().flat_map(|name| [redis.key(name), redis.key(&lease_of(name))]).collect();
    redis
        .run("cache.forget", |mut conn| async move {
            redis::cmd("DEL").arg(keys).query_async::<()>(&mut conn).await
        })
        .await
}
