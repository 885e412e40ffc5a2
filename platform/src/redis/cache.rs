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

mod flight;
mod repair;

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::Script;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::debug;

use self::flight::{Flights, Seat};
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

/// How long a load may take and still be written; above every database deadline of the request path.
const LEASE: Duration = Duration::from_secs(5);
/// How often, and at what distance, a reader looks again while another process loads.
const WAIT_LOOKS: u32 = 4;
const WAIT_STEP: Duration = Duration::from_millis(25);
/// The last tenth of an entry's life: one reader loads it anew while the others still get it.
const REFRESH_SHARE: u32 = 10;
/// Keys deleted at once by a pattern.
const SCAN_BATCH: usize = 500;
/// Turns of one pattern scan; with [`SCAN_BATCH`] this covers five million keys.
const MAX_SCAN_TURNS: u32 = 10_000;

static FILL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/fill.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/release.lua")));

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

    /// Many at once, for dataloaders: one read, one `load` for all that are missing. What `load` does not
    /// return does not exist, which is remembered for [`ttl::NEGATIVE`].
    ///
    /// # Errors
    /// Only what `load` returns.
    pub async fn get_many_or_load<I, V, E, F>(
        &self,
        ids: &[I],
        key: impl Fn(&I) -> CacheKey<V>,
        ttl: Duration,
        load: impl FnOnce(Vec<I>) -> F,
    ) -> Result<HashMap<I, V>, E>
    where
        I: Eq + Hash + Clone,
        V: Serialize + DeserializeOwned,
        F: Future<Output = Result<HashMap<I, V>, E>>,
    {
        let mut out = HashMap::with_capacity(ids.len());
        let names: Vec<String> = ids.iter().map(|id| key(id).name).collect();
        let mut missing: Vec<(I, String)> = Vec::new();
        for ((id, name), found) in ids.iter().zip(&names).zip(self.look_many(&names).await) {
            match found {
                Found::Entry { json, .. } => match read::<Option<V>>(&json) {
                    Some(Some(value)) => drop(out.insert(id.clone(), value)),
                    Some(None) => {}
                    None => missing.push((id.clone(), name.clone())),
                },
                Found::Absent | Found::Unknown => missing.push((id.clone(), name.clone())),
            }
        }
        record(names.len().saturating_sub(missing.len()), "hit");
        record(missing.len(), "miss");
        if missing.is_empty() {
            return Ok(out);
        }
        let token = self.token();
        let leased = self.lease_many(&missing, &token).await;
        let loaded = load(missing.iter().map(|(id, _)| id.clone()).collect()).await;
        let Ok(mut loaded) = loaded else {
            self.release_many(&leased, &token).await;
            return loaded;
        };
        let mut fills = Vec::with_capacity(leased.len());
        for (id, name) in &missing {
            if leased.contains(name) {
                let value = loaded.get(id);
                let life = if value.is_some() { ttl } else { ttl::NEGATIVE.min(ttl) };
                fills.extend(self.entry(&value, life).map(|(entry, life)| (name.clone(), entry, life)));
            }
        }
        self.fill_many(fills, &token).await;
        out.extend(missing.into_iter().filter_map(|(id, _)| loaded.remove_entry(&id)));
        Ok(out)
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
                    let leased = reached && self.lease(name, &token).await;
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

    async fn look(&self, name: &str) -> Found {
        if self.repairs.pending(name) {
            return Found::Unknown;
        }
        match self.redis.get(name).await {
            Ok(Some(entry)) => open(&entry),
            Ok(None) => Found::Absent,
            Err(_) => Found::Unknown,
        }
    }

    async fn look_many(&self, names: &[String]) -> Vec<Found> {
        let keys: Vec<String> = names.iter().map(|name| self.redis.key(name)).collect();
        if keys.is_empty() {
            return Vec::new();
        }
        let rows: Result<Vec<Option<String>>, CacheError> =
            self.redis
                .run("cache.mget", |mut conn| async move {
                    redis::cmd("MGET").arg(keys).query_async(&mut conn).await
                })
                .await;
        match rows {
            Ok(rows) => names
                .iter()
                .zip(rows)
                .map(|(name, row)| match row {
                    _ if self.repairs.pending(name) => Found::Unknown,
                    Some(entry) => open(&entry),
                    None => Found::Absent,
                })
                .collect(),
            Err(_) => names.iter().map(|_| Found::Unknown).collect(),
        }
    }

    async fn await_other_process(&self, name: &str) -> Option<Arc<str>> {
        for _ in 0..WAIT_LOOKS {
            tokio::time::sleep(WAIT_STEP).await;
            match self.look(name).await {
                Found::Entry { json, .. } => return Some(json),
                Found::Absent => {}
                Found::Unknown => return None,
            }
        }
        None
    }

    async fn lease(&self, name: &str, token: &str) -> bool {
        !self.repairs.pending(name)
            && self.redis.set_if_absent(&lease_of(name), token, LEASE).await.unwrap_or(false)
    }

    async fn lease_many<I>(&self, missing: &[(I, String)], token: &str) -> Vec<String> {
        let names: Vec<String> =
            missing.iter().map(|(_, name)| name.clone()).filter(|name| !self.repairs.pending(name)).collect();
        if names.is_empty() {
            return names;
        }
        let mut pipe = redis::pipe();
        for name in &names {
            pipe.cmd("SET")
                .arg(self.redis.key(&lease_of(name)))
                .arg(token)
                .arg("NX")
                .arg("PX")
                .arg(millis(LEASE));
        }
        let got: Result<Vec<Option<String>>, CacheError> =
            self.redis.run("cache.lease", |mut conn| async move { pipe.query_async(&mut conn).await }).await;
        match got {
            Ok(got) => names.into_iter().zip(got).filter_map(|(name, got)| got.map(|_| name)).collect(),
            Err(_) => Vec::new(),
        }
    }

    async fn release_many(&self, names: &[String], token: &str) {
        for name in names {
            // Not released, it expires by itself.
            let released: Result<i64, CacheError> =
                self.redis.script("cache.release", &RELEASE, &[&lease_of(name)], &[token]).await;
            if released.is_err() {
                return;
            }
        }
    }

    async fn fill(&self, name: &str, entry: String, life: Duration, token: &str) {
        let life = millis(life).to_string();
        let filled: Result<i64, CacheError> =
            self.redis.script("cache.fill", &FILL, &[name, &lease_of(name)], &[token, &entry, &life]).await;
        if let Ok(0) = filled {
            record(1, "overtaken");
        }
    }

    async fn fill_many(&self, fills: Vec<(String, String, Duration)>, token: &str) {
        if fills.is_empty() {
            return;
        }
        // EVAL with the text rather than its hash: a pipeline cannot repair a missing script half-way.
        let mut pipe = redis::pipe();
        for (name, entry, life) in fills {
            pipe.cmd("EVAL")
                .arg(include_str!("lua/fill.lua"))
                .arg(2)
                .arg(self.redis.key(&name))
                .arg(self.redis.key(&lease_of(&name)))
                .arg(token)
                .arg(entry)
                .arg(millis(life));
        }
        // Not written, it is loaded again.
        drop(
            self.redis
                .run(
                    "cache.fill_many",
                    |mut conn| async move { pipe.query_async::<Vec<i64>>(&mut conn).await },
                )
                .await,
        );
    }

    fn token(&self) -> String {
        hex::encode(self.random.bytes::<12>())
    }

    fn entry<V: Serialize>(&self, value: &V, ttl: Duration) -> Option<(String, Duration)> {
        serde_json::to_string(value).ok().map(|json| self.dated(&json, ttl))
    }

    /// The stored form: the instant from which the entry is refreshed, `|`, the value. With its life, which
    /// is `ttl` ± 10 %, so that what was cached together does not expire together.
    fn dated(&self, json: &str, ttl: Duration) -> (String, Duration) {
        let ms = millis(ttl);
        let life = ms - ms / 10 + self.random.below(ms / 5 + 1);
        let refresh_at = wall_ms().saturating_add(life - life / u64::from(REFRESH_SHARE));
        (format!("{refresh_at}|{json}"), Duration::from_millis(life))
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
