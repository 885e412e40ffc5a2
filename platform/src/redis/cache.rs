//! Cache-aside in one place. Only `store.rs` files call it.
//!
//! A value is looked for near (in this process, see [`near::NEAR_LIFE`]; only kinds that are worth it), then in Redis;
//! when it is not there it is loaded from the database (the primary, outside any transaction) and written back. Redis
//! away or slow only means that reads load.
//!
//! **Never stale after an invalidation.** Who finds nothing takes a lease (`SET lease token NX PX`) *before* it
//! loads, and its value is written by a script that first compares the lease. [`Cache::invalidate`] deletes
//! the value *and* the lease, so a load that began before an invalidation can never write after it. A lease
//! that expired, was evicted or flushed away only means that the value is not written. An invalidation also detaches
//! loads in flight, so that no later reader joins them, and drops what is kept near: in this process before it
//! returns, in the others as soon as they hear of it.
//!
//! **The bound.** After a committed write this process reads no older value. Another one may
//! - until the writer's invalidation arrives: one Redis round trip after the commit, and the message to the others;
//!   where that is not heard, [`near::NEAR_LIFE`] longer, and never longer than a load that had begun before;
//! - when Redis could not be reached by the writer: until it can be; the invalidation is repeated in the background;
//! - when a replica took over that had not heard of the invalidation: until the writer has followed to it and repeats
//!   what it invalidated lately, within seconds;
//! - when the writer died before it could do so: until somebody who follows the database's changes does it in his
//!   place ([`Cache::forget`]); where nobody does, at most the entry's time to live plus a tenth.
//!
//! Price and stock are therefore read from MongoDB when an order is made.

mod batch;
mod derived;
mod flight;
mod hear;
mod lease;
pub mod near;
mod repair;
mod seen;
mod through;

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mongodb::bson::Bson;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::debug;

use self::hear::{Hearing, Memory};
use self::lease::{derived_of, lease_of};
use self::near::Near;
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

/// "There is no such thing", as it is stored.
const NOTHING: &str = "null";

/// A key that knows what lies under it. The version is raised when the stored form changes, so that two
/// releases running side by side do not read each other's values.
#[derive(Debug)]
pub struct CacheKey<V> {
    kind: &'static str,
    name: String,
    value: PhantomData<fn() -> V>,
}

impl<V> Clone for CacheKey<V> {
    fn clone(&self) -> Self {
        Self { kind: self.kind, name: self.name.clone(), value: PhantomData }
    }
}

impl<V> CacheKey<V> {
    /// `store`, 1, `str_…` → `store:v1:str_…`.
    #[must_use]
    pub fn new(kind: &'static str, version: u32, id: impl Display) -> Self {
        Self { kind, name: format!("{kind}:v{version}:{id}"), value: PhantomData }
    }

    /// As it is stored, without the system's prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn wish(&self) -> Wish<'_> {
        Wish { name: &self.name, kind: self.kind }
    }
}

/// A collection whose documents are cached, and under which name by the `_id` of a document that changed.
#[derive(Clone, Copy)]
pub struct CachedCollection {
    /// The collection.
    pub collection: &'static str,
    /// The name in the cache.
    pub name: fn(&Bson) -> Option<String>,
}

impl std::fmt::Debug for CachedCollection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.collection)
    }
}

/// What a reader is after.
#[derive(Debug, Clone, Copy)]
struct Wish<'k> {
    name: &'k str,
    kind: &'static str,
}

/// The cache. Cheap to clone; clones share what is in flight and what is near.
#[derive(Debug, Clone)]
pub struct Cache {
    memory: Memory,
    random: Random,
    hearing: Arc<Hearing>,
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
    /// A cache in `redis` that keeps nothing near.
    #[must_use]
    pub fn new(redis: RedisPool, random: Random) -> Self {
        let memory = Memory {
            redis,
            run: hex::encode(random.bytes::<8>()).into(),
            near: Arc::new(Near::of(&[])),
            flights: Arc::default(),
            repairs: Arc::default(),
        };
        Self { memory, random, hearing: Arc::default() }
    }

