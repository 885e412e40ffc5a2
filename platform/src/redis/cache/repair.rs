//! Invalidations that may not have come through: those that could not be made because Redis was away, and those that a
//! server which has failed took with it. They are repeated until they are made.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::super::CacheError;
use super::hear::Memory;
use super::{seen, unlink_matching};

/// How often the put-off invalidations are tried again.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// Above this the whole cache is distrusted instead of single keys.
const MAX_KEYS: usize = 50_000;
/// Keys deleted in one go.
const BATCH: usize = 500;
/// So long an invalidation is remembered after it was made. A fail-over, and everybody's hearing of it, takes seconds;
/// a server that took over may lack what its master was told in the last of them.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Above this the oldest are not remembered, and a lost server costs the whole cache.
const MAX_REMEMBERED: usize = 20_000;

#[derive(Debug, Default)]
struct State {
    /// The names, each with the number of its latest invalidation.
    names: HashMap<String, u64>,
    next: u64,
    /// Too many to remember: everything must go.
    all: bool,
    running: bool,
}

/// What was invalidated lately, oldest first.
#[derive(Debug, Default)]
struct Recent {
    made: VecDeque<(Instant, Vec<String>)>,
    names: usize,
    /// When one was dropped that was not old yet.
    dropped: Option<Instant>,
}

/// The put-off and the recent invalidations of this process.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    state: Mutex<State>,
    recent: Mutex<Recent>,
}

impl Repairs {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the cached value of `name` must not be used or written yet.
    pub(super) fn pending(&self, name: &str) -> bool {
        let state = self.state();
        state.running && (state.all || state.names.contains_key(name))
    }

    /// Notes invalidations that were made, or are about to be.
    pub(super) fn remember(&self, names: &[String]) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.names += names.len();
        recent.made.push_back((Instant::now(), names.to_vec()));
        while let Some((at, names)) = recent.made.front() {
            let (young, count) = (at.elapsed() < REMEMBERED, names.len());
            if young && recent.names <= MAX_REMEMBERED {
                break;
            }
            if young {
                recent.dropped = Some(Instant::now());
            }
            recent.names = recent.names.saturating_sub(count);
            recent.made.pop_front();
        }
    }

    /// Makes the recent invalidations again; how many.
    pub(super) fn repeat_recent(self: &Arc<Self>, memory: &Memory) -> usize {
        let (names, all) = {
            let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            let young = recent.made.iter().filter(|(at, _)| at.elapsed() < REMEMBERED);
            let names: Vec<String> = young.flat_map(|(_, names)| names.clone()).collect();
            (names, recent.dropped.is_some_and(|at| at.elapsed() < REMEMBERED))
        };
        let count = names.len();
        if all {
            self.state().all = true;
        }
        if all || count > 0 {
            self.put_off(memory, names);
        }
        count
    }

    /// Remembers the names and repeats in the background.
    pub(super) fn put_off(self: &Arc<Self>, memory: &Memory, names: Vec<String>) {
        let mut state = self.state();
        state.next += 1;
        if state.names.len() + names.len() > MAX_KEYS {
            state.all = true;
            state.names.clear();
        } else {
            let number = state.next;
            state.names.extend(names.into_iter().map(|name| (name, number)));
        }
        seen::waiting(state.names.len());
        if !std::mem::replace(&mut state.running, true) {
            let (repairs, memory) = (Arc::clone(self), memory.clone());
            #[expect(
                clippy::disallowed_methods,
                reason = "ends by itself; a stale entry has a lifetime if it is cut"
            )]
            tokio::spawn(async move { repairs.run(&memory).await });
        }
    }

    async fn run(&self, memory: &Memory) {
        loop {
            tokio::time::sleep(TRY_EVERY).await;
            let (all, until, batch) = {
                let state = self.state();
                let batch: HashMap<String, u64> =
                    state.names.iter().take(BATCH).map(|(name, number)| (name.clone(), *number)).collect();
                (state.all, state.next, batch)
            };
            let outcome = if all {
                flush(memory).await
            } else {
                memory.delete(&batch.keys().cloned().collect::<Vec<_>>()).await
            };
            if outcome.is_err() {
                continue;
            }
            let mut state = self.state();
            if all {
                warn!("everything cached was forgotten after a long absence of redis");
                state.all = state.next != until;
            } else {
                // One put off again meanwhile stays.
                state.names.retain(|name, number| batch.get(name) != Some(number));
            }
            seen::waiting(state.names.len());
            if state.names.is_empty() && !state.all {
                state.running = false;
                info!("put-off invalidations are done");
                return;
            }
        }
    }
}

/// Deletes every key of this system that is a cached value, derived from one, or a lease.
pub(super) async fn flush(memory: &Memory) -> Result<(), CacheError> {
    unlink_matching(&memory.redis, &super::lease::lease_of("*")).await?;
    unlink_matching(&memory.redis, &super::lease::derived_of("*")).await?;
    unlink_matching(&memory.redis, "*:v[0-9]*:*").await?;
    memory.tell_all().await
}
