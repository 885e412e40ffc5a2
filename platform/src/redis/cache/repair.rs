//! Invalidations that could not be made because Redis was away: repeated until they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use super::RedisPool;

/// How often the put-off invalidations are tried again.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// Above this the whole cache is distrusted instead of single keys.
const MAX_KEYS: usize = 50_000;
/// Keys deleted in one command.
const BATCH: usize = 500;

#[derive(Debug, Default)]
struct State {
    /// The names, each with the number of its latest invalidation.
    names: HashMap<String, u64>,
    next: u64,
    /// Too many to remember: everything must go.
    all: bool,
    running: bool,
}

/// The put-off invalidations of this process.
#[derive(Debug, Default)]
pub(super) struct Repairs(Mutex<State>);

impl Repairs {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the cached value of `name` must not be used or written yet.
    pub(super) fn pending(&self, name: &str) -> bool {
        let state = self.state();
        state.running && (state.all || state.names.contains_key(name))
    }

    /// Remembers the names and repeats in the background.
    pub(super) fn put_off(self: &Arc<Self>, redis: &RedisPool, names: Vec<String>) {
        let mut state = self.state();
        state.next += 1;
        if state.names.len() + names.len() > MAX_KEYS {
            state.all = true;
            state.names.clear();
        } else {
            let number = state.next;
            state.names.extend(names.into_iter().map(|name| (name, number)));
        }
        if !std::mem::replace(&mut state.running, true) {
            let (repairs, redis) = (Arc::clone(self), redis.clone());
            #[expect(
                clippy::disallowed_methods,
                reason = "ends by itself; a stale entry has a lifetime if it is cut"
            )]
            tokio::spawn(async move { repairs.run(&redis).await });
        }
    }

    async fn run(&self, redis: &RedisPool) {
        loop {
            tokio::time::sleep(TRY_EVERY).await;
            let (all, seen, batch) = {
                let state = self.state();
                let batch: HashMap<String, u64> =
                    state.names.iter().take(BATCH).map(|(name, number)| (name.clone(), *number)).collect();
                (state.all, state.next, batch)
            };
            let outcome = if all {
                flush(redis).await
            } else {
                super::forget(redis, &batch.keys().cloned().collect::<Vec<_>>()).await
            };
            if outcome.is_err() {
                continue;
            }
            let mut state = self.state();
            if all {
                warn!("everything cached was forgotten after a long absence of redis");
                state.all = state.next != seen;
            } else {
                // One put off again meanwhile stays.
                state.names.retain(|name, number| batch.get(name) != Some(number));
            }
            if state.names.is_empty() && !state.all {
                state.running = false;
                info!("put-off invalidations are done");
                return;
            }
        }
    }
}

/// Deletes every key of this system that is a cached value or a lease.
async fn flush(redis: &RedisPool) -> Result<(), super::CacheError> {
    let cache = super::Cache::new(redis.clone(), crate::random::Random::from_os());
    cache.unlink_matching(&super::lease_of("*")).await?;
    cache.unlink_matching("*:v[0-9]*:*").await.map(|_| ())
}
