//! What the cache says to Redis: looking, taking the lease of a load, writing under it, giving it back.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::Script;
use serde::Serialize;

use super::super::CacheError;
use super::super::pool::millis;
use super::{Cache, Found, REFRESH_SHARE, WAIT_LOOKS, WAIT_STEP, Wish, open, seen, wall_ms};

/// How long a load may take and still be written; above every database deadline of the request path.
const LEASE: Duration = Duration::from_secs(5);

static FILL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../lua/fill.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../lua/release.lua")));

/// The lease on a name.
pub(super) fn lease_of(name: &str) -> String {
    format!("lease:{name}")
}

/// Where the values lie that are derived from a name.
pub(super) fn derived_of(name: &str) -> String {
    format!("derived:{name}")
}

/// What asking for the lease of a key has brought.
pub(super) struct Claim {
    /// The lease is ours: what we load may be written.
    pub(super) leased: bool,
    /// What lay under the key in that moment.
    pub(super) found: Found,
}

impl Claim {
    /// Redis was not reached, or may not be asked for this key.
    pub(super) fn none() -> Self {
        Self { leased: false, found: Found::Unknown }
    }
}

impl Cache {
    pub(super) async fn look(&self, name: &str) -> Found {
        if self.memory.repairs.pending(name) {
            return Found::Unknown;
        }
        match self.memory.redis.get(name).await {
            Ok(Some(entry)) => open(&entry),
            Ok(None) => Found::Absent,
            Err(_) => Found::Unknown,
        }
    }

    /// [`Self::look`] for many, in the order of the names.
    pub(super) async fn look_many(&self, names: &[String]) -> Vec<Found> {
        let keys: Vec<String> = names.iter().map(|name| self.memory.redis.key(name)).collect();
        if keys.is_empty() {
            return Vec::new();
        }
        let rows: Result<Vec<Option<String>>, CacheError> =
            self.memory
                .redis
                .run("cache.mget", |mut conn| async move {
                    redis::cmd("MGET").arg(keys).query_async(&mut conn).await
                })
                .await;
        match rows {
            Ok(rows) => names.iter().zip(rows).map(|(name, row)| self.found(name, row)).collect(),
            Err(_) => names.iter().map(|_| Found::Unknown).collect(),
        }
    }

    fn found(&self, name: &str, row: Option<String>) -> Found {
        match row {
            _ if self.memory.repairs.pending(name) => Found::Unknown,
            Some(entry) => open(&entry),
            None => Found::Absent,
        }
    }

    pub(super) async fn await_other_process(&self, name: &str) -> Option<Arc<str>> {
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

    /// Asks for the lease of a key and looks again in the same breath.
    pub(super) async fn claim(&self, name: &str, token: &str) -> Claim {
        self.claim_many(&[name.to_owned()], token).await.pop().unwrap_or_else(Claim::none)
    }

    /// [`Self::claim`] for many, in the order of the names.
    pub(super) async fn claim_many(&self, names: &[String], token: &str) -> Vec<Claim> {
        let none = || names.iter().map(|_| Claim::none()).collect();
        // One of them is distrusted for a moment: rare, and over soon, so all of them go without a lease.
        if names.is_empty() || names.iter().any(|name| self.memory.repairs.pending(name)) {
            return none();
        }
        let mut pipe = redis::pipe();
        for name in names {
            pipe.cmd("SET")
                .arg(self.memory.redis.key(&lease_of(name)))
                .arg(token)
                .arg("NX")
                .arg("PX")
                .arg(millis(LEASE))
                .cmd("GET")
                .arg(self.memory.redis.key(name));
        }
        let said: Result<Vec<Option<String>>, CacheError> = self
            .memory
            .redis
            .run("cache.lease", |mut conn| async move { pipe.query_async(&mut conn).await })
            .await;
        let Ok(said) = said else { return none() };
        let mut said = said.into_iter();
        let mut claims = Vec::with_capacity(names.len());
        for name in names {
            let (leased, row) = (said.next().flatten().is_some(), said.next().flatten());
            claims.push(Claim { leased, found: self.found(name, row) });
        }
        claims
    }

    pub(super) async fn release_many(&self, names: &[String], token: &str) {
        for name in names {
            // Not released, it expires by itself.
            let released: Result<i64, CacheError> =
                self.memory.redis.script("cache.release", &RELEASE, &[&lease_of(name)], &[token]).await;
            if released.is_err() {
                return;
            }
        }
    }

    pub(super) async fn fill(&self, wish: Wish<'_>, entry: String, life: Duration, token: &str) {
        seen::size(wish.kind, &entry);
        let (name, life) = (wish.name, millis(life).to_string());
        let keys = [name, &lease_of(name)];
        let filled = self.memory.redis.script("cache.fill", &FILL, &keys, &[token, &entry, &life]).await;
        seen::fill(wish.kind, became(&filled));
    }

    pub(super) async fn fill_many(
        &self,
        kind: &'static str,
        fills: Vec<(String, String, Duration)>,
        token: &str,
    ) {
        if fills.is_empty() {
            return;
        }
        let fills_count = fills.len();
        // EVAL with the text rather than its hash: a pipeline cannot repair a missing script half-way.
        let mut pipe = redis::pipe();
        for (name, entry, life) in fills {
            seen::size(kind, &entry);
            pipe.cmd("EVAL")
                .arg(include_str!("../lua/fill.lua"))
                .arg(2)
                .arg(self.memory.redis.key(&name))
                .arg(self.memory.redis.key(&lease_of(&name)))
                .arg(token)
                .arg(entry)
                .arg(millis(life));
        }
        // Not written, it is loaded again.
        let filled: Result<Vec<i64>, CacheError> = self
            .memory
            .redis
            .run("cache.fill_many", |mut conn| async move { pipe.query_async(&mut conn).await })
            .await;
        match filled {
            Ok(rows) => rows.into_iter().for_each(|row| seen::fill(kind, became(&Ok(row)))),
            Err(e) => (0..fills_count).for_each(|_| seen::fill(kind, became(&Err(e.clone())))),
        }
    }

    pub(super) fn token(&self) -> String {
        hex::encode(self.random.bytes::<12>())
    }

    pub(super) fn entry<V: Serialize>(&self, value: &V, ttl: Duration) -> Option<(String, Duration)> {
        serde_json::to_string(value).ok().map(|json| self.dated(&json, ttl))
    }

    /// The stored form: the instant from which the entry is refreshed, `|`, the value. With its life, which
    /// is `ttl` ± 10 %, so that what was cached together does not expire together.
    pub(super) fn dated(&self, json: &str, ttl: Duration) -> (String, Duration) {
        let ms = millis(ttl);
        let life = ms - ms / 10 + self.random.below(ms / 5 + 1);
        let refresh_at = wall_ms().saturating_add(life - life / u64::from(REFRESH_SHARE));
        (format!("{refresh_at}|{json}"), Duration::from_millis(life))
    }
}

/// What a script said about a value that was to be written.
pub(super) fn became(filled: &Result<i64, CacheError>) -> &'static str {
    match filled {
        Ok(0) => "overtaken",
        Ok(_) => "written",
        Err(_) => "lost",
    }
}
