//! Many values at once: one read, one load for all that are missing here, and whoever loads a key already is waited for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::flight::{Leader, Passenger, Seat};
use super::lease::Claim;
use super::{Cache, CacheKey, Found, WAIT_LOOKS, WAIT_STEP, read, record, ttl};

/// A reader waits for the loads of others this often, each time because one of them gave up; then it loads by itself.
const MAX_RIDES: u32 = 3;

/// A key that has to be loaded, or whose value is ageing.
struct Wanted<I, V> {
    id: I,
    name: String,
    /// An ageing value: good enough while somebody else loads.
    old: Option<Option<V>>,
    /// Redis was reached and may be asked for this key.
    reached: bool,
}

/// A key that this reader sees to; without a seat on a flight when it has waited for others too often.
struct Led<'f, I, V> {
    wanted: Wanted<I, V>,
    leader: Option<Leader<'f>>,
    leased: bool,
}

/// How one batch is loaded.
struct Loading<'t, L> {
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
        V: Serialize + DeserializeOwned,
        F: Future<Output = Result<HashMap<I, V>, E>>,
    {
        let mut out = HashMap::with_capacity(ids.len());
        let names: Vec<String> = ids.iter().map(|id| key(id).name).collect();
        let mut open: Vec<Wanted<I, V>> = Vec::new();
        for ((id, name), found) in ids.iter().zip(&names).zip(self.look_many(&names).await) {
            let reached = !matches!(found, Found::Unknown);
            let (value, ageing) = match found {
                Found::Entry { json, ageing } => (read::<Option<V>>(&json), ageing),
                Found::Absent | Found::Unknown => (None, false),
            };
            match value {
                Some(value) if !ageing => out.extend(value.map(|value| (id.clone(), value))),
                old => open.push(Wanted { id: id.clone(), name: name.clone(), old, reached }),
            }
        }
        record(names.len().saturating_sub(open.len()), "hit");
        let token = self.token();
        let loading = Loading { load, ttl, token: &token };
        for ride in 0..=MAX_RIDES {
            let mut led = Vec::new();
            let mut rides: Vec<(Wanted<I, V>, Passenger)> = Vec::new();
            for mut wanted in open.drain(..) {
                match self.flights.join(&wanted.name) {
                    Seat::Leader(leader) => led.push(Led { wanted, leader: Some(leader), leased: false }),
                    Seat::Passenger(passenger) => match wanted.old.take() {
                        // Somebody else loads anew already; the old value is still good.
                        Some(old) => {
                            record(1, "hit");
                            out.extend(old.map(|old| (wanted.id, old)));
                        }
                        None if ride < MAX_RIDES => rides.push((wanted, passenger)),
                        None => led.push(Led { wanted, leader: None, leased: false }),
                    },
                }
            }
            // First what others may be waiting for, then the waiting: two readers never wait for each other.
            self.bring(led, &loading, &mut out).await?;
            for (wanted, passenger) in rides {
                match passenger.arrive().await.and_then(|json| read::<Option<V>>(&json)) {
                    Some(value) => {
                        record(1, "joined");
                        out.extend(value.map(|value| (wanted.id, value)));
                    }
                    // The leader failed or was dropped.
                    None => open.push(wanted),
                }
            }
            if open.is_empty() {
                break;
            }
        }
        Ok(out)
    }

    /// Sees to the keys this reader leads: by what was written meanwhile, by a load, or by what another process loads.
    async fn bring<I, V, E, F>(
        &self,
        led: Vec<Led<'_, I, V>>,
        loading: &Loading<'_, impl Fn(Vec<I>) -> F>,
        out: &mut HashMap<I, V>,
    ) -> Result<(), E>
    where
        I: Eq + Hash + Clone,
        V: Serialize + DeserializeOwned,
        F: Future<Output = Result<HashMap<I, V>, E>>,
    {
        let asked: Vec<String> =
            led.iter().filter(|l| l.wanted.reached).map(|l| l.wanted.name.clone()).collect();
        let mut claims = self.claim_many(&asked, loading.token).await.into_iter();
        let (mut missing, mut elsewhere, mut unneeded) = (Vec::new(), Vec::new(), Vec::new());
        for mut led in led {
            let claim = if led.wanted.reached { claims.next() } else { None };
            let Claim { leased, found } = claim.unwrap_or_else(Claim::none);
            led.leased = leased;
            let name = led.wanted.name.clone();
            match (found, led.wanted.old.take()) {
                // Written since we looked: whoever loaded it has landed just before we joined.
                (Found::Entry { json, ageing: false }, old) => match arrive(led, &json, "hit", out) {
                    None if leased => unneeded.push(name),
                    None => {}
                    Some(mut unreadable) => {
                        unreadable.wanted.old = old;
                        missing.push(unreadable);
                    }
                },
                (_, old) if leased => {
                    led.wanted.old = old;
                    missing.push(led);
                }
                // Another process loads it anew, or nobody can write now; the old value is still good.
                (_, Some(old)) => {
                    record(1, "hit");
                    out.extend(old.map(|old| (led.wanted.id, old)));
                }
                (Found::Unknown, None) => missing.push(led),
                (_, None) => elsewhere.push(led),
            }
        }
        self.release_many(&unneeded, loading.token).await;
        self.load_now(missing, loading, out).await?;
        let missing = self.await_others(elsewhere, out).await;
        self.load_now(missing, loading, out).await
    }

    /// Looks again, all at once, while other processes load; gives back what they did not bring.
    async fn await_others<'f, I, V>(
        &self,
        mut elsewhere: Vec<Led<'f, I, V>>,
        out: &mut HashMap<I, V>,
    ) -> Vec<Led<'f, I, V>>
    where
        I: Eq + Hash,
        V: Serialize + DeserializeOwned,
    {
        let mut missing = Vec::new();
        for _ in 0..WAIT_LOOKS {
            if elsewhere.is_empty() {
                break;
            }
            tokio::time::sleep(WAIT_STEP).await;
            let names: Vec<String> = elsewhere.iter().map(|led| led.wanted.name.clone()).collect();
            let looked = self.look_many(&names).await;
            for (led, found) in std::mem::take(&mut elsewhere).into_iter().zip(looked) {
                match found {
                    Found::Entry { json, .. } => missing.extend(arrive(led, &json, "waited", out)),
                    Found::Absent => elsewhere.push(led),
                    Found::Unknown => missing.push(led),
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
        V: Serialize + DeserializeOwned,
        F: Future<Output = Result<HashMap<I, V>, E>>,
    {
        if missing.is_empty() {
            return Ok(());
        }
        record(missing.len(), "miss");
        let mut loaded = match (loading.load)(missing.iter().map(|led| led.wanted.id.clone()).collect()).await
        {
            Ok(loaded) => loaded,
            Err(e) => {
                let leased: Vec<String> =
                    missing.iter().filter(|led| led.leased).map(|led| led.wanted.name.clone()).collect();
                self.release_many(&leased, loading.token).await;
                // While every key has an old value, nobody has to hear of it.
                if missing.iter().any(|led| led.wanted.old.is_none()) {
                    return Err(e);
                }
                let old = missing.into_iter().filter_map(|led| Some((led.wanted.id, led.wanted.old??)));
                out.extend(old);
                return Ok(());
            }
        };
        let mut fills = Vec::with_capacity(missing.len());
        let mut landings = Vec::with_capacity(missing.len());
        for led in missing {
            let value = loaded.remove(&led.wanted.id);
            if let Ok(json) = serde_json::to_string(&value) {
                if led.leased {
                    let life = if value.is_some() { loading.ttl } else { ttl::NEGATIVE.min(loading.ttl) };
                    let (entry, life) = self.dated(&json, life);
                    fills.push((led.wanted.name, entry, life));
                }
                landings.extend(led.leader.map(|leader| (leader, json)));
            }
            out.extend(value.map(|value| (led.wanted.id, value)));
        }
        // Written first: whoever misses a flight that has landed finds the value in Redis.
        self.fill_many(fills, loading.token).await;
        for (leader, json) in landings {
            leader.land(&json.into());
        }
        Ok(())
    }
}

/// Takes a value from the cache and hands it to those who wait here; gives the key back when it cannot be read.
fn arrive<'f, I, V>(
    led: Led<'f, I, V>,
    json: &Arc<str>,
    outcome: &'static str,
    out: &mut HashMap<I, V>,
) -> Option<Led<'f, I, V>>
where
    I: Eq + Hash,
    V: DeserializeOwned,
{
    let Some(value) = read::<Option<V>>(json) else { return Some(led) };
    record(1, outcome);
    if let Some(leader) = led.leader {
        leader.land(json);
    }
    out.extend(value.map(|value| (led.wanted.id, value)));
    None
}
