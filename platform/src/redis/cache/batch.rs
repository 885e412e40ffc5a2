//! Many values at once: one look and one load for all that are missing here; whoever reads a key already is waited for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::flight::{Leader, Passenger, Seat};
use super::lease::Claim;
use super::{Cache, CacheKey, Found, NOTHING, WAIT_LOOKS, WAIT_STEP, Wish, read, seen, ttl};

/// A reader waits for others this often, each time because one of them gave up; then it sees to the key by itself.
const MAX_RIDES: u32 = 3;

/// A key that is not near.
struct Wanted<I> {
    id: I,
    name: String,
    /// When it was looked for, for what is kept near.
    turn: u64,
}

/// A key that this reader sees to.
struct Led<'f, I, V> {
    wanted: Wanted<I>,
    /// None when nobody waits: it has landed, or the reader has waited for others too often.
    leader: Option<Leader<'f>>,
    /// An ageing value, good enough while somebody else loads.
    old: Option<Option<V>>,
    /// Redis was reached and may be asked for this key.
    reached: bool,
    leased: bool,
}

impl<V, I> Led<'_, I, V> {
    /// Hands a value to those who wait here.
    fn land(&mut self, json: &Arc<str>) {
        if let Some(leader) = self.leader.take() {
            leader.land(json);
        }
    }
}

/// How one batch is loaded.
struct Loading<'t, L> {
    kind: &'static str,
    load: L,
    ttl: Duration,
    token: &'t str,
}

impl Cache {
    /// Many at once, for dataloaders: one read, one `load` for all that are missing (another one only for those that
    /// somebody else was loading and did not bring). What `load` does not return does not exist, which is remembered
    /// for [`ttl::NEGATIVE`].
    ///
    /// # Errors
    /// Only what `load` returns.
    pub async fn get_many_or_load<I, V, E, F>(
        &self,
        ids: &[I],
        key: impl Fn(&I) -> CacheKey<V>,
        ttl: Duration,
        load: impl Fn(Vec<I>) -> F,
    ) -> Result<HashMap<I, V>, E>
    where
        I: Eq + Hash + Clone,
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: Future<Output = Result<HashMap<I, V>, E>>,
    {
        let mut out = HashMap::with_capacity(ids.len());
        let mut far = Vec::new();
        let Some(kind) = ids.first().map(|id| key(id).kind) else { return Ok(out) };
        for id in ids {
            let name = key(id).name;
            let kept = self.memory.near.get::<Option<V>>(Wish { name: &name, kind }).await;
            if let Some((value, negative)) = kept {
                seen::hit(kind, "near", negative);
                out.extend(value.map(|value| (id.clone(), value)));
            } else {
                let turn = self.memory.near.turn(&name);
                far.push(Wanted { id: id.clone(), name, turn });
            }
        }
        if !far.is_empty() {
            let token = self.token();
            let loading = Loading { kind, load, ttl, token: &token };
            // On the heap: the futures of use cases hold many of these, and they are large.
            Box::pin(self.fetch(far, &loading, &mut out)).await?;
        }
        Ok(out)
    }

