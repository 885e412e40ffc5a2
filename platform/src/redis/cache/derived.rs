//! Values derived from an entity: lists, counts, pages. They lie together in one hash beside it, with a mark; whoever
//! invalidates the entity deletes the hash, and a load that began before finds its mark gone and writes nothing. So
//! nobody needs to know their names.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use redis::Script;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::CacheError;
use super::super::pool::millis;
use super::flight::Seat;
use super::lease::derived_of;
use super::{Cache, CacheKey, NOTHING, read, seen, wall_ms};

/// Values derived from one entity; what comes after is loaded every time.
const MAX_DERIVED: usize = 1_000;

static LOOK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../lua/derive.lua")));
static FILL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../lua/derived.lua")));

impl Cache {
    /// Like [`Self::get_or_load`] for the value `what` that is derived from the entity `of`: whoever invalidates the
    /// entity invalidates this with it. Each process loads for itself.
    ///
    /// # Errors
    /// Only what `load` returns.
    pub async fn get_or_load_derived<P, V, E, F>(
        &self,
        of: &CacheKey<P>,
        what: &str,
        ttl: Duration,
        load: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        V: Serialize + DeserializeOwned,
        F: Future<Output = Result<V, E>>,
    {
        let (kind, name) = (of.kind, format!("{}/{what}", of.name));
        self.hearing.begin(&self.memory);
        loop {
            match self.memory.flights.join(&name) {
                Seat::Passenger(passenger) => {
                    if let Some(json) = passenger.arrive().await
                        && let Some(value) = read(kind, &json)
                    {
                        seen::hit(kind, "joined", *json == *NOTHING);
                        return Ok(value);
                    }
                }
                Seat::Leader(leader) => {
                    let (mark, json) = self.look_derived(&of.name, what, ttl).await;
                    if let Some(json) = json
                        && let Some(value) = read(kind, &json)
                    {
                        leader.land(&json);
                        seen::hit(kind, "hit", *json == *NOTHING);
                        return Ok(value);
                    }
                    seen::read(kind, "miss");
                    let since = Instant::now();
                    let loaded = load().await;
                    seen::load(kind, since, &loaded);
                    let value = loaded?;
                    if let Ok(json) = serde_json::to_string(&value) {
                        if let Some(mark) = mark {
                            self.fill_derived(of, what, &mark, &json, ttl).await;
                        }
                        leader.land(&json.into());
                    }
                    return Ok(value);
                }
            }
        }
    }

    /// The mark, when Redis may be asked, and the value, when it is there and its time is not over.
    async fn look_derived(&self, of: &str, what: &str, ttl: Duration) -> (Option<String>, Option<Arc<str>>) {
        if self.memory.repairs.pending(of) {
            return (None, None);
        }
        let (token, life) = (self.token(), millis(ttl).to_string());
        let found: Result<(String, Option<String>), CacheError> =
            self.memory.redis.script("cache.derive", &LOOK, &[&derived_of(of)], &[what, &token, &life]).await;
        let Ok((mark, entry)) = found else { return (None, None) };
        let json = entry.and_then(|entry| {
            let (until, json) = entry.split_once('|')?;
            (until.parse::<u64>().ok()? > wall_ms()).then(|| json.into())
        });
        (Some(mark), json)
    }

    async fn fill_derived<P>(&self, of: &CacheKey<P>, what: &str, mark: &str, json: &str, ttl: Duration) {
        if self.memory.repairs.pending(&of.name) {
            return;
        }
        let entry = format!("{}|{json}", wall_ms().saturating_add(millis(ttl)));
        let (life, most) = (millis(ttl).to_string(), MAX_DERIVED.to_string());
        let args = [what, mark, &entry, &life, &most];
        let filled = self.memory.redis.script("cache.derived", &FILL, &[&derived_of(&of.name)], &args).await;
        seen::fill(of.kind, super::lease::became(&filled));
    }
}