    /// The same cache, which also keeps what it reads of these kinds near for [`near::NEAR_LIFE`]: for what is read by
    /// nearly every request.
    #[must_use]
    pub fn with_near(self, kinds: &[&'static str]) -> Self {
        let memory = Memory { near: Arc::new(Near::of(kinds)), ..self.memory };
        Self { memory, random: self.random, hearing: Arc::default() }
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
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: Future<Output = Result<V, E>>,
    {
        self.through(key.wish(), |_: &V| ttl, load).await
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
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Option<V>, E>>,
    {
        let life = |value: &Option<V>| if value.is_some() { ttl } else { ttl::NEGATIVE.min(ttl) };
        self.through(key.wish(), life, load).await
    }

    /// Writes a value that is known without a load. Only for values that are not a copy of a document: two
    /// `put`s may arrive in either order.
    pub async fn put<V: Serialize>(&self, key: &CacheKey<V>, ttl: Duration, value: &V) {
        self.put_many(std::iter::once((key.clone(), value)), ttl).await;
    }

    /// [`Self::put`] for many, in one go.
    pub async fn put_many<'v, V: Serialize + 'v>(
        &self,
        values: impl IntoIterator<Item = (CacheKey<V>, &'v V)>,
        ttl: Duration,
    ) {
        let redis = &self.memory.redis;
        let (mut names, mut pipe) = (Vec::new(), redis::pipe());
        pipe.atomic();
        for (key, value) in values {
            let Some((entry, life)) = self.entry(value, ttl) else { continue };
            pipe.cmd("SET")
                .arg(redis.key(&key.name))
                .arg(entry)
                .arg("PX")
                .arg(millis(life))
                .cmd("DEL")
                .arg(redis.key(&lease_of(&key.name)));
            names.push(key.name);
        }
        if names.is_empty() {
            return;
        }
        let put = redis.run("cache.put", |mut conn| async move { pipe.query_async::<()>(&mut conn).await });
        if put.await.is_err() {
            self.invalidate_names(names).await;
            return;
        }
        for name in &names {
            self.memory.forget(name).await;
        }
    }

    /// The value, when Redis has it.
    pub async fn peek<V: DeserializeOwned>(&self, key: &CacheKey<V>) -> Option<V> {
        match self.look(key.name()).await {
            Found::Entry { json, .. } => read(key.kind, &json),
            _ => None,
        }
    }

    /// [`Self::peek`] for many, in one go; what is not there is left out.
    pub async fn peek_many<I: Eq + Hash + Clone, V: DeserializeOwned>(
        &self,
        ids: &[I],
        key: impl Fn(&I) -> CacheKey<V>,
    ) -> HashMap<I, V> {
        let keys: Vec<CacheKey<V>> = ids.iter().map(key).collect();
        let names: Vec<String> = keys.iter().map(|key| key.name.clone()).collect();
        let found = ids.iter().zip(&keys).zip(self.look_many(&names).await);
        found
            .filter_map(|((id, key), found)| match found {
                Found::Entry { json, .. } => Some((id.clone(), read(key.kind, &json)?)),
                _ => None,
            })
            .collect()
    }

    /// Forgets a value and all that is derived from it: to be registered with `tx.after_commit`, or called after a
    /// single write. It cannot fail: when Redis is away it is repeated in the background until it is done.
    pub async fn invalidate<V>(&self, key: &CacheKey<V>) {
        self.invalidate_names(vec![key.name.clone()]).await;
    }

    /// [`Self::invalidate`] for many at once, also of different types.
    pub async fn invalidate_names(&self, names: Vec<String>) {
        if names.is_empty() {
            return;
        }
        let memory = &self.memory;
        self.hearing.begin(memory);
        for name in &names {
            memory.forget(name).await;
        }
        memory.repairs.remember(&names);
        let deleted = memory.delete(&names).await;
        if let Err(e) = deleted {
            debug!(cause = %e, keys = names.len(), "an invalidation is put off");
            seen::put_off(&names);
            memory.repairs.put_off(memory, names.clone());
        }
        // Again: who read the old value from Redis meanwhile may have kept it near, or be about to hand it on.
        for name in &names {
            memory.forget(name).await;
        }
    }

    /// [`Self::invalidate_names`] for who can repeat it himself and has to know that it was done.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn forget(&self, names: &[String]) -> Result<(), CacheError> {
        self.hearing.begin(&self.memory);
        for name in names {
            self.memory.forget(name).await;
        }
        // A server that takes over may lack the deletion: it is repeated then.
        self.memory.repairs.remember(names);
        self.memory.delete(names).await?;
        for name in names {
            self.memory.forget(name).await;
        }
        Ok(())
    }

    /// Forgets every value, in Redis and in all processes: for who does not know what has changed.
    ///
    /// # Errors
    /// Redis is away; what was not forgotten lives until its time is over.
    pub async fn forget_everything(&self) -> Result<(), CacheError> {
        self.memory.forget_all();
        repair::flush(&self.memory).await?;
        self.memory.forget_all();
        Ok(())
    }

    /// Forgets everything whose key matches, e.g. `store:v1:*`, with what is derived from it. Walks the keys with SCAN,
    /// so it is for maintenance and rare changes with many values. Returns how many values were forgotten.
    ///
    /// # Errors
    /// Redis is away; entries then live until their time is over.
    pub async fn invalidate_pattern(&self, pattern: &str) -> Result<u64, CacheError> {
        let memory = &self.memory;
        memory.forget_all();
        // Leases first: a load in flight must not write behind the scan.
        unlink_matching(&memory.redis, &lease_of(pattern)).await?;
        unlink_matching(&memory.redis, &derived_of(pattern)).await?;
        let gone = unlink_matching(&memory.redis, pattern).await?;
        memory.tell_all().await?;
        memory.forget_all();
        Ok(gone)
    }
}

/// Deletes the keys that match, batch by batch: KEYS would hold the server up.
async fn unlink_matching(redis: &RedisPool, pattern: &str) -> Result<u64, CacheError> {
    let pattern = redis.key(pattern);
    let (mut cursor, mut gone) = (0_u64, 0_u64);
    for _ in 0..MAX_SCAN_TURNS {
        let turn = pattern.clone();
        let (next, keys): (u64, Vec<String>) = redis
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
            gone += redis
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

fn open(entry: &str) -> Found {
    let Some((refresh_at, json)) = entry.split_once('|') else { return Found::Absent };
    let Ok(refresh_at) = refresh_at.parse::<u64>() else { return Found::Absent };
    Found::Entry { json: json.into(), ageing: wall_ms() >= refresh_at }
}

fn read<V: DeserializeOwned>(kind: &'static str, json: &str) -> Option<V> {
    // An entry of another form is a miss; the version in the key should have kept it apart.
    serde_json::from_str(json)
        .inspect_err(|e| {
            seen::error(kind, "unreadable", 1);
            debug!(entity = kind, cause = %e, "a cached value cannot be read");
        })
        .ok()
}

/// Redis counts real time, also where the injected clock runs fast.
#[expect(clippy::disallowed_methods, reason = "compared with what Redis counts, not with the injected clock")]
fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