    /// Brings what is not near: as a leader where nobody reads the key yet, as a passenger elsewhere.
    async fn fetch<I, V, E, F>(
        &self,
        mut open: Vec<Wanted<I>>,
        loading: &Loading<'_, impl Fn(Vec<I>) -> F>,
        out: &mut HashMap<I, V>,
    ) -> Result<(), E>
    where
        I: Eq + Hash + Clone,
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: Future<Output = Result<HashMap<I, V>, E>>,
    {
        self.hearing.begin(&self.memory);
        for ride in 0..=MAX_RIDES {
            let mut led = Vec::new();
            let mut rides: Vec<(Wanted<I>, Passenger)> = Vec::new();
            for wanted in open.drain(..) {
                let leader = match self.memory.flights.join(&wanted.name) {
                    Seat::Leader(leader) => Some(leader),
                    Seat::Passenger(passenger) if ride < MAX_RIDES => {
                        rides.push((wanted, passenger));
                        continue;
                    }
                    Seat::Passenger(_) => None,
                };
                led.push(Led { wanted, leader, old: None, reached: true, leased: false });
            }
            // First what others may be waiting for, then the waiting: two readers never wait for each other.
            self.bring(led, loading, out).await?;
            for (wanted, passenger) in rides {
                let landed = passenger.arrive().await;
                match landed {
                    Some(json) if self.hand_over(loading.kind, &wanted, &json, "joined", out).await => {}
                    // The leader failed or was dropped.
                    _ => open.push(wanted),
                }
            }
            if open.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Sees to the keys this reader leads: by what lies in Redis, by a load, or by what another process loads.
    async fn bring<I, V, E, F>(
        &self,
        led: Vec<Led<'_, I, V>>,
        loading: &Loading<'_, impl Fn(Vec<I>) -> F>,
        out: &mut HashMap<I, V>,
    ) -> Result<(), E>
    where
        I: Eq + Hash + Clone,
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: Future<Output = Result<HashMap<I, V>, E>>,
    {
        let kind = loading.kind;
        let open = self.look_for(kind, led, out).await;
        let asked: Vec<String> =
            open.iter().filter(|led| led.reached).map(|led| led.wanted.name.clone()).collect();
        let mut claims = self.claim_many(&asked, loading.token).await.into_iter();
        let (mut missing, mut elsewhere, mut unneeded) = (Vec::new(), Vec::new(), Vec::new());
        for mut led in open {
            let claim = if led.reached { claims.next() } else { None };
            let Claim { leased, found } = claim.unwrap_or_else(Claim::none);
            led.leased = leased;
            match found {
                // Written since we looked.
                Found::Entry { json, ageing: false }
                    if self.hand_over(kind, &led.wanted, &json, "hit", out).await =>
                {
                    led.land(&json);
                    if leased {
                        unneeded.push(led.wanted.name);
                    }
                }
                _ if leased => missing.push(led),
                // Another process loads it anew, or nobody can write now; the old value is still good.
                _ if led.old.is_some() => {
                    seen::read(kind, "stale");
                    let id = led.wanted.id;
                    out.extend(led.old.flatten().map(|old| (id, old)));
                }
                Found::Unknown => missing.push(led),
                Found::Absent | Found::Entry { .. } => elsewhere.push(led),
            }
        }
        self.release_many(&unneeded, loading.token).await;
        self.load_now(missing, loading, out).await?;
        let missing = self.await_others(kind, elsewhere, out).await;
        self.load_now(missing, loading, out).await
    }

    /// Looks into Redis; gives back what has to be loaded. An ageing value is handed to those who wait at once: they do
    /// not have to wait for the new one.
    async fn look_for<'f, I, V>(
        &self,
        kind: &'static str,
        led: Vec<Led<'f, I, V>>,
        out: &mut HashMap<I, V>,
    ) -> Vec<Led<'f, I, V>>
    where
        I: Eq + Hash + Clone,
        V: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let names: Vec<String> = led.iter().map(|led| led.wanted.name.clone()).collect();
        let mut open = Vec::new();
        for (mut led, found) in led.into_iter().zip(self.look_many(&names).await) {
            match found {
                Found::Entry { json, ageing: false }
                    if self.hand_over(kind, &led.wanted, &json, "hit", out).await =>
                {
                    led.land(&json);
                    continue;
                }
                Found::Entry { json, ageing: true } => {
                    led.old = read(kind, &json);
                    if led.old.is_some() {
                        led.land(&json);
                    }
                }
                Found::Unknown => led.reached = false,
                Found::Absent | Found::Entry { .. } => {}
            }
            open.push(led);
        }
        open
    }

