//! One value through the cache: join a reader of the same, or look, load and write back for all of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::flight::{Leader, Seat};
use super::lease::Claim;
use super::{Cache, Found, NOTHING, Wish, read, seen};

/// A reader and when it came, for what is kept near.
#[derive(Clone, Copy)]
struct Reader<'k> {
    wish: Wish<'k>,
    turn: u64,
}

impl Cache {
    pub(super) async fn through<V, E, F>(
        &self,
        wish: Wish<'_>,
        life: impl Fn(&V) -> Duration,
        load: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: Future<Output = Result<V, E>>,
    {
        if let Some((value, negative)) = self.memory.near.get::<V>(wish).await {
            seen::hit(wish.kind, "near", negative);
            return Ok(value);
        }
        // On the heap: the futures of use cases hold many of these, and they are large.
        Box::pin(self.far(wish, life, load)).await
    }

    async fn far<V, E, F>(
        &self,
        wish: Wish<'_>,
        life: impl Fn(&V) -> Duration,
        load: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: Future<Output = Result<V, E>>,
    {
        self.hearing.begin(&self.memory);
        let reader = Reader { wish, turn: self.memory.near.turn(wish.name) };
        loop {
            match self.memory.flights.join(wish.name) {
                Seat::Passenger(passenger) => {
                    // A leader that failed or was dropped leaves the seat to the next.
                    if let Some(json) = passenger.arrive().await
                        && let Some(value) = self.hand(reader, &json, "joined").await
                    {
                        return Ok(value);
                    }
                }
                Seat::Leader(leader) => return self.lead(reader, leader, life, load).await,
            }
        }
    }

    async fn lead<V, E, F>(
        &self,
        reader: Reader<'_>,
        leader: Leader<'_>,
        life: impl Fn(&V) -> Duration,
        load: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: Future<Output = Result<V, E>>,
    {
        let Wish { name, kind } = reader.wish;
        let mut leader = Some(leader);
        let mut land = |json: &Arc<str>| {
            if let Some(leader) = leader.take() {
                leader.land(json);
            }
        };
        let (mut old, mut reached) = (None, true);
        match self.look(name).await {
            Found::Entry { json, ageing: false } => {
                if let Some(value) = self.hand(reader, &json, "hit").await {
                    land(&json);
                    return Ok(value);
                }
            }
            Found::Entry { json, ageing: true } => old = read::<V>(kind, &json).map(|value| (value, json)),
            Found::Absent => {}
            Found::Unknown => reached = false,
        }
        let token = self.token();
        let Claim { leased, found } = if reached { self.claim(name, &token).await } else { Claim::none() };
        // Written since we looked.
        if let Found::Entry { json, ageing: false } = found
            && let Some(value) = self.hand(reader, &json, "hit").await
        {
            land(&json);
            if leased {
                self.release_many(&[name.to_owned()], &token).await;
            }
            return Ok(value);
        }
        // An ageing value is still good: nobody else has to wait for the new one.
        if let Some((_, json)) = &old {
            land(json);
        }
        if reached && !leased {
            if let Some((value, _)) = old {
                seen::read(kind, "stale");
                return Ok(value);
            }
            if let Some(json) = self.await_other_process(name).await
                && let Some(value) = self.hand(reader, &json, "waited").await
            {
                land(&json);
                return Ok(value);
            }
        }
        let since = Instant::now();
        let loaded = load().await;
        seen::load(kind, since, &loaded);
        match (loaded, old) {
            (Ok(value), _) => {
                seen::read(kind, "miss");
                if let Ok(json) = serde_json::to_string(&value) {
                    self.memory.near.keep(reader.wish, reader.turn, &value, &json).await;
                    // Written first: whoever misses a flight that has landed finds the value in Redis.
                    if leased {
                        let (entry, life) = self.dated(&json, life(&value));
                        self.fill(reader.wish, entry, life, &token).await;
                    }
                    land(&json.into());
                }
                Ok(value)
            }
            (Err(e), old) => {
                if leased {
                    self.release_many(&[name.to_owned()], &token).await;
                }
                seen::read(kind, if old.is_some() { "stale" } else { "miss" });
                old.map(|(value, _)| value).ok_or(e)
            }
        }
    }

    /// A value from the cache for its reader, kept near for the next ones.
    async fn hand<V>(&self, reader: Reader<'_>, json: &Arc<str>, outcome: &'static str) -> Option<V>
    where
        V: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let Reader { wish, turn } = reader;
        let value = read::<V>(wish.kind, json)?;
        seen::hit(wish.kind, outcome, &**json == NOTHING);
        self.memory.near.keep(wish, turn, &value, json).await;
        Some(value)
    }
}