    /// Looks again, all at once, while other processes load; gives back what they did not bring.
    async fn await_others<'f, I, V>(
        &self,
        kind: &'static str,
        mut elsewhere: Vec<Led<'f, I, V>>,
        out: &mut HashMap<I, V>,
    ) -> Vec<Led<'f, I, V>>
    where
        I: Eq + Hash + Clone,
        V: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let mut missing = Vec::new();
        for _ in 0..WAIT_LOOKS {
            if elsewhere.is_empty() {
                break;
            }
            tokio::time::sleep(WAIT_STEP).await;
            let names: Vec<String> = elsewhere.iter().map(|led| led.wanted.name.clone()).collect();
            let looked = self.look_many(&names).await;
            for (mut led, found) in std::mem::take(&mut elsewhere).into_iter().zip(looked) {
                match found {
                    Found::Entry { json, .. }
                        if self.hand_over(kind, &led.wanted, &json, "waited", out).await =>
                    {
                        led.land(&json);
                    }
                    Found::Absent => elsewhere.push(led),
                    Found::Entry { .. } | Found::Unknown => missing.push(led),
                }
            }
        }
        missing.extend(elsewhere);
        missing
    }

    /// One load for all of them, written where the lease is ours, handed to those who wait here.
    async fn load_now<I, V, E, F>(
        &self,
        missing: Vec<Led<'_, I, V>>,
        loading: &Loading<'_, impl Fn(Vec<I>) -> F>,
        out: &mut HashMap<I, V>,
    ) -> Result<(), E>
    where
        I: Eq + Hash + Clone,
        V: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
        F: Future<Output = Result<HashMap<I, V>, E>>,
    {
        if missing.is_empty() {
            return Ok(());
        }
        let kind = loading.kind;
        let since = Instant::now();
        let loaded = (loading.load)(missing.iter().map(|led| led.wanted.id.clone()).collect()).await;
        seen::load(kind, since, &loaded);
        let mut loaded = match loaded {
            Ok(loaded) => loaded,
            Err(e) => {
                let old = missing.iter().filter(|led| led.old.is_some()).count();
                seen::reads(kind, "stale", old);
                seen::reads(kind, "miss", missing.len().saturating_sub(old));
                let leased: Vec<String> =
                    missing.iter().filter(|led| led.leased).map(|led| led.wanted.name.clone()).collect();
                self.release_many(&leased, loading.token).await;
                // While every key has an old value, nobody has to hear of it.
                if missing.iter().any(|led| led.old.is_none()) {
                    return Err(e);
                }
                let old = missing.into_iter().filter_map(|led| Some((led.wanted.id, led.old??)));
                out.extend(old);
                return Ok(());
            }
        };
        seen::reads(kind, "miss", missing.len());
        let mut fills = Vec::with_capacity(missing.len());
        let mut landings = Vec::with_capacity(missing.len());
        for led in missing {
            let Wanted { id, name, turn } = led.wanted;
            let value = loaded.remove(&id);
            if let Ok(json) = serde_json::to_string(&value) {
                self.memory.near.keep(Wish { name: &name, kind }, turn, &value, &json).await;
                if led.leased {
                    let life = if value.is_some() { loading.ttl } else { ttl::NEGATIVE.min(loading.ttl) };
                    let (entry, life) = self.dated(&json, life);
                    fills.push((name, entry, life));
                }
                landings.extend(led.leader.map(|leader| (leader, json)));
            }
            out.extend(value.map(|value| (id, value)));
        }
        // Written first: whoever misses a flight that has landed finds the value in Redis.
        self.fill_many(kind, fills, loading.token).await;
        for (leader, json) in landings {
            leader.land(&json.into());
        }
        Ok(())
    }

    /// Hands a value from the cache to its reader and keeps it near for the next ones; `false` when it cannot be read.
    async fn hand_over<I, V>(
        &self,
        kind: &'static str,
        wanted: &Wanted<I>,
        json: &Arc<str>,
        outcome: &'static str,
        out: &mut HashMap<I, V>,
    ) -> bool
    where
        I: Eq + Hash + Clone,
        V: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let Some(value) = read::<Option<V>>(kind, json) else { return false };
        seen::hit(kind, outcome, **json == *NOTHING);
        self.memory.near.keep(Wish { name: &wanted.name, kind }, wanted.turn, &value, json).await;
        out.extend(value.map(|value| (wanted.id.clone(), value)));
        true
    }
}
